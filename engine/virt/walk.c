#include "config.h"

#include "engine/virt/walk.h"

#include "engine/base/check.h"

#include <string.h>

#define ERROR_PROTECTION 1u
#define ERROR_WRITE 2u
#define ERROR_USER 4u
#define ERROR_FETCH 16u

enum status walker_create(struct walker *walker, const struct paging *paging, const struct walk_shape *shape)
{
	enum status status = STATUS_OK;

	*walker = (struct walker){.paging = paging,
				  .cache_cycles = shape->cache_cycles,
				  .reference_cycles = shape->reference_cycles,
				  .emptied_by_pages = shape->emptied_by_pages,
				  .make_keys = key_recipe_fastest()};
	for (unsigned level = 2; level <= paging->levels && status == STATUS_OK; level++) {
		const struct walk_cache_shape *cache = &shape->cache[level];
		struct associative_shape array = {.entries = cache->entries,
						  .ways = cache->ways > 0 ? cache->ways : cache->entries};

		if (cache->entries == 0)
			continue;
		status = associative_create(&walker->cache[level], &array);
		walker->has_cache[level] = status == STATUS_OK;
	}
	if (status != STATUS_OK)
		walker_destroy(walker);
	return status;
}

void walker_destroy(struct walker *walker)
{
	for (unsigned level = 2; level <= PAGING_LEVELS_MAX; level++) {
		if (walker->has_cache[level])
			associative_destroy(&walker->cache[level]);
		walker->has_cache[level] = false;
	}
}

/* --- One walk ----------------------------------------------------------------------------------------------------- */

/* What the levels so far allow. */
struct rights {
	bool write, user, execute;
};

/* The deepest level whose cache knows the address and above which the tables stand; 0 when none does. */
static unsigned ask_caches(struct walker *walker, const struct walk_request *request)
{
	for (unsigned level = 2; level <= walker->paging->levels; level++) {
		uint64_t key = walk_key(walker->paging, level, request->address, request->space);

		if (walker->has_cache[level] && associative_find(&walker->cache[level], key))
			return level;
	}
	return 0;
}

static bool has_caches(const struct walker *walker)
{
	for (unsigned level = 2; level <= walker->paging->levels; level++) {
		if (walker->has_cache[level])
			return true;
	}
	return false;
}

/* Translates a guest-physical address by the host: false when it has no translation. */
static bool host_translate(struct walk *walk, const struct walk_request *request, uint64_t address,
			   uint64_t *physical)
{
	struct walk_request host = {
	    .table = request->host, .address = address, .access = WALK_USER | (request->access & WALK_WRITE)};
	struct walk below = walker_walk(request->host_walker, &host);

	walk->references += below.references;
	walk->cycles += below.cycles;
	*physical = below.physical;
	return below.outcome == WALK_FINE;
}

/* Reads the entry of `level` in table `slot` as the walker does: an access, counted. */
static pte_t *read_entry(struct walker *walker, struct walk *walk, const struct walk_request *request,
			 const struct walk_step *at, uint32_t slot)
{
	struct table_level *tables = &request->table->store->level[at->level];
	pte_t *entry = &tables->entry[table_place(tables, slot, at->index)];

	walk->step[walk->steps] = *at;
	walk->step[walk->steps++].entry = *entry;
	walk->references++;
	walk->cycles += walker->reference_cycles;
	return entry;
}

static enum walk_outcome outcome_of(const struct rights *rights, unsigned access)
{
	if ((access & WALK_USER) && !rights->user)
		return WALK_NO_USER;
	if ((access & WALK_WRITE) && !rights->write)
		return WALK_NO_WRITE;
	return (access & WALK_EXECUTE) && !rights->execute ? WALK_NO_EXECUTE : WALK_FINE;
}

static uint16_t error_code_of(enum walk_outcome outcome, unsigned access)
{
	uint16_t code = 0;

	if (outcome == WALK_FINE || outcome == WALK_NOT_CANONICAL || outcome == WALK_HOST_FAULT)
		return 0;
	code |= outcome == WALK_NOT_PRESENT ? 0 : ERROR_PROTECTION;
	code |= access & WALK_WRITE ? ERROR_WRITE : 0;
	code |= access & WALK_USER ? ERROR_USER : 0;
	return (uint16_t)(code | (access & WALK_EXECUTE ? ERROR_FETCH : 0));
}

static void finish_at_leaf(struct walk *walk, const struct walk_request *request, pte_t *entry)
{
	const struct paging *paging = request->table->paging;
	uint64_t offset = request->address & (paging_leaf_bytes(paging, walk->level) - 1);

	*entry |= PTE_ACCESSED;
	if (request->access & WALK_WRITE)
		*entry = pte_make_dirty(*entry);
	walk->leaf = *entry;
	walk->step[walk->steps - 1].entry = *entry;
	walk->physical = (pte_frame(*entry) << paging->page_shift) + offset;
	if (request->host && !host_translate(walk, request, walk->physical, &walk->physical))
		walk->outcome = WALK_HOST_FAULT;
}

/* The slot of the table that a walk begins in, found in the tree itself: the cache holds what the tree says. */
static uint32_t table_below(const struct walk_request *request, unsigned cached_level, struct rights *rights)
{
	const struct pagetable *table = request->table;
	unsigned level = table->paging->levels;
	uint32_t slot = table->root;

	for (; cached_level > 0 && level >= cached_level; level--) {
		const struct table_level *tables = &table->store->level[level];
		size_t at = table_place(tables, slot, paging_index(table->paging, level, request->address));

		slot = tables->child[at] & ~TABLE_BORROWED;
		CHECK(slot != TABLE_NONE,
		      "what a page-walk cache holds is still in the tree: freed tables flush it");
		rights->write = rights->write && pte_has(tables->entry[at], PTE_WRITE);
		rights->user = rights->user && pte_has(tables->entry[at], PTE_USER);
		rights->execute = rights->execute && !pte_has(tables->entry[at], PTE_NO_EXECUTE);
	}
	return slot;
}

/* Reads on from the table of walk->level down to the leaf or the fault. */
static void descend(struct walker *walker, struct walk *walk, const struct walk_request *request,
		    uint32_t slot, struct rights *rights)
{
	const struct pagetable *table = request->table;
	uint64_t ignored;

	for (;; walk->level--) {
		const struct table_level *tables = &table->store->level[walk->level];
		struct walk_step step = {.level = walk->level,
					 .index = paging_index(table->paging, walk->level, request->address)};

		step.entry_address = (tables->table[slot].frame << table->paging->page_shift) +
				     (uint64_t)step.index * table->paging->entry_bytes;
		if (request->host && !host_translate(walk, request, step.entry_address, &ignored)) {
			walk->outcome = WALK_HOST_FAULT;
			return;
		}
		pte_t *entry = read_entry(walker, walk, request, &step, slot);
		uint32_t child =
		    walk->level > 1 ? tables->child[table_place(tables, slot, step.index)] : TABLE_NONE;

		if (!pte_is_present(*entry)) {
			walk->outcome = WALK_NOT_PRESENT;
			return;
		}
		rights->write = rights->write && pte_has(*entry, PTE_WRITE);
		rights->user = rights->user && pte_has(*entry, PTE_USER);
		rights->execute = rights->execute && !pte_has(*entry, PTE_NO_EXECUTE);
		if (child == TABLE_NONE) {
			walk->outcome = outcome_of(rights, request->access);
			if (walk->outcome == WALK_FINE)
				finish_at_leaf(walk, request, entry);
			return;
		}
		slot = child & ~TABLE_BORROWED;
	}
}

/* Entries that were read and name tables go into their caches. */
static void fill_caches(struct walker *walker, const struct walk *walk, const struct walk_request *request)
{
	for (unsigned i = 0; i < walk->steps; i++) {
		unsigned level = walk->step[i].level;
		bool names_table = i + 1 < walk->steps;

		if (names_table && walker->has_cache[level])
			associative_insert(&walker->cache[level],
					   walk_key(walker->paging, level, request->address, request->space));
	}
}

struct walk walker_walk(struct walker *walker, const struct walk_request *request)
{
	struct walk walk = {.level = walker->paging->levels};
	struct rights rights = {true, true, true};

	CHECK(request->table->paging == walker->paging, "a walker walks tables of its own shape");
	walker->counts.walks++;
	if (!paging_is_canonical(walker->paging, request->address)) {
		walk.outcome = WALK_NOT_CANONICAL;
	} else {
		walk.cached_level = ask_caches(walker, request);
		walk.cycles = has_caches(walker) ? walker->cache_cycles : 0;
		if (walk.cached_level > 0)
			walk.level = walk.cached_level - 1;
		walker->counts.cache_hits[walk.cached_level] += walk.cached_level > 0;
		walker->counts.cold += walk.cached_level == 0;
		descend(walker, &walk, request, table_below(request, walk.cached_level, &rights), &rights);
		fill_caches(walker, &walk, request);
	}
	walk.error_code = error_code_of(walk.outcome, request->access);
	walker->counts.faults += walk.outcome != WALK_FINE;
	walker->counts.references += walk.references;
	walker->counts.cycles += walk.cycles;
	return walk;
}

/* --- Many walks --------------------------------------------------------------------------------------------------- */

/* What the walks of a run share at one level. */
struct question {
	struct walker *walker;
	unsigned level;
	const uint64_t *pages;
	const uint8_t *leaf;
};

/* Walks still without a hit: their numbers, in order. */
struct pending {
	uint32_t count;
	uint16_t number[ASSOCIATIVE_RUN_MAX];
};

static unsigned pages_shift(const struct walker *walker, unsigned level)
{
	return walker->paging->shift[level] - walker->paging->page_shift;
}

/* All pending walks ask the level's cache; who misses stays. Returns the hits. */
static uint32_t ask_level(const struct question *question, struct pending *pending)
{
	uint64_t keys[ASSOCIATIVE_RUN_MAX];
	uint16_t missed[ASSOCIATIVE_RUN_MAX];
	unsigned up = pages_shift(question->walker, question->level);
	uint64_t class = (uint64_t)question->level << ASSOCIATIVE_CLASS_SHIFT;
	uint32_t count = pending->count;

	for (uint32_t i = 0; i < count; i++) {
		uint64_t page = question->pages[pending->number[i]];

		keys[i] = (page & ASSOCIATIVE_PAGE_MASK) >> up | class |
			  (page & UINT64_MAX << ASSOCIATIVE_SPACE_SHIFT);
	}
	pending->count = associative_run(&question->walker->cache[question->level], keys, count, missed);
	for (uint32_t i = 0; i < pending->count; i++)
		pending->number[i] = pending->number[missed[i]];
	return count - pending->count;
}

/* Of the pending walks only those whose leaf lies below the level ask its cache; the others stay, too. */
static uint32_t ask_level_if_below(const struct question *question, struct pending *pending)
{
	struct pending below;
	uint32_t kept = 0;
	uint32_t next = 0;

	below.count = 0;
	for (uint32_t i = 0; i < pending->count; i++) {
		below.number[below.count] = pending->number[i];
		below.count += question->leaf[pending->number[i]] < question->level;
	}
	uint32_t hits = ask_level(question, &below);

	for (uint32_t i = 0; i < pending->count; i++) {
		uint16_t number = pending->number[i];
		bool missed = next < below.count && below.number[next] == number;

		next += missed;
		pending->number[kept] = number;
		kept += missed || question->leaf[number] >= question->level;
	}
	pending->count = kept;
	return hits;
}

/* Where walks began and ended, added up. */
struct spans {
	uint64_t begins, ends;
};

static void note_hits(struct walker *walker, struct spans *spans, unsigned level, uint32_t hits)
{
	walker->counts.cache_hits[level] += hits;
	spans->begins += (uint64_t)hits * level;
}

static void note_walks(struct walker *walker, const struct spans *spans, uint32_t count, uint32_t cold)
{
	struct walk_counts *counts = &walker->counts;
	uint64_t begins = spans->begins + (uint64_t)cold * (walker->paging->levels + 1);

	counts->walks += count;
	counts->cold += cold;
	counts->references += begins - spans->ends;
	counts->cycles += (begins - spans->ends) * walker->reference_cycles;
	counts->cycles += has_caches(walker) ? (uint64_t)count * walker->cache_cycles : 0;
}

/* Drops keys that equal the one before: they hit and change nothing. */
static uint32_t drop_repeats(uint64_t *keys, uint32_t count)
{
	uint64_t last = ASSOCIATIVE_EMPTY;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < count; i++) {
		uint64_t key = keys[i];

		keys[kept] = key;
		kept += key != last;
		last = key;
	}
	return kept;
}

/* The walks to leaves of level 1: all ask the lowest cache, who misses the one above it. */
static void count_small(struct walker *walker, const uint64_t *pages, uint32_t count)
{
	uint64_t keys[ASSOCIATIVE_RUN_MAX];
	struct key_recipe recipe = {.mask = ASSOCIATIVE_PAGE_MASK};
	uint64_t space = pages[0] & UINT64_MAX << ASSOCIATIVE_SPACE_SHIFT;
	struct spans spans = {0, count};
	unsigned below = 1; /* level of what `pages` names */
	uint32_t pending = count;

	for (unsigned level = 2; level <= walker->paging->levels && pending > 0; level++) {
		if (!walker->has_cache[level])
			continue;
		recipe.shift = pages_shift(walker, level) - pages_shift(walker, below);
		recipe.bits = (uint64_t)level << ASSOCIATIVE_CLASS_SHIFT | space;
		walker->make_keys(&recipe, pages, pending, keys);
		/* Of the lowest tables there are many, so that few keys in a row are the same. */
		uint32_t asking = level > 2 ? drop_repeats(keys, pending) : pending;
		uint32_t misses = associative_pass(&walker->cache[level], keys, asking, keys);

		note_hits(walker, &spans, level, pending - misses);
		pages = keys;
		below = level;
		pending = misses;
	}
	note_walks(walker, &spans, count, pending);
}

static void count_of_levels(struct walker *walker, const uint64_t *pages, const uint8_t *level,
			    uint32_t count)
{
	struct question question = {walker, 2, pages, level};
	struct spans spans = {0, 0};
	struct pending pending;
	unsigned highest = 1;

	pending.count = count;
	for (uint32_t i = 0; i < count; i++) {
		pending.number[i] = (uint16_t)i;
		spans.ends += level[i];
		highest |= level[i]; /* at least the highest level */
	}
	for (; question.level <= walker->paging->levels; question.level++) {
		if (walker->has_cache[question.level])
			note_hits(walker, &spans, question.level,
				  highest < question.level ? ask_level(&question, &pending)
							   : ask_level_if_below(&question, &pending));
	}
	note_walks(walker, &spans, count, pending.count);
}

void walker_count_run(struct walker *walker, const uint64_t *pages, const uint8_t *level, uint32_t count)
{
	CHECK(count <= ASSOCIATIVE_RUN_MAX, "a run's numbers fit in 16 bits");
	if (count == 0)
		return;
	if (level)
		count_of_levels(walker, pages, level, count);
	else
		count_small(walker, pages, count);
}

/* --- Forgetting --------------------------------------------------------------------------------------------------- */

void walker_flush_address(struct walker *walker, uint64_t address, uint16_t space)
{
	for (unsigned level = 2; level <= walker->paging->levels; level++) {
		if (walker->has_cache[level])
			(void)associative_remove(&walker->cache[level],
						 walk_key(walker->paging, level, address, space));
	}
}

static void flush_matching(struct walker *walker, uint64_t mask, uint64_t value)
{
	for (unsigned level = 2; level <= walker->paging->levels; level++) {
		if (walker->has_cache[level])
			(void)associative_remove_matching(&walker->cache[level], mask, value);
	}
}

void walker_flush_space(struct walker *walker, uint16_t space)
{
	flush_matching(walker, UINT64_MAX << ASSOCIATIVE_SPACE_SHIFT,
		       (uint64_t)space << ASSOCIATIVE_SPACE_SHIFT);
}

void walker_flush_all(struct walker *walker)
{
	flush_matching(walker, 0, 0);
}

const char *walk_outcome_name(enum walk_outcome outcome)
{
	static const char *const names[] = {
	    [WALK_FINE] = "the page is there",
	    [WALK_NOT_CANONICAL] = "the address is not canonical",
	    [WALK_NOT_PRESENT] = "the entry is not present",
	    [WALK_NO_WRITE] = "the page may not be written",
	    [WALK_NO_USER] = "the page belongs to the kernel",
	    [WALK_NO_EXECUTE] = "the page may not be executed",
	    [WALK_HOST_FAULT] = "the host has no page for a guest-physical address",
	};

	return names[outcome];
}
