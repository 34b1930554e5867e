/* pagetable.h: the page tables of one address space: a radix tree from virtual addresses to entries.
 *
 *   root (level 4)        level 3             level 2            level 1
 *   +----+               +----+              +----+             +----+
 *   |    |        ,----->|    |       ,----->|leaf|-> 2 MiB     |leaf|-> 4 KiB
 *   |  o-+-------'       |  o-+------'       |  o-+------------>|leaf|-> 4 KiB
 *   +----+               +----+              +----+             +----+
 *
 * A table is a page (or several: paging_table_order) taken from a page source when the first entry under it is set, and
 * given back when its last entry goes; only the root is there from the start. A leaf is any entry that is not empty and
 * names no table: present, or a swap entry.
 *
 * Linux is lazier: with `keeps_tables` a table stays when it becomes empty, until pagetable_release() is told that nothing
 * is mapped around it any more.
 *
 * A part of the tree can be *borrowed*: the kernel's tables (its direct map of all memory among them) hang below the root
 * of every process; what a borrower reads there is the lender's, and it changes nothing. So one frame has two entries:
 * the process's own and the direct map's.
 *
 * Invariants, proved by pagetable_check():
 *   I1: a table's `live` = its entries that are not empty; it is 0 only in the root, or with keeps_tables
 *   I2: an entry names a table <=> its child slot is set; it is then present and not huge, its frame the table's
 *   I3: a leaf lies at a level that allows it, is huge exactly above level 1, and its frame is aligned to its size
 *   I4: tables[l] and leaves[l] are the tables and leaves of the level
 *   I5: table_pages = sum of tables[l] * pages of one, at most table_pages_peak
 */
#ifndef FAULTLINE_ENGINE_VIRT_PAGETABLE_H
#define FAULTLINE_ENGINE_VIRT_PAGETABLE_H

#include "engine/virt/page_source.h"
#include "engine/virt/paging.h"
#include "engine/virt/table_store.h"

struct pagetable {
	const struct paging *paging;
	struct table_store *store;
	struct page_source source;
	uint32_t root; /* its slot; its frame is what cr3 holds */
	uint64_t tables[PAGING_LEVELS_MAX +
			1]; /* [1 .. levels]: own tables, the root included, without borrowed ones */
	uint64_t leaves[PAGING_LEVELS_MAX + 1]; /* [1 .. levels]: entries that map memory or name swap */
	uint64_t generation;			/* changes whenever a table is linked or given back */
	uint64_t tables_given;			/* tables given back so far */
	uint64_t table_pages;			/* pages of the tables */
	uint64_t table_pages_peak;
	bool keeps_tables; /* set right after creation, or never */
};

enum pagetable_outcome {
	PAGETABLE_DONE,
	PAGETABLE_NO_PAGE, /* the page source has none for a table; nothing was changed */
	PAGETABLE_NO_SLOT, /* the host has no room for more tables; nothing was changed */
	PAGETABLE_COVERED, /* a larger leaf maps the address */
	PAGETABLE_DIVIDED, /* a table lies where the leaf should go */
	PAGETABLE_NOT_OWN, /* the address lies in a borrowed part */
};

/* Makes an empty tree with its root. The store and the source's owner must live as long. */
MUST_USE enum pagetable_outcome pagetable_create(struct pagetable *table, struct table_store *store,
						 struct page_source source);

/* Gives every table back; what the leaves map is the caller's affair. */
void pagetable_destroy(struct pagetable *table);

/* Sets the leaf of `level` that maps `address` (canonical). `entry` is not empty; above level 1 it is made huge; a
 * present one's frame is aligned to the leaf's size. The entry that was there before goes to *before (NULL is allowed).
 * Takes the tables it needs: O(levels). */
MUST_USE enum pagetable_outcome pagetable_set(struct pagetable *table, uint64_t address, unsigned level,
					      pte_t entry, pte_t *before);

/* Empties the leaf that maps `address` and gives back tables that become empty. Returns the entry and its level; empty
 * and 0 when there is none. A leaf of a borrowed part is a bug. */
pte_t pagetable_clear(struct pagetable *table, uint64_t address, unsigned *level);

/* Called for each leaf that pagetable_clear_range empties, in the order of addresses. */
typedef void pagetable_visit(void *context, uint64_t address, unsigned level, pte_t entry);

/* Empties every leaf that lies completely inside [address, address + bytes), in time proportional to the entries of the
 * tables that are there. False when a leaf lies only partly inside: that one is left as it is. `visit` may be NULL. */
bool pagetable_clear_range(struct pagetable *table, uint64_t address, uint64_t bytes, pagetable_visit *visit,
			   void *context);

/* The leaf entry that maps `address`, to be read and to have its flags changed, and its level; NULL when there is none.
 * Frame and presence of an entry are changed only by pagetable_set and pagetable_clear. */
pte_t *pagetable_find(const struct pagetable *table, uint64_t address, unsigned *level);

/* Makes the tables on the way to `address` down to the one of `level`, all or none. PAGETABLE_COVERED when a leaf is in the
 * way. Only with keeps_tables: a table made so is empty. */
MUST_USE enum pagetable_outcome pagetable_make(struct pagetable *table, uint64_t address, unsigned level);

/* The level of the lowest table on the way to `address` (canonical): 1 when its page has an entry to be set. */
unsigned pagetable_depth(const struct pagetable *table, uint64_t address);

/* Nothing is mapped any more from `floor` (inclusive) to `ceiling` (exclusive, 0: the top), [address, end) within it just
 * now: gives back every table, below the root, that serves part of [address, end) and nothing outside of floor .. ceiling.
 * They are empty. What Linux does at munmap (free_pgtables). */
struct pagetable_gap {
	uint64_t address, end;
	uint64_t floor, ceiling;
	unsigned top; /* tables up to this level; those of the levels above stay */
};

void pagetable_release(struct pagetable *table, const struct pagetable_gap *gap);

/* Gives back the table of `level`, below the root's, that serves `address` (canonical), if it is there and empty. Those above it
 * stay. Only with keeps_tables. */
void pagetable_release_one(struct pagetable *table, uint64_t address, unsigned level);

/* Calls for each leaf that maps part of [address, end), in the order of addresses; the entry may be changed as with
 * pagetable_find. `visit` returns false to stop; it does not change the tree. */
typedef bool pagetable_look(void *context, uint64_t address, unsigned level, pte_t *entry);

void pagetable_visit_range(const struct pagetable *table, uint64_t address, uint64_t end,
			   pagetable_look *look, void *context);

/* Splits the leaf above level 1 that maps `address` into a table of leaves of the level below (which allows them), with
 * the same flags. PAGETABLE_DONE also when there is none. */
MUST_USE enum pagetable_outcome pagetable_split(struct pagetable *table, uint64_t address);

/* Makes the root's entry for `address` the one of `lender`, which has the same shape and store and must outlive it. The
 * entry must be empty here and name a table there. */
void pagetable_borrow(struct pagetable *table, const struct pagetable *lender, uint64_t address);

/* Maps frames first .. first+pages-1 from `address` on with the largest leaves that fit, as a kernel maps all memory.
 * Stops at the first failure. */
MUST_USE enum pagetable_outcome pagetable_map_direct(struct pagetable *table, uint64_t address, pfn_t first,
						     uint64_t pages);

/* Frame of the root. */
pfn_t pagetable_root_frame(const struct pagetable *table);

/* Bytes of all tables, as the machine would need for its own entries. */
uint64_t pagetable_bytes(const struct pagetable *table);

/* "no page for a table" ..., lower case, no full stop. */
const char *pagetable_outcome_name(enum pagetable_outcome outcome);

/* NULL, or the text of the first invariant that does not hold. Reads the whole tree. */
const char *pagetable_check(const struct pagetable *table);

#endif
