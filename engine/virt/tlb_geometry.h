/* tlb_geometry.h: what a processor's TLBs and page-walk caches look like, in words.
 *
 *   l1d=64x4,l1i=128x8,l2=1536x12,replace=lru
 *
 * is a list of settings:
 *   l1d l1i l2d l2i = ENTRIESxWAYS   a part of level 1 or 2, for data or instructions; l1 and l2 serve both. WAYS may be
 *                                    `full`. `.SIZES` after the name limits it to pages of these sizes: l1d.4k=64x4,
 *                                    l1d.2m+1g=32x4; a part without sizes takes those that no other part of its level names
 *   walk2 ... walk5 = ENTRIESxWAYS   the page-walk cache of entries of that level (walk2: PDEs)
 *   replace = lru|plru|fifo|random   of all parts; the page-walk caches are LRU
 *   walk-flush = pages|tables         flushing one page empties the page-walk caches of its space (as Intel's and AMD's INVLPG
 *                                    does), or only freeing a page table does (Arm, which can name the last level)
 *   nested = no|pages|large          in a guest: every address of a walk is translated by a host with the same kind of page
 *                                    tables, which maps pages, or the next larger ones (nested.h)
 *   coalesce = 1|4|8                 pages of one entry, when they are aligned and contiguous in physical memory
 *   asid = yes|no                    entries are tagged with their address space; no: a switch flushes
 *   probe-cycles, reference-cycles   the model's cost of asking the walk caches and of reading a table entry
 *   paging = NAME                    a preset of paging.h
 * The number of sets, entries / ways, need not be a power of two. A page size that no part of a level serves always
 * misses there. Level 1 has to serve data.
 *
 * The presets are real processors (and two simulators) in these words; tlb_preset_figure() says where each figure comes
 * from, and whether the source itself was seen.
 */
#ifndef FAULTLINE_ENGINE_VIRT_TLB_GEOMETRY_H
#define FAULTLINE_ENGINE_VIRT_TLB_GEOMETRY_H

#include "engine/virt/walk.h"

#define TLB_PARTS_MAX 16u
#define TLB_TEXT_MAX 512u

enum tlb_kind {
	TLB_DATA = 0,
	TLB_FETCH = 1,
};

struct tlb_part {
	unsigned level; /* 1 or 2 */
	unsigned kinds; /* bit TLB_DATA, bit TLB_FETCH */
	uint64_t sizes; /* bit s: pages of 2^s bytes; 0: all that no other part of the level and kind names */
	uint32_t entries;
	uint32_t ways; /* 1 .. entries */
};

struct tlb_geometry {
	const char *name; /* of the preset, "free-form" otherwise */
	const struct paging *paging;
	struct walk_shape walk;
	unsigned parts;
	struct tlb_part part[TLB_PARTS_MAX];
	enum replacement replace;
	unsigned coalesce_pages; /* 1, 4 or 8 */
	bool tagged;		 /* entries carry their address space */
	unsigned nested_level;	 /* level of the host's leaves; 0: no host */
};

/* Where the words stop making sense. */
struct tlb_geometry_error {
	size_t at;	  /* offset in the text */
	const char *want; /* what would be right there, static text */
};

/* Reads the words. STATUS_BAD_ARGUMENT, and *error, when they make no geometry. */
MUST_USE enum status tlb_geometry_parse(struct tlb_geometry *geometry, const char *text,
					struct tlb_geometry_error *error);

struct tlb_preset {
	const char *name;
	const char *processor;
	const char *text; /* in the words above */
};

struct tlb_figure {
	const char *preset;
	const char *figure;
	const char *source;
	bool verified; /* false: recalled or at second hand; to be checked before it is relied on */
};

/* Presets and figures in the order of listing; NULL past the last. */
const struct tlb_preset *tlb_preset(unsigned number);
const struct tlb_figure *tlb_preset_figure(unsigned number);
const struct tlb_preset *tlb_preset_find(const char *name);

/* The geometry of a preset's name, or of words. */
MUST_USE enum status tlb_geometry_find(struct tlb_geometry *geometry, const char *name_or_text,
				       struct tlb_geometry_error *error);

#endif
