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
	free(block->values);
	free(block->class);
	free(block->bytes);
	*block = (struct flt_block){0};
}

enum trace_status flt_block_reserve(struct flt_block *block, size_t capacity, struct trace_error *error)
{
	if (capacity <= block->capacity)
		return TRACE_OK;
	flt_block_free(block);
	block->kind = calloc(capacity, sizeof(*block->kind));
	block->flags = calloc(capacity, sizeof(*block->flags));
	block->time_ns = calloc(capacity, sizeof(*block->time_ns));
	block->object = calloc(capacity, sizeof(*block->object));
	block->old_object = calloc(capacity, sizeof(*block->old_object));
	block->size = calloc(capacity, sizeof(*block->size));
	block->count = calloc(capacity, sizeof(*block->count));
	block->alignment = calloc(capacity, sizeof(*block->alignment));
	block->stack = calloc(capacity, sizeof(*block->stack));
	block->thread = calloc(capacity, sizeof(*block->thread));
	block->process = calloc(capacity, sizeof(*block->process));
	block->values = calloc(capacity, 2 * sizeof(*block->values));
	block->class = calloc(capacity, sizeof(*block->class));
	block->bytes = calloc(capacity, 2 * (size_t)FLT_VARINT_BYTES);
	if (!block->kind || !block->flags || !block->time_ns || !block->object || !block->old_object ||
	    !block->size || !block->count || !block->alignment || !block->stack || !block->thread ||
	    !block->process || !block->values || !block->class || !block->bytes) {
		flt_block_free(block);
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for a block of events");
	}
	block->capacity = capacity;
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
}
