#include "config.h"

#include "bench/spaces/spaces_state.h"

#include "bench/spaces/maps.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define STACK_START_BYTES (33 * PAGE_BYTES)

/* The page of vsyscall lies in the kernel's half. */
#define GATE_START ((uint64_t)1 << 63)

/* --- One mapping ------------------------------------------------------------------------------------------------------ */

static uint32_t rights_of(uint32_t protection)
{
	uint32_t rights = 0;

	rights |= protection & PROT_READ ? AREA_READ : 0;
	rights |= protection & PROT_WRITE ? AREA_WRITE : 0;
	rights |= protection & PROT_EXEC ? AREA_EXECUTE : 0;
	return rights;
}

static struct open_file *file_of(struct spaces *spaces, const struct start_mapping *mapping)
{
	if (mapping->has_file && mapping->file == 0)
		return mapped_files_open_unlisted(&spaces->files, &mapping->known);
	if (mapping->has_file)
		return mapped_files_open(&spaces->files, mapping->file);
	if (mapping->flags & AREA_SHARED)
		return mapped_files_memory(&spaces->files, (mapping->end - mapping->start) >> PAGE_SHIFT);
	return NULL;
}

bool spaces_place(struct spaces *spaces, struct space *space, const struct start_mapping *mapping)
{
	struct open_file *file = file_of(spaces, mapping);
	struct mm_placement placement = {.start = mapping->start,
					 .end = mapping->end,
					 .flags =
					     mapping->flags | rights_of(mapping->protection) | VMA_MAY_RIGHTS,
					 .file = file,
					 .first_page = mapping->offset >> PAGE_SHIFT,
					 .has_anonymous = (mapping->flags & AREA_GROWS_DOWN) != 0};

	if ((placement.flags & (AREA_WRITE | AREA_SHARED)) == AREA_WRITE)
		placement.flags |= VMA_ACCOUNTED;
	if (file && mapping->flags & VMA_SPECIAL)
		file->pages->is_mapped_singly = true;
	bool is_placed = mm_place(&space->mm, &placement).error == 0;

	open_file_drop(file);
	spaces->calls.unplaced += !is_placed;
	return is_placed;
}

/* --- A snapshot of maps ------------------------------------------------------------------------------------------------- */

static struct start_mapping mapping_of(const struct spaces *spaces, const struct maps_line *line)
{
	struct start_mapping mapping = {.start = line->start,
					.end = line->end,
					.offset = line->offset,
					.protection = (line->may_read ? PROT_READ : 0u) |
						      (line->may_write ? PROT_WRITE : 0u) |
						      (line->may_execute ? PROT_EXEC : 0u),
					.flags = line->is_shared ? AREA_SHARED : 0,
					.has_file = line->inode != 0,
					.file = mapped_files_find(&spaces->files, line->device, line->inode),
					.known = {line->device, line->inode, line->name, line->name_length}};

	if (maps_is_named(line, "[stack]"))
		mapping.flags |= AREA_GROWS_DOWN;
	if (line->name_length > 2 && line->name[0] == '[' && line->name[1] == 'v') {
		mapping.flags |= VMA_SPECIAL;
		mapping.has_file = true;
	}
	return mapping;
}

/* mmap begins where the topmost mapping below the stack ends: the kernel put the interpreter there first. */
static void take_layout(struct space *space, uint64_t top, uint64_t break_end)
{
	if (top != 0)
		space->mm.layout.mmap_base = top;
	if (break_end != 0)
		space->mm.brk = break_end;
}

enum trace_status spaces_start_from_maps(struct spaces *spaces, uint32_t process,
					 const struct event_snapshot *snapshot, struct trace_error *error)
{
	struct space *space = spaces->process[process].space;
	struct maps maps = maps_of(snapshot->bytes, snapshot->length);
	uint64_t top = 0, below_stack = 0, break_end = 0;
	struct maps_line line;

	while (maps_next(&maps, &line)) {
		struct start_mapping mapping = mapping_of(spaces, &line);

		if (line.start >= GATE_START) {
			space->has_gate = true;
			continue;
		}
		if (!spaces_reaches(spaces, line.end))
			return spaces_no_address(spaces, line.start, error);
		if (!spaces_place(spaces, space, &mapping))
			continue;
		if (!relocation_set(&space->moved, line.start, line.end - line.start, line.start))
			return spaces_no_memory(error);
		if (mapping.flags & AREA_GROWS_DOWN) {
			space->stack_top = line.end;
			below_stack = top;
		}
		top = line.end;
		if (maps_is_named(&line, "[heap]")) {
			space->break_recorded = space->mm.layout.start_brk = line.start;
			space->knows_break = true;
			break_end = line.end;
		}
	}
	take_layout(space, below_stack, break_end);
	return TRACE_OK;
}

/* --- Limits --------------------------------------------------------------------------------------------------------------- */

/* The soft limit in a line of /proc/PID/limits that begins with `name`. */
static bool find_limit(const struct event_snapshot *snapshot, const char *name, uint64_t *bytes)
{
	const char *text = memmem(snapshot->bytes, snapshot->length, name, strlen(name));
	char number[32];
	size_t left, length = 0;

	if (!text)
		return false;
	left = snapshot->length - (size_t)(text - (const char *)snapshot->bytes) - strlen(name);
	text += strlen(name);
	for (; left > 0 && *text == ' '; left--)
		text++;
	for (; left > 0 && *text >= '0' && *text <= '9' && length < 19; left--)
		number[length++] = *text++;
	number[length] = '\0';
	if (length > 0)
		*bytes = strtoull(number, NULL, 10);
	return length > 0; /* not for "unlimited" */
}

void spaces_take_limits(struct space *space, const struct event_snapshot *snapshot)
{
	struct mm_limits *limits = &space->mm.limits;

	(void)find_limit(snapshot, "Max stack size", &limits->stack_bytes);
	(void)find_limit(snapshot, "Max data size", &limits->data_bytes);
	(void)find_limit(snapshot, "Max address space", &limits->address_space_bytes);
	if (find_limit(snapshot, "Max locked memory", &limits->locked_bytes))
		limits->may_lock = false;
}

/* --- Regions -------------------------------------------------------------------------------------------------------------- */

/* The regions with which a program begins: an array in order of address. */
struct beginning {
	struct spaces *spaces;
	struct space *space;
	uint32_t process;
	const struct event_region **region;
	size_t regions;
	uint64_t stack_start, stack_end; /* recorded; of the region of kind stack */
	uint32_t stack_thread;
	uint64_t too_high; /* an address that a 32-bit machine has not; 0: none */
};

static int compare_addresses(const void *left, const void *right)
{
	const struct event_region *a = *(const struct event_region *const *)left;
	const struct event_region *b = *(const struct event_region *const *)right;

	if (a->address != b->address)
		return a->address < b->address ? -1 : 1;
	return a < b ? -1 : a > b;
}

/* What an exec made a stack is that of its only thread, which has another number than before where an emulator was started anew. */
static void take_stack(struct beginning *beginning, const struct event_region *region, bool is_of_exec)
{
	if (!is_of_exec && region->thread != beginning->spaces->process[beginning->process].first_thread)
		return;
	beginning->stack_start = region->address;
	beginning->stack_end = region->address + region->length;
	beginning->stack_thread = region->thread;
}

static bool collect(struct beginning *beginning, uint64_t event)
{
	const struct spaces *spaces = beginning->spaces;
	size_t first = spaces_find_regions(spaces, beginning->process, event), last = first;

	while (last < spaces->trace->regions && spaces_region(spaces, last)->process == beginning->process &&
	       spaces_region(spaces, last)->event == event)
		last++;
	beginning->region = malloc((last - first + 1) * sizeof(struct event_region *));
	if (!beginning->region)
		return false;
	for (size_t i = first; i < last; i++) {
		const struct event_region *region = spaces_region(spaces, i);

		if (region->address + region->length < region->address || region->length == 0)
			continue;
		if (region->kind == EVENT_REGION_STACK) {
			take_stack(beginning, region, event != UINT64_MAX);
			continue;
		}
		beginning->region[beginning->regions++] = region;
	}
	qsort(beginning->region, beginning->regions, sizeof(struct event_region *), compare_addresses);
	return true;
}

static uint64_t whole_pages(uint64_t bytes)
{
	return (bytes + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
}

static bool is_stack(const struct beginning *beginning, const struct event_region *region)
{
	return region->address < beginning->stack_end &&
	       region->address + region->length > beginning->stack_start;
}

/* The stack begins small and grows, as the kernel makes it, wherever its memory came from in the recording. */
static bool place_stack(struct beginning *beginning, uint64_t top)
{
	struct start_mapping stack = {.start = top - STACK_START_BYTES,
				      .end = top,
				      .protection = PROT_READ | PROT_WRITE,
				      .flags = AREA_GROWS_DOWN};
	uint64_t bytes = beginning->stack_end - beginning->stack_start;

	if (top < STACK_START_BYTES || !spaces_place(beginning->spaces, beginning->space, &stack))
		return true;
	beginning->space->stack_top = top;
	beginning->space->has_arguments = true;
	if (beginning->stack_thread < beginning->spaces->trace->threads)
		beginning->spaces->thread[beginning->stack_thread].top = top;
	return relocation_set(&beginning->space->moved, beginning->stack_start, bytes, top - bytes);
}

/* How many regions from `first` on belong together: a file's, with what follows them without a gap. */
static size_t group_of(const struct beginning *beginning, size_t first)
{
	const struct event_region *head = beginning->region[first];
	size_t last = first + 1;

	for (; last < beginning->regions; last++) {
		const struct event_region *region = beginning->region[last];
		const struct event_region *before = beginning->region[last - 1];
		bool is_next = region->file == 0 && region->address == before->address + before->length;

		if (is_stack(beginning, region) || (region->file != head->file && !is_next))
			break;
	}
	return last - first;
}

/* Where a group of `bytes` that was at `recorded` comes to lie: the program first, the others from the top down. */
static uint64_t base_of(const struct beginning *beginning, bool is_first, uint64_t recorded, uint64_t bytes)
{
	struct mm *mm = &beginning->space->mm;
	const struct address_layout *layout = beginning->spaces->platform.layout;
	struct mm_mapping probe = {.length = bytes, .flags = MM_MAP_PRIVATE | MM_MAP_ANONYMOUS};

	if (beginning->spaces->options.addresses == SPACES_FORCED || recorded < layout->linked_below)
		return recorded;
	if (is_first)
		return layout->program_base;
	struct mm_result room = mm_map(mm, &probe);

	if (room.error != 0)
		return recorded;
	(void)mm_unmap(mm, room.value, bytes);
	return room.value;
}

/* An emulator maps text for reading alone: what cannot be written to may be text. */
static uint32_t protection_of(const struct event_region *region)
{
	return (region->protection & (PROT_READ | PROT_WRITE)) == PROT_READ ? region->protection | PROT_EXEC
									    : region->protection;
}

static bool place_group(struct beginning *beginning, size_t first, size_t count)
{
	struct space *space = beginning->space;
	const struct event_region *head = beginning->region[first],
				  *tail = beginning->region[first + count - 1];
	uint64_t base = base_of(beginning, first == 0, head->address,
				whole_pages(tail->address + tail->length - head->address));

	if (!spaces_reaches(beginning->spaces, base + (tail->address - head->address) + tail->length)) {
		beginning->too_high = head->address;
		return false;
	}
	for (size_t i = first; i < first + count; i++) {
		const struct event_region *region = beginning->region[i];
		uint64_t at = base + (region->address - head->address);
		struct start_mapping mapping = {.start = at,
						.end = at + whole_pages(region->length),
						.offset = region->offset,
						.protection = protection_of(region),
						.flags = region->flags & MAP_SHARED ? AREA_SHARED : 0,
						.file = region->file,
						.has_file =
						    region->file != 0 || region->kind == EVENT_REGION_KERNEL};

		mapping.flags |= region->kind == EVENT_REGION_KERNEL ? VMA_SPECIAL : 0;
		if (!spaces_place(beginning->spaces, space, &mapping))
			continue;
		if (!relocation_set(&space->moved, region->address, whole_pages(region->length), at))
			return false;
		if (region->kind == EVENT_REGION_BREAK && !space->knows_break) {
			space->knows_break = true;
			space->break_recorded = region->address;
			space->mm.layout.start_brk = at;
			space->mm.brk = mapping.end;
		}
	}
	return true;
}

static bool place_all(struct beginning *beginning)
{
	bool is_forced = beginning->spaces->options.addresses == SPACES_FORCED, is_done = true;
	uint64_t top = is_forced ? beginning->stack_end : beginning->spaces->platform.layout->stack_top;

	if (!spaces_reaches(beginning->spaces, top)) {
		beginning->too_high = top;
		return false;
	}
	if (beginning->stack_end != 0)
		is_done = place_stack(beginning, top);
	for (size_t i = 0; i < beginning->regions && is_done;) {
		if (beginning->stack_end != 0 && is_stack(beginning, beginning->region[i])) {
			i++;
			continue;
		}
		size_t count = group_of(beginning, i);

		is_done = place_group(beginning, i, count);
		i += count;
	}
	return is_done;
}

enum trace_status spaces_start_from_regions(struct spaces *spaces, uint32_t process,
					    struct trace_error *error)
{
	struct space *space = spaces->process[process].space;
	struct beginning beginning = {.spaces = spaces, .space = space, .process = process};
	bool is_done =
	    collect(&beginning, space->was_executed ? space->executed : UINT64_MAX) && place_all(&beginning);

	free(beginning.region);
	if (beginning.too_high != 0)
		return spaces_no_address(spaces, beginning.too_high, error);
	return is_done ? TRACE_OK : spaces_no_memory(error);
}
