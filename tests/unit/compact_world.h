/* compact_world.h: a small machine with real memory behind it, for compaction: free lists, frames, two address spaces, a file.
 *
 * Every page that is written holds its own address, so that whatever moves can be told to be what it was.
 */
#ifndef FAULTLINE_TESTS_UNIT_COMPACT_WORLD_H
#define FAULTLINE_TESTS_UNIT_COMPACT_WORLD_H

#include "engine/pressure/compact.h"
#include "engine/pressure/page_migration.h"
#include "tests/unit/free_lists_rig.h"

#define WORLD_FRAMES 4096u /* 8 pageblocks */
#define WORLD_SPACES 2u
#define WORLD_FILLED 3500u /* pages of the area: with tables, nearly all of the machine */
#define WORLD_BASE ((uint64_t)1 << 30)
#define WORLD_FILE_BASE ((uint64_t)1 << 31)

struct compact_world {
	struct free_lists_rig rig;
	struct arena arena;
	struct paging paging;
	struct policy policy;
	struct table_store store;
	struct frames frames;
	struct file_pages *file;
	struct rmap rmap;
	struct page_migration migration;
	struct compact compact;
	struct area area, file_area; /* the same in both spaces */
	unsigned spaces;
	struct resident resident[WORLD_SPACES];
};

/* One address space with an area of all frames, nothing touched; page tables come from Unmovable memory. */
void world_make(struct compact_world *world);

/* Everything ends, and every frame is free again. */
void world_drop(struct compact_world *world);

/* The second address space, a fork of the first. */
void world_fork(struct compact_world *world);

/* Writes page numbers first, first + step ... below `end` of the area; what is written to the page is its address. */
void world_write(struct compact_world *world, unsigned space, const uint64_t pages[3]);

/* Fills the machine, its Unmovable pageblocks too, and takes every page away that is in a frame with an even number:
 * | . m . m . m . m ... no two free frames lie together. */
void world_fragment(struct compact_world *world);

/* The first space writes to that many pages of the file, which is mapped for all to see. */
void world_map_file(struct compact_world *world, uint64_t pages);

/* Takes the same pages away. */
void world_zap(struct compact_world *world, unsigned space, const uint64_t pages[3]);

/* The frame that the address is mapped to, or PFN_NONE. */
pfn_t world_frame(const struct compact_world *world, unsigned space, uint64_t address);

/* The address of a page of the area. */
static inline uint64_t world_address(uint64_t page)
{
	return WORLD_BASE + page * PAGE_BYTES;
}

/* Every page that is mapped holds its address; and the checks of all structures. Fails the running test otherwise. */
void world_check(const struct compact_world *world);

#endif
