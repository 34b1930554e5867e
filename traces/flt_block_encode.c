#include "config.h"

#include "traces/flt_block.h"

#include "traces/flt_call.h"
#include "traces/flt_columns.h"
#include "traces/flt_kernel.h"

#include <stdbool.h>

/* Adds what has been put between block->bytes and `end` as a column, unless every one of its values is 0. */
static enum trace_status add(struct flt_block *block, struct flt_section_writer *writer, uint16_t column,
			     const struct flt_column_bytes *bytes, struct trace_error *error)
{
	const uint8_t *raw = bytes->raw;
	bool any = false;

	(void)block;
	for (size_t i = 0; i < bytes->raw_bytes && !any; i++)
		any = raw[i] != 0;
	return any ? flt_section_column(writer, column, bytes, error) : TRACE_OK;
}

static enum trace_status add_varints(struct flt_block *block, struct flt_section_writer *writer,
				     uint16_t column, size_t values, struct trace_error *error)
{
	uint8_t *out = block->bytes;

	for (size_t i = 0; i < values; i++)
		out = flt_varint_put(out, block->values[i]);
	const struct flt_column_bytes bytes = {block->bytes, (size_t)(out - block->bytes), values};

	return add(block, writer, column, &bytes, error);
}

static bool creates_nothing(const struct flt_block *block, size_t i)
{
	return !block->object[i] && (event_kind_carries(block->kind[i]) & EVENT_CREATES) &&
	       !(block->flags[i] & EVENT_FAILED);
}

static enum trace_status encode_kinds(struct flt_block *block, struct flt_section_writer *writer,
				      struct trace_error *error)
{
	const struct flt_column_bytes kinds = {block->kind, block->events, block->events};
	const struct flt_column_bytes flags = {block->bytes, block->events, block->events};
	enum trace_status status = flt_section_column(writer, FLT_BLOCK_KIND, &kinds, error);

	for (size_t i = 0; i < block->events; i++)
		block->bytes[i] =
		    (uint8_t)(block->flags[i] | (creates_nothing(block, i) ? FLT_NO_OBJECT : 0));
	return status == TRACE_OK ? add(block, writer, FLT_BLOCK_FLAGS, &flags, error) : status;
}

static uint64_t ended_value(uint64_t id, uint64_t objects, uint64_t previous)
{
	const uint64_t age = 2 * (objects - id);
	const uint64_t distance = 2 * flt_zigzag(id - previous) + 1;

	return id ? 1 + (age < distance ? age : distance) : 0;
}

static enum trace_status encode_ended(struct flt_block *block, struct flt_section_writer *writer,
				      struct trace_error *error)
{
	uint64_t objects = block->objects, previous = block->objects;
	size_t values = 0;

	for (size_t i = 0; i < block->events; i++) {
		const unsigned carries = event_kind_carries(block->kind[i]);
		const uint64_t id = carries & EVENT_CREATES ? block->old_object[i] : block->object[i];

		if (carries & EVENT_RELEASES) {
			if (block->flags[i] & EVENT_FOREIGN) {
				objects++;
			} else {
				block->values[values++] = ended_value(id, objects, previous);
				previous = id ? id : previous;
			}
		}
		objects += (carries & EVENT_CREATES) && block->object[i];
	}
	return add_varints(block, writer, FLT_BLOCK_ENDED, values, error);
}

/* The values of `from` for the events whose kind carries `what`. */
static size_t gather(const struct flt_block *block, unsigned what, const uint64_t *from)
{
	size_t values = 0;

	for (size_t i = 0; i < block->events; i++) {
		block->values[values] = from[i];
		values += (event_kind_carries(block->kind[i]) & what) != 0;
	}
	return values;
}

static enum trace_status encode_threads(struct flt_block *block, struct flt_section_writer *writer,
					struct trace_error *error)
{
	size_t values = 0;

	for (size_t i = 0; i < block->events;) {
		size_t end = i + 1;

		while (end < block->events && block->thread[end] == block->thread[i])
			end++;
		block->values[values++] = block->thread[i];
		block->values[values++] = end - i - 1;
		i = end;
	}
	/* A single run of thread 0 has a length that is not 0, or is the only event; it is never left out. */
	uint8_t *out = block->bytes;

	for (size_t i = 0; i < values; i++)
		out = flt_varint_put(out, block->values[i]);
	const struct flt_column_bytes bytes = {block->bytes, (size_t)(out - block->bytes), values};

	return flt_section_column(writer, FLT_BLOCK_THREAD, &bytes, error);
}

static uint64_t divisor_of(uint64_t a, uint64_t b)
{
	while (b) {
		const uint64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

struct time_coding {
	uint64_t divisor;
	bool steps_back;
};

static struct time_coding examine_time(const struct flt_block *block)
{
	struct time_coding coding = {0};

	for (size_t i = 1; i < block->events; i++) {
		const uint64_t difference = block->time_ns[i] - block->time_ns[i - 1];
		const bool back = block->time_ns[i] < block->time_ns[i - 1];

		coding.steps_back |= back;
		if (coding.divisor != 1)
			coding.divisor = divisor_of(back ? 0 - difference : difference, coding.divisor);
	}
	coding.divisor += coding.divisor == 0;
	return coding;
}

static enum trace_status encode_time(struct flt_block *block, struct flt_section_writer *writer,
				     const struct time_coding *coding, struct trace_error *error)
{
	uint64_t previous = block->events ? block->time_ns[0] : 0;

	for (size_t i = 0; i < block->events; i++) {
		const uint64_t now = block->time_ns[i];
		const uint64_t forward = (now - previous) / coding->divisor;
		const uint64_t backward = (previous - now) / coding->divisor;

		if (coding->steps_back)
			block->values[i] = flt_zigzag(now >= previous ? forward : 0 - backward);
		else
			block->values[i] = forward;
		previous = now;
	}
	return add_varints(block, writer, coding->steps_back ? FLT_BLOCK_TIME_SIGNED : FLT_BLOCK_TIME,
			   block->events, error);
}

static enum trace_status encode_details(struct flt_block *block, struct flt_section_writer *writer,
					struct trace_error *error)
{
	enum trace_status status;

	status =
	    add_varints(block, writer, FLT_BLOCK_SIZE, gather(block, EVENT_HAS_SIZE, block->size), error);
	if (status == TRACE_OK)
		status = add_varints(block, writer, FLT_BLOCK_COUNT,
				     gather(block, EVENT_HAS_COUNT, block->count), error);
	if (status == TRACE_OK)
		status = add_varints(block, writer, FLT_BLOCK_ALIGNMENT,
				     gather(block, EVENT_HAS_ALIGNMENT, block->alignment), error);
	if (status != TRACE_OK)
		return status;
	for (size_t i = 0; i < block->events; i++)
		block->values[i] = block->stack[i];
	return add_varints(block, writer, FLT_BLOCK_STACK, block->events, error);
}

enum trace_status flt_block_encode(struct flt_block *block, struct flt_section_writer *writer,
				   struct trace_error *error)
{
	const struct time_coding coding = examine_time(block);
	enum trace_status status;

	flt_section_begin(writer, FLT_TAG_BLOCK);
	flt_section_field(writer, block->first);
	flt_section_field(writer, block->events);
	flt_section_field(writer, block->objects);
	flt_section_field(writer, block->events ? block->time_ns[0] : 0);
	flt_section_field(writer, coding.divisor);
	status = encode_kinds(block, writer, error);
	if (status == TRACE_OK)
		status = encode_ended(block, writer, error);
	if (status == TRACE_OK)
		status = encode_threads(block, writer, error);
	if (status == TRACE_OK)
		status = encode_details(block, writer, error);
	if (status == TRACE_OK)
		status = encode_time(block, writer, &coding, error);
	const struct flt_calls calls = {block->kind, block->events, block->call, block->values, block->bytes};
	const struct flt_kernels kernels = {block->kind, block->events, block->kernel, block->values,
					    block->bytes};

	if (status == TRACE_OK && block->has_call)
		status = flt_calls_encode(&calls, writer, error);
	if (status == TRACE_OK && block->has_kernel)
		status = flt_kernels_encode(&kernels, writer, error);
	return status;
}
