/* mm_edit.h: the steps that the calls of mm.h are made of: limits and counts, splitting, merging, removing.
 *
 * Steps return 0 or a negative errno, like the calls' own insides; only the call itself makes a result of it.
 */
#ifndef FAULTLINE_ENGINE_VIRT_MM_EDIT_H
#define FAULTLINE_ENGINE_VIRT_MM_EDIT_H

#include "engine/virt/mm.h"
#include "engine/virt/vma_merge.h"

static inline struct mm_result mm_value(uint64_t value)
{
	return (struct mm_result){value, 0};
}

/* `status` is 0 or a negative errno. */
static inline struct mm_result mm_status(int status)
{
	return (struct mm_result){0, -status};
}

/* Rounded up to pages; 0 when that is beyond 2^64 (and for 0). */
static inline uint64_t mm_whole_pages(uint64_t bytes)
{
	return (bytes + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
}

static inline bool mm_is_page_aligned(uint64_t address)
{
	return (address & (PAGE_BYTES - 1)) == 0;
}

/* The lowest address that may be mapped besides the VMA: a stack keeps others away. */
uint64_t mm_guarded_start(const struct vma *vma);

/* Where a new mapping of `bytes` goes; `hint` and MM_MAP_FIXED are looked at. The address, or an errno. */
struct mm_place_request {
	uint64_t hint, bytes;
	uint32_t map_flags;
	const struct open_file *file; /* NULL: anonymous */
	uint64_t offset_pages;
};
struct mm_result mm_find_room(const struct mm *mm, const struct mm_place_request *request);

/* RLIMIT_AS and RLIMIT_DATA allow `pages` more of a mapping with these flags. */
bool mm_may_expand(const struct mm *mm, uint32_t flags, uint64_t pages);

/* RLIMIT_MEMLOCK allows a mapping with these flags. */
bool mm_may_lock(const struct mm *mm, uint32_t flags, uint64_t bytes);

/* Any locking at all. */
bool mm_can_lock(const struct mm *mm);

/* Private memory that can be written to is promised when it is mapped. */
bool mm_is_accountable(uint32_t flags);

/* The system's promise has room for pages; charges them to it; false: refused, nothing charged. */
bool mm_may_charge(const struct mm *mm, uint64_t pages);
bool mm_charge(struct mm *mm, uint64_t pages);
void mm_uncharge(struct mm *mm, uint64_t pages);

/* Counts pages of a mapping with these flags in, or out. */
void mm_count_in(struct mm *mm, uint32_t flags, uint64_t pages);
void mm_count_out(struct mm *mm, uint32_t flags, uint64_t pages);

/* Splits a VMA at an address inside it: `vma` keeps the lower part, vma->next is the upper one. -ENOMEM. The limit on
 * the number of mappings is the caller's to ask. */
int mm_split(struct mm *mm, struct vma *vma, uint64_t address);

/* Gives [start, end) of `vma` other flags: merges with neighbours, or else splits. Counts are the caller's. The VMA
 * that holds the range, or NULL and -ENOMEM in *error: then some splitting may be done. */
struct vma *mm_modify(struct mm *mm, struct vma *vma, const struct vma_proposal *part, int *error);

/* Which neighbours a new mapping may become one with. */
enum mm_merge {
	MM_MERGE_NONE,
	MM_MERGE_LEFT,
	MM_MERGE_BOTH,
};

/* Puts a mapping in, merged with neighbours where it can be; counts and the charge are the caller's. The file gets a
 * reference for a new VMA. The heap of brk grows to the right only, and not out of what lies below its start. NULL: no
 * memory. */
struct vma *mm_insert(struct mm *mm, const struct vma_proposal *proposal, enum mm_merge sides);

/* Splits what reaches over the ends of [start, end). -ENOMEM: too many mappings. */
int mm_carve(struct mm *mm, uint64_t start, uint64_t end);

/* What lies in [start, end), in full, after mm_carve. */
struct mm_carved {
	uint64_t pages, accounted_pages;
};
struct mm_carved mm_carved_pages(const struct mm *mm, uint64_t start, uint64_t end);

/* Takes away what lies in [start, end) after mm_carve. */
void mm_discard(struct mm *mm, uint64_t start, uint64_t end, enum mm_zap_cause cause);

/* munmap of whole pages: carve and discard. */
int mm_remove(struct mm *mm, uint64_t start, uint64_t end);

/* Faults in what can be had of [start, end), mapping by mapping, as mlock does: `ignore_errors` goes on behind a
 * page that cannot be had. 0, -EFAULT, -ENOMEM. */
int mm_populate(struct mm *mm, uint64_t start, uint64_t end, bool ignore_errors);

/* One mapping's part of it. */
int mm_populate_part(struct mm *mm, struct vma *vma, uint64_t start, uint64_t end,
		     enum mm_populate_for purpose);

#endif
