#include "config.h"

#include "engine/machine.h"

#include "engine/base/check.h"
#include "engine/heap/heap.h"
#include "engine/live_table.h"
#include "engine/phys/fragmentation.h"
#include "engine/policy_memory.h"
#include "engine/zone_source.h"

#include <string.h>

struct machine {
	struct reservation memory; /* holds this structure */
	struct policy policy;
	enum status status;
	struct memory physical;
	struct zone_source source;
	struct live_table live;
	struct reservation threads_memory;
	struct heap_thread **threads; /* [thread], NULL until it calls */
	uint64_t granted_bytes;
	uint64_t allocations, frees, resizes, resizes_in_place, out_of_memory;
	uint64_t live_peak_bytes, live_peak_objects, granted_at_peak_bytes;
	uint64_t frames_peak_bytes, metadata_peak_bytes;
	struct heap heap;
};

/* --- Building and ending ------------------------------------------------------------------------------------------ */

static enum status create_parts(struct machine *machine, const struct machine_options *options)
{
	uint64_t bytes = options->memory_bytes != 0 ? options->memory_bytes : MACHINE_MEMORY_BYTES;
	struct memory_shape shape = policy_memory_shape(options->policy);

	shape.size.pages = bytes >> PAGE_SHIFT;
	shape.backing = options->backing == MACHINE_BACKING_REAL ? ARENA_REAL : ARENA_NONE;
	enum status status =
	    bytes % PAGE_BYTES == 0 ? memory_create(&machine->physical, &shape) : STATUS_BAD_ARGUMENT;

	if (status == STATUS_OK)
		status =
		    zone_source_create(&machine->source, &machine->physical, options->policy->purge_delay);
	if (status == STATUS_OK)
		status = live_table_create(&machine->live);
	if (status == STATUS_OK)
		status = reservation_create(&machine->threads_memory,
					    MACHINE_THREADS_MAX * sizeof(struct heap_thread *), PAGE_BYTES);
	machine->threads = machine->threads_memory.memory;
	if (status == STATUS_OK)
		status = heap_create(&machine->heap, options->policy, &machine->source.source, options->seed);
	return status;
}

static void destroy_parts(struct machine *machine)
{
	live_table_destroy(&machine->live);
	reservation_destroy(&machine->threads_memory);
	zone_source_destroy(&machine->source);
	memory_destroy(&machine->physical);
}

enum status machine_create(struct machine **created, const struct machine_options *options)
{
	struct reservation memory;
	enum status status = reservation_create(&memory, sizeof(struct machine), PAGE_BYTES);

	*created = NULL;
	if (status != STATUS_OK)
		return status;
	struct machine *machine = memory.memory;

	machine->memory = memory;
	machine->policy = *options->policy;
	status = policy_check(options->policy) ? STATUS_BAD_POLICY : create_parts(machine, options);
	if (status != STATUS_OK) {
		destroy_parts(machine);
		reservation_destroy(&memory);
		return status;
	}
	*created = machine;
	return STATUS_OK;
}

void machine_destroy(struct machine *machine)
{
	if (!machine)
		return;
	struct reservation memory = machine->memory;

	heap_destroy(&machine->heap);
	destroy_parts(machine);
	reservation_destroy(&memory);
}

enum status machine_status(const struct machine *machine)
{
	return machine->status;
}

uintptr_t machine_base(const struct machine *machine)
{
	return machine->physical.arena.base;
}

/* --- Events ------------------------------------------------------------------------------------------------------- */

static struct heap_thread *thread_of(struct machine *machine, unsigned thread)
{
	CHECK(thread < MACHINE_THREADS_MAX, "a thread's number is below MACHINE_THREADS_MAX");
	if (!machine->threads[thread]) {
		machine->threads[thread] = heap_thread_create(&machine->heap);
		if (!machine->threads[thread])
			machine->status = STATUS_NO_MEMORY;
	}
	return machine->threads[thread];
}

static uint64_t frames_bytes(const struct machine *machine)
{
	struct span_source_statistics statistics;

	machine->source.source.statistics(&machine->source.source, &statistics);
	return statistics.used_pages << PAGE_SHIFT;
}

static void note_peaks(struct machine *machine)
{
	uint64_t frames = frames_bytes(machine);

	if (machine->live.bytes > machine->live_peak_bytes) {
		machine->live_peak_bytes = machine->live.bytes;
		machine->granted_at_peak_bytes = machine->granted_bytes;
	}
	if (machine->live.objects > machine->live_peak_objects)
		machine->live_peak_objects = machine->live.objects;
	if (frames > machine->frames_peak_bytes)
		machine->frames_peak_bytes = frames;
}

/* Enters a new block in the books. */
static void enter(struct machine *machine, uintptr_t address, size_t bytes)
{
	if (live_table_add(&machine->live, address, bytes) != STATUS_OK)
		machine->status = STATUS_NO_MEMORY;
	machine->granted_bytes += heap_usable_bytes(&machine->heap, address);
	note_peaks(machine);
}

/* The heap's answer, 0 when there is none. */
static uintptr_t ask_heap(struct machine *machine, unsigned thread, size_t bytes, size_t alignment)
{
	struct heap_thread *handle = thread_of(machine, thread);

	if (!handle || bytes > HEAP_REQUEST_MAX || alignment > HEAP_ALIGNMENT_MAX ||
	    (alignment != 0 && !is_power_of_two(alignment)))
		return 0;
	if (alignment > 16)
		return heap_allocate_aligned(handle, alignment, bytes);
	return heap_allocate(handle, bytes);
}

uintptr_t machine_malloc(struct machine *machine, unsigned thread, size_t bytes, size_t alignment)
{
	uintptr_t address = ask_heap(machine, thread, bytes, alignment);

	if (address == 0) {
		machine->out_of_memory++;
		return 0;
	}
	machine->allocations++;
	enter(machine, address, bytes);
	return address;
}

/* Takes a block, which the heap still has, out of the books. */
static void leave(struct machine *machine, uintptr_t address)
{
	(void)live_table_remove(&machine->live, address);
	machine->granted_bytes -= heap_usable_bytes(&machine->heap, address);
}

static void release(struct machine *machine, unsigned thread, uintptr_t address)
{
	struct heap_thread *handle = thread_of(machine, thread);

	if (handle)
		heap_release(handle, address);
}

void machine_free(struct machine *machine, unsigned thread, uintptr_t address)
{
	if (address == 0)
		return;
	machine->frees++;
	leave(machine, address);
	release(machine, thread, address);
}

/* Tries to give the block another size where it is. */
static bool resize_in_place(struct machine *machine, uintptr_t address, size_t bytes)
{
	size_t before = heap_usable_bytes(&machine->heap, address);

	if (bytes > HEAP_REQUEST_MAX || !heap_resize(&machine->heap, address, bytes))
		return false;
	(void)live_table_remove(&machine->live, address);
	machine->granted_bytes -= before;
	machine->resizes_in_place++;
	enter(machine, address, bytes);
	return true;
}

uintptr_t machine_realloc(struct machine *machine, unsigned thread, uintptr_t address, size_t bytes)
{
	if (address == 0)
		return machine_malloc(machine, thread, bytes, 0);
	const struct live_block *live = live_table_find(&machine->live, address);

	CHECK(live, "what is resized is live");
	size_t kept = live->bytes < bytes ? live->bytes : bytes;

	machine->resizes++;
	if (resize_in_place(machine, address, bytes))
		return address;
	uintptr_t moved = ask_heap(machine, thread, bytes, 0);

	if (moved == 0) {
		machine->out_of_memory++;
		return 0;
	}
	leave(machine, address); /* the program has one block, before and after */
	enter(machine, moved, bytes);
	if (machine->physical.arena.backing == ARENA_REAL)
		memcpy((void *)moved, (const void *)address, kept);
	release(machine, thread, address);
	return moved;
}

void machine_thread_exit(struct machine *machine, unsigned thread)
{
	CHECK(thread < MACHINE_THREADS_MAX, "a thread's number is below MACHINE_THREADS_MAX");
	if (machine->threads[thread])
		heap_thread_destroy(machine->threads[thread]);
	machine->threads[thread] = NULL;
}

size_t machine_usable_bytes(const struct machine *machine, uintptr_t address)
{
	return heap_usable_bytes(&machine->heap, address);
}

/* --- Figures ------------------------------------------------------------------------------------------------------ */

static struct ratio internal_fragmentation(uint64_t requested, uint64_t granted)
{
	return (struct ratio){(int64_t)granted - (int64_t)requested, granted};
}

static void add_free_blocks(struct free_blocks *sum, const struct zone *zone)
{
	struct free_blocks free;

	zone_free_blocks(zone, &free);
	for (unsigned order = 0; order < FRAGMENTATION_ORDERS; order++)
		sum->blocks[order] += free.blocks[order];
}

/* The zones' buddies have no order beyond these, so nothing is left out. */
static void copy_orders(uint64_t *to, const struct free_blocks *free)
{
	_Static_assert(BUDDY_KERNEL_ORDER + 1 == MACHINE_ORDERS, "a sample speaks of every order of a zone");
	memcpy(to, free->blocks, MACHINE_ORDERS * sizeof(*to));
}

void machine_sample(struct machine *machine, struct machine_sample *sample)
{
	struct heap_statistics statistics;
	struct free_blocks free = {.blocks = {0}};

	heap_read_statistics(&machine->heap, &statistics);
	if (statistics.metadata_bytes > machine->metadata_peak_bytes)
		machine->metadata_peak_bytes = statistics.metadata_bytes;
	for (unsigned zone = 0; zone < machine->physical.zones; zone++)
		add_free_blocks(&free, &machine->physical.zone[zone]);
	*sample = (struct machine_sample){
	    .live_bytes = machine->live.bytes,
	    .live_objects = machine->live.objects,
	    .granted_bytes = machine->granted_bytes,
	    .frames_bytes = frames_bytes(machine),
	    .metadata_bytes = statistics.metadata_bytes,
	    .internal_fragmentation = internal_fragmentation(machine->live.bytes, machine->granted_bytes),
	    .unusable_free_index = fragmentation_unusable(&free, HUGE_ORDER),
	    .extfrag_index = fragmentation_external(&free, HUGE_ORDER),
	    .free_huge_over_optimal = fragmentation_huge_over_optimal(&free),
	};
	copy_orders(sample->free_blocks, &free);
}

static void report_zone(const struct zone *zone, struct machine_zone_report *report)
{
	struct zone_lock_counts lock = zone_lock_counts(zone);
	struct free_blocks free;

	zone_free_blocks(zone, &free);
	*report = (struct machine_zone_report){
	    .node = zone->node,
	    .name = zone->name,
	    .managed_pages = zone->managed_pages,
	    .free_pages = zone_free_pages(zone),
	    .free_huge_over_optimal = fragmentation_huge_over_optimal(&free),
	    .lock_taken = lock.taken,
	    .lock_contended = lock.contended,
	};
	copy_orders(report->free_blocks, &free);
	for (unsigned order = 0; order < MACHINE_ORDERS; order++) {
		report->unusable_free_index[order] = fragmentation_unusable(&free, order);
		report->extfrag_index[order] = fragmentation_external(&free, order);
	}
}

void machine_report(struct machine *machine, struct machine_report *report)
{
	struct machine_sample now;

	machine_sample(machine, &now);
	*report = (struct machine_report){
	    .live_peak_bytes = machine->live_peak_bytes,
	    .live_peak_objects = machine->live_peak_objects,
	    .frames_peak_bytes = machine->frames_peak_bytes,
	    .metadata_bytes = machine->metadata_peak_bytes,
	    .page_array_bytes = memory_page_array_bytes(&machine->physical),
	    .page_array_bytes_per_gib = PAGE_ARRAY_BYTES_PER_GIB,
	    .buddy_map_bytes = memory_map_bytes(&machine->physical),
	    .internal_fragmentation =
		internal_fragmentation(machine->live_peak_bytes, machine->granted_at_peak_bytes),
	    .allocations = machine->allocations,
	    .frees = machine->frees,
	    .resizes = machine->resizes,
	    .resizes_in_place = machine->resizes_in_place,
	    .out_of_memory = machine->out_of_memory,
	    .zones = machine->physical.zones,
	};
	for (unsigned zone = 0; zone < machine->physical.zones; zone++)
		report_zone(&machine->physical.zone[zone], &report->zone[zone]);
}

static const char *check_live(const struct machine *machine)
{
	uint64_t granted = 0;

	if (live_table_check(&machine->live))
		return "I1: live_table_check(); its sums are the live bytes and objects";
	for (uint64_t slot = 0; slot < machine->live.slots; slot++) {
		const struct live_block *block = &machine->live.block[slot];

		if (block->address == 0)
			continue;
		size_t usable = heap_usable_bytes(&machine->heap, block->address);

		if (!arena_holds(&machine->physical.arena, block->address) || usable < block->bytes)
			return "I2: every live block lies in the direct map and is at least as large as was "
			       "asked for; "
			       "granted_bytes is the sum";
		granted += usable;
	}
	return granted == machine->granted_bytes
		   ? NULL
		   : "I2: every live block lies in the direct map and is at least as large as was asked for; "
		     "granted_bytes is the sum";
}

const char *machine_check(const struct machine *machine)
{
	const char *broken = check_live(machine);
	uint64_t given = 0;

	if (broken)
		return broken;
	if (memory_check(&machine->physical) || heap_check(&machine->heap))
		return "I3: memory_check() and heap_check()";
	for (unsigned i = 0; i < machine->source.zones; i++) {
		const struct zone *zone = &machine->physical.zone[i];

		given += zone->managed_pages - zone_free_pages(zone);
	}
	return given << PAGE_SHIFT == frames_bytes(machine)
		   ? NULL
		   : "I4: the frames that the heap holds are those that the zones have given away";
}
