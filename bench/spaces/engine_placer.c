#include "config.h"

#include "bench/spaces/engine_placer.h"

#include "bench/spaces/spaces.h"
#include "engine/machine.h"
#include "traces/live_sets.h"
#include "traces/record/number_map.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct engine_placer {
	struct placer placer;
	struct engine_placer_options options;
	struct machine *machine;  /* NULL: no program has started */
	uint64_t arena;		  /* where its memory is mapped */
	struct number_map blocks; /* object -> the machine's address, of the live ones */
	struct live_sets live;	  /* of all processes; a label is an alignment */
	uint32_t process;	  /* whose blocks it places */
	uint8_t *has_page;	  /* with eager paging, a bit for each page of the arena; NULL otherwise */
};

static enum trace_status no_memory(struct trace_error *error)
{
	return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for the engine's placement of blocks");
}

/* Address space for the heap: its machine's memory, or as much of that as a program can have. */
static uint64_t arena_bytes(const struct engine_placer_options *options, const struct address_layout *layout)
{
	const uint64_t bytes = options->memory_bytes ? options->memory_bytes : MACHINE_MEMORY_BYTES;

	return bytes < layout->arena_max_bytes ? bytes : layout->arena_max_bytes;
}

/* The arena in the program's address space. With eager paging it gets its pages as the heap takes them: it is mapped without rights,
 * and then opened. */
static bool map_arena(struct engine_placer *engine, struct spaces *spaces, uint64_t bytes)
{
	const uint32_t rights = MM_PROT_READ | MM_PROT_WRITE;
	struct event call = {.kind = EVENT_MMAP,
			     .process = engine->process,
			     .call = {.length = bytes,
				      .protection = engine->has_page ? 0 : rights,
				      .flags = MM_MAP_PRIVATE | MM_MAP_ANONYMOUS | MM_MAP_NO_RESERVE}};
	struct mm_result arena = spaces_call(spaces, engine->process, &call);

	engine->arena = arena.value;
	if (arena.error != 0 || !engine->has_page)
		return arena.error == 0;
	call.kind = EVENT_MPROTECT;
	call.call.address = arena.value;
	call.call.protection = rights;
	return spaces_call(spaces, engine->process, &call).error == 0;
}

/* With eager paging: the block's pages come now, as far as there are frames. */
static void take_pages(struct engine_placer *engine, struct spaces *spaces, struct placed block)
{
	const uint64_t first = (block.address - engine->arena) >> PAGE_SHIFT;
	const uint64_t last = (block.address - engine->arena + block.bytes - 1) >> PAGE_SHIFT;
	const struct event call = {.kind = EVENT_MADVISE,
				   .process = engine->process,
				   .call = {.address = engine->arena + (first << PAGE_SHIFT),
					    .length = (last - first + 1) << PAGE_SHIFT,
					    .flags = MM_ADVICE_POPULATE_WRITE}};
	bool is_new = false;

	for (uint64_t page = first; page <= last; page++) {
		is_new |= !(engine->has_page[page / 8] >> page % 8 & 1);
		engine->has_page[page / 8] |= (uint8_t)(1u << page % 8);
	}
	if (is_new)
		(void)spaces_call(spaces, engine->process, &call);
}

/* An empty machine, and its arena in the program's address space. */
static enum trace_status begin(struct engine_placer *engine, struct spaces *spaces, uint32_t process,
			       struct trace_error *error)
{
	const struct engine_placer_options *options = &engine->options;
	const uint64_t bytes = arena_bytes(options, spaces_platform(spaces)->layout);
	struct machine_options machine = {.policy = options->policy,
					  .backing = MACHINE_BACKING_NONE,
					  .memory_bytes = bytes,
					  .seed = options->seed};

	if (engine->machine)
		machine_destroy(engine->machine);
	engine->machine = NULL;
	engine->process = process;
	number_map_clear(&engine->blocks);
	free(engine->has_page);
	engine->has_page = NULL;
	if (spaces_platform(spaces)->policy.paging == PAGING_EAGER) {
		engine->has_page = calloc((bytes >> PAGE_SHIFT) / 8 + 1, 1);
		if (!engine->has_page)
			return no_memory(error);
	}
	enum status status = machine_create(&engine->machine, &machine);

	if (status == STATUS_BAD_ARGUMENT)
		return trace_fail(error, TRACE_UNSUPPORTED, "the engine has no machine of this memory size");
	if (status != STATUS_OK)
		return no_memory(error);
	if (!map_arena(engine, spaces, bytes))
		return trace_fail(error, TRACE_UNSUPPORTED,
				  "the program's address space has no room for the engine's arena; a smaller "
				  "--memory may fit");
	return TRACE_OK;
}

/* The block lies at the machine's address. */
static enum trace_status put(struct engine_placer *engine, struct spaces *spaces, uint64_t object,
			     uintptr_t address, struct trace_error *error)
{
	uint64_t previous;

	if (machine_status(engine->machine) != STATUS_OK)
		return no_memory(error);
	if (address == 0)
		return TRACE_OK;
	if (!number_map_put(&engine->blocks, object, address, &previous))
		return no_memory(error);
	const struct placed block = {engine->arena + (address - machine_base(engine->machine)),
				     machine_usable_bytes(engine->machine, address)};

	if (engine->has_page && block.bytes > 0)
		take_pages(engine, spaces, block);
	return spaces_put_block(spaces, object, block, error);
}

/* --- Who holds which blocks ----------------------------------------------------------------------------------------------- */

/* The event in the live sets. An event that no process can have made is refused. */
static enum trace_status keep_books(struct live_sets *live, const struct spaces *spaces,
				    const struct event *event, struct trace_error *error)
{
	enum trace_status status = live_sets_apply(live, event, error);
	char name[32];

	if (status == TRACE_BAD_INPUT) {
		(void)snprintf(name, sizeof(name), "event %" PRIu64, spaces_position(spaces));
		return trace_fail_in(error, status, name);
	}
	if (status != TRACE_OK)
		return status;
	if (event->kind == EVENT_MEMALIGN && event->object != 0 &&
	    !live_set_label(&live->process[event->process], event->object, event->alignment))
		return no_memory(error);
	return TRACE_OK;
}

static enum trace_status follow(struct placer *placer, struct spaces *spaces, const struct event *event,
				struct trace_error *error)
{
	struct live_sets *live = &((struct engine_placer *)placer)->live;
	enum trace_status status = keep_books(live, spaces, event, error);

	/* A child that shares its parent's memory sees the same blocks. */
	if (status == TRACE_OK && event_makes_child(event) && !event_copies_memory(event) &&
	    !live_sets_fork(live, event->process, (uint32_t)event->count))
		return no_memory(error);
	return status;
}

/* --- What a fork hands down --------------------------------------------------------------------------------------------- */

struct inheritance {
	struct engine_placer *engine;
	struct spaces *spaces;
	struct trace_error *error;
	enum trace_status status;
};

static bool inherit(void *context, uint64_t id, const struct live_object *object)
{
	struct inheritance *inheritance = context;
	struct machine *machine = inheritance->engine->machine;

	inheritance->status =
	    put(inheritance->engine, inheritance->spaces, id,
		machine_malloc(machine, 0, object->size_bytes, object->label), inheritance->error);
	return inheritance->status == TRACE_OK;
}

static enum trace_status start(struct placer *placer, struct spaces *spaces, uint32_t process,
			       struct trace_error *error)
{
	struct engine_placer *engine = (struct engine_placer *)placer;
	struct inheritance inheritance = {engine, spaces, error, TRACE_OK};
	enum trace_status status = begin(engine, spaces, process, error);

	if (status == TRACE_OK && process < engine->live.processes)
		(void)live_set_each(&engine->live.process[process], inherit, &inheritance);
	return status == TRACE_OK ? inheritance.status : status;
}

/* --- Heap events ---------------------------------------------------------------------------------------------------------- */

/* The address of the object that the event ends, 0: it is not known; it is live no more. */
static uintptr_t take_block(struct engine_placer *engine, uint64_t object)
{
	return object ? (uintptr_t)number_map_take(&engine->blocks, object) : 0;
}

static uintptr_t resize(struct engine_placer *engine, unsigned thread, const struct event *event)
{
	uintptr_t old = take_block(engine, event->old_object);

	if (event->object == 0) { /* realloc(p, 0) that freed */
		machine_free(engine->machine, thread, old);
		return 0;
	}
	uintptr_t moved = machine_realloc(engine->machine, thread, old, event->size);

	if (moved == 0)
		machine_free(engine->machine, thread, old);
	return moved;
}

static uintptr_t apply(struct engine_placer *engine, const struct event *event)
{
	unsigned thread = engine->options.is_single ? 0 : event->thread % MACHINE_THREADS_MAX;

	switch (event->kind) {
	case EVENT_MALLOC:
	case EVENT_CALLOC:
		return event->object ? machine_malloc(engine->machine, thread, event->size, 0) : 0;
	case EVENT_MEMALIGN:
		return event->object ? machine_malloc(engine->machine, thread, event->size, event->alignment)
				     : 0;
	case EVENT_REALLOC:
		return resize(engine, thread, event);
	case EVENT_THREAD_EXIT:
		if (!engine->options.is_single)
			machine_thread_exit(engine->machine, thread);
		return 0;
	default:
		machine_free(engine->machine, thread, take_block(engine, event->object));
		return 0;
	}
}

static enum trace_status place(struct placer *placer, struct spaces *spaces, const struct event *event,
			       uint64_t position, struct trace_error *error)
{
	struct engine_placer *engine = (struct engine_placer *)placer;

	(void)position;
	enum trace_status status = keep_books(&engine->live, spaces, event, error);

	if (status != TRACE_OK || event->flags & EVENT_FAILED)
		return status;
	uintptr_t address = apply(engine, event);

	return put(engine, spaces, event->object, address, error);
}

struct placer *engine_placer_create(const struct engine_placer_options *options)
{
	struct engine_placer *engine = calloc(1, sizeof(*engine));

	if (!engine)
		return NULL;
	engine->placer = (struct placer){place, start, follow};
	engine->options = *options;
	return &engine->placer;
}

void engine_placer_destroy(struct placer *placer)
{
	struct engine_placer *engine = (struct engine_placer *)placer;

	if (!engine)
		return;
	if (engine->machine)
		machine_destroy(engine->machine);
	number_map_clear(&engine->blocks);
	live_sets_clear(&engine->live);
	free(engine->has_page);
	free(engine);
}
