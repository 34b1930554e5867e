#include "config.h"

#include "traces/flt_block.h"

#include "traces/flt_columns.h"

#include <stdlib.h>
#include <string.h>

void flt_block_free(struct flt_block *block)
{
	free(block->kind);
	free(block->flags);
	free(block->time_ns);
	free(block->object);
	free(block->old_object);
	free(block->size);
	free(block->count);
	free(block->alignment);
	free(block->stack);
	free(block->thread);
	free(block->process);
	free(block->call);
	free(block->kernel);
	free(block->values);
	free(block->class);
	free(block->bytes);
	*block = (struct flt_block){0};
}

enum trace_status flt_block_reserve(struct flt_block *block, size_t capacity, struct trace_error *error)
{
	if (capacity <= block->capacity)
		return TRACE_OK;
	struct flt_block larger = {.capacity = capacity};

	larger.kind = calloc(capacity, sizeof(*larger.kind));
	larger.flags = calloc(capacity, sizeof(*larger.flags));
	larger.time_ns = calloc(capacity, sizeof(*larger.time_ns));
	larger.object = calloc(capacity, sizeof(*larger.object));
	larger.old_object = calloc(capacity, sizeof(*larger.old_object));
	larger.size = calloc(capacity, sizeof(*larger.size));
	larger.count = calloc(capacity, sizeof(*larger.count));
	larger.alignment = calloc(capacity, sizeof(*larger.alignment));
	larger.stack = calloc(capacity, sizeof(*larger.stack));
	larger.thread = calloc(capacity, sizeof(*larger.thread));
	larger.process = calloc(capacity, sizeof(*larger.process));
	larger.values = calloc(capacity, 2 * sizeof(*larger.values));
	larger.class = calloc(capacity, sizeof(*larger.class));
	larger.bytes = calloc(capacity, 2 * (size_t)FLT_VARINT_BYTES);
	if (!larger.kind || !larger.flags || !larger.time_ns || !larger.object || !larger.old_object ||
	    !larger.size || !larger.count || !larger.alignment || !larger.stack || !larger.thread ||
	    !larger.process || !larger.values || !larger.class || !larger.bytes) {
		flt_block_free(&larger);
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for a block of events");
	}
	flt_block_free(block);
	*block = larger;
	return TRACE_OK;
}

enum trace_status flt_block_reserve_calls(struct flt_block *block, struct trace_error *error)
{
	if (!block->call)
		block->call = calloc(block->capacity, sizeof(*block->call));
	if (!block->call)
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for a block of events");
	return TRACE_OK;
}

enum trace_status flt_block_reserve_kernels(struct flt_block *block, struct trace_error *error)
{
	if (!block->kernel)
		block->kernel = calloc(block->capacity, sizeof(*block->kernel));
	if (!block->kernel)
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for a block of events");
	return TRACE_OK;
}

static enum trace_status append_kernel(struct flt_block *block, const struct event *event,
				       struct trace_error *error)
{
	enum trace_status status = flt_block_reserve_kernels(block, error);

	if (status != TRACE_OK)
		return status;
	if (!block->has_kernel)
		memset(block->kernel, 0, block->events * sizeof(*block->kernel));
	block->has_kernel = true;
	block->kernel[block->events] = event->kernel;
	return TRACE_OK;
}

static enum trace_status append_call(struct flt_block *block, const struct event *event,
				     struct trace_error *error)
{
	enum trace_status status = flt_block_reserve_calls(block, error);

	if (status != TRACE_OK)
		return status;
	if (!block->has_call)
		memset(block->call, 0, block->events * sizeof(*block->call));
	block->has_call = true;
	block->call[block->events] = event->call;
	return TRACE_OK;
}

enum trace_status flt_block_append(struct flt_block *block, const struct event *event,
				   struct trace_error *error)
{
	if (block->has_call || event_has_call(event)) {
		enum trace_status status = append_call(block, event, error);

		if (status != TRACE_OK)
			return status;
	}
	if (block->has_kernel || event_has_kernel(event)) {
		enum trace_status status = append_kernel(block, event, error);

		if (status != TRACE_OK)
			return status;
	}
	const size_t i = block->events++;

	block->kind[i] = event->kind;
	block->flags[i] = event->flags;
	block->time_ns[i] = event->time_ns;
	block->object[i] = event->object;
	block->old_object[i] = event->old_object;
	block->size[i] = event->size;
	block->count[i] = event->count;
	block->alignment[i] = event->alignment;
	block->stack[i] = event->stack;
	block->thread[i] = event->thread;
	block->process[i] = event->process;
	return TRACE_OK;
}

void flt_block_event(const struct flt_block *block, size_t index, struct event *event)
{
	*event = (struct event){
	    .time_ns = block->time_ns[index],
	    .object = block->object[index],
	    .old_object = block->old_object[index],
	    .size = block->size[index],
	    .count = block->count[index],
	    .alignment = block->alignment[index],
	    .stack = block->stack[index],
	    .thread = block->thread[index],
	    .process = block->process[index],
	    .kind = block->kind[index],
	    .flags = block->flags[index],
	};
	if (block->has_call)
		event->call = block->call[index];
	if (block->has_kernel)
		event->kernel = block->kernel[index];
}
