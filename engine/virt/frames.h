/* frames.h: the frames that user pages live in: who holds each, and how often it is mapped.
 *
 *   struct page        page of a process       page of a file          zero page
 *     flags            PAGE_ANONYMOUS          PAGE_CACHED             (none)
 *                      and PAGE_HEAD, PAGE_LRU: both can be moved (rmap.h says who maps them)
 *     count            entries that name it    1 (the file) + entries  not counted
 *     mapcount         entries of level 1      entries of level 1      not counted
 *     huge_mapcount    huge entries            0
 *     pins             those who keep it where it is; each counts in `count`, too
 *     private          order                   0
 *     index            page number of the      its page of the file
 *                      address mapped last
 *
 * A huge page is one block of 2^huge_order frames, with the count in its first frame's page (the head). A huge entry
 * maps all of it and counts once, in huge_mapcount; once an entry has been split, each small one counts in the mapcount of
 * its own frame, and the other frames' pages are marked PAGE_TAIL. The block goes back as a whole when its last entry goes.
 *
 * PAGE_EXCLUSIVE says of an anonymous page that no other address space may see it, so that a write needs no copy: set
 * when it is made, taken away by fork, given back by a write that finds it mapped once.
 *
 * All reads of untouched memory share one zero frame, and one huge block of zeros when huge pages are in use.
 *
 * Invariants, proved by frames_check() over the frames of its array:
 *   I1: anonymous_frames, cached_frames = frames of blocks with PAGE_ANONYMOUS, PAGE_CACHED
 *   I2: a head's count = huge_mapcount + pins + mapcount of all its frames (+ 1 when it is cached), and is not 0
 *   I3: a frame without flags has no mapcount; PAGE_TAIL only lies inside a divided block
 */
#ifndef FAULTLINE_ENGINE_VIRT_FRAMES_H
#define FAULTLINE_ENGINE_VIRT_FRAMES_H

#include "engine/phys/page.h"
#include "engine/virt/page_source.h"

struct frames {
	struct page_source source;
	struct page_source table_source; /* of page tables: the same, unless the owner sets it */
	struct page_array *array;	 /* describes every frame that the source can give */
	unsigned huge_order;		 /* of a huge page; 0: the machine has none */
	pfn_t zero;			 /* mapped for reading where nothing was written */
	pfn_t huge_zero;		 /* its huge sister, taken by the first use; PFN_NONE before */
	uint64_t anonymous_frames, cached_frames; /* in use; those of a huge block as soon as one is mapped */
	uint64_t huge_blocks;			  /* of anonymous_frames, in blocks */
	uint64_t refused, refused_huge;		  /* times that the source had none */
};

/* Takes the zero frame. STATUS_NO_MEMORY when the source has none. The array and the source's owner live as long. */
MUST_USE enum status frames_create(struct frames *frames, struct page_source source, struct page_array *array,
				   unsigned huge_order);

/* Gives the zero frames back. No other frame may be in use. */
void frames_destroy(struct frames *frames);

/* An anonymous block of 2^order frames (order 0 or huge_order), exclusive, not mapped yet; or PFN_NONE, counted. */
pfn_t frames_take_anonymous(struct frames *frames, unsigned order);

/* Gives an anonymous block back that was taken and never mapped; one that is mapped stays. */
void frames_drop_unused(struct frames *frames, pfn_t head);

/* Marks a block that is not mapped yet as divided: its frames will be mapped one by one. */
void frames_divide_unused(struct frames *frames, pfn_t head);

/* Of a divided block: all of its frames become one again, mapped by one huge entry and nothing else. */
void frames_unite(struct frames *frames, pfn_t head);

/* A frame for a page of a file, held by the file; or PFN_NONE, counted. */
pfn_t frames_take_cached(struct frames *frames);

/* The file lets go of its frame; it is given back when no entry names it. */
void frames_drop_cached(struct frames *frames, pfn_t frame);

/* The huge block of zeros, or PFN_NONE. */
pfn_t frames_huge_zero(struct frames *frames);

static inline bool frames_is_zero(const struct frames *frames, pfn_t frame)
{
	return frame == frames->zero || (frames->huge_zero != PFN_NONE && frame >= frames->huge_zero &&
					 frame - frames->huge_zero < (pfn_t)1 << frames->huge_order);
}

static inline struct page *frames_page(const struct frames *frames, pfn_t frame)
{
	return page_of_pfn(frames->array, frame);
}

/* The first frame of the block. */
static inline pfn_t frames_head(const struct frames *frames, pfn_t frame)
{
	return frames_page(frames, frame)->flags & PAGE_TAIL ? frame & ~(((pfn_t)1 << frames->huge_order) - 1)
							     : frame;
}

/* One entry more, or one less, names the frame (is_huge: the whole block, whose head it is). Zero frames are not counted.
 * The last one less gives an anonymous block back. */
void frames_map(struct frames *frames, pfn_t frame, bool is_huge);
void frames_unmap(struct frames *frames, pfn_t frame, bool is_huge);

/* A huge entry becomes small ones: the block's frames are counted one by one. O(frames). */
void frames_divide(struct frames *frames, pfn_t head);

/* Somebody reads or writes the frame's memory past the page tables, as a device does: until it is unpinned the frame can neither
 * be moved nor given back. */
void frames_pin(struct frames *frames, pfn_t frame);
void frames_unpin(struct frames *frames, pfn_t frame);

/* `to`, a free frame that the caller took, becomes what `from`, in use and no part of a larger block, is: of the same kind, with
 * no entry yet; a cached one is held by its file. Both are in use then. */
void frames_succeed(struct frames *frames, pfn_t from, pfn_t to);

/* An entry, small or huge, that names the frame is copied for another process: it is no longer exclusive. */
void frames_share(struct frames *frames, pfn_t frame);

/* The anonymous frame, of a block that is not divided, is named by one entry only: a write may have it without a copy. */
static inline bool frames_is_only(const struct frames *frames, pfn_t frame)
{
	return frames_page(frames, frame)->count == 1;
}

/* NULL, or the text of the first invariant that does not hold. Reads the whole array. */
const char *frames_check(const struct frames *frames);

#endif
