#include "config.h"

#include "engine/phys/slab_geometry.h"

#define WORD_BYTES 8u
#define CACHE_LINE_BYTES 64u

/* --- Slots -------------------------------------------------------------------------------------------------------- */

static uint32_t alignment_of(const struct slab_geometry_request *request)
{
	uint32_t alignment = request->alignment > WORD_BYTES ? request->alignment : WORD_BYTES;
	uint32_t line = CACHE_LINE_BYTES;

	if (!(request->flags & SLAB_HWCACHE_ALIGN))
		return alignment;
	while (request->object_bytes <= line / 2)
		line /= 2;
	return alignment > line ? alignment : line;
}

static bool has_outer_pointer(const struct slab_geometry_request *request)
{
	unsigned flags = request->flags;

	if ((flags & SLAB_TYPESAFE_BY_RCU) && !request->has_inner_pointer)
		return true;
	if ((flags & SLAB_POISON) || request->has_constructor)
		return true;
	return (flags & SLAB_RED_ZONE) &&
	       (request->object_bytes < WORD_BYTES || ((flags & SLAB_KMALLOC) && (flags & SLAB_STORE_USER)));
}

/* Room that only Linux's free objects need. */
static uint32_t linux_bytes(const struct slab_geometry_request *request)
{
	uint32_t bytes = has_outer_pointer(request) ? WORD_BYTES : 0;

	if (request->flags & SLAB_STORE_USER)
		bytes += 2 * SLAB_TRACK_BYTES + (request->flags & SLAB_KMALLOC ? 4 : 0);
	return bytes;
}

static void compute_slot(struct slab_geometry *geometry, const struct slab_geometry_request *request)
{
	uint32_t bytes = (uint32_t)round_up(request->object_bytes, WORD_BYTES);

	if ((request->flags & SLAB_RED_ZONE) && bytes == request->object_bytes)
		bytes += WORD_BYTES;
	geometry->object_bytes = request->object_bytes;
	geometry->alignment = alignment_of(request);
	geometry->in_use_bytes = bytes;
	if (request->rule == SLAB_GEOMETRY_LINUX)
		bytes += linux_bytes(request);
	if (request->flags & SLAB_RED_ZONE) {
		geometry->left_bytes = geometry->alignment;
		bytes += WORD_BYTES + geometry->left_bytes;
	}
	geometry->slot_bytes = (uint32_t)round_up(bytes, geometry->alignment);
}

/* --- Slabs -------------------------------------------------------------------------------------------------------- */

static uint32_t order_of(uint64_t bytes)
{
	return order_of_pages(pages_of_bytes(bytes));
}

/* The smallest order from `order` on that wastes at most 1/fraction of the slab. */
static uint32_t order_by_waste(uint32_t slot_bytes, uint32_t order, uint32_t order_max, uint32_t fraction)
{
	for (; order <= order_max; order++) {
		uint64_t bytes = PAGE_BYTES << order;

		if (bytes >= slot_bytes && bytes % slot_bytes <= bytes / fraction)
			break;
	}
	return order;
}

uint32_t slab_geometry_linux_order(uint32_t slot_bytes, uint32_t order_max, unsigned cpus)
{
	uint32_t wanted = 4 * (32 - (uint32_t)__builtin_clz(cpus) + 1);
	uint32_t most = slab_geometry_objects(slot_bytes, order_max);

	most = most > 0 ? most : 1;
	wanted = wanted < most ? wanted : most;
	for (uint32_t fraction = 16; fraction > 1; fraction /= 2) {
		uint32_t order =
		    order_by_waste(slot_bytes, order_of((uint64_t)wanted * slot_bytes), order_max, fraction);

		if (order <= order_max)
			return order;
	}
	return order_of(slot_bytes);
}

static uint32_t eighth_order(uint32_t slot_bytes, uint32_t order_max)
{
	uint32_t order = order_by_waste(slot_bytes, 0, order_max, 8);
	uint32_t least = order_of(slot_bytes);

	if (order > order_max)
		order = order_max;
	return order > least ? order : least;
}

static uint32_t bits_of(uint32_t number)
{
	return 32 - (uint32_t)__builtin_clz(number);
}

/* mm/slub.c 6.18: set_cpu_partial, slub_set_cpu_partial; MIN_PARTIAL and MAX_PARTIAL. */
static void compute_lists(struct slab_geometry *geometry)
{
	uint32_t slot = geometry->slot_bytes;
	uint32_t partial = (bits_of(slot) - 1) / 2;

	geometry->partial_min = partial < 5 ? 5 : partial > 10 ? 10 : partial;
	geometry->cpu_partial = slot >= PAGE_BYTES ? 6 : slot >= 1024 ? 24 : slot >= 256 ? 52 : 120;
	geometry->cpu_partial_slabs = (geometry->cpu_partial * 2 + geometry->objects - 1) / geometry->objects;
}

static bool request_is_valid(const struct slab_geometry_request *request)
{
	return request->object_bytes >= 1 && request->object_bytes <= SLAB_OBJECT_MAX &&
	       (request->alignment == 0 || is_power_of_two(request->alignment)) &&
	       request->alignment <= 2 * PAGE_BYTES && request->order_max <= SLAB_ORDER_MAX &&
	       request->cpus >= 1 && request->cpus <= SLAB_CPUS_MAX && request->rule <= SLAB_GEOMETRY_LINUX;
}

enum status slab_geometry_compute(struct slab_geometry *geometry, const struct slab_geometry_request *request)
{
	*geometry = (struct slab_geometry){0};
	if (!request_is_valid(request))
		return STATUS_BAD_ARGUMENT;
	compute_slot(geometry, request);
	geometry->order_min = order_of(geometry->slot_bytes);
	geometry->order =
	    request->rule == SLAB_GEOMETRY_LINUX
		? slab_geometry_linux_order(geometry->slot_bytes, request->order_max, request->cpus)
		: eighth_order(geometry->slot_bytes, request->order_max);
	if (geometry->order > SLAB_ORDER_MAX)
		return STATUS_BAD_ARGUMENT;
	geometry->objects = slab_geometry_objects(geometry->slot_bytes, geometry->order);
	compute_lists(geometry);
	return STATUS_OK;
}
