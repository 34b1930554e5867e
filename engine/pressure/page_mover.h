/* page_mover.h: whoever can say of a frame in use whether what is in it can be moved, and can move it.
 *
 * Compaction (compact.h) knows frames and free lists; what the frames hold is known by others: address spaces (page_migration.h),
 * or the books of a recorded kernel. This is all that it asks of them.
 */
#ifndef FAULTLINE_ENGINE_PRESSURE_PAGE_MOVER_H
#define FAULTLINE_ENGINE_PRESSURE_PAGE_MOVER_H

#include "engine/base/units.h"

/* Why a frame can, or cannot, be moved. */
enum move_end {
	MOVE_DONE,	/* it can, or was */
	MOVE_UNMOVABLE, /* it belongs to the kernel itself: slab, page tables, anything not on reclaim's lists */
	MOVE_PINNED,	/* somebody beside its entries and its file refers to it */
	MOVE_LARGE,	/* it is part of a larger block in use */
	MOVE_UNKNOWN_MAP, /* entries name it that nobody can find */
	MOVE_NO_TARGET,	  /* no free frame was left to move it to */
	MOVE_ENDS,
};

struct page_mover {
	void *owner;
	/* Can the frame, first of a block in use, be moved? Asked before a free frame is looked for. */
	enum move_end (*can_move)(void *owner, pfn_t frame);
	/* Moves what is in `from` to the free frame `to`, and gives `from` back to the page allocator: unless the answer is not
	 * MOVE_DONE, when nothing was changed. */
	enum move_end (*move)(void *owner, pfn_t from, pfn_t to);
};

/* "done", "unmovable", "pinned", "large block", "unknown mapping", "no target". */
static inline const char *move_end_name(enum move_end end)
{
	static const char *const names[MOVE_ENDS] = {"done",	    "unmovable",       "pinned",
						     "large block", "unknown mapping", "no target"};

	return names[end];
}

#endif
