/* walk.h: the page-table walker and its page-walk caches.
 *
 * A walk reads one entry per level, from the root down to a leaf. A page-walk cache of level l remembers entries of that
 * level that name a table, by the address bits above; the deepest one that knows the address wins, and the walk begins
 * below it:
 *
 *   references       hit at level 2     hit at level 3     hit at level 4     no hit
 *   4 levels                1                  2                  3               4
 *
 * A cache never holds a leaf. All are asked at once; only the one that wins notes the use. A finished walk puts the
 * entries that it read, and that name tables, into their levels' caches.
 *
 * Nested paging: the guest's tables lie in guest-physical memory, so that each of its g references, and the address that
 * comes out, is translated by the host's h levels: a cold walk costs (g + 1) * (h + 1) - 1 references, 24 with 4 + 4.
 *
 * The cycles are a model, not a measurement: a probe of the caches costs cache_cycles, each reference
 * reference_cycles.
 *
 * Faults have their own outcomes, each with the level that raised it: a translation stops at an empty or swap entry, at a
 * missing right (write, user, execute; a right must be given at every level), or before the root when the address is
 * not canonical.
 *
 * Sources: Intel SDM volume 3A, 4.10.3 (paging-structure caches), 4.6 (rights); Bhattacharjee, "Large-reach memory
 * management unit caches", MICRO 2013.
 */
#ifndef FAULTLINE_ENGINE_VIRT_WALK_H
#define FAULTLINE_ENGINE_VIRT_WALK_H

#include "engine/virt/associative.h"
#include "engine/virt/key_recipe.h"
#include "engine/virt/pagetable.h"

/* Entries and ways of the cache of each level; 0 entries: none. */
struct walk_cache_shape {
	uint32_t entries, ways;
};

struct walk_shape {
	struct walk_cache_shape cache[PAGING_LEVELS_MAX + 1]; /* [2 .. levels]; ways 0: fully associative */
	uint32_t cache_cycles;				      /* per walk that asks the caches */
	uint32_t reference_cycles;			      /* per entry read */
	bool emptied_by_pages; /* flushing a page empties the caches of its space: INVLPG */
};

struct walk_counts {
	uint64_t walks;
	uint64_t references;			    /* entries read, the host's of a nested walk included */
	uint64_t cycles;			    /* of the model */
	uint64_t cache_hits[PAGING_LEVELS_MAX + 1]; /* [l]: walks that began below an entry of level l */
	uint64_t cold;				    /* walks that no cache shortened */
	uint64_t faults;
};

struct walker {
	const struct paging *paging;
	uint32_t cache_cycles, reference_cycles;
	bool emptied_by_pages;
	bool has_cache[PAGING_LEVELS_MAX + 1];
	struct associative cache[PAGING_LEVELS_MAX + 1];
	key_maker *make_keys;
	struct walk_counts counts;
};

/* Makes a walker with empty caches. STATUS_BAD_ARGUMENT when a cache has no valid shape, STATUS_NO_MEMORY. */
MUST_USE enum status walker_create(struct walker *walker, const struct paging *paging,
				   const struct walk_shape *shape);
void walker_destroy(struct walker *walker);

enum walk_access {
	WALK_READ = 0,
	WALK_WRITE = 1,
	WALK_EXECUTE = 2,
	WALK_USER = 4, /* or-ed: from user mode */
};

enum walk_outcome {
	WALK_FINE,
	WALK_NOT_CANONICAL,
	WALK_NOT_PRESENT, /* the entry is empty, or names swap */
	WALK_NO_WRITE,
	WALK_NO_USER,
	WALK_NO_EXECUTE,
	WALK_HOST_FAULT, /* nested: the host has no translation */
};

/* One entry that was read. */
struct walk_step {
	unsigned level;
	unsigned index;
	uint64_t entry_address; /* physical (nested: guest-physical) address of the entry */
	pte_t entry;
};

struct walk {
	enum walk_outcome outcome;
	unsigned level;	       /* of the leaf, or that raised the fault */
	unsigned cached_level; /* level of the cache that won; 0: none */
	unsigned steps;	       /* guest entries read */
	struct walk_step step[PAGING_LEVELS_MAX];
	pte_t leaf;
	uint64_t physical; /* address, when fine; nested: of the host */
	uint32_t references;
	uint32_t cycles;
	uint16_t error_code; /* of x86's page fault: 1 protection, 2 write, 4 user, 16 fetch */
};

/* What one walk is asked to do. */
struct walk_request {
	const struct pagetable *table;
	uint64_t address;
	unsigned access;	      /* enum walk_access, or-ed */
	uint16_t space;		      /* tag of the address space in the caches (ASID) */
	const struct pagetable *host; /* NULL: not nested */
	struct walker *host_walker;   /* of a nested walk */
};

/* Walks; sets the accessed bits of the entries it reads and, for a write, the leaf's dirty bits; counts. */
struct walk walker_walk(struct walker *walker, const struct walk_request *request);

/* Counts the walks of pages that are known to translate, by the caches alone: exactly what walker_walk counts for each
 * in order. `pages` are page numbers of level 1 with the space's tag (bits of a class are ignored), `level` the level of
 * each one's leaf, or NULL: all are of level 1 and of one space. At most ASSOCIATIVE_RUN_MAX. */
void walker_count_run(struct walker *walker, const uint64_t *pages, const uint8_t *level, uint32_t count);

/* Forgets what is cached of an address, of a space, or all: what an invalidation does to the walk caches. */
void walker_flush_address(struct walker *walker, uint64_t address, uint16_t space);
void walker_flush_space(struct walker *walker, uint16_t space);
void walker_flush_all(struct walker *walker);

/* The key of a level's cache for an address. */
static inline uint64_t walk_key(const struct paging *paging, unsigned level, uint64_t address, uint16_t space)
{
	return paging_page_number(paging, address, paging->shift[level]) |
	       (uint64_t)level << ASSOCIATIVE_CLASS_SHIFT | (uint64_t)space << ASSOCIATIVE_SPACE_SHIFT;
}

/* The outcome in words, lower case, no full stop. */
const char *walk_outcome_name(enum walk_outcome outcome);

#endif
