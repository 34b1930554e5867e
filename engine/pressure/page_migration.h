/* page_migration.h: moves a user page to another frame, so that its processes see no difference (mm/migrate.c).
 *
 *      entry --+                          entry --+
 *      entry --+--> from   [contents]  =>  entry --+--> to   [contents]        from: free
 *      file  --+                           file  --+
 *
 * Every entry that names the old frame is found (rmap.h), the contents are copied, every entry is changed, with its rights and its
 * accessed and dirty bits as they were, and processors are told to forget the old one. Nobody uses the page meanwhile: a simulated
 * machine has no time between these steps, so there are no migration entries.
 *
 * Single pages of processes and files can be moved. What cannot: the kernel's own frames, huge pages (also those mapped in small
 * pages), and frames that somebody has pinned.
 */
#ifndef FAULTLINE_ENGINE_PRESSURE_PAGE_MIGRATION_H
#define FAULTLINE_ENGINE_PRESSURE_PAGE_MIGRATION_H

#include "engine/phys/memory.h"
#include "engine/pressure/page_mover.h"
#include "engine/virt/rmap.h"

/* Told about each entry that was changed, after all of the page's were. */
typedef void page_migration_flush(void *context, struct resident *resident, const struct flush *flush);

struct page_migration {
	struct frames *frames;
	struct rmap *rmap;
	struct memory *
	    memory; /* copies what is in the frames, through windows where they have no direct map; or NULL */
	const struct arena
	    *arena; /* without a memory: the same, where the frames are all in this arena; or NULL */
	page_migration_flush *flush; /* NULL: nobody is told */
	void *flush_context;
	uint64_t moved_pages;
	uint64_t copied_bytes;
	uint64_t changed_entries; /* each is one flush of one page */
	struct rmap_entry *entries;
	size_t room;
};

/* `from_rmap` knows all address spaces; all must live as long. The other fields may be set by the caller afterwards. */
void page_migration_create(struct page_migration *migration, struct frames *frames, struct rmap *from_rmap);
void page_migration_destroy(struct page_migration *migration);

/* May the frame, first of a block in use, be moved? */
enum move_end page_migration_can_move(const struct page_migration *migration, pfn_t frame);

/* Moves the page in `from` to `to`, a free frame that the caller took from the page allocator. The old frame has gone back to
 * the source of the frames. */
enum move_end page_migration_move(struct page_migration *migration, pfn_t from, pfn_t to);

/* For compaction. */
struct page_mover page_migration_mover(struct page_migration *migration);

#endif
