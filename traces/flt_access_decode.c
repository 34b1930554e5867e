#include "config.h"

#include "traces/flt_access.h"

#include "traces/flt_varint.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

/* Fresh contexts that are looked at together. */
#define TOGETHER 32u

static enum trace_status malformed(const char *what, struct trace_error *error)
{
	return trace_fail(error, TRACE_BAD_INPUT, "a block of references has impossible %s", what);
}

/* Room for what the section's fields announce, which is bounded. */
static enum trace_status make_room(struct flt_access_block *block, size_t count, size_t contexts, size_t runs,
				   struct trace_error *error)
{
	flt_access_free(block);
	block->context = malloc((count + FLT_STRETCH_SLACK) * sizeof(*block->context));
	block->offset = malloc((count + FLT_STRETCH_SLACK) * sizeof(*block->offset));
	block->shape = malloc(count + FLT_STRETCH_SLACK);
	block->fresh.context = malloc((count + FLT_STRETCH_SLACK) * sizeof(*block->fresh.context));
	block->fresh.shape = malloc(count + FLT_STRETCH_SLACK);
	block->run = malloc(runs * sizeof(*block->run));
	block->contexts_table = malloc(contexts * sizeof(*block->contexts_table));
	block->first_use = malloc((contexts + 1) * sizeof(*block->first_use));
	if (!block->context || !block->offset || !block->shape || !block->run || !block->contexts_table ||
	    !block->fresh.context || !block->fresh.shape || !block->first_use) {
		flt_access_free(block);
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for a block of references");
	}
	block->capacity = count;
	block->run_capacity = runs;
	block->context_capacity = contexts;
	return TRACE_OK;
}

static enum trace_status begin(struct flt_access_block *block, const struct flt_section *section,
			       struct trace_error *error)
{
	const uint64_t *field = section->field;
	enum trace_status status = TRACE_OK;

	if (field[FLT_ACCESS_COUNT] == 0 || field[FLT_ACCESS_COUNT] > ACCESS_BATCH_MAX ||
	    field[FLT_ACCESS_CONTEXTS] == 0 || field[FLT_ACCESS_CONTEXTS] > ACCESS_BATCH_CONTEXTS ||
	    field[FLT_ACCESS_SHAPES] == 0 || field[FLT_ACCESS_SHAPES] > ACCESS_BATCH_SHAPES ||
	    field[FLT_ACCESS_RUNS] == 0 || field[FLT_ACCESS_RUNS] > field[FLT_ACCESS_COUNT])
		return malformed("counts", error);
	if (block->capacity < field[FLT_ACCESS_COUNT] || block->run_capacity < field[FLT_ACCESS_RUNS] ||
	    block->context_capacity < field[FLT_ACCESS_CONTEXTS])
		status = make_room(block, (size_t)field[FLT_ACCESS_COUNT], (size_t)field[FLT_ACCESS_CONTEXTS],
				   (size_t)field[FLT_ACCESS_RUNS], error);
	if (status != TRACE_OK)
		return status;
	block->batch = (struct access_batch){
	    .first = field[FLT_ACCESS_FIRST],
	    .count = (size_t)field[FLT_ACCESS_COUNT],
	    .context = block->context,
	    .offset = block->offset,
	    .shape = block->shape,
	    .run = block->run,
	    .contexts_table = block->contexts_table,
	    .shapes_table = block->shapes_table,
	    .runs = (size_t)field[FLT_ACCESS_RUNS],
	    .contexts = (size_t)field[FLT_ACCESS_CONTEXTS],
	    .shapes = (size_t)field[FLT_ACCESS_SHAPES],
	};
	return TRACE_OK;
}

/* The numbers of a table's column, which must be exactly as many as are taken. */
struct numbers {
	const uint8_t *in, *end;
	bool sound;
};

static inline uint64_t take(struct numbers *numbers)
{
	const uint8_t *in = numbers->in;
	uint64_t value = 0;

	/* Most are short. */
	if (numbers->end - in >= 2 && in[0] < 0x80) {
		numbers->in++;
		return in[0];
	}
	if (numbers->end - in >= 2 && in[1] < 0x80) {
		numbers->in += 2;
		return (in[0] & 0x7fu) | (uint64_t)in[1] << 7;
	}
	numbers->sound = numbers->sound && flt_varint_get(&numbers->in, numbers->end, &value);
	return value;
}

/* The fields of a run, which mostly are bytes. */
#define RUN_FIELDS 5u

static inline void take_all(struct numbers *numbers, uint64_t field[RUN_FIELDS])
{
	const uint8_t *in = numbers->in;

	if ((size_t)(numbers->end - in) > RUN_FIELDS &&
	    ((in[0] | in[1] | in[2] | in[3] | in[4]) & 0x80u) == 0) {
		for (unsigned i = 0; i < RUN_FIELDS; i++)
			field[i] = in[i];
		numbers->in += RUN_FIELDS;
		return;
	}
	for (unsigned i = 0; i < RUN_FIELDS; i++)
		field[i] = take(numbers);
}

static bool base_is_known(const struct access_context *context, const struct flt_access_known *known,
			  uint64_t objects)
{
	switch (context->place) {
	case ACCESS_OBJECT:
		return context->base - 1 < objects;
	case ACCESS_STACK:
		return context->base < known->threads;
	case ACCESS_REGION:
		return context->base - 1 < known->regions;
	default:
		return context->base == 0;
	}
}

/* Objects that there can be at a position: an event creates at most one and names at most one foreign one. */
static uint64_t objects_at(uint64_t position, const struct flt_access_known *known)
{
	return position < known->objects / 2 ? 2 * position : known->objects;
}

/* After the runs. */
static bool get_contexts(struct flt_access_block *block, struct numbers *numbers,
			 const struct flt_access_known *known)
{
	uint64_t base[ACCESS_PLACES] = {0}, window[ACCESS_PLACES] = {0};
	const struct access_run *run = block->run;

	for (size_t i = 0; i < block->batch.contexts; i++) {
		struct access_context *context = &block->contexts_table[i];
		while (i >= run->contexts)
			run++;
		const uint64_t mixed = take(numbers);
		if (mixed / ACCESS_PLACES >= known->processes)
			return false;
		context->process = (uint32_t)(mixed / ACCESS_PLACES);
		context->place = (uint32_t)(mixed % ACCESS_PLACES);
		context->base = base[context->place] += flt_unzigzag(take(numbers));
		context->start = window[context->place] += flt_unzigzag(take(numbers));
		if (!numbers->sound || context->start > UINT64_MAX / ACCESS_WINDOW_BYTES ||
		    !base_is_known(context, known, objects_at(run->position, known)))
			return false;
		context->start *= ACCESS_WINDOW_BYTES;
	}
	return true;
}

static bool get_shapes(struct flt_access_block *block, struct numbers *numbers)
{
	for (size_t i = 0; i < block->batch.shapes; i++) {
		const uint64_t mixed = take(numbers), size = mixed / (UINT64_C(2) * ACCESS_KINDS);
		if (!numbers->sound || size == 0 || size > ACCESS_MAX_BYTES)
			return false;
		block->shapes_table[i] =
		    (struct access_shape){(uint16_t)size, (uint8_t)(mixed % (UINT64_C(2) * ACCESS_KINDS))};
	}
	return true;
}

static bool get_runs(struct flt_access_block *block, struct numbers *numbers,
		     const struct flt_section *section, const struct flt_access_known *known)
{
	uint64_t position = section->field[FLT_ACCESS_FIRST_POSITION], first = 0, contexts = 0;

	for (size_t i = 0; i < block->batch.runs; i++) {
		uint64_t field[RUN_FIELDS];

		take_all(numbers, field);
		const uint64_t step = field[0], thread = field[1], count = field[2];
		const uint64_t new_contexts = field[3], skipped = field[4];
		if (!numbers->sound || step > UINT64_MAX - position || thread >= known->threads ||
		    count >= block->batch.count - first || new_contexts > block->batch.contexts - contexts)
			return false;
		position += step;
		contexts += new_contexts;
		block->run[i] = (struct access_run){.position = position,
						    .skipped = skipped,
						    .thread = (uint32_t)thread,
						    .first = (uint32_t)first,
						    .count = (uint32_t)count + 1,
						    .contexts = (uint32_t)contexts};
		first += count + 1;
	}
	return first == block->batch.count && contexts == block->batch.contexts &&
	       position == section->field[FLT_ACCESS_LAST_POSITION];
}

/* What decoding goes through. */
struct decoding {
	struct flt_access_block *block;
	struct flt_column_reader *reader;
	const struct flt_section *section;
	const struct flt_access_known *known;
};

static enum trace_status get_table(const struct decoding *decoding, enum flt_access_column column,
				   struct trace_error *error)
{
	struct flt_access_block *block = decoding->block;
	struct flt_column_bytes bytes;
	enum trace_status status =
	    flt_column_read(decoding->reader, decoding->section, (uint16_t)column, &bytes, error);
	struct numbers numbers = {.in = bytes.raw, .end = bytes.raw, .sound = true};
	bool sound;

	if (status != TRACE_OK)
		return status;
	if (bytes.raw_bytes != 0)
		numbers.end += bytes.raw_bytes;
	if (column == FLT_ACCESS_CONTEXT_TABLE)
		sound = get_contexts(block, &numbers, decoding->known);
	else if (column == FLT_ACCESS_SHAPE_TABLE)
		sound = get_shapes(block, &numbers);
	else
		sound = get_runs(block, &numbers, decoding->section, decoding->known);
	return sound && numbers.in == numbers.end ? TRACE_OK : malformed("tables", error);
}

/* Reads a column of `width` bytes each, of which there may be as many as references; they stay valid until the next. */
static enum trace_status read_numbers(const struct decoding *decoding, enum flt_access_column column,
				      size_t width, struct flt_column_bytes *bytes, struct trace_error *error)
{
	enum trace_status status =
	    flt_column_read(decoding->reader, decoding->section, (uint16_t)column, bytes, error);

	if (status != TRACE_OK)
		return status;
	if (bytes->raw_bytes == 0 || bytes->raw_bytes % width != 0 ||
	    bytes->raw_bytes / width > decoding->block->batch.count)
		return malformed("lengths", error);
	return TRACE_OK;
}

/* Reads fresh numbers of 16 bits. */
static enum trace_status get_fresh(const struct decoding *decoding, enum flt_access_column column,
				   size_t *count, struct trace_error *error)
{
	uint16_t *fresh = decoding->block->fresh.context;
	struct flt_column_bytes bytes;
	enum trace_status status = read_numbers(decoding, column, sizeof(*fresh), &bytes, error);

	if (status != TRACE_OK)
		return status;
	*count = bytes.raw_bytes / sizeof(*fresh);
	memcpy(fresh, bytes.raw, bytes.raw_bytes);
	for (size_t i = 0; i < *count; i++)
		fresh[i] = le16toh(fresh[i]);
	return TRACE_OK;
}

static enum trace_status get_stretches(const struct decoding *decoding, enum flt_access_column column,
				       struct flt_stretches *stretches, struct trace_error *error)
{
	struct flt_column_bytes bytes;
	enum trace_status status = read_numbers(decoding, column, FLT_STRETCH_BYTES, &bytes, error);

	if (status == TRACE_OK) {
		stretches->bytes = bytes.raw;
		stretches->count = bytes.raw_bytes / FLT_STRETCH_BYTES;
		stretches->elements = decoding->block->batch.count;
	}
	return status;
}

/* What is repeated was fresh once. */
static bool shapes_are_known(const struct flt_access_block *block, size_t fresh)
{
	const uint8_t *shape = block->fresh.shape;
	const uint8_t last = (uint8_t)(block->batch.shapes - 1);
	uint8_t unknown[16] = {0};
	size_t i = 0;

	for (; i + sizeof(unknown) <= fresh; i += sizeof(unknown)) {
		for (size_t j = 0; j < sizeof(unknown); j++)
			unknown[j] |= shape[i + j] > last;
	}
	for (; i < fresh; i++)
		unknown[0] |= shape[i] > last;
	return memcmp(unknown, (uint8_t[sizeof(unknown)]){0}, sizeof(unknown)) == 0;
}

/* The highest of TOGETHER contexts, or of those that are left. */
static inline uint16_t highest_of(const uint16_t *context, size_t left)
{
	uint16_t highest = 0;

	if (left >= TOGETHER) {
		for (size_t i = 0; i < TOGETHER; i++)
			highest = context[i] > highest ? context[i] : highest;
		return highest;
	}
	for (size_t i = 0; i < left; i++)
		highest = context[i] > highest ? context[i] : highest;
	return highest;
}

/* The fresh steps that use a context first, in order, go to first_use[]; false when one is left out, or one is not used. Most
 * of them use none that is new: so many are looked at together. */
static bool find_first_uses(const struct flt_access_block *block, size_t fresh, uint32_t *first_use)
{
	const uint16_t *context = block->fresh.context;
	const size_t contexts = block->batch.contexts;
	size_t used = 0;

	for (size_t i = 0; i < fresh; i += TOGETHER) {
		const uint16_t highest = highest_of(context + i, fresh - i);

		if (highest >= contexts)
			return false;
		for (size_t j = i; j < i + TOGETHER && j < fresh && highest >= used; j++) {
			if (context[j] > used)
				return false;
			first_use[used] = (uint32_t)j;
			used += context[j] == used;
		}
	}
	return used == contexts;
}

/* Turns numbers of fresh steps, which do not fall, into those of the references that they make. */
static void place_fresh(const struct flt_stretches *stretches, uint32_t *number, size_t count)
{
	size_t fresh = 0, repeated = 0, done = 0;

	for (size_t s = 0; s < stretches->count && done < count; s++) {
		const uint8_t *stretch = stretches->bytes + s * FLT_STRETCH_BYTES;

		fresh += stretch[0];
		for (; done < count && number[done] < fresh; done++)
			number[done] += (uint32_t)repeated;
		repeated += stretch[1];
	}
}

/* Contexts are numbered in the order of their first use, which is always fresh; and each run says how many are in use at its
 * end. So what is repeated needs no look. */
static bool contexts_are_in_order(const struct flt_access_block *block, const struct flt_stretches *stretches)
{
	uint32_t *first_use = block->first_use;
	const size_t contexts = block->batch.contexts;
	bool agree = true;
	size_t used = 0;

	if (!find_first_uses(block, stretches->fresh, first_use))
		return false;
	place_fresh(stretches, first_use, contexts);
	for (size_t i = 0; i < block->batch.runs; i++) {
		const struct access_run *run = &block->run[i];

		while (used < contexts && first_use[used] - run->first < run->count)
			used++;
		agree = agree && used == run->contexts;
	}
	return agree;
}

static enum trace_status get_steps(const struct decoding *decoding, struct trace_error *error)
{
	struct flt_access_block *block = decoding->block;
	const struct flt_steps steps = {block->context, block->shape};
	struct flt_stretches stretches;
	struct flt_column_bytes shapes;
	enum trace_status status = get_fresh(decoding, FLT_ACCESS_FRESH_CONTEXTS, &stretches.fresh, error);

	if (status == TRACE_OK)
		status = read_numbers(decoding, FLT_ACCESS_FRESH_SHAPES, 1, &shapes, error);
	if (status != TRACE_OK)
		return status;
	if (shapes.raw_bytes != stretches.fresh)
		return malformed("lengths", error);
	memcpy(block->fresh.shape, shapes.raw, shapes.raw_bytes);
	status = get_stretches(decoding, FLT_ACCESS_STEPS, &stretches, error);
	if (status != TRACE_OK)
		return status;
	if (!shapes_are_known(block, stretches.fresh) ||
	    !flt_stretch_get_steps(&stretches, &block->fresh, &steps) ||
	    !contexts_are_in_order(block, &stretches))
		return malformed("references", error);
	return TRACE_OK;
}

static enum trace_status get_offsets(const struct decoding *decoding, struct trace_error *error)
{
	struct flt_access_block *block = decoding->block;
	struct flt_stretches stretches;
	enum trace_status status = get_fresh(decoding, FLT_ACCESS_FRESH_OFFSETS, &stretches.fresh, error);

	if (status == TRACE_OK)
		status = get_stretches(decoding, FLT_ACCESS_OFFSETS, &stretches, error);
	if (status != TRACE_OK)
		return status;
	return flt_stretch_get_offsets(&stretches, block->fresh.context, block->offset)
		   ? TRACE_OK
		   : malformed("references", error);
}

enum trace_status flt_access_decode(struct flt_access_block *block, struct flt_column_reader *reader,
				    const struct flt_section *section, const struct flt_access_known *known,
				    struct trace_error *error)
{
	const struct decoding decoding = {block, reader, section, known};
	enum trace_status status = begin(block, section, error);

	if (status == TRACE_OK)
		status = get_table(&decoding, FLT_ACCESS_RUN_TABLE, error);
	if (status == TRACE_OK)
		status = get_table(&decoding, FLT_ACCESS_CONTEXT_TABLE, error);
	if (status == TRACE_OK)
		status = get_table(&decoding, FLT_ACCESS_SHAPE_TABLE, error);
	if (status == TRACE_OK)
		status = get_steps(&decoding, error);
	if (status == TRACE_OK)
		status = get_offsets(&decoding, error);
	if (status != TRACE_OK)
		block->batch = (struct access_batch){0};
	return status;
}
