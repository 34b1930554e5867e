#include "config.h"

#include "engine/virt/pagetable.h"

#include "engine/base/check.h"

/* Entries that name tables let everything through: the leaf decides. */
#define TABLE_FLAGS (PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_ACCESSED)

/* An entry's place: its level's arrays and the index in them. */
struct place {
	struct table_level *level;
	uint32_t slot;
	size_t at;
};

static struct place place_of(const struct pagetable *table, unsigned level, uint32_t slot, uint64_t address)
{
	struct table_level *tables = &table->store->level[level];

	slot &= ~TABLE_BORROWED;
	return (struct place){tables, slot,
			      table_place(tables, slot, paging_index(table->paging, level, address))};
}

/* --- Tables come and go ------------------------------------------------------------------------------------------- */

static enum pagetable_outcome take_table(struct pagetable *table, unsigned level, uint32_t *slot)
{
	unsigned order = paging_table_order(table->paging, level);
	pfn_t frame = table->source.take(table->source.owner, order);

	if (frame == PFN_NONE)
		return PAGETABLE_NO_PAGE;
	CHECK(frame >> paging_frame_bits(table->paging) == 0, "a table's frame fits in an entry");
	*slot = table_store_take(table->store, level, frame);
	if (*slot == TABLE_NONE) {
		table->source.give(table->source.owner, frame, order);
		return PAGETABLE_NO_SLOT;
	}
	table->tables[level]++;
	table->table_pages += (uint64_t)1 << order;
	if (table->table_pages > table->table_pages_peak)
		table->table_pages_peak = table->table_pages;
	return PAGETABLE_DONE;
}

static void give_table(struct pagetable *table, unsigned level, uint32_t slot)
{
	unsigned order = paging_table_order(table->paging, level);

	table->source.give(table->source.owner, table->store->level[level].table[slot].frame, order);
	table_store_give(table->store, level, slot);
	table->tables[level]--;
	table->table_pages -= (uint64_t)1 << order;
	table->tables_given++;
	table->generation++;
}

enum pagetable_outcome pagetable_create(struct pagetable *table, struct table_store *store,
					struct page_source source)
{
	*table = (struct pagetable){.paging = store->paging, .store = store, .source = source};
	return take_table(table, store->paging->levels, &table->root);
}

/* Empties the places of a table and of all below it that are its own, and gives them back. */
static void drop_table(struct pagetable *table, unsigned level, uint32_t slot)
{
	struct table_level *tables = &table->store->level[level];

	for (unsigned index = 0; index < 1u << tables->bits && tables->table[slot].live > 0; index++) {
		size_t at = table_place(tables, slot, index);
		uint32_t child = level > 1 ? tables->child[at] : TABLE_NONE;

		if (pte_is_empty(tables->entry[at]))
			continue;
		if (child == TABLE_NONE)
			table->leaves[level]--;
		else if (!(child & TABLE_BORROWED))
			drop_table(table, level - 1, child);
		if (level > 1)
			tables->child[at] = TABLE_NONE;
		tables->entry[at] = 0;
		tables->table[slot].live--;
	}
	give_table(table, level, slot);
}

void pagetable_destroy(struct pagetable *table)
{
	drop_table(table, table->paging->levels, table->root);
	table->root = TABLE_NONE;
}

static void link_table(struct pagetable *table, struct place place, unsigned level, uint32_t slot)
{
	pfn_t frame = table->store->level[level - 1].table[slot & ~TABLE_BORROWED].frame;

	place.level->entry[place.at] = pte_make(frame, TABLE_FLAGS);
	place.level->child[place.at] = slot;
	place.level->table[place.slot].live++;
	table->generation++;
}

/* --- Setting a leaf ----------------------------------------------------------------------------------------------- */

/* Walks down to the table of `level`, which must be `table`'s own, as far as tables are there: *reached is the level
 * arrived at, *slot its table. */
static enum pagetable_outcome descend(const struct pagetable *table, uint64_t address, unsigned level,
				      unsigned *reached, uint32_t *slot)
{
	*slot = table->root;
	for (*reached = table->paging->levels; *reached > level; --*reached) {
		struct place place = place_of(table, *reached, *slot, address);
		uint32_t child = place.level->child[place.at];

		if (child & TABLE_BORROWED)
			return PAGETABLE_NOT_OWN;
		if (child == TABLE_NONE)
			return pte_is_empty(place.level->entry[place.at]) ? PAGETABLE_DONE
									  : PAGETABLE_COVERED;
		*slot = child;
	}
	return PAGETABLE_DONE;
}

/* Gives back the empty table of `level` on the way to `address`, and those above, below level `top`, that become empty by
 * it. */
static void give_empty(struct pagetable *table, uint64_t address, unsigned level, unsigned top)
{
	uint32_t slots[PAGING_LEVELS_MAX + 1];

	slots[table->paging->levels] = table->root;
	for (unsigned at = table->paging->levels; at > level; at--) {
		struct place place = place_of(table, at, slots[at], address);

		slots[at - 1] = place.level->child[place.at];
	}
	for (; level < top && table->store->level[level].table[slots[level]].live == 0; level++) {
		struct place place = place_of(table, level + 1, slots[level + 1], address);

		give_table(table, level, slots[level]);
		place.level->child[place.at] = TABLE_NONE;
		place.level->entry[place.at] = 0;
		place.level->table[place.slot].live--;
	}
}

static void prune(struct pagetable *table, uint64_t address, unsigned level)
{
	if (!table->keeps_tables)
		give_empty(table, address, level, table->paging->levels);
}

/* Tables were made from below level `first` down to `reached`, and no further. */
static void undo_grow(struct pagetable *table, uint64_t address, unsigned reached, unsigned first)
{
	if (reached < first)
		give_empty(table, address, reached, first);
}

/* Makes the tables from `reached` down to `level`; all or none. */
static enum pagetable_outcome grow(struct pagetable *table, uint64_t address, unsigned level,
				   unsigned reached, uint32_t *slot)
{
	unsigned first = reached;

	while (reached > level) {
		struct place place = place_of(table, reached, *slot, address);
		uint32_t child;
		enum pagetable_outcome outcome = take_table(table, reached - 1, &child);

		if (outcome != PAGETABLE_DONE) {
			undo_grow(table, address, reached, first);
			return outcome;
		}
		link_table(table, place, reached, child);
		*slot = child;
		reached--;
	}
	return PAGETABLE_DONE;
}

static pte_t leaf_entry(const struct pagetable *table, unsigned level, pte_t entry)
{
	uint64_t pages = (uint64_t)1 << paging_leaf_order(table->paging, level);

	CHECK(paging_may_be_leaf(table->paging, level), "a leaf is set at a level that allows it");
	CHECK(!pte_is_empty(entry), "an entry that is set is not empty");
	if (!pte_is_present(entry))
		return entry;
	CHECK((pte_frame(entry) & (pages - 1)) == 0, "a leaf's frame is aligned to its size");
	CHECK(pte_frame(entry) >> paging_frame_bits(table->paging) == 0, "a frame fits in an entry");
	return level > 1 ? pte_set(entry, PTE_HUGE) : pte_clear(entry, PTE_HUGE);
}

enum pagetable_outcome pagetable_set(struct pagetable *table, uint64_t address, unsigned level, pte_t entry,
				     pte_t *before)
{
	unsigned reached;
	uint32_t slot;

	CHECK(paging_is_canonical(table->paging, address), "an address that is mapped is canonical");
	entry = leaf_entry(table, level, entry);
	enum pagetable_outcome outcome = descend(table, address, level, &reached, &slot);

	if (outcome == PAGETABLE_DONE)
		outcome = grow(table, address, level, reached, &slot);
	if (outcome != PAGETABLE_DONE)
		return outcome;
	struct place place = place_of(table, level, slot, address);
	pte_t old = place.level->entry[place.at];

	if (level > 1 && place.level->child[place.at] != TABLE_NONE)
		return place.level->child[place.at] & TABLE_BORROWED ? PAGETABLE_NOT_OWN : PAGETABLE_DIVIDED;
	place.level->entry[place.at] = entry;
	if (pte_is_empty(old)) {
		place.level->table[place.slot].live++;
		table->leaves[level]++;
	}
	if (before)
		*before = old;
	return PAGETABLE_DONE;
}

enum pagetable_outcome pagetable_make(struct pagetable *table, uint64_t address, unsigned level)
{
	unsigned reached;
	uint32_t slot;

	CHECK(table->keeps_tables && paging_is_canonical(table->paging, address),
	      "tables are made ahead for canonical addresses, and kept");
	enum pagetable_outcome outcome = descend(table, address, level, &reached, &slot);

	return outcome == PAGETABLE_DONE ? grow(table, address, level, reached, &slot) : outcome;
}

/* --- Finding and clearing ----------------------------------------------------------------------------------------- */

/* The place where the way to `address` ends: a leaf or an empty entry. True when all tables on it are its own. */
static bool find_place(const struct pagetable *table, uint64_t address, struct place *place, unsigned *level)
{
	uint32_t slot = table->root;
	bool own = true;

	for (*level = table->paging->levels;; --*level) {
		*place = place_of(table, *level, slot, address);
		slot = *level > 1 ? place->level->child[place->at] : TABLE_NONE;
		if (slot == TABLE_NONE)
			return own;
		own = own && !(slot & TABLE_BORROWED);
	}
}

pte_t *pagetable_find(const struct pagetable *table, uint64_t address, unsigned *level)
{
	struct place place;

	if (!paging_is_canonical(table->paging, address))
		return NULL;
	(void)find_place(table, address, &place, level);
	return pte_is_empty(place.level->entry[place.at]) ? NULL : &place.level->entry[place.at];
}

pte_t pagetable_clear(struct pagetable *table, uint64_t address, unsigned *level)
{
	struct place place;
	bool is_own = find_place(table, address, &place, level);
	pte_t entry = place.level->entry[place.at];

	if (pte_is_empty(entry)) {
		*level = 0;
		return 0;
	}
	CHECK(is_own, "a leaf that is cleared is the page table's own");
	place.level->entry[place.at] = 0;
	table->leaves[*level]--;
	if (--place.level->table[place.slot].live == 0)
		prune(table, address, *level);
	return entry;
}

/* --- Ranges ------------------------------------------------------------------------------------------------------- */

struct sweep {
	struct pagetable *table;
	uint64_t first, last; /* addresses without sign extension; last is the range's last byte */
	pagetable_visit *visit;
	void *context;
	bool complete;
};

static uint64_t sign_extend(const struct paging *paging, uint64_t address)
{
	if (paging->sign_extended && paging->virtual_bits < 64 && address >> (paging->virtual_bits - 1) & 1)
		return address | UINT64_MAX << paging->virtual_bits;
	return address;
}

static void sweep_leaf(struct sweep *sweep, struct place place, unsigned level, uint64_t base)
{
	uint64_t end = base + (paging_leaf_bytes(sweep->table->paging, level) - 1);
	pte_t entry = place.level->entry[place.at];

	if (base < sweep->first || end > sweep->last) {
		sweep->complete = false;
		return;
	}
	place.level->entry[place.at] = 0;
	place.level->table[place.slot].live--;
	sweep->table->leaves[level]--;
	if (sweep->visit)
		sweep->visit(sweep->context, sign_extend(sweep->table->paging, base), level, entry);
}

/* Clears the part of the table at `base` that lies in the range. */
static void sweep_table(struct sweep *sweep, unsigned level, uint32_t slot, uint64_t base)
{
	struct table_level *tables = &sweep->table->store->level[level];
	unsigned shift = sweep->table->paging->shift[level];
	unsigned last_index = (1u << tables->bits) - 1;
	uint64_t from = sweep->first > base ? (sweep->first - base) >> shift : 0;
	uint64_t to = (sweep->last - base) >> shift;

	for (uint64_t index = from; index <= to && index <= last_index && tables->table[slot].live > 0;
	     index++) {
		struct place place = {tables, slot, table_place(tables, slot, (unsigned)index)};
		uint64_t address = base + (index << shift);
		uint32_t child = level > 1 ? tables->child[place.at] : TABLE_NONE;

		if (pte_is_empty(tables->entry[place.at]))
			continue;
		CHECK(!(child & TABLE_BORROWED), "a range that is cleared is the page table's own");
		if (child == TABLE_NONE) {
			sweep_leaf(sweep, place, level, address);
			continue;
		}
		sweep_table(sweep, level - 1, child, address);
		if (sweep->table->store->level[level - 1].table[child].live > 0 || sweep->table->keeps_tables)
			continue;
		give_table(sweep->table, level - 1, child);
		tables->child[place.at] = TABLE_NONE;
		tables->entry[place.at] = 0;
		tables->table[slot].live--;
	}
}

bool pagetable_clear_range(struct pagetable *table, uint64_t address, uint64_t bytes, pagetable_visit *visit,
			   void *context)
{
	const struct paging *paging = table->paging;
	struct sweep sweep = {.table = table, .visit = visit, .context = context, .complete = true};

	if (bytes == 0)
		return true;
	CHECK(paging_is_canonical(paging, address) && paging_is_canonical(paging, address + bytes - 1) &&
		  address + bytes - 1 >= address,
	      "a range that is cleared is canonical and does not wrap");
	sweep.first = paging_page_number(paging, address, 0);
	sweep.last = paging_page_number(paging, address + bytes - 1, 0);
	sweep_table(&sweep, paging->levels, table->root, 0);
	return sweep.complete;
}

/* The tables below `slot`, which begins at `base`, that serve part of the gap and nothing outside its limits. */
static void release_below(struct pagetable *table, const struct pagetable_gap *gap, unsigned level,
			  uint32_t slot, uint64_t base)
{
	struct table_level *tables = &table->store->level[level];
	unsigned shift = table->paging->shift[level];
	uint64_t entries = (uint64_t)1 << tables->bits;
	uint64_t from = gap->address > base ? (gap->address - base) >> shift : 0;

	for (uint64_t index = from; index < entries && base + (index << shift) < gap->end; index++) {
		size_t at = table_place(tables, slot, (unsigned)index);
		uint64_t first = base + (index << shift);
		uint64_t last = first + (((uint64_t)1 << shift) - 1);
		uint32_t child = tables->child[at];

		if (child == TABLE_NONE || child & TABLE_BORROWED)
			continue;
		if (level > 2)
			release_below(table, gap, level - 1, child, first);
		if (level - 1 > gap->top || first < gap->floor || (gap->ceiling != 0 && last >= gap->ceiling))
			continue;
		CHECK(table->store->level[level - 1].table[child].live == 0,
		      "a table around which nothing is mapped is empty");
		give_table(table, level - 1, child);
		tables->child[at] = TABLE_NONE;
		tables->entry[at] = 0;
		tables->table[slot].live--;
	}
}

void pagetable_release(struct pagetable *table, const struct pagetable_gap *gap)
{
	CHECK(gap->floor <= gap->address && gap->address < gap->end &&
		  (gap->ceiling == 0 || gap->end <= gap->ceiling) &&
		  gap->end <= paging_lower_end(table->paging),
	      "a gap lies within its limits, in the lower half");
	if (table->paging->levels > 1)
		release_below(table, gap, table->paging->levels, table->root, 0);
}

void pagetable_release_one(struct pagetable *table, uint64_t address, unsigned level)
{
	uint32_t slot = table->root;

	for (unsigned above = table->paging->levels; above > level; above--) {
		struct table_level *tables = &table->store->level[above];
		size_t at = table_place(tables, slot, paging_index(table->paging, above, address));
		uint32_t child = tables->child[at];

		if (child == TABLE_NONE || child & TABLE_BORROWED)
			return;
		if (above == level + 1 && table->store->level[level].table[child].live == 0) {
			give_table(table, level, child);
			tables->child[at] = TABLE_NONE;
			tables->entry[at] = 0;
			tables->table[slot].live--;
		}
		slot = child;
	}
}

/* --- Splitting, borrowing, the direct map ------------------------------------------------------------------------- */

/* The entry that a piece of a split leaf gets, which begins `pages` pages into it. */
static pte_t piece_of(pte_t huge, uint64_t pages, unsigned level)
{
	if (pte_is_swap(huge))
		return pte_make_swap(pte_swap_device(huge), pte_swap_offset(huge) + pages) |
		       (huge & PTE_SWAP_SOFT_DIRTY);
	pte_t entry = pte_with_frame(huge, pte_frame(huge) + pages);

	return level > 1 ? entry : pte_clear(entry, PTE_HUGE);
}

enum pagetable_outcome pagetable_split(struct pagetable *table, uint64_t address)
{
	const struct paging *paging = table->paging;
	struct place place;
	unsigned level;

	if (!find_place(table, address, &place, &level))
		return PAGETABLE_NOT_OWN;
	pte_t huge = place.level->entry[place.at];

	if (level == 1 || pte_is_empty(huge))
		return PAGETABLE_DONE;
	CHECK(paging_may_be_leaf(paging, level - 1), "a leaf is split into leaves of the level below");
	uint32_t child;
	enum pagetable_outcome outcome = take_table(table, level - 1, &child);

	if (outcome != PAGETABLE_DONE)
		return outcome;
	struct table_level *below = &table->store->level[level - 1];
	uint64_t pages = (uint64_t)1 << paging_leaf_order(paging, level - 1);

	for (unsigned index = 0; index < 1u << below->bits; index++)
		below->entry[table_place(below, child, index)] = piece_of(huge, index * pages, level - 1);
	below->table[child].live = 1u << below->bits;
	table->leaves[level - 1] += (uint64_t)1 << below->bits;
	table->leaves[level]--;
	place.level->table[place.slot].live--;
	link_table(table, place, level, child);
	return PAGETABLE_DONE;
}

void pagetable_borrow(struct pagetable *table, const struct pagetable *lender, uint64_t address)
{
	unsigned top = table->paging->levels;
	struct place place = place_of(table, top, table->root, address);
	struct place lent = place_of(lender, top, lender->root, address);

	CHECK(table->store == lender->store && top > 1, "who lends tables keeps them in the same store");
	CHECK(pte_is_empty(place.level->entry[place.at]), "a root entry that is borrowed into is empty");
	CHECK(lent.level->child[lent.at] != TABLE_NONE, "a root entry that is lent names a table");
	link_table(table, place, top, lent.level->child[lent.at] | TABLE_BORROWED);
}

enum pagetable_outcome pagetable_map_direct(struct pagetable *table, uint64_t address, pfn_t first,
					    uint64_t pages)
{
	const struct paging *paging = table->paging;
	pte_t flags = PTE_PRESENT | PTE_WRITE | PTE_ACCESSED | PTE_DIRTY | PTE_GLOBAL | PTE_NO_EXECUTE;
	enum pagetable_outcome outcome = PAGETABLE_DONE;

	while (pages > 0 && outcome == PAGETABLE_DONE) {
		unsigned level = paging->levels;
		uint64_t leaf;

		for (;; level--) {
			leaf = (uint64_t)1 << paging_leaf_order(paging, level);
			if (paging_may_be_leaf(paging, level) && leaf <= pages && (first & (leaf - 1)) == 0 &&
			    (address & (paging_leaf_bytes(paging, level) - 1)) == 0)
				break;
		}
		outcome = pagetable_set(table, address, level, pte_make(first, flags), NULL);
		address += leaf << paging->page_shift;
		first += leaf;
		pages -= leaf;
	}
	return outcome;
}

pfn_t pagetable_root_frame(const struct pagetable *table)
{
	return table->store->level[table->paging->levels].table[table->root].frame;
}

uint64_t pagetable_bytes(const struct pagetable *table)
{
	return table->table_pages << table->paging->page_shift;
}

const char *pagetable_outcome_name(enum pagetable_outcome outcome)
{
	static const char *const names[] = {
	    [PAGETABLE_DONE] = "done",
	    [PAGETABLE_NO_PAGE] = "there is no page for a table",
	    [PAGETABLE_NO_SLOT] = "the host has no room for more tables",
	    [PAGETABLE_COVERED] = "a larger page maps the address",
	    [PAGETABLE_DIVIDED] = "the range is divided into smaller pages",
	    [PAGETABLE_NOT_OWN] = "the address belongs to another page table",
	};

	return names[outcome];
}
