#include "config.h"

#include "bench/spaces/spaces_state.h"

#include <string.h>

/* A thread's stack of which nothing is known: what Linux gives a first thread at once, and pthread_create any other. */
#define STACK_START_BYTES (33 * PAGE_BYTES)
#define THREAD_STACK_BYTES ((uint64_t)8 << 20)

/* What is made when a reference goes where nothing is. */
#define MADE_BYTES ((uint64_t)2 << 20)

/* --- Stacks ------------------------------------------------------------------------------------------------------------- */

static uint64_t make_first_stack(struct spaces *spaces, struct space *space)
{
	const uint64_t top = spaces->platform.layout->stack_top;
	struct start_mapping stack = {.start = top - STACK_START_BYTES,
				      .end = top,
				      .protection = MM_PROT_READ | MM_PROT_WRITE,
				      .flags = AREA_GROWS_DOWN};

	if (!spaces_place(spaces, space, &stack))
		return 0;
	return space->stack_top = top;
}

static uint64_t make_stack(struct space *space)
{
	struct mm_mapping mapping = {.length = THREAD_STACK_BYTES,
				     .protection = MM_PROT_READ | MM_PROT_WRITE,
				     .flags = MM_MAP_PRIVATE | MM_MAP_ANONYMOUS | MM_MAP_NO_RESERVE |
					      MM_MAP_STACK};
	struct mm_result made = fault_map(&space->mm, &mapping);

	return made.error ? 0 : made.value + THREAD_STACK_BYTES;
}

static uint64_t find_top(struct spaces *spaces, struct space *space, uint32_t thread)
{
	uint32_t region = spaces->thread[thread].stack_region;
	uint32_t process = spaces->trace->thread[thread].process;
	bool is_first = process < spaces->trace->processes && spaces->process[process].first_thread == thread;
	uint64_t top = 0;

	if (is_first && spaces->process[process].first_top != 0)
		return spaces->process[process].first_top;
	if (is_first && space->stack_top != 0)
		return space->stack_top;
	if (region != 0) {
		const struct event_region *known = &spaces->trace->region[region - 1];

		return relocation_find(&space->moved, known->address + known->length - 1).ours + 1;
	}
	spaces_catch_up(spaces);
	if (is_first)
		top = make_first_stack(spaces, space);
	return top ? top : make_stack(space);
}

uint64_t spaces_stack_top(struct spaces *spaces, struct space *space, uint32_t thread)
{
	uint64_t *top = &spaces->thread[thread].top;

	if (*top == 0)
		*top = find_top(spaces, space, thread);
	return *top;
}

/* --- Windows ------------------------------------------------------------------------------------------------------------ */

static const struct window unplaced = {0, ACCESS_WINDOW_BYTES, WINDOW_UNPLACED};
static const struct window left_out = {0, ACCESS_WINDOW_BYTES, WINDOW_ALLOCATOR};

/* A window of recorded addresses. */
static struct window window_at(const struct space *space, uint64_t recorded)
{
	struct relocation_found found = relocation_find(&space->moved, recorded);

	if (found.end - recorded < ACCESS_WINDOW_BYTES)
		return (struct window){recorded, 0, WINDOW_MADE};
	return (struct window){found.ours, ACCESS_WINDOW_BYTES, WINDOW_MADE};
}

static struct window window_of_object(const struct spaces *spaces, const struct access_context *context)
{
	const struct placed *placed = context->base < spaces->objects ? &spaces->object[context->base] : NULL;

	if (!placed || placed->address == 0)
		return unplaced;
	struct window window = {placed->address, 1, WINDOW_MADE};

	if (context->start >= UINT64_MAX / 2 || placed->bytes == 0) /* before the block */
		return window;
	if (context->start >= placed->bytes) {
		window.where += placed->bytes - 1;
		return window;
	}
	uint64_t left = placed->bytes - context->start;

	window.where += context->start;
	window.bound = left < ACCESS_WINDOW_BYTES ? (uint32_t)left : ACCESS_WINDOW_BYTES;
	return window;
}

static struct window window_of(struct spaces *spaces, struct space *space,
			       const struct access_context *context)
{
	const struct flt_summary *trace = spaces->trace;
	struct window window = {0, ACCESS_WINDOW_BYTES, WINDOW_MADE};

	switch (context->place) {
	case ACCESS_OBJECT:
		return window_of_object(spaces, context);
	case ACCESS_STACK:
		if (context->base < trace->threads)
			window.where = spaces_stack_top(spaces, space, (uint32_t)context->base);
		window.where += context->start;
		return window;
	case ACCESS_REGION:
		if (context->base == 0 || context->base > trace->regions)
			return unplaced;
		return window_at(space, trace->region[context->base - 1].address + context->start);
	case ACCESS_ALLOCATOR:
		if (spaces->options.without_allocator ||
		    (spaces->options.placer && context->process == spaces->options.process))
			return left_out;
		return window_at(space, context->start);
	default:
		return window_at(space, context->start);
	}
}

/* What the kinds of references ask of an entry; the kernel does not ask as a user. */
static unsigned access_of(uint8_t kind)
{
	static const uint8_t accesses[ACCESS_KINDS] = {[ACCESS_LOAD] = WALK_READ,
						       [ACCESS_STORE] = WALK_WRITE,
						       [ACCESS_FETCH] = WALK_EXECUTE,
						       [ACCESS_MODIFY] = WALK_WRITE};

	return accesses[kind % ACCESS_KINDS] | (kind & ACCESS_KERNEL ? 0 : WALK_USER);
}

/* Those that are new. */
static void look_at_shapes(struct spaces *spaces, const struct access_batch *batch)
{
	for (; spaces->reaches < batch->shapes && spaces->reaches < ACCESS_BATCH_SHAPES; spaces->reaches++) {
		const struct access_shape *shape = &batch->shapes_table[spaces->reaches];
		const bool fits = shape->size <= PAGE_BYTES;

		spaces->reach[spaces->reaches] = (struct reach){
		    (int16_t)(fits ? (int)(PAGE_BYTES - shape->size) : -1), (uint8_t)access_of(shape->kind)};
	}
}

/* Looks up the contexts that are new, and all if anything has moved. Those of programs that have not begun wait for their beginning,
 * which moves something: what is known of it then may not be known yet. */
static void look_up(struct spaces *spaces, const struct access_batch *batch, size_t contexts)
{
	if (batch->first != spaces->batch_first)
		spaces->reaches = 0;
	look_at_shapes(spaces, batch);
	if (batch->first != spaces->batch_first || spaces->relocations != spaces->relocations_seen ||
	    spaces->windows > contexts)
		spaces->windows = 0;
	spaces->batch_first = batch->first;
	spaces->relocations_seen = spaces->relocations;
	for (; spaces->windows < contexts; spaces->windows++) {
		const struct access_context *context = &batch->contexts_table[spaces->windows];
		struct window *window = &spaces->window[spaces->windows];
		struct space *space = context->process < spaces->trace->processes
					  ? spaces->process[context->process].space
					  : NULL;

		*window = unplaced;
		if (space && space->is_started &&
		    (spaces->options.process == SPACES_ALL_PROCESSES ||
		     context->process == spaces->options.process))
			*window = window_of(spaces, space, context);
		if (window->sums == WINDOW_MADE && !spaces_reaches(spaces, window->where))
			window->bound = 0;
	}
}

/* --- Faults that the recording did not have --------------------------------------------------------------------------------- */

static bool make_mapping(struct spaces *spaces, struct mm *mm, uint64_t address)
{
	uint64_t start = address & ~(MADE_BYTES - 1), end = start + MADE_BYTES;
	const struct vma *above = mm_find(mm, address);
	const struct vma *below = above ? above->previous : mm->tree.last;

	if (address >= mm->layout.task_bytes || (above && above->area.start <= address))
		return false;
	if (above && above->area.start < end)
		end = above->area.start;
	if (below && below->area.end > start)
		start = below->area.end;
	if (end > mm->layout.task_bytes)
		end = mm->layout.task_bytes;
	struct mm_mapping mapping = {.address = start,
				     .length = end - start,
				     .protection = MM_PROT_READ | MM_PROT_WRITE | MM_PROT_EXECUTE,
				     .flags = MM_MAP_PRIVATE | MM_MAP_ANONYMOUS | MM_MAP_NO_RESERVE |
					      MM_MAP_FIXED_NO_REPLACE};

	if (mm_map(mm, &mapping).error != 0)
		return false;
	spaces->references.mappings_made++;
	return true;
}

static bool grow_file(struct spaces *spaces, struct mm *mm, uint64_t address)
{
	const struct vma *vma = mm_find(mm, address);

	if (!vma || vma->area.start > address || !vma->area.file)
		return false;
	uint64_t page = vma_page_at(vma, address);

	if (page < vma->area.file->size_pages)
		return false;
	file_pages_resize(vma->area.file, page + 1);
	spaces->references.files_grown++;
	return true;
}

/* True: the reference is worth another try. */
static bool mend(struct spaces *spaces, struct mm *mm, uint64_t address, enum fault_end end)
{
	if (end == FAULT_NO_AREA && make_mapping(spaces, mm, address))
		return true;
	if (end == FAULT_BEYOND && grow_file(spaces, mm, address))
		return true;
	spaces->references.out_of_memory += end == FAULT_NO_MEMORY;
	spaces->references.refused += end != FAULT_NO_MEMORY;
	return false;
}

void spaces_catch_up(struct spaces *spaces)
{
	size_t at = 0, count = spaces->filled, mended = count;

	spaces->filled = 0;
	while (at < count) {
		struct mm *mm = &spaces->stream_space->mm;
		struct mmu_stream stream = {&spaces->address[at], &spaces->access[at], count - at};
		struct fault last;

		at += fault_run(mm, &stream, &last);
		if (at == count)
			break;
		if (at != mended && mend(spaces, mm, spaces->address[at], last.end))
			mended = at;
		else
			at++;
	}
}

/* --- References --------------------------------------------------------------------------------------------------------------- */

static void put(struct spaces *spaces, uint64_t address, uint8_t access)
{
	spaces->address[spaces->filled] = address;
	spaces->access[spaces->filled++] = access;
}

/* References from `at` on, before `stop`: returns the first that is not below its bound or does not end in its page. There is
 * room for all. Nothing here is stored but what comes out, and no branch depends on where a reference goes. */
static size_t feed_usual(struct spaces *spaces, const struct access_batch *batch, size_t at, size_t stop)
{
	const struct window *windows = spaces->window;
	const struct reach *reaches = spaces->reach;
	const uint16_t *contexts = batch->context, *offsets = batch->offset;
	const uint8_t *shapes = batch->shape;
	uint64_t *address = spaces->address + spaces->filled;
	uint8_t *access = spaces->access + spaces->filled;
	const size_t first = at;
	size_t filled = 0;
	uint32_t sums = 0;

	for (; at < stop; at++) {
		const struct window *window = &windows[contexts[at]];
		const struct reach reach = reaches[shapes[at]];
		const uint32_t offset = offsets[at];
		const uint64_t where = window->where + offset;
		const int in_page = (int)(where & (PAGE_BYTES - 1));

		if (__builtin_expect((offset >= window->bound) | (in_page > reach.room), 0))
			break;
		address[filled] = where;
		access[filled] = reach.access;
		filled += window->sums & WINDOW_MADE;
		sums += window->sums;
	}
	spaces->filled += filled;
	spaces->references.done += filled;
	spaces->references.objects_unplaced += sums / WINDOW_UNPLACED;
	spaces->references.allocator_left_out += at - first - filled - sums / WINDOW_UNPLACED;
	return at;
}

/* True: the reference is left out, because it lies beyond what the machine gives programs. With a placer that is memory of the recorded
 * allocator, outside of its blocks, which is not there. Without, nothing but a wild reference can have been there. */
static bool is_beyond(struct spaces *spaces, const struct access_context *context, uint64_t address)
{
	if (context->place == ACCESS_WILD || spaces_reaches(spaces, address))
		return false;
	if (spaces->options.placer)
		spaces->references.allocator_left_out++;
	else
		spaces->too_high = address;
	return true;
}

/* One that may be beyond its bound, and may reach further pages. */
static void feed_one(struct spaces *spaces, const struct access_batch *batch, size_t at)
{
	const struct window *window = &spaces->window[batch->context[at]];
	const struct access_shape *shape = &batch->shapes_table[batch->shape[at]];
	const uint8_t access = spaces->reach[batch->shape[at]].access;
	struct spaces_references *references = &spaces->references;
	uint64_t address = window->where + batch->offset[at];

	references->objects_unplaced += window->sums == WINDOW_UNPLACED;
	references->allocator_left_out += window->sums == WINDOW_ALLOCATOR;
	if (window->sums != WINDOW_MADE)
		return;
	if (window->bound == 0) {
		address = relocation_find(&spaces->stream_space->moved, address).ours;
		if (is_beyond(spaces, &batch->contexts_table[batch->context[at]], address))
			return;
	} else if (batch->offset[at] >= window->bound) {
		references->clamped++;
		address = window->where + window->bound - 1;
	}
	references->done++;
	const uint64_t last = address + shape->size - 1;

	put(spaces, address, access);
	for (uint64_t page = (address | (PAGE_BYTES - 1)) + 1; page <= last && page > address;
	     page += PAGE_BYTES) {
		put(spaces, page, access);
		references->crossings++;
	}
}

static void feed(struct spaces *spaces, const struct spaces_stretch *stretch)
{
	const size_t end = stretch->first + stretch->count;

	for (size_t at = stretch->first; at < end;) {
		if (spaces->filled >= STREAM_MAX)
			spaces_catch_up(spaces);
		const size_t room = STREAM_MAX - spaces->filled;
		const size_t stop = end - at < room ? end : at + room;

		at = feed_usual(spaces, stretch->batch, at, stop);
		if (at < stop)
			feed_one(spaces, stretch->batch, at++);
	}
}

static enum trace_status feed_part(struct spaces *spaces, const struct spaces_stretch *stretch,
				   struct trace_error *error)
{
	const struct access_batch *batch = stretch->batch;
	const struct access_run *run = &batch->run[stretch->run];
	uint32_t process = run->thread < spaces->trace->threads ? spaces->trace->thread[run->thread].process
								: spaces->trace->processes;
	struct space *space;

	spaces->passed += stretch->count;
	if (process >= spaces->trace->processes || spaces->process[process].past.has_ended ||
	    (spaces->options.process != SPACES_ALL_PROCESSES && process != spaces->options.process)) {
		spaces->references.of_others += stretch->count;
		return TRACE_OK;
	}
	enum trace_status status = spaces_need(spaces, process, &space, error);

	if (status != TRACE_OK)
		return status;
	look_up(spaces, batch, run->contexts);
	spaces_settle(spaces, space, run->thread);
	if (!space->is_touched)
		spaces_touch_exec_pages(spaces, space, stretch);
	feed(spaces, stretch);
	return spaces->too_high != 0 ? spaces_no_address(spaces, spaces->too_high, error) : TRACE_OK;
}

enum trace_status spaces_feed(struct spaces *spaces, const struct spaces_stretch *stretch,
			      struct trace_error *error)
{
	struct spaces_stretch part = *stretch;
	enum trace_status status = TRACE_OK;

	for (size_t left = stretch->count; left > 0 && status == TRACE_OK; left -= part.count) {
		part.count = spaces_until_khugepaged(spaces, left);
		status = feed_part(spaces, &part, error);
		part.first += part.count;
		spaces_run_khugepaged(spaces);
	}
	return status;
}

enum trace_status spaces_references(struct spaces *spaces, const struct spaces_stretch *stretch,
				    struct trace_error *error)
{
	enum trace_status status = spaces_feed(spaces, stretch, error);

	spaces_catch_up(spaces);
	return status;
}
