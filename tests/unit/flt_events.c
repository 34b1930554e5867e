#include "config.h"

#include "tests/unit/flt_events.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define MAX_LIVE 4096

struct live_ids {
	uint64_t id[MAX_LIVE];
	size_t count;
};

struct stream {
	const struct flt_events_options *options;
	uint64_t state;
	uint64_t objects;
	uint64_t now_ns;
	unsigned threads, processes;
	unsigned process_of_thread[64];
	struct live_ids *live; /* per process */
};

/* splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t draw(struct stream *stream, uint64_t below)
{
	uint64_t z = stream->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (z ^ (z >> 31)) % below;
}

static uint64_t take(struct stream *stream, struct live_ids *live)
{
	const size_t i = draw(stream, live->count);
	const uint64_t id = live->id[i];

	live->id[i] = live->id[--live->count];
	return id;
}

static uint64_t draw_size(struct stream *stream)
{
	const bool huge = stream->options->oddities && draw(stream, 500) == 0;

	return huge ? draw(stream, UINT64_C(1) << 50) : draw(stream, UINT64_C(1) << (4 + draw(stream, 14)));
}

static void create(struct stream *stream, struct event *event, struct live_ids *live)
{
	event->size = draw_size(stream);
	if (event->kind == EVENT_CALLOC)
		event->count = draw(stream, 9);
	if (event->kind == EVENT_MEMALIGN)
		event->alignment = UINT64_C(1) << draw(stream, 13);
	if (stream->options->oddities && draw(stream, 50) == 0) {
		event->flags |= EVENT_FAILED;
		event->size = draw(stream, 2) ? UINT64_MAX : event->size;
		return;
	}
	if (stream->options->oddities && draw(stream, 50) == 0) {
		event->size = 0;
		return;
	}
	event->object = ++stream->objects;
	live->id[live->count++] = event->object;
}

static void resize(struct stream *stream, struct event *event, struct live_ids *live)
{
	const bool foreign = stream->options->oddities && draw(stream, 20) == 0;

	event->kind = EVENT_REALLOC;
	if (foreign) {
		event->flags |= EVENT_FOREIGN;
		event->old_object = ++stream->objects;
	} else if (live->count && draw(stream, 10)) {
		event->old_object = take(stream, live);
	}
	create(stream, event, live);
	if ((event->flags & EVENT_FAILED) && event->old_object)
		live->id[live->count++] = event->old_object;
}

static void release(struct stream *stream, struct event *event, struct live_ids *live)
{
	event->kind = draw(stream, 10) ? EVENT_FREE : EVENT_FREE_SIZED;
	if (event->kind == EVENT_FREE_SIZED) {
		event->size = draw(stream, 5000);
		event->alignment = draw(stream, 3) * 16;
	}
	if (stream->options->oddities && draw(stream, 20) == 0) {
		event->flags |= EVENT_FOREIGN;
		event->object = ++stream->objects;
	} else if (draw(stream, 20) && live->count) {
		event->object = take(stream, live);
	}
}

static bool live_or_die(struct stream *stream, struct event *event)
{
	const struct flt_events_options *options = stream->options;
	struct live_ids *live = &stream->live[event->process];

	if (stream->processes < options->processes && draw(stream, 40) == 0) {
		event->kind = EVENT_FORK;
		event->count = stream->processes;
		stream->live[stream->processes++] = *live;
		return true;
	}
	if (options->processes > 1 && draw(stream, 400) == 0) {
		event->kind = EVENT_EXEC;
		live->count = 0;
		return true;
	}
	if (options->oddities && draw(stream, 100) == 0) {
		event->kind = EVENT_MARKER;
		event->size = draw(stream, UINT64_MAX);
		return true;
	}
	return false;
}

/* Mostly near the numbers before, sometimes anywhere. */
static uint64_t draw_number(struct stream *stream, uint64_t near, uint64_t below)
{
	return draw(stream, 100) ? draw(stream, near < below ? near : below) : draw(stream, below);
}

static void fill_kernel(struct stream *stream, struct event_kernel *kernel, unsigned carries)
{
	if (carries & EVENT_KERNEL_HAS_FRAME)
		kernel->frame = draw_number(stream, 1000000, EVENT_MAX_FRAMES);
	if (carries & EVENT_KERNEL_HAS_PAGES)
		kernel->pages = draw_number(stream, 100, EVENT_MAX_FRAMES);
	if (carries & EVENT_KERNEL_HAS_ADDRESS)
		kernel->address = draw(stream, 50) ? UINT64_C(0xffff888000000000) + 8 * draw(stream, 1 << 20)
						   : draw(stream, UINT64_MAX);
	if (carries & EVENT_KERNEL_HAS_BYTES)
		kernel->bytes = draw_number(stream, 5000, UINT64_MAX);
	if (carries & EVENT_KERNEL_HAS_GRANTED)
		kernel->granted = draw_number(stream, 5000, UINT64_MAX);
	if (carries & EVENT_KERNEL_HAS_GFP)
		kernel->gfp = (uint32_t)draw(stream, FLT_EVENTS_NAMES + 1);
	if (carries & EVENT_KERNEL_HAS_CACHE)
		kernel->cache = (uint32_t)draw(stream, FLT_EVENTS_NAMES + 1);
	if (carries & EVENT_KERNEL_HAS_NODE)
		kernel->node = (uint16_t)draw_number(stream, 2, EVENT_MAX_NODES);
	if (carries & EVENT_KERNEL_HAS_ORDER)
		kernel->order = (uint8_t)draw_number(stream, 11, EVENT_MAX_ORDERS);
	if (carries & EVENT_KERNEL_HAS_MIGRATE_TYPE)
		kernel->migrate_type = (uint8_t)draw_number(stream, 3, EVENT_MAX_MIGRATE_TYPES);
	if (carries & EVENT_KERNEL_HAS_FALLBACK) {
		kernel->fallback_order = (uint8_t)draw(stream, EVENT_MAX_ORDERS);
		kernel->fallback_type = (uint8_t)draw(stream, EVENT_MAX_MIGRATE_TYPES);
	}
	if (carries & EVENT_KERNEL_HAS_FLAGS)
		kernel->flags = (uint8_t)draw(stream, 8);
	if (carries & EVENT_KERNEL_HAS_CODE)
		kernel->code = (uint8_t)draw(stream, EVENT_ZONES);
}

static void in_kernel(struct stream *stream, struct event *event)
{
	unsigned carries;

	event->kind = (uint8_t)(EVENT_PAGE_ALLOC + draw(stream, EVENT_KINDS - EVENT_PAGE_ALLOC));
	carries = event_kernel_carries(event->kind);
	if ((carries & EVENT_KERNEL_MAY_FAIL) && draw(stream, 10) == 0) {
		event->flags |= EVENT_FAILED;
		carries &= ~(EVENT_KERNEL_HAS_FRAME | EVENT_KERNEL_HAS_ADDRESS);
	}
	fill_kernel(stream, &event->kernel, carries);
	if (event_kind_carries(event->kind) & EVENT_HAS_COUNT)
		event->count = draw(stream, 100000);
}

static void make(struct stream *stream, struct event *event)
{
	const struct flt_events_options *options = stream->options;
	const bool fresh =
	    stream->threads == 0 || (stream->threads < options->threads && draw(stream, 30) == 0);
	const unsigned thread = fresh ? stream->threads++ : (unsigned)draw(stream, stream->threads);

	if (fresh)
		stream->process_of_thread[thread] = (unsigned)draw(stream, stream->processes);
	*event = (struct event){.thread = thread, .process = stream->process_of_thread[thread]};
	struct live_ids *live = &stream->live[event->process];

	if (options->time) {
		stream->now_ns += 10 * draw(stream, 200);
		event->time_ns =
		    stream->now_ns - (draw(stream, 50) ? 0 : 10 * draw(stream, stream->now_ns / 10 + 1));
	}
	if (options->stacks)
		event->stack = (uint32_t)draw(stream, options->stacks + 1u);
	if (options->kernel && draw(stream, 2)) {
		in_kernel(stream, event);
		return;
	}
	if (live_or_die(stream, event))
		return;
	if (live->count == MAX_LIVE || draw(stream, 100) < 45) {
		release(stream, event, live);
	} else if (draw(stream, 10) == 0) {
		resize(stream, event, live);
	} else {
		static const uint8_t kinds[] = {EVENT_MALLOC, EVENT_MALLOC, EVENT_MALLOC, EVENT_CALLOC,
						EVENT_MEMALIGN};

		event->kind = kinds[draw(stream, sizeof(kinds))];
		create(stream, event, live);
	}
}

void flt_events_make(const struct flt_events_options *options, struct event *events, size_t count)
{
	struct stream stream = {.options = options, .state = options->seed, .processes = 1};

	stream.live = calloc(options->processes, sizeof(*stream.live));
	assert(stream.live && options->threads && options->threads <= 64);
	for (size_t i = 0; i < count; i++)
		make(&stream, &events[i]);
	free(stream.live);
}
