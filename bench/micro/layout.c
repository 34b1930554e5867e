#include "config.h"

#include "bench/micro/layout.h"

#include <stdlib.h>

#define GRANULE 16u
#define UNKNOWN_BYTES 64u
#define BLOCKS_AT UINT64_C(0x600000000000)
#define STACKS_BELOW UINT64_C(0x7ffff0000000)
#define STACK_BYTES (UINT64_C(1) << 24)

static void take(struct layout *layout, uint64_t object, uint64_t bytes)
{
	const uint64_t size = bytes / GRANULE + 1;
	uint64_t *list = size < LAYOUT_CLASSES ? &layout->free[size] : NULL;

	if (layout->address[object] != 0)
		return;
	layout->size[object] = size < UINT32_MAX ? (uint32_t)size : UINT32_MAX;
	if (list && *list != 0) {
		layout->address[object] = layout->address[*list];
		*list = layout->next[*list];
		return;
	}
	layout->address[object] = layout->top;
	layout->top += layout->size[object] * (uint64_t)GRANULE;
}

static void give(struct layout *layout, uint64_t object)
{
	const uint32_t size = layout->size[object];

	if (object == 0 || size == 0 || size >= LAYOUT_CLASSES)
		return;
	layout->size[object] = 0;
	layout->next[object] = layout->free[size];
	layout->free[size] = object;
}

static void replay(struct layout *layout, const struct event *event)
{
	const unsigned carries = event_kind_carries(event->kind);
	const uint64_t ended = carries & EVENT_CREATES ? event->old_object : event->object;

	if (event->flags & EVENT_FAILED)
		return;
	if (carries & EVENT_RELEASES) {
		take(layout, ended, UNKNOWN_BYTES);
		give(layout, ended);
	}
	if ((carries & EVENT_CREATES) && event->object != 0)
		take(layout, event->object, event->size);
}

enum trace_status layout_create(struct layout *layout, struct flt_reader *reader, struct trace_error *error)
{
	const struct flt_summary *summary = flt_reader_summary(reader);
	const size_t objects = (size_t)summary->objects + 1;
	struct event event;
	enum trace_status status = TRACE_OK;

	*layout = (struct layout){.summary = summary, .top = BLOCKS_AT};
	layout->address = calloc(objects, sizeof(*layout->address));
	layout->size = calloc(objects, sizeof(*layout->size));
	layout->next = calloc(objects, sizeof(*layout->next));
	if (!layout->address || !layout->size || !layout->next)
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory");
	while (status == TRACE_OK) {
		status = flt_reader_next(reader, &event, error);
		if (status == TRACE_OK)
			replay(layout, &event);
	}
	for (size_t object = 1; object < objects; object++)
		take(layout, object, UNKNOWN_BYTES);
	return status == TRACE_END ? TRACE_OK : status;
}

void layout_destroy(struct layout *layout)
{
	free(layout->address);
	free(layout->size);
	free(layout->next);
}

uint64_t layout_of(const struct layout *layout, const struct access_context *context)
{
	switch (context->place) {
	case ACCESS_OBJECT:
		return layout->address[context->base] + context->start;
	case ACCESS_STACK:
		return STACKS_BELOW - context->base * STACK_BYTES + context->start;
	case ACCESS_REGION:
		return layout->summary->region[context->base - 1].address + context->start;
	default:
		return context->start;
	}
}
