#include "config.h"

#include "bench/spaces/spaces_state.h"

#include <string.h>

/* A thread's stack of which nothing is known: what Linux gives a first thread at once, and pthread_create any other. */
#define STACK_TOP 0x7ffffffff000u
#define STACK_START_BYTES (33 * PAGE_BYTES)
#define THREAD_STACK_BYTES ((uint64_t)8 << 20)

/* What is made when a reference goes where nothing is. */
#define MADE_BYTES ((uint64_t)2 << 20)

/* --- Stacks ------------------------------------------------------------------------------------------------------------- */

static uint64_t make_first_stack(struct spaces *spaces, struct space *space)
{
	struct start_mapping stack = {.start = STACK_TOP - STACK_START_BYTES,
				      .end = STACK_TOP,
				      .protection = MM_PROT_READ | MM_PROT_WRITE,
				      .flags = AREA_GROWS_DOWN};

	if (!spaces_place(spaces, space, &stack))
		return 0;
	return space->stack_top = STACK_TOP;
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

/* A window of recorded addresses. */
static struct window window_at(const struct space *space, uint64_t recorded)
{
	struct relocation_found found = relocation_find(&space->moved, recorded);
	struct window window = {found.ours, ACCESS_WINDOW_BYTES - 1, WINDOW_PLACED};

	if (found.end - recorded < ACCESS_WINDOW_BYTES) {
		window.where = recorded;
		window.use = WINDOW_DIVIDED;
	}
	return window;
}

static struct window window_of_object(const struct spaces *spaces, const struct access_context *context)
{
	const struct placed *placed = context->base < spaces->objects ? &spaces->object[context->base] : NULL;
	struct window window = {.use = WINDOW_UNPLACED};

	if (!placed || placed->address == 0)
		return window;
	window.use = WINDOW_PLACED;
	window.where = placed->address;
	if (context->start >= UINT64_MAX / 2 || placed->bytes == 0) /* before the block */
		return window;
	uint64_t last = placed->bytes - 1;

	if (context->start > last) {
		window.where += last;
		return window;
	}
	window.where += context->start;
	last -= context->start;
	window.limit = last < ACCESS_WINDOW_BYTES ? (uint32_t)last : ACCESS_WINDOW_BYTES - 1;
	return window;
}

static struct window window_of(struct spaces *spaces, struct space *space,
			       const struct access_context *context)
{
	const struct flt_summary *trace = spaces->trace;
	struct window window = {.limit = ACCESS_WINDOW_BYTES - 1, .use = WINDOW_PLACED};

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
			return (struct window){.use = WINDOW_UNPLACED};
		return window_at(space, trace->region[context->base - 1].address + context->start);
	case ACCESS_ALLOCATOR:
		if (spaces->options.without_allocator ||
		    (spaces->options.placer && context->process == spaces->options.process))
			return (struct window){.use = WINDOW_ALLOCATOR};
		return window_at(space, context->start);
	default:
		return window_at(space, context->start);
	}
}

/* Looks up the contexts that are new, and all if anything has moved. Those of programs that have not begun wait for their beginning,
 * which moves something: what is known of it then may not be known yet. */
static void look_up(struct spaces *spaces, const struct access_batch *batch, size_t contexts)
{
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

		*window = (struct window){.use = WINDOW_UNPLACED};
		if (space && space->is_started &&
		    (spaces->options.process == SPACES_ALL_PROCESSES ||
		     context->process == spaces->options.process))
			*window = window_of(spaces, space, context);
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

static void run_stream(struct spaces *spaces, struct mm *mm, size_t count)
{
	size_t at = 0, mended = count;

	while (at < count) {
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

/* What the kinds of references ask of an entry; the kernel does not ask as a user. */
static unsigned access_of(uint8_t kind)
{
	static const uint8_t accesses[ACCESS_KINDS] = {[ACCESS_LOAD] = WALK_READ,
						       [ACCESS_STORE] = WALK_WRITE,
						       [ACCESS_FETCH] = WALK_EXECUTE,
						       [ACCESS_MODIFY] = WALK_WRITE};

	return accesses[kind % ACCESS_KINDS] | (kind & ACCESS_KERNEL ? 0 : WALK_USER);
}

/* The stretch on its way into streams. */
struct feed {
	struct spaces *spaces;
	struct mm *mm;
	const struct relocation *moved;
	size_t filled;
	uint16_t size[ACCESS_BATCH_SHAPES];
	uint8_t access[ACCESS_BATCH_SHAPES];
};

/* Another window than most: false when the reference goes nowhere. */
static bool place_otherwise(struct feed *feed, const struct window *window, uint32_t offset,
			    uint64_t *address)
{
	struct spaces_references *references = &feed->spaces->references;

	switch (window->use) {
	case WINDOW_UNPLACED:
		references->objects_unplaced++;
		return false;
	case WINDOW_ALLOCATOR:
		references->allocator_left_out++;
		return false;
	case WINDOW_DIVIDED:
		*address = relocation_find(feed->moved, window->where + offset).ours;
		return true;
	default:
		references->clamped++;
		*address = window->where + window->limit;
		return true;
	}
}

/* The further pages that a reference of `size` bytes reaches. */
static void add_crossings(struct feed *feed, uint64_t address, uint32_t size, uint8_t access)
{
	uint64_t last = address + size - 1;

	for (uint64_t page = (address | (PAGE_BYTES - 1)) + 1; page <= last && page > address;
	     page += PAGE_BYTES) {
		feed->spaces->address[feed->filled] = page;
		feed->spaces->access[feed->filled++] = access;
		feed->spaces->references.crossings++;
	}
}

static void feed_all(struct feed *feed, const struct access_batch *batch, size_t first, size_t count)
{
	struct spaces *spaces = feed->spaces;

	for (size_t i = first; i < first + count; i++) {
		const struct window *window = &spaces->window[batch->context[i]];
		uint32_t offset = batch->offset[i], size = feed->size[batch->shape[i]];
		uint8_t access = feed->access[batch->shape[i]];
		uint64_t address = window->where + offset;

		if (__builtin_expect(window->use != WINDOW_PLACED || offset > window->limit, 0) &&
		    !place_otherwise(feed, window, offset, &address))
			continue;
		spaces->references.done++;
		spaces->address[feed->filled] = address;
		spaces->access[feed->filled++] = access;
		if (__builtin_expect((address & (PAGE_BYTES - 1)) + size > PAGE_BYTES, 0))
			add_crossings(feed, address, size, access);
		if (feed->filled >= STREAM_MAX) {
			run_stream(spaces, feed->mm, feed->filled);
			feed->filled = 0;
		}
	}
	run_stream(spaces, feed->mm, feed->filled);
}

static enum trace_status do_stretch(struct spaces *spaces, const struct spaces_stretch *stretch,
				    struct trace_error *error)
{
	const struct access_batch *batch = stretch->batch;
	const struct access_run *run = &batch->run[stretch->run];
	uint32_t process = run->thread < spaces->trace->threads ? spaces->trace->thread[run->thread].process
								: spaces->trace->processes;
	struct feed feed = {.spaces = spaces};
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
	feed.mm = &space->mm;
	feed.moved = &space->moved;
	for (size_t shape = 0; shape < batch->shapes && shape < ACCESS_BATCH_SHAPES; shape++) {
		feed.size[shape] = batch->shapes_table[shape].size;
		feed.access[shape] = (uint8_t)access_of(batch->shapes_table[shape].kind);
	}
	spaces_settle(spaces, space, run->thread);
	if (!space->is_touched)
		spaces_touch_exec_pages(spaces, space, stretch);
	feed_all(&feed, batch, stretch->first, stretch->count);
	return TRACE_OK;
}

enum trace_status spaces_references(struct spaces *spaces, const struct spaces_stretch *stretch,
				    struct trace_error *error)
{
	struct spaces_stretch part = *stretch;
	enum trace_status status = TRACE_OK;

	for (size_t left = stretch->count; left > 0 && status == TRACE_OK; left -= part.count) {
		part.count = spaces_until_khugepaged(spaces, left);
		status = do_stretch(spaces, &part, error);
		part.first += part.count;
		spaces_run_khugepaged(spaces);
	}
	return status;
}
