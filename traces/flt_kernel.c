#include "config.h"

#include "traces/flt_kernel.h"

#include "traces/flt_varint.h"

#include <string.h>

#define SHIFT_FIELD 5

enum coding {
	PLAIN,
	DIFFERENCE,
	CHAIN, /* difference within the cache's chain */
};

struct column {
	uint16_t number;
	uint16_t carried; /* EVENT_KERNEL_HAS_... */
	uint8_t offset;	  /* in struct event_kernel */
	uint8_t bytes;	  /* of the field */
	uint8_t coding;
	uint32_t kinds; /* of those that carry it, a bit per kind from EVENT_PAGE_ALLOC */
};

#define KIND(kind) (UINT32_C(1) << ((kind)-EVENT_PAGE_ALLOC))
#define ALL_KINDS UINT32_MAX
#define PAGE_KINDS                                                                                           \
	(KIND(EVENT_PAGE_ALLOC) | KIND(EVENT_PAGE_FREE) | KIND(EVENT_PAGE_FREE_BATCHED) |                    \
	 KIND(EVENT_ZONE_LOCKED) | KIND(EVENT_PCPU_DRAIN))
#define KMEM_KINDS (KIND(EVENT_KMEM_ALLOC) | KIND(EVENT_KMEM_FREE))

#define COLUMN(number, bit, field, coding, kinds)                                                            \
	{                                                                                                    \
		number, bit, offsetof(struct event_kernel, field),                                           \
		    sizeof(((struct event_kernel *)0)->field), coding, kinds                                 \
	}
#define FRAME(number, kinds) COLUMN(number, EVENT_KERNEL_HAS_FRAME, frame, DIFFERENCE, kinds)

/* The cache comes before the addresses that are coded by it. */
static const struct column columns[] = {
    FRAME(32, KIND(EVENT_PAGE_ALLOC)),
    FRAME(33, KIND(EVENT_PAGE_FREE)),
    FRAME(34, KIND(EVENT_PAGE_FREE_BATCHED)),
    FRAME(35, KIND(EVENT_ZONE_LOCKED)),
    FRAME(36, KIND(EVENT_PCPU_DRAIN)),
    FRAME(37, ~PAGE_KINDS),
    COLUMN(38, EVENT_KERNEL_HAS_ORDER, order, PLAIN, ALL_KINDS),
    COLUMN(39, EVENT_KERNEL_HAS_MIGRATE_TYPE, migrate_type, PLAIN, ALL_KINDS),
    COLUMN(40, EVENT_KERNEL_HAS_GFP, gfp, PLAIN, ALL_KINDS),
    COLUMN(41, EVENT_KERNEL_HAS_CACHE, cache, PLAIN, ALL_KINDS),
    COLUMN(42, EVENT_KERNEL_HAS_BYTES, bytes, PLAIN, ALL_KINDS),
    COLUMN(43, EVENT_KERNEL_HAS_GRANTED, granted, PLAIN, ALL_KINDS),
    COLUMN(44, EVENT_KERNEL_HAS_PAGES, pages, PLAIN, ALL_KINDS),
    COLUMN(45, EVENT_KERNEL_HAS_NODE, node, PLAIN, ALL_KINDS),
    COLUMN(46, EVENT_KERNEL_HAS_FALLBACK, fallback_order, PLAIN, ALL_KINDS),
    COLUMN(47, EVENT_KERNEL_HAS_FALLBACK, fallback_type, PLAIN, ALL_KINDS),
    COLUMN(48, EVENT_KERNEL_HAS_FLAGS, flags, PLAIN, ALL_KINDS),
    COLUMN(49, EVENT_KERNEL_HAS_CODE, code, PLAIN, ALL_KINDS),
    COLUMN(50, EVENT_KERNEL_HAS_ADDRESS, address, CHAIN, KMEM_KINDS),
    COLUMN(51, EVENT_KERNEL_HAS_ADDRESS, address, DIFFERENCE, ~KMEM_KINDS),
};

#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

/* What a value is the difference to. */
struct history {
	uint64_t previous;
	uint64_t chain[FLT_KERNEL_CHAINS];
};

static uint64_t *previous_of(struct history *history, const struct column *column,
			     const struct event_kernel *kernel)
{
	return column->coding == CHAIN ? &history->chain[kernel->cache % FLT_KERNEL_CHAINS]
				       : &history->previous;
}

/* The fields are 1, 2, 4 or 8 bytes long. */
static uint64_t get_field(const struct event_kernel *kernel, const struct column *column)
{
	const char *at = (const char *)kernel + column->offset;
	uint32_t four;
	uint64_t eight;
	uint16_t two;

	switch (column->bytes) {
	case 1:
		return *(const uint8_t *)at;
	case 2:
		memcpy(&two, at, sizeof(two));
		return two;
	case 4:
		memcpy(&four, at, sizeof(four));
		return four;
	default:
		memcpy(&eight, at, sizeof(eight));
		return eight;
	}
}

static void set_field(struct event_kernel *kernel, const struct column *column, uint64_t value)
{
	char *at = (char *)kernel + column->offset;
	const uint32_t four = (uint32_t)value;
	const uint16_t two = (uint16_t)value;

	switch (column->bytes) {
	case 1:
		*(uint8_t *)at = (uint8_t)value;
		break;
	case 2:
		memcpy(at, &two, sizeof(two));
		break;
	case 4:
		memcpy(at, &four, sizeof(four));
		break;
	default:
		memcpy(at, &value, sizeof(value));
		break;
	}
}

/* Fills carried[kind - EVENT_PAGE_ALLOC] with whether the kind's events are in the column. */
static void find_kinds(const struct column *column, bool carried[UINT8_MAX + 1])
{
	for (unsigned kind = 0; kind <= UINT8_MAX; kind++)
		carried[kind] = (event_kernel_carries(kind) & column->carried) &&
				(column->kinds & KIND(kind < EVENT_PAGE_ALLOC ? EVENT_PAGE_ALLOC : kind));
}

/* --- Writing -------------------------------------------------------------------------------------------------------- */

/* The differences of the chains are shifted by the low bits that none of them has. */
static unsigned find_shift(const struct flt_kernels *kernels)
{
	const struct column *column = &columns[COLUMNS - 2];
	struct history history = {0};
	uint64_t all = 0;

	for (size_t i = 0; i < kernels->events; i++) {
		const struct event_kernel *kernel = &kernels->kernel[i];

		if (kernels->kind[i] != EVENT_KMEM_ALLOC && kernels->kind[i] != EVENT_KMEM_FREE)
			continue;
		uint64_t *previous = previous_of(&history, column, kernel);

		all |= kernel->address - *previous;
		*previous = kernel->address;
	}
	return all ? (unsigned)__builtin_ctzll(all) : 0;
}

static uint64_t shifted(uint64_t difference, unsigned shift)
{
	const uint64_t sign = difference >> 63 ? UINT64_MAX : 0;

	return shift ? difference >> shift | sign << (64 - shift) : difference;
}

static enum trace_status encode_column(const struct flt_kernels *kernels, const struct column *column,
				       struct flt_section_writer *writer, struct trace_error *error)
{
	const unsigned shift = column->coding == CHAIN ? (unsigned)writer->section.field[SHIFT_FIELD] : 0;
	struct history history = {0};
	bool carried[UINT8_MAX + 1];
	uint8_t *out = kernels->bytes;
	uint64_t any = 0;
	size_t values = 0;

	find_kinds(column, carried);
	for (size_t i = 0; i < kernels->events; i++) {
		if (!carried[kernels->kind[i]])
			continue;
		const uint64_t value = get_field(&kernels->kernel[i], column);
		uint64_t *previous = previous_of(&history, column, &kernels->kernel[i]);

		out = flt_varint_put(
		    out, column->coding == PLAIN ? value : flt_zigzag(shifted(value - *previous, shift)));
		*previous = value;
		any |= value;
		values++;
	}
	const struct flt_column_bytes bytes = {kernels->bytes, (size_t)(out - kernels->bytes), values};

	return any ? flt_section_column(writer, column->number, &bytes, error) : TRACE_OK;
}

enum trace_status flt_kernels_encode(const struct flt_kernels *kernels, struct flt_section_writer *writer,
				     struct trace_error *error)
{
	enum trace_status status = TRACE_OK;

	flt_section_field(writer, find_shift(kernels));
	for (size_t i = 0; i < COLUMNS && status == TRACE_OK; i++)
		status = encode_column(kernels, &columns[i], writer, error);
	return status;
}

/* --- Reading -------------------------------------------------------------------------------------------------------- */

bool flt_kernels_present(const struct flt_section *section)
{
	for (unsigned i = 0; i < section->columns; i++) {
		if (section->column[i].column >= columns[0].number &&
		    section->column[i].column <= columns[COLUMNS - 1].number)
			return true;
	}
	return false;
}

static size_t count_values(const struct flt_kernels *kernels, const bool *carried)
{
	size_t values = 0;

	for (size_t i = 0; i < kernels->events; i++)
		values += carried[kernels->kind[i]];
	return values;
}

static uint64_t spread(const struct flt_kernels *kernels, const struct column *column, const bool *carried,
		       unsigned shift)
{
	const uint64_t *value = kernels->values;
	struct history history = {0};
	uint64_t all = 0;

	for (size_t i = 0; i < kernels->events; i++) {
		struct event_kernel *kernel = &kernels->kernel[i];

		if (!carried[kernels->kind[i]])
			continue;
		uint64_t *previous = previous_of(&history, column, kernel);

		*previous = column->coding == PLAIN ? *value : *previous + (flt_unzigzag(*value) << shift);
		all |= *previous;
		value++;
		set_field(kernel, column, *previous);
	}
	return all;
}

static enum trace_status decode_column(const struct flt_kernels *kernels, const struct column *column,
				       const struct flt_column_bytes *bytes, unsigned shift,
				       struct trace_error *error)
{
	bool carried[UINT8_MAX + 1];

	find_kinds(column, carried);
	const size_t values = count_values(kernels, carried);

	if (bytes->values != values ||
	    !flt_varint_unpack(bytes->raw, bytes->raw_bytes, kernels->values, values))
		return trace_fail(error, TRACE_BAD_INPUT,
				  "column %u has another number of values than its kinds ask for",
				  column->number);
	const uint64_t all = spread(kernels, column, carried, column->coding == CHAIN ? shift : 0);

	if (column->bytes < 8 && all >> 8 * column->bytes)
		return trace_fail(error, TRACE_BAD_INPUT, "column %u has a number above %u bits",
				  column->number, 8u * column->bytes);
	return TRACE_OK;
}

static enum trace_status check(const struct flt_kernels *kernels, const struct flt_kernel_known *known,
			       struct trace_error *error)
{
	for (size_t i = 0; i < kernels->events; i++) {
		if (kernels->kernel[i].gfp > known->gfps || kernels->kernel[i].cache > known->caches)
			return trace_fail(
			    error, TRACE_BAD_INPUT,
			    "event %zu of a block names a set of flags or a cache that has no name", i);
	}
	return TRACE_OK;
}

enum trace_status flt_kernels_decode(const struct flt_kernels *kernels, struct flt_column_reader *reader,
				     const struct flt_section *section, const struct flt_kernel_known *known,
				     struct trace_error *error)
{
	const uint64_t shift = section->field[SHIFT_FIELD];

	if (shift > 63)
		return trace_fail(error, TRACE_BAD_INPUT,
				  "a block shifts its addresses by more than 63 bits");
	memset(kernels->kernel, 0, kernels->events * sizeof(*kernels->kernel));
	for (size_t i = 0; i < COLUMNS; i++) {
		struct flt_column_bytes bytes;
		enum trace_status status = flt_column_read(reader, section, columns[i].number, &bytes, error);

		if (status == TRACE_OK && bytes.raw_bytes)
			status = decode_column(kernels, &columns[i], &bytes, (unsigned)shift, error);
		if (status != TRACE_OK)
			return status;
	}
	return check(kernels, known, error);
}
