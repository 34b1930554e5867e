#include "config.h"

#include "traces/flt_access.h"

#include "traces/flt_varint.h"

#include <stdlib.h>
#include <string.h>

static enum trace_status malformed(const char *what, struct trace_error *error)
{
	return trace_fail(error, TRACE_BAD_INPUT, "a block of references has impossible %s", what);
}

/* Room for what the section's fields announce, which is bounded. */
static enum trace_status make_room(struct flt_access_block *block, size_t count, size_t contexts, size_t runs,
				   struct trace_error *error)
{
	flt_access_free(block);
	block->context = malloc(count * sizeof(*block->context));
	block->offset = malloc(count * sizeof(*block->offset));
	block->shape = malloc(count);
	block->run = malloc(runs * sizeof(*block->run));
	block->contexts_table = malloc(contexts * sizeof(*block->contexts_table));
	block->last = malloc(contexts * sizeof(*block->last));
	if (!block->context || !block->offset || !block->shape || !block->run || !block->contexts_table ||
	    !block->last) {
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

static uint64_t take(struct numbers *numbers)
{
	uint64_t value = 0;

	numbers->sound = numbers->sound && flt_varint_get(&numbers->in, numbers->end, &value);
	return value;
}

static bool base_is_known(const struct access_context *context, const struct flt_access_known *known)
{
	switch (context->place) {
	case ACCESS_OBJECT:
		return context->base - 1 < known->objects;
	case ACCESS_STACK:
		return context->base < known->threads;
	case ACCESS_REGION:
		return context->base - 1 < known->regions;
	default:
		return context->base == 0;
	}
}

static bool get_contexts(struct flt_access_block *block, struct numbers *numbers,
			 const struct flt_access_known *known)
{
	uint64_t base[ACCESS_PLACES] = {0}, window[ACCESS_PLACES] = {0};

	for (size_t i = 0; i < block->batch.contexts; i++) {
		struct access_context *context = &block->contexts_table[i];
		const uint64_t mixed = take(numbers);
		if (mixed / ACCESS_PLACES >= known->processes)
			return false;
		context->process = (uint32_t)(mixed / ACCESS_PLACES);
		context->place = (uint32_t)(mixed % ACCESS_PLACES);
		context->base = base[context->place] += flt_unzigzag(take(numbers));
		context->start = window[context->place] += flt_unzigzag(take(numbers));
		if (!numbers->sound || context->start > UINT64_MAX / ACCESS_WINDOW_BYTES ||
		    !base_is_known(context, known))
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
		const uint64_t step = take(numbers), thread = take(numbers), count = take(numbers);
		const uint64_t new_contexts = take(numbers), skipped = take(numbers);
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

static bool get_shape_numbers(struct flt_access_block *block, const uint8_t *in)
{
	const size_t shapes = block->batch.shapes;
	unsigned highest = 0;

	memcpy(block->shape, in, block->batch.count);
	for (size_t i = 0; i < block->batch.count; i++)
		highest = in[i] > highest ? in[i] : highest;
	return highest < shapes;
}

static uint16_t get_16(const uint8_t *in)
{
	return (uint16_t)(in[0] | in[1] << 8);
}

static bool get_context_numbers(struct flt_access_block *block, const uint8_t *in)
{
	for (size_t r = 0; r < block->batch.runs; r++) {
		const struct access_run *run = &block->run[r];
		uint32_t highest = 0;
		for (size_t i = run->first; i < (size_t)run->first + run->count; i++) {
			block->context[i] = get_16(in + 2 * i);
			highest = block->context[i] > highest ? block->context[i] : highest;
		}
		if (highest >= run->contexts)
			return false;
	}
	return true;
}

static bool get_offsets(struct flt_access_block *block, const uint8_t *in)
{
	uint16_t *last = block->last;

	memset(last, 0, block->batch.contexts * sizeof(*last));
	for (size_t i = 0; i < block->batch.count; i++) {
		uint16_t *before = &last[block->context[i]];
		*before = (uint16_t)(*before + get_16(in + 2 * i));
		block->offset[i] = *before;
	}
	return true;
}

static enum trace_status get_references(const struct decoding *decoding, enum flt_access_column column,
					struct trace_error *error)
{
	struct flt_access_block *block = decoding->block;
	const size_t width = column == FLT_ACCESS_SHAPE ? 1 : 2;
	struct flt_column_bytes bytes;
	enum trace_status status =
	    flt_column_read(decoding->reader, decoding->section, (uint16_t)column, &bytes, error);
	bool sound;

	if (status != TRACE_OK)
		return status;
	if (bytes.raw_bytes != width * block->batch.count)
		return malformed("lengths", error);
	if (column == FLT_ACCESS_SHAPE)
		sound = get_shape_numbers(block, bytes.raw);
	else if (column == FLT_ACCESS_CONTEXT)
		sound = get_context_numbers(block, bytes.raw);
	else
		sound = get_offsets(block, bytes.raw);
	return sound ? TRACE_OK : malformed("references", error);
}

enum trace_status flt_access_decode(struct flt_access_block *block, struct flt_column_reader *reader,
				    const struct flt_section *section, const struct flt_access_known *known,
				    struct trace_error *error)
{
	const struct decoding decoding = {block, reader, section, known};
	enum trace_status status = begin(block, section, error);

	for (unsigned column = FLT_ACCESS_CONTEXT_TABLE; status == TRACE_OK && column <= FLT_ACCESS_RUN_TABLE;
	     column++)
		status = get_table(&decoding, (enum flt_access_column)column, error);
	for (unsigned column = FLT_ACCESS_SHAPE; status == TRACE_OK && column <= FLT_ACCESS_OFFSET; column++)
		status = get_references(&decoding, (enum flt_access_column)column, error);
	if (status != TRACE_OK)
		block->batch = (struct access_batch){0};
	return status;
}
