#include "config.h"

#include "bench/spaces/spaces_state.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/shm.h>

#define PRCTL_THP_DISABLE 41u

/* A call on its way. */
struct call {
	struct spaces *spaces;
	struct space *space;
	const struct event_call *event; /* arguments and result */
	uint8_t kind;
	bool has_failed; /* in the recording */
	bool is_exact;	 /* addresses are ours, and where results are to come is not recorded elsewhere */
	bool is_free;
	bool out_of_memory; /* of the host */
};

static const struct mm_result no_memory_here = {0, ENOMEM};

static uint64_t whole_pages(uint64_t bytes)
{
	return (bytes + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
}

static uint64_t here(const struct call *call, uint64_t recorded)
{
	return call->is_exact ? recorded : relocation_find(&call->space->moved, recorded).ours;
}

/* What was at `recorded` when it was recorded is at `ours` here. */
static void note_place(struct call *call, uint64_t recorded, uint64_t bytes, uint64_t ours)
{
	if (!call->is_exact && !call->has_failed && call->is_free &&
	    !relocation_set(&call->space->moved, recorded, whole_pages(bytes), ours))
		call->out_of_memory = true;
}

/* --- Ranges ------------------------------------------------------------------------------------------------------------- */

typedef struct mm_result on_range(struct call *call, uint64_t address, uint64_t length);

/* The range may have moved in parts: each is done by itself. The first error wins. */
static struct mm_result over_parts(struct call *call, on_range *act)
{
	const struct relocation *moved = &call->space->moved;
	uint64_t at = call->event->address, end = at + call->event->length;
	struct mm_result result = {0, 0};

	if (call->is_exact || !call->is_free || end <= at || relocation_find(moved, at).end >= end)
		return act(call, here(call, at), call->event->length);
	while (at < end) {
		struct relocation_found found = relocation_find(moved, at);
		uint64_t stop = found.end < end ? found.end : end;
		struct mm_result part = {0, ENOMEM}; /* nothing was mapped there */

		if (found.is_known)
			part = act(call, found.ours, stop - at);
		else if (call->kind == EVENT_MUNMAP)
			part.error = 0;
		if (result.error == 0)
			result = part;
		at = stop;
	}
	return result;
}

static struct mm_result unmap(struct call *call, uint64_t address, uint64_t length)
{
	return mm_unmap(&call->space->mm, address, length);
}

static struct mm_result protect(struct call *call, uint64_t address, uint64_t length)
{
	return mm_protect(&call->space->mm, address, length, call->event->protection);
}

static struct mm_result advise(struct call *call, uint64_t address, uint64_t length)
{
	return mm_advise(&call->space->mm, address, length, (int)call->event->flags);
}

static struct mm_result lock(struct call *call, uint64_t address, uint64_t length)
{
	return mm_lock(&call->space->mm, address, length,
		       call->kind == EVENT_MLOCK2 ? (int)call->event->flags : 0);
}

static struct mm_result unlock(struct call *call, uint64_t address, uint64_t length)
{
	return mm_unlock(&call->space->mm, address, length);
}

static struct mm_result synchronise(struct call *call, uint64_t address, uint64_t length)
{
	return mm_sync(&call->space->mm, address, length, (int)call->event->flags);
}

static struct mm_result ask(struct call *call, uint64_t address, uint64_t length)
{
	return mm_residency(&call->space->mm, address, length, NULL);
}

/* --- mmap ----------------------------------------------------------------------------------------------------------------- */

/* Where the mapping is to be: forced, where it was; free, where the program asked for. */
static void aim(const struct call *call, struct mm_mapping *mapping)
{
	bool is_fixed = mapping->flags & (MM_MAP_FIXED | MM_MAP_FIXED_NO_REPLACE);

	if (!call->is_free && !call->has_failed) {
		mapping->address = call->event->result;
		mapping->flags &= ~(uint64_t)MM_MAP_FIXED_NO_REPLACE;
		mapping->flags |= MM_MAP_FIXED;
	} else if (is_fixed || relocation_find(&call->space->moved, mapping->address).is_known) {
		mapping->address = here(call, mapping->address);
	}
}

static struct mm_result map_with(struct call *call, struct mm_mapping *mapping)
{
	struct mm_result result = fault_map(&call->space->mm, mapping);

	/* There are no reserved huge pages here; where there were some, pages of the usual size do. */
	if (result.error != 0 && !call->has_failed && mapping->flags & MM_MAP_HUGETLB) {
		mapping->flags &= ~(uint64_t)(MM_MAP_HUGETLB | MM_MAP_HUGE_MASK << MM_MAP_HUGE_SHIFT);
		result = fault_map(&call->space->mm, mapping);
	}
	return result;
}

static struct mm_result map(struct call *call)
{
	const struct event_call *event = call->event;
	struct mm_mapping mapping = {.address = event->address,
				     .length = event->length,
				     .protection = event->protection,
				     .flags = event->flags,
				     .offset = event->offset};

	/* A bad descriptor was bad then, and is now. */
	if (!(event->flags & MM_MAP_ANONYMOUS) && !(call->has_failed && event->file == 0)) {
		mapping.file = mapped_files_open(&call->spaces->files, event->file);
		if (!mapping.file) {
			call->out_of_memory = true;
			return no_memory_here;
		}
	}
	aim(call, &mapping);
	struct mm_result result = map_with(call, &mapping);

	open_file_drop(mapping.file);
	if (result.error == 0 && call->has_failed)
		(void)mm_unmap(&call->space->mm, result.value, event->length);
	else if (result.error == 0)
		note_place(call, event->result, event->length, result.value);
	return result;
}

static struct mm_result unmap_all(struct call *call)
{
	struct mm_result result = over_parts(call, unmap);

	if (result.error == 0 && !call->is_exact && call->is_free &&
	    !relocation_remove(&call->space->moved, call->event->address, whole_pages(call->event->length)))
		call->out_of_memory = true;
	return result;
}

/* --- mremap --------------------------------------------------------------------------------------------------------------- */

static struct mm_result remap_forced(const struct call *call, struct mm_remapping *remapping)
{
	const struct event_call *event = call->event;
	bool has_moved = event->result != event->address;

	if (has_moved) {
		remapping->flags |= MM_REMAP_FIXED | MM_REMAP_MAY_MOVE;
		remapping->new_address = event->result;
	} else if (!(remapping->flags & MM_REMAP_DONT_UNMAP)) {
		remapping->flags &= ~(uint64_t)(MM_REMAP_MAY_MOVE | MM_REMAP_FIXED);
	}
	return mm_remap(&call->space->mm, remapping);
}

static struct mm_result remap_free(const struct call *call, struct mm_remapping *remapping)
{
	struct mm_result result = mm_remap(&call->space->mm, remapping);

	/* It grew where it was: here something may be in the way. */
	if (result.error == ENOMEM && !call->has_failed && !(remapping->flags & MM_REMAP_MAY_MOVE)) {
		remapping->flags |= MM_REMAP_MAY_MOVE;
		result = mm_remap(&call->space->mm, remapping);
	}
	return result;
}

static struct mm_result remap(struct call *call)
{
	const struct event_call *event = call->event;
	struct mm_remapping remapping = {.address = here(call, event->address),
					 .old_length = event->length,
					 .new_length = event->new_length,
					 .flags = event->flags,
					 .new_address = event->new_address};

	if (event->flags & MM_REMAP_FIXED)
		remapping.new_address = here(call, event->new_address);
	struct mm_result result =
	    call->is_free || call->has_failed ? remap_free(call, &remapping) : remap_forced(call, &remapping);

	if (result.error != 0 || call->has_failed || call->is_exact || !call->is_free)
		return result;
	if (!(event->flags & MM_REMAP_DONT_UNMAP) &&
	    !relocation_remove(&call->space->moved, event->address, whole_pages(event->length)))
		call->out_of_memory = true;
	note_place(call, event->result, event->new_length, result.value);
	return result;
}

/* --- brk ------------------------------------------------------------------------------------------------------------------ */

/* The first brk says where the heap begins: it asks, or nothing can be known but what it got. */
static void find_break(const struct call *call)
{
	struct space *space = call->space;
	uint64_t recorded = call->event->result, ours = recorded;

	const bool is_too_high = recorded > space->mm.layout.task_bytes;

	if (recorded == 0 || (is_too_high && !space->mm.is_32_bit))
		return;
	if (call->is_free && relocation_find(&space->moved, recorded - 1).is_known)
		ours = relocation_find(&space->moved, recorded - 1).ours + 1;
	else if (is_too_high)
		ours = space->mm.layout.start_brk;
	space->knows_break = true;
	space->break_recorded = recorded;
	space->mm.layout.start_brk = space->mm.brk = ours;
}

static struct mm_result set_break(struct call *call)
{
	struct space *space = call->space;
	uint64_t difference = 0;

	if (!space->knows_break && !call->is_exact)
		find_break(call);
	if (call->is_free && space->knows_break && !call->is_exact)
		difference = space->mm.layout.start_brk - space->break_recorded;
	struct mm_result result = fault_set_brk(&space->mm, call->event->address + difference);

	result.value -= difference;
	if (space->knows_break && result.value > space->break_recorded)
		note_place(call, space->break_recorded, result.value - space->break_recorded,
			   space->mm.layout.start_brk);
	return result;
}

/* --- System V shared memory, and rarer calls --------------------------------------------------------------------------------- */

static struct segment_slot *segment_of(struct spaces *spaces, uint64_t identifier)
{
	return &spaces->segment[identifier % SEGMENT_SLOTS];
}

static void forget_segment(struct segment_slot *slot)
{
	open_file_drop(slot->file);
	*slot = (struct segment_slot){.file = NULL};
}

void spaces_forget_segments(struct spaces *spaces)
{
	for (size_t i = 0; i < SEGMENT_SLOTS; i++)
		forget_segment(&spaces->segment[i]);
}

static void get_segment(const struct call *call)
{
	struct segment_slot *slot = segment_of(call->spaces, call->event->result);

	if (slot->file && slot->identifier == (uint32_t)call->event->result)
		return;
	forget_segment(slot);
	slot->identifier = (uint32_t)call->event->result;
	slot->bytes = call->event->length;
	slot->file =
	    mapped_files_memory(&call->spaces->files, whole_pages(call->event->length) >> PAGE_SHIFT);
}

/* The file behind the segment, held, and its bytes. NULL: the host has no memory. */
static struct open_file *open_segment(const struct call *call, uint64_t *bytes)
{
	const struct flt_summary *trace = call->spaces->trace;
	uint32_t identifier = (uint32_t)call->event->new_length, file = call->event->file;
	struct segment_slot *slot = segment_of(call->spaces, identifier);

	if (slot->file && slot->identifier == identifier) {
		*bytes = slot->bytes;
		open_file_hold(slot->file);
		return slot->file;
	}
	*bytes = file != 0 && file <= trace->files ? trace->file[file - 1].bytes : 0;
	if (*bytes == 0)
		*bytes = PAGE_BYTES;
	return file ? mapped_files_open(&call->spaces->files, file)
		    : mapped_files_memory(&call->spaces->files, whole_pages(*bytes) >> PAGE_SHIFT);
}

static struct mm_result attach(struct call *call)
{
	uint64_t bytes;
	struct mm_mapping mapping = {.address = call->event->address,
				     .protection = MM_PROT_READ,
				     .flags = MM_MAP_SHARED,
				     .file = open_segment(call, &bytes)};

	if (!mapping.file) {
		call->out_of_memory = true;
		return no_memory_here;
	}
	mapping.length = bytes;
	mapping.protection |= call->event->flags & SHM_RDONLY ? 0 : MM_PROT_WRITE;
	mapping.protection |= call->event->flags & SHM_EXEC ? MM_PROT_EXECUTE : 0;
	if (call->event->address != 0)
		mapping.flags |= call->event->flags & SHM_REMAP ? MM_MAP_FIXED : MM_MAP_FIXED_NO_REPLACE;
	aim(call, &mapping);
	struct mm_result result = fault_map(&call->space->mm, &mapping);

	open_file_drop(mapping.file);
	if (result.error == 0 && call->has_failed)
		(void)mm_unmap(&call->space->mm, result.value, bytes);
	else if (result.error == 0)
		note_place(call, call->event->result, bytes, result.value);
	return result;
}

static struct mm_result detach(const struct call *call)
{
	struct mm *mm = &call->space->mm;
	uint64_t address = here(call, call->event->address);
	const struct vma *vma = mm_find(mm, address);

	if (!vma || vma->area.start != address || !(vma->area.flags & AREA_SHARED))
		return (struct mm_result){0, EINVAL};
	const struct open_file *file = vma->file;
	uint64_t end = vma->area.end;

	while ((vma = vma->next) && vma->area.start == end && vma->file == file)
		end = vma->area.end;
	return mm_unmap(mm, address, end - address);
}

/* What Linux makes of it: another mapping of the same file in this place. */
static struct mm_result remap_file(const struct call *call)
{
	const struct event_call *event = call->event;
	struct mm *mm = &call->space->mm;
	uint64_t address = here(call, event->address) & ~(PAGE_BYTES - 1);
	const struct vma *vma = mm_find(mm, address);

	if (!vma || vma->area.start > address || !(vma->area.flags & AREA_SHARED) || event->protection != 0 ||
	    event->offset > UINT64_MAX >> PAGE_SHIFT)
		return (struct mm_result){0, EINVAL};
	struct mm_mapping mapping = {.address = address,
				     .length = event->length,
				     .flags = MM_MAP_SHARED | MM_MAP_FIXED | MM_MAP_POPULATE,
				     .file = vma->file,
				     .offset = event->offset << PAGE_SHIFT};

	mapping.protection |= vma->area.flags & AREA_READ ? MM_PROT_READ : 0;
	mapping.protection |= vma->area.flags & AREA_WRITE ? MM_PROT_WRITE : 0;
	mapping.protection |= vma->area.flags & AREA_EXECUTE ? MM_PROT_EXECUTE : 0;
	struct mm_result result;

	open_file_hold(mapping.file);
	result = mm_map(mm, &mapping);
	open_file_drop(mapping.file);
	return result.error ? result : (struct mm_result){0, 0};
}

/* --- ftruncate ------------------------------------------------------------------------------------------------------------- */

/* Pages of the file from `pages` on are taken out of the address space. */
static void cut_mappings(struct mm *mm, const struct file_pages *file, uint64_t pages)
{
	for (struct vma *vma = mm->tree.first; vma; vma = vma->next) {
		uint64_t first = vma->area.first_page, inside = vma_pages(vma);

		if (vma->area.file != file || pages >= first + inside)
			continue;
		uint64_t keep = pages > first ? pages - first : 0;

		mm->pages->zap(mm, vma, vma->area.start + (keep << PAGE_SHIFT), vma->area.end, MM_ZAP_ADVICE);
	}
}

static struct mm_result truncate_file(struct call *call)
{
	struct spaces *spaces = call->spaces;
	uint64_t pages = call->event->length / PAGE_BYTES + (call->event->length % PAGE_BYTES != 0);

	if (call->has_failed || call->event->file == 0 || call->event->file > spaces->trace->files)
		return (struct mm_result){call->event->result,
					  call->has_failed ? (int)call->event->result : 0};
	struct open_file *file = mapped_files_open(&spaces->files, call->event->file);

	if (!file) {
		call->out_of_memory = true;
		return no_memory_here;
	}
	for (uint32_t i = 0; pages < file->pages->size_pages && i < spaces->trace->processes; i++) {
		struct space *space = spaces->process[i].space;

		if (space && file->references > 2)
			cut_mappings(&space->mm, file->pages, pages);
	}
	file_pages_resize(file->pages, pages);
	open_file_drop(file);
	return (struct mm_result){0, 0};
}

/* --- All of them ------------------------------------------------------------------------------------------------------------ */

/* Calls of which the model has no opinion are as they were. */
static struct mm_result as_recorded(const struct call *call)
{
	if (call->has_failed)
		return (struct mm_result){0, (int)call->event->result};
	return (struct mm_result){call->event->result, 0};
}

static struct mm_result set_option(const struct call *call)
{
	if (!call->has_failed && call->event->flags == PRCTL_THP_DISABLE)
		call->space->pages.resident.huge_is_disabled = call->event->address != 0;
	return as_recorded(call);
}

static struct mm_result do_rare(struct call *call)
{
	switch (call->kind) {
	case EVENT_REMAP_FILE_PAGES:
		return remap_file(call);
	case EVENT_SHMGET:
		if (!call->has_failed)
			get_segment(call);
		return as_recorded(call);
	case EVENT_SHMAT:
		return attach(call);
	case EVENT_SHMDT:
		return detach(call);
	case EVENT_FTRUNCATE:
		return truncate_file(call);
	case EVENT_PRCTL:
		return set_option(call);
	default:
		return as_recorded(call);
	}
}

static struct mm_result do_call(struct call *call)
{
	switch (call->kind) {
	case EVENT_MMAP:
		return map(call);
	case EVENT_MUNMAP:
		return unmap_all(call);
	case EVENT_MREMAP:
		return remap(call);
	case EVENT_BRK:
		return set_break(call);
	case EVENT_MPROTECT:
	case EVENT_PKEY_MPROTECT:
		return over_parts(call, protect);
	case EVENT_MADVISE:
		return over_parts(call, advise);
	case EVENT_MLOCK:
	case EVENT_MLOCK2:
		return over_parts(call, lock);
	case EVENT_MUNLOCK:
		return over_parts(call, unlock);
	case EVENT_MLOCKALL:
		return mm_lock_all(&call->space->mm, (int)call->event->flags);
	case EVENT_MUNLOCKALL:
		return mm_unlock_all(&call->space->mm);
	case EVENT_MSYNC:
		return over_parts(call, synchronise);
	case EVENT_MINCORE:
		return over_parts(call, ask);
	default:
		return do_rare(call);
	}
}

static bool returns_address(uint8_t kind)
{
	return kind == EVENT_MMAP || kind == EVENT_MREMAP || kind == EVENT_BRK || kind == EVENT_SHMAT;
}

/* Where the recording says that it comes, which a 32-bit machine may not have. */
static bool is_too_high(const struct call *call)
{
	return !call->is_free && !call->has_failed && returns_address(call->kind) &&
	       !spaces_reaches(call->spaces, call->event->result);
}

static void count(struct call *call, struct mm_result result)
{
	struct spaces_calls *calls = &call->spaces->calls;
	bool is_other = returns_address(call->kind) && result.value != call->event->result;

	calls->carried_out++;
	if (call->has_failed && result.error != 0)
		calls->failed_otherwise += (uint64_t)result.error != call->event->result;
	else if (call->has_failed)
		calls->failed_only_there++;
	else if (result.error != 0)
		calls->failed_only_here++;
	else
		calls->moved += is_other;
}

enum trace_status spaces_carry_out(struct spaces *spaces, struct space *space, const struct event *event,
				   struct trace_error *error)
{
	struct call call = {.spaces = spaces,
			    .space = space,
			    .event = &event->call,
			    .kind = event->kind,
			    .has_failed = event->flags & EVENT_FAILED,
			    .is_free = spaces->options.addresses == SPACES_FREE};

	if (is_too_high(&call))
		return spaces_no_address(spaces, event->call.result, error);
	count(&call, do_call(&call));
	spaces->relocations += call.is_free;
	return call.out_of_memory ? spaces_no_memory(error) : TRACE_OK;
}

struct mm_result spaces_carry_out_exactly(struct spaces *spaces, struct space *space,
					  const struct event *event)
{
	struct call call = {.spaces = spaces,
			    .space = space,
			    .event = &event->call,
			    .kind = event->kind,
			    .is_exact = true,
			    .is_free = true};

	return do_call(&call);
}
