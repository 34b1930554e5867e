#include "config.h"

#include "traces/flt_access.h"

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

static uint8_t *put_shape_numbers(uint8_t *out, const struct access_batch *batch)
{
	memcpy(out, batch->shape, batch->count);
	return out + batch->count;
}

static uint8_t *put_16(uint8_t *out, uint16_t value)
{
	out[0] = (uint8_t)value;
	out[1] = (uint8_t)(value >> 8);
	return out + 2;
}

static uint8_t *put_context_numbers(uint8_t *out, const struct access_batch *batch)
{
	for (size_t i = 0; i < batch->count; i++)
		out = put_16(out, batch->context[i]);
	return out;
}

static uint8_t *put_offsets(uint8_t *out, const struct access_batch *batch, uint16_t *last)
{
	memset(last, 0, batch->contexts * sizeof(*last));
	for (size_t i = 0; i < batch->count; i++) {
		uint16_t *before = &last[batch->context[i]];
		out = put_16(out, (uint16_t)(batch->offset[i] - *before));
		*before = batch->offset[i];
	}
	return out;
}

static enum trace_status add_references(struct flt_access_block *block, struct flt_section_writer *writer,
					struct trace_error *error)
{
	const struct access_batch *batch = &block->batch;
	enum trace_status status;

	if (!reserve(block, 2 * batch->count))
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory to write references");
	status = add(block, writer, FLT_ACCESS_SHAPE, put_shape_numbers(block->bytes, batch), error);
	if (status == TRACE_OK)
		status =
		    add(block, writer, FLT_ACCESS_CONTEXT, put_context_numbers(block->bytes, batch), error);
	if (status == TRACE_OK)
		status = add(block, writer, FLT_ACCESS_OFFSET, put_offsets(block->bytes, batch, block->last),
			     error);
	return status;
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
