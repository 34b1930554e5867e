#include "config.h"

#include "traces/flt_access.h"

#include "traces/flt_bytes.h"
#include "traces/flt_varint.h"

#include <stdlib.h>
#include <string.h>

static bool reserve(struct flt_access_block *block, size_t bytes)
{
	if (bytes <= block->bytes_capacity)
		return true;
	free(block->bytes);
	block->bytes = malloc(bytes);
	block->bytes_capacity = block->bytes ? bytes : 0;
	return block->bytes != NULL;
}

static enum trace_status add(struct flt_access_block *block, struct flt_section_writer *writer,
			     enum flt_access_column column, const uint8_t *end, struct trace_error *error)
{
	const struct flt_column_bytes bytes = {block->bytes, (size_t)(end - block->bytes),
					       block->batch.count};

	return flt_section_column(writer, (uint16_t)column, &bytes, error);
}

static uint8_t *put_contexts(uint8_t *out, const struct access_batch *batch)
{
	uint64_t base[ACCESS_PLACES] = {0}, window[ACCESS_PLACES] = {0};

	for (size_t i = 0; i < batch->contexts; i++) {
		const struct access_context *context = &batch->contexts_table[i];
		const uint64_t at = context->start / ACCESS_WINDOW_BYTES;

		out = flt_varint_put(out, (uint64_t)context->process * ACCESS_PLACES + context->place);
		out = flt_varint_put(out, flt_zigzag(context->base - base[context->place]));
		out = flt_varint_put(out, flt_zigzag(at - window[context->place]));
		base[context->place] = context->base;
		window[context->place] = at;
	}
	return out;
}

static uint8_t *put_shapes(uint8_t *out, const struct access_batch *batch)
{
	for (size_t i = 0; i < batch->shapes; i++)
		out = flt_varint_put(out, (uint64_t)batch->shapes_table[i].size * 2 * ACCESS_KINDS +
					      batch->shapes_table[i].kind);
	return out;
}

static uint8_t *put_runs(uint8_t *out, const struct access_batch *batch)
{
	uint64_t position = batch->runs ? batch->run[0].position : 0;
	uint32_t contexts = 0;

	for (size_t i = 0; i < batch->runs; i++) {
		const struct access_run *run = &batch->run[i];

		out = flt_varint_put(out, run->position - position);
		out = flt_varint_put(out, run->thread);
		out = flt_varint_put(out, run->count - 1);
		out = flt_varint_put(out, run->contexts - contexts);
		out = flt_varint_put(out, run->skipped);
		position = run->position;
		contexts = run->contexts;
	}
	return out;
}

static enum trace_status add_tables(struct flt_access_block *block, struct flt_section_writer *writer,
				    struct trace_error *error)
{
	const struct access_batch *batch = &block->batch;
	const size_t values = 3 * batch->contexts + batch->shapes + 5 * batch->runs;
	enum trace_status status = TRACE_OK;

	if (!reserve(block, values * FLT_VARINT_BYTES))
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory to write references");
	status = add(block, writer, FLT_ACCESS_CONTEXT_TABLE, put_contexts(block->bytes, batch), error);
	if (status == TRACE_OK)
		status = add(block, writer, FLT_ACCESS_SHAPE_TABLE, put_shapes(block->bytes, batch), error);
	if (status == TRACE_OK)
		status = add(block, writer, FLT_ACCESS_RUN_TABLE, put_runs(block->bytes, batch), error);
	return status;
}

/* What encoding works in. */
struct flt_access_coder {
	struct flt_stretch_finder finder;
	uint32_t step[FLT_ACCESS_REFERENCES];
	uint16_t
	    period[FLT_ACCESS_REFERENCES]; /* per reference the distance its step is repeated from, or 0 */
	uint8_t stretches[FLT_STRETCH_BOUND(FLT_ACCESS_REFERENCES)];
	uint8_t fresh[2 * FLT_ACCESS_REFERENCES];
};

/* The stretches of a sequence. */
struct stretches {
	const uint8_t *bytes, *end;
};

static enum trace_status add_stored(struct flt_section_writer *writer, enum flt_access_column column,
				    const struct flt_column_bytes *bytes, struct trace_error *error)
{
	return flt_section_column_stored(writer, (uint16_t)column, bytes, error);
}

static enum trace_status add_stretches(struct flt_section_writer *writer, enum flt_access_column column,
				       const struct stretches *stretches, struct trace_error *error)
{
	const size_t count = (size_t)(stretches->end - stretches->bytes);

	return add_stored(writer, column,
			  &(struct flt_column_bytes){stretches->bytes, count, count / FLT_STRETCH_BYTES},
			  error);
}

/* Collects the fresh ones of a sequence. */
static struct flt_column_bytes collect_bytes(struct flt_access_coder *coder,
					     const struct stretches *stretches, const uint8_t *numbers)
{
	uint8_t *out = coder->fresh;

	for (const uint8_t *in = stretches->bytes; in < stretches->end; in += FLT_STRETCH_BYTES) {
		out = mempcpy(out, numbers, in[0]);
		numbers += (size_t)in[0] + in[1];
	}
	return (struct flt_column_bytes){coder->fresh, (size_t)(out - coder->fresh),
					 (size_t)(out - coder->fresh)};
}

static struct flt_column_bytes collect_numbers(struct flt_access_coder *coder,
					       const struct stretches *stretches, const uint16_t *numbers)
{
	uint8_t *out = coder->fresh;

	for (const uint8_t *in = stretches->bytes; in < stretches->end; in += FLT_STRETCH_BYTES) {
		for (size_t i = 0; i < in[0]; i++)
			out = flt_put16(out, numbers[i]);
		numbers += (size_t)in[0] + in[1];
	}
	return (struct flt_column_bytes){coder->fresh, (size_t)(out - coder->fresh),
					 (size_t)(out - coder->fresh) / sizeof(*numbers)};
}

static void find_periods(struct flt_access_coder *coder, const struct stretches *stretches)
{
	uint16_t *period = coder->period;

	for (const uint8_t *in = stretches->bytes; in < stretches->end; in += FLT_STRETCH_BYTES) {
		const size_t fresh = in[0], repeated = in[1];
		const uint16_t distance = flt_get16(in + 2);

		memset(period, 0, fresh * sizeof(*period));
		period += fresh;
		for (size_t i = 0; i < repeated; i++)
			period[i] = distance;
		period += repeated;
	}
}

static enum trace_status add_steps(struct flt_access_block *block, struct flt_section_writer *writer,
				   struct trace_error *error)
{
	struct flt_access_coder *coder = block->coder;
	const size_t count = block->batch.count;
	enum trace_status status;

	for (size_t i = 0; i < count; i++)
		coder->step[i] = block->context[i] | (uint32_t)block->shape[i] << 16;
	const struct stretches stretches = {
	    coder->stretches, flt_stretch_put_steps(&coder->finder, coder->step, count, coder->stretches)};

	status = add_stretches(writer, FLT_ACCESS_STEPS, &stretches, error);
	struct flt_column_bytes fresh = collect_bytes(coder, &stretches, block->shape);

	if (status == TRACE_OK)
		status = add_stored(writer, FLT_ACCESS_FRESH_SHAPES, &fresh, error);
	fresh = collect_numbers(coder, &stretches, block->context);
	find_periods(coder, &stretches);
	return status == TRACE_OK ? add_stored(writer, FLT_ACCESS_FRESH_CONTEXTS, &fresh, error) : status;
}

static enum trace_status add_offsets(struct flt_access_block *block, struct flt_section_writer *writer,
				     struct trace_error *error)
{
	struct flt_access_coder *coder = block->coder;
	const struct stretches stretches = {
	    coder->stretches, flt_stretch_put_offsets(&coder->finder, block->offset, block->batch.count,
						      coder->period, coder->stretches)};
	enum trace_status status = add_stretches(writer, FLT_ACCESS_OFFSETS, &stretches, error);
	const struct flt_column_bytes fresh = collect_numbers(coder, &stretches, block->offset);

	return status == TRACE_OK ? add_stored(writer, FLT_ACCESS_FRESH_OFFSETS, &fresh, error) : status;
}

static enum trace_status add_references(struct flt_access_block *block, struct flt_section_writer *writer,
					struct trace_error *error)
{
	enum trace_status status;

	if (!block->coder)
		block->coder = malloc(sizeof(*block->coder));
	if (!block->coder)
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory to write references");
	status = add_steps(block, writer, error);
	return status == TRACE_OK ? add_offsets(block, writer, error) : status;
}

/* Of a context, a run and a shape with the longest varints that they can have. */
#define CONTEXT_BYTES (5 + 2 * FLT_VARINT_BYTES)
#define RUN_BYTES (2 * FLT_VARINT_BYTES + 5 + 3 + 3)
#define SHAPE_BYTES 3
#define HEAD_BYTES 400 /* of the section */

uint64_t flt_access_bytes(const struct flt_access_block *block)
{
	const struct access_batch *batch = &block->batch;

	return (uint64_t)batch->count * 5 + (uint64_t)2 * FLT_STRETCH_BOUND(batch->count) +
	       (uint64_t)batch->contexts * CONTEXT_BYTES + (uint64_t)batch->runs * RUN_BYTES +
	       (uint64_t)batch->shapes * SHAPE_BYTES + HEAD_BYTES;
}

enum trace_status flt_access_encode(struct flt_access_block *block, struct flt_section_writer *writer,
				    struct trace_error *error)
{
	const struct access_batch *batch = &block->batch;
	enum trace_status status;

	flt_section_begin(writer, FLT_TAG_ACCESS);
	flt_section_field(writer, batch->first);
	flt_section_field(writer, batch->count);
	flt_section_field(writer, batch->runs ? batch->run[0].position : 0);
	flt_section_field(writer, batch->runs ? batch->run[batch->runs - 1].position : 0);
	flt_section_field(writer, batch->contexts);
	flt_section_field(writer, batch->shapes);
	flt_section_field(writer, batch->runs);
	status = add_tables(block, writer, error);
	return status == TRACE_OK ? add_references(block, writer, error) : status;
}
