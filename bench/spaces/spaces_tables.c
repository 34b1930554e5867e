#include "config.h"

#include "bench/spaces/spaces_state.h"

#include <stdlib.h>
#include <string.h>

/* `elements`, or a larger copy, with room for `count` of them; new ones are zero. NULL: no memory, and nothing has changed. */
static void *with_room(void *elements, size_t count, size_t *room, size_t bytes)
{
	size_t larger = 2 * *room > count ? 2 * *room : count + 1;
	char *grown;

	if (elements && count <= *room)
		return elements;
	grown = realloc(elements, larger * bytes);
	if (!grown)
		return NULL;
	memset(grown + *room * bytes, 0, (larger - *room) * bytes);
	*room = larger;
	return grown;
}

/* --- Processes and threads ---------------------------------------------------------------------------------------------- */

static bool grow_processes(struct spaces *spaces, uint32_t count)
{
	struct process *grown =
	    with_room(spaces->process, count, &spaces->process_room, sizeof(spaces->process[0]));

	if (!grown)
		return false;
	spaces->process = grown;
	for (uint32_t i = spaces->tables.processes; i < count; i++)
		grown[i].first_thread = grown[i].last_thread = NO_THREAD;
	return true;
}

static void add_thread(struct spaces *spaces, uint32_t number, uint32_t owner, uint32_t processes)
{
	struct thread *thread = &spaces->thread[number];

	thread->cpu = number % spaces->platform.processors.processors;
	thread->sibling = NO_THREAD;
	if (owner >= processes)
		return;
	struct process *process = &spaces->process[owner];

	thread->sibling = process->last_thread;
	process->last_thread = number;
	if (process->first_thread == NO_THREAD)
		process->first_thread = number;
}

static bool grow_threads(struct spaces *spaces, const struct flt_summary *now)
{
	struct thread *grown =
	    with_room(spaces->thread, now->threads, &spaces->thread_room, sizeof(spaces->thread[0]));

	if (!grown)
		return false;
	spaces->thread = grown;
	for (uint32_t i = spaces->tables.threads; i < now->threads; i++)
		add_thread(spaces, i, now->thread[i].process, now->processes);
	return true;
}

/* --- Regions -------------------------------------------------------------------------------------------------------------- */

static int compare_regions(const void *left, const void *right, void *context)
{
	const struct event_region *region = context;
	uint32_t one = *(const uint32_t *)left, other = *(const uint32_t *)right;
	const struct event_region *a = &region[one], *b = &region[other];

	if (a->process != b->process)
		return a->process < b->process ? -1 : 1;
	if (a->event != b->event)
		return a->event < b->event ? -1 : 1;
	return one < other ? -1 : one > other;
}

/* One that comes later mostly belongs at the end. */
static void insert_region(struct spaces *spaces, uint32_t number, struct event_region *region)
{
	uint32_t at = number;

	for (; at > 0 && compare_regions(&spaces->region[at - 1], &number, region) > 0; at--)
		spaces->region[at] = spaces->region[at - 1];
	spaces->region[at] = number;
}

static bool grow_regions(struct spaces *spaces, const struct flt_summary *now)
{
	/* Compared, not changed. */
	struct event_region *region = (struct event_region *)(uintptr_t)now->region;
	uint32_t known = spaces->tables.regions;
	uint32_t *grown =
	    with_room(spaces->region, now->regions, &spaces->region_room, sizeof(spaces->region[0]));

	if (!grown)
		return false;
	spaces->region = grown;
	for (uint32_t i = known; i < now->regions; i++) {
		grown[i] = i;
		if (region[i].kind == EVENT_REGION_STACK && region[i].thread < now->threads)
			spaces->thread[region[i].thread].stack_region = i + 1;
	}
	if (now->regions == known + 1)
		insert_region(spaces, known, region);
	else if (now->regions > known)
		qsort_r(grown, now->regions, sizeof(grown[0]), compare_regions, region);
	return true;
}

enum trace_status spaces_grow(struct spaces *spaces, const struct flt_summary *now, struct trace_error *error)
{
	if (!grow_processes(spaces, now->processes) || !grow_threads(spaces, now) ||
	    !grow_regions(spaces, now) || !mapped_files_grow(&spaces->files, now->files))
		return spaces_no_memory(error);
	spaces->tables = *now;
	return TRACE_OK;
}

size_t spaces_find_regions(const struct spaces *spaces, uint32_t process, uint64_t event)
{
	size_t low = 0, high = spaces->tables.regions;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct event_region *region = spaces_region(spaces, middle);

		if (region->process < process || (region->process == process && region->event < event))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}
