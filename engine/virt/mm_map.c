#include "config.h"

#include "engine/virt/mm_edit.h"

#include <errno.h>

/* Flags that MAP_SHARED_VALIDATE knows; sizes of huge pages are MAP_HUGE_2MB and MAP_HUGE_1GB. */
#define KNOWN_MAP_FLAGS                                                                                      \
	((uint64_t)(MM_MAP_SHARED | MM_MAP_PRIVATE | MM_MAP_FIXED | MM_MAP_ANONYMOUS | MM_MAP_DENY_WRITE |   \
		    MM_MAP_EXECUTABLE | MM_MAP_UNINITIALIZED | MM_MAP_GROWS_DOWN | MM_MAP_LOCKED |           \
		    MM_MAP_NO_RESERVE | MM_MAP_POPULATE | MM_MAP_NON_BLOCK | MM_MAP_STACK | MM_MAP_HUGETLB | \
		    MM_MAP_32BIT | MM_MAP_ABOVE4G | 21u << MM_MAP_HUGE_SHIFT | 30u << MM_MAP_HUGE_SHIFT))
/* Of MAP_HUGETLB without a size. */
#define DEFAULT_HUGE_SHIFT 21
#define FILE_BYTES_MAX ((uint64_t)INT64_MAX)

/* What becomes of the request on its way. */
struct mapping_state {
	uint64_t address, length, map_flags;
	uint32_t flags;
	struct open_file *file;
	uint64_t first_page;
};

static uint32_t flags_of_mapping(const struct mm *mm, const struct mm_mapping *mapping)
{
	uint32_t flags = mm->default_flags | VMA_MAY_RIGHTS;

	flags |= mapping->protection & MM_PROT_READ ? AREA_READ : 0;
	flags |= mapping->protection & MM_PROT_WRITE ? AREA_WRITE : 0;
	flags |= mapping->protection & MM_PROT_EXECUTE ? AREA_EXECUTE : 0;
	flags |= mapping->flags & MM_MAP_GROWS_DOWN ? AREA_GROWS_DOWN : 0;
	flags |= mapping->flags & MM_MAP_LOCKED ? AREA_LOCKED : 0;
	flags |= mapping->flags & MM_MAP_SYNC ? VMA_SYNC : 0;
	if (mapping->flags & MM_MAP_STACK && mm->huge_bytes)
		flags |= AREA_NO_HUGE;
	return flags;
}

/* No huge page is ever set aside for MAP_HUGETLB, so what is asked for rightly is refused. */
static int check_huge_pages(const struct mm_mapping *mapping)
{
	uint64_t size = mapping->flags >> MM_MAP_HUGE_SHIFT & MM_MAP_HUGE_MASK;
	uint64_t type = mapping->flags & MM_MAP_TYPE;

	if (!(mapping->flags & MM_MAP_HUGETLB))
		return 0;
	if (!(mapping->flags & MM_MAP_ANONYMOUS) || (size != 0 && size != 21 && size != 30) ||
	    mapping->length == 0)
		return -EINVAL;
	uint64_t bytes = (uint64_t)1 << (size ? size : DEFAULT_HUGE_SHIFT);

	if (mapping->offset & (bytes - 1) || mapping->length > UINT64_MAX - bytes + 1 || type == 0 ||
	    type > MM_MAP_SHARED_VALIDATE)
		return -EINVAL;
	if (mapping->flags & (MM_MAP_FIXED | MM_MAP_FIXED_NO_REPLACE) && mapping->address & (bytes - 1))
		return -EINVAL;
	return -ENOMEM;
}

static int share_file(struct mapping_state *state, uint64_t protection)
{
	uint32_t open = state->file->flags;

	if (protection & MM_PROT_WRITE && !(open & OPEN_WRITE))
		return -EACCES;
	if (open & OPEN_APPEND_ONLY && open & OPEN_WRITE)
		return -EACCES;
	state->flags |= AREA_SHARED;
	if (!(open & OPEN_WRITE))
		state->flags &= ~(uint32_t)VMA_MAY_WRITE;
	return 0;
}

static int check_file(struct mapping_state *state, const struct mm_mapping *mapping)
{
	uint32_t open = state->file->flags;
	uint64_t type = mapping->flags & MM_MAP_TYPE;
	int status = 0;

	if (!(open & OPEN_NO_MAP) && (state->length > FILE_BYTES_MAX ||
				      state->first_page > (FILE_BYTES_MAX - state->length) >> PAGE_SHIFT))
		return -EOVERFLOW;
	if (type == MM_MAP_SHARED_VALIDATE && mapping->flags & ~KNOWN_MAP_FLAGS)
		return -EOPNOTSUPP;
	if (type == MM_MAP_SHARED || type == MM_MAP_SHARED_VALIDATE)
		status = share_file(state, mapping->protection);
	else if (type != MM_MAP_PRIVATE)
		return -EINVAL;
	if (status)
		return status;
	if (!(open & OPEN_READ))
		return -EACCES;
	if (open & OPEN_NO_EXECUTE) {
		if (state->flags & AREA_EXECUTE)
			return -EPERM;
		state->flags &= ~(uint32_t)VMA_MAY_EXECUTE;
	}
	if (open & OPEN_NO_MAP)
		return -ENODEV;
	if (state->flags & AREA_GROWS_DOWN)
		return -EINVAL;
	return state->flags & VMA_SYNC && !(open & OPEN_SHARED_MEMORY) ? -EOPNOTSUPP : 0;
}

static int check_anonymous(struct mapping_state *state, const struct mm_mapping *mapping)
{
	switch (mapping->flags & MM_MAP_TYPE) {
	case MM_MAP_SHARED:
		if (state->flags & AREA_GROWS_DOWN)
			return -EINVAL;
		state->flags |= AREA_SHARED;
		state->first_page = 0;
		return 0;
	case MM_MAP_DROPPABLE:
		if (mapping->flags & (MM_MAP_LOCKED | MM_MAP_HUGETLB) || state->flags & AREA_GROWS_DOWN)
			return -EINVAL;
		state->flags |= VMA_DROPPABLE | VMA_NO_RESERVE | AREA_WIPE_ON_FORK | VMA_NO_DUMP;
		break;
	case MM_MAP_PRIVATE:
		break;
	default:
		return -EINVAL;
	}
	state->first_page = state->address >> PAGE_SHIFT;
	return 0;
}

static int find_place(const struct mm *mm, struct mapping_state *state)
{
	struct mm_place_request request = {.hint = state->address,
					   .bytes = state->length,
					   .map_flags = (uint32_t)state->map_flags,
					   .file = state->file,
					   .offset_pages = state->file ? state->first_page : 0};
	struct mm_result room = mm_find_room(mm, &request);

	if (room.error)
		return -room.error;
	state->address = room.value;
	if (state->map_flags & MM_MAP_FIXED_NO_REPLACE &&
	    vma_tree_find_overlap(&mm->tree, room.value, room.value + state->length))
		return -EEXIST;
	if (state->map_flags & MM_MAP_LOCKED && !mm_can_lock(mm))
		return -EPERM;
	return mm_may_lock(mm, state->flags, state->length) ? 0 : -EAGAIN;
}

/* Makes room, asks the limits, and puts the mapping in. */
static int put_in(struct mm *mm, struct mapping_state *state)
{
	uint64_t end = state->address + state->length, pages = state->length >> PAGE_SHIFT;
	int status = mm_carve(mm, state->address, end);
	struct mm_carved carved = mm_carved_pages(mm, state->address, end);
	bool accountable = !(state->flags & AREA_SHARED) && mm_is_accountable(state->flags);
	struct open_file *file = state->file;
	bool is_nameless = !file && state->flags & AREA_SHARED;

	if (status)
		return status;
	if (!mm_may_expand(mm, state->flags, pages - carved.pages))
		return -ENOMEM;
	if (accountable && pages > carved.accounted_pages &&
	    !mm_may_charge(mm, pages - carved.accounted_pages))
		return -ENOMEM;
	mm_discard(mm, state->address, end, MM_ZAP_UNMAP);
	if (accountable && !mm_charge(mm, pages))
		return -ENOMEM;
	if (accountable)
		state->flags |= VMA_ACCOUNTED;
	if (is_nameless)
		file = mm->pages->shared_memory(mm, state->length);
	struct vma_proposal proposal = {.start = state->address,
					.end = end,
					.flags = state->flags,
					.file = file,
					.first_page = state->first_page};
	struct vma *vma = is_nameless && !file ? NULL : mm_insert(mm, &proposal, MM_MERGE_BOTH);

	if (is_nameless)
		open_file_drop(file);
	if (!vma && accountable)
		mm_uncharge(mm, pages);
	if (!vma)
		return -ENOMEM;
	mm_count_in(mm, state->flags, pages);
	if (state->flags & VMA_DROPPABLE)
		vma->area.flags &= ~(uint32_t)VMA_LOCKED_FLAGS;
	else if (state->flags & AREA_LOCKED)
		mm->locked_pages += pages;
	return 0;
}

static int check_request(const struct mm *mm, const struct mm_mapping *mapping)
{
	if (!mm_is_page_aligned(mapping->offset))
		return -EINVAL;
	if (!(mapping->flags & MM_MAP_ANONYMOUS) && !mapping->file)
		return -EBADF;
	int status = check_huge_pages(mapping);

	if (status)
		return status;
	if (mapping->length == 0)
		return -EINVAL;
	if (mm_whole_pages(mapping->length) == 0 || mm->tree.count > mm->limits.maps)
		return -ENOMEM;
	return 0;
}

static uint64_t hint_of(const struct mm *mm, const struct mm_mapping *mapping)
{
	uint64_t hint = mapping->address & ~(PAGE_BYTES - 1);

	if (mapping->flags & (MM_MAP_FIXED | MM_MAP_FIXED_NO_REPLACE))
		return mapping->address;
	return hint != 0 && hint < mm->limits.lowest_address ? mm_whole_pages(mm->limits.lowest_address)
							     : hint;
}

struct mm_result mm_map(struct mm *mm, const struct mm_mapping *mapping)
{
	struct mapping_state state = {.address = hint_of(mm, mapping),
				      .length = mm_whole_pages(mapping->length),
				      .map_flags = mapping->flags,
				      .flags = flags_of_mapping(mm, mapping),
				      .file = mapping->flags & MM_MAP_ANONYMOUS ? NULL : mapping->file,
				      .first_page = mapping->offset >> PAGE_SHIFT};
	int status = check_request(mm, mapping);

	if (mapping->flags & MM_MAP_FIXED_NO_REPLACE)
		state.map_flags |= MM_MAP_FIXED;
	if (status == 0)
		status = find_place(mm, &state);
	if (status == 0)
		status = state.file ? check_file(&state, mapping) : check_anonymous(&state, mapping);
	if (status == 0 && state.file && state.file->flags & OPEN_SEALED_FOR_WRITE &&
	    (state.flags & (AREA_SHARED | VMA_MAY_WRITE)) == (AREA_SHARED | VMA_MAY_WRITE))
		status = -EPERM;
	if (mapping->flags & MM_MAP_NO_RESERVE && mm->promise->mode != MM_OVERCOMMIT_NEVER)
		state.flags |= VMA_NO_RESERVE;
	if (status == 0)
		status = put_in(mm, &state);
	if (status)
		return mm_status(status);
	if (state.flags & AREA_LOCKED ||
	    (mapping->flags & (MM_MAP_POPULATE | MM_MAP_NON_BLOCK)) == MM_MAP_POPULATE)
		(void)mm_populate(mm, state.address, state.address + state.length, true);
	return mm_value(state.address);
}

struct mm_result mm_unmap(struct mm *mm, uint64_t address, uint64_t length)
{
	uint64_t task_bytes = mm->layout.task_bytes, bytes = mm_whole_pages(length);

	if (!mm_is_page_aligned(address) || address > task_bytes || length > task_bytes - address ||
	    bytes == 0)
		return mm_status(-EINVAL);
	return mm_status(mm_remove(mm, address, address + bytes));
}

/* Everything that keeps the break from growing from `old` to `new` (whole pages). */
static bool may_grow_brk(const struct mm *mm, uint64_t old, uint64_t new)
{
	struct mm_place_request request = {.hint = old, .bytes = new - old, .map_flags = MM_MAP_FIXED};
	uint32_t flags = AREA_READ | AREA_WRITE | VMA_MAY_RIGHTS | mm->default_flags;
	const struct vma *next = vma_tree_find(&mm->tree, old);

	if (mm_find_room(mm, &request).error || !mm_may_lock(mm, mm->default_flags, new - old))
		return false;
	if (next && new + PAGE_BYTES > mm_guarded_start(next))
		return false;
	return mm_may_expand(mm, flags, (new - old) >> PAGE_SHIFT) && mm->tree.count <= mm->limits.maps;
}

static bool grow_brk(struct mm *mm, uint64_t old, uint64_t new)
{
	uint64_t pages = (new - old) >> PAGE_SHIFT;
	struct vma_proposal proposal = {.start = old,
					.end = new,
					.flags = AREA_READ | AREA_WRITE | VMA_MAY_RIGHTS | VMA_ACCOUNTED |
						 mm->default_flags,
					.first_page = old >> PAGE_SHIFT};

	if (!may_grow_brk(mm, old, new) || !mm_charge(mm, pages))
		return false;
	if (!mm_insert(mm, &proposal, old > mm->layout.start_brk ? MM_MERGE_LEFT : MM_MERGE_NONE)) {
		mm_uncharge(mm, pages);
		return false;
	}
	mm_count_in(mm, proposal.flags, pages);
	if (proposal.flags & AREA_LOCKED)
		mm->locked_pages += pages;
	return true;
}

static bool shrink_brk(struct mm *mm, uint64_t old, uint64_t new)
{
	const struct vma *heap = vma_tree_find_overlap(&mm->tree, new, old);

	return heap && mm_remove(mm, new, old) == 0;
}

struct mm_result mm_set_brk(struct mm *mm, uint64_t brk)
{
	uint64_t old = mm_whole_pages(mm->brk), new = mm_whole_pages(brk);
	uint64_t data = mm->limits.data_bytes;

	if (brk < mm->layout.start_brk)
		return mm_value(mm->brk);
	if (data != MM_UNLIMITED && brk - mm->layout.start_brk + mm->layout.data_bytes > data)
		return mm_value(mm->brk);
	if (old == new) {
		mm->brk = brk;
	} else if (brk <= mm->brk) {
		if (shrink_brk(mm, old, new))
			mm->brk = brk;
	} else if (grow_brk(mm, old, new)) {
		mm->brk = brk;
		if (mm->default_flags & AREA_LOCKED)
			(void)mm_populate(mm, old, new, true);
	}
	return mm_value(mm->brk);
}
