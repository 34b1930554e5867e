#include "config.h"

#include "engine/virt/resident.h"

#include "engine/base/check.h"
#include "engine/virt/resident_entry.h"

/* An area's wish and the policy, whatever the address. */
static bool area_may_be_huge(const struct resident *resident, const struct area *area)
{
	uint32_t mode = resident->policy->thp;

	if (!resident->huge_level || resident->huge_is_disabled || area->file || !area_is_private(area) ||
	    area->flags & AREA_NO_HUGE)
		return false;
	return mode == THP_ALWAYS || (mode == THP_MADVISE && area->flags & AREA_HUGE);
}

static bool lies_inside(const struct resident *resident, const struct area *area, uint64_t address)
{
	uint64_t base = leaf_base(resident, resident->huge_level, address);

	return base >= area->start && area->end - base >= huge_bytes(resident);
}

bool resident_may_be_huge(const struct resident *resident, const struct area *area, uint64_t address)
{
	return area_may_be_huge(resident, area) && lies_inside(resident, area, address);
}

/* thp_defrag: a fault that finds no block would wait until memory has been compacted. */
static bool would_stall(const struct resident *resident, const struct area *area)
{
	bool is_advised = area->flags & AREA_HUGE;

	switch (resident->policy->thp_defrag) {
	case THP_DEFRAG_ALWAYS:
		return true;
	case THP_DEFRAG_DEFER_MADVISE:
	case THP_DEFRAG_MADVISE:
		return is_advised;
	default:
		return false;
	}
}

/* A block for a huge page of the faulting area; PFN_NONE is counted. */
static pfn_t take_block(struct faulting *faulting)
{
	struct resident *resident = faulting->resident;
	pfn_t frame = frames_take_anonymous(resident->frames, resident->frames->huge_order);

	if (frame == PFN_NONE) {
		faulting->fault.kinds |= FAULT_FALLBACK;
		resident->counts.thp_stalls += would_stall(resident, faulting->area);
	}
	return frame;
}

static bool map_huge_zero(struct faulting *faulting)
{
	struct resident *resident = faulting->resident;
	pfn_t frame = frames_huge_zero(resident->frames);

	if (frame == PFN_NONE || !deposit_put(resident)) {
		faulting->fault.kinds |= FAULT_FALLBACK;
		return false;
	}
	if (!entry_set(resident, leaf_base(resident, resident->huge_level, faulting->address),
		       resident->huge_level, pte_make(frame, entry_flags(faulting->area)))) {
		deposit_take(resident);
		return false;
	}
	faulting->fault.kinds |= FAULT_ZERO_PAGE | FAULT_HUGE;
	return true;
}

bool fault_huge(struct faulting *faulting)
{
	struct resident *resident = faulting->resident;

	if (resident->policy->thp_placement == THP_RESERVATION)
		return false;
	faulting->area->has_anonymous = true;
	if (!is_write(faulting) && resident->policy->thp_zero_page)
		return map_huge_zero(faulting);
	pfn_t frame = take_block(faulting);

	if (frame == PFN_NONE)
		return false;
	bool is_mapped = deposit_put(resident);

	if (is_mapped && !entry_set(resident, leaf_base(resident, resident->huge_level, faulting->address),
				    resident->huge_level,
				    pte_make(frame, entry_flags(faulting->area) |
							(faulting->area->flags & AREA_WRITE ? PTE_WRITE : 0) |
							(is_write(faulting) ? PTE_DIRTY : 0)))) {
		deposit_take(resident);
		is_mapped = false;
	}
	frames_drop_unused(resident->frames, frame);
	faulting->fault.kinds |= is_mapped ? FAULT_ANONYMOUS | FAULT_HUGE : FAULT_FALLBACK;
	return is_mapped;
}

/* --- Writes to huge entries ------------------------------------------------------------------------------------------ */

/* The zeros are replaced by a block of its own. False: there is none. */
static bool replace_zeros(struct faulting *faulting)
{
	struct resident *resident = faulting->resident;
	pfn_t frame = area_may_be_huge(resident, faulting->area) ? take_block(faulting) : PFN_NONE;

	if (frame == PFN_NONE)
		return false;
	entry_replace(resident, leaf_base(resident, resident->huge_level, faulting->address),
		      resident->huge_level,
		      pte_make(frame, entry_flags(faulting->area) | PTE_WRITE | PTE_DIRTY));
	faulting->area->has_anonymous = true;
	faulting->fault.kinds |= FAULT_ANONYMOUS | FAULT_FROM_ZERO | FAULT_HUGE;
	return true;
}

static void write_protected(struct faulting *faulting, pte_t *entry)
{
	struct resident *resident = faulting->resident;
	pfn_t frame = pte_frame(*entry);
	unsigned level;

	if (frames_is_zero(resident->frames, frame)) {
		if (replace_zeros(faulting))
			return;
	} else {
		struct page *page = frames_page(resident->frames, frame);

		if (page->flags & PAGE_EXCLUSIVE || page->count == 1) {
			page->flags |= PAGE_EXCLUSIVE;
			*entry = pte_set(*entry, PTE_WRITE | PTE_DIRTY | PTE_ACCESSED);
			faulting->fault.kinds |= FAULT_REUSE | FAULT_HUGE;
			return;
		}
	}
	if (!split_around(resident, faulting->address)) {
		faulting->fault.end = FAULT_NO_MEMORY;
		return;
	}
	faulting->fault.kinds |= FAULT_SPLIT;
	fault_write_protected(faulting, pagetable_find(&resident->table, faulting->address, &level));
}

void fault_huge_present(struct faulting *faulting, pte_t *entry)
{
	if (is_write(faulting) && !pte_has(*entry, PTE_WRITE)) {
		write_protected(faulting, entry);
		return;
	}
	*entry = pte_set(*entry, PTE_ACCESSED | (is_write(faulting) ? PTE_DIRTY : 0));
	faulting->fault.end = FAULT_SPURIOUS;
}

/* --- Splitting ------------------------------------------------------------------------------------------------------- */

bool split_around(struct resident *resident, uint64_t address)
{
	unsigned level = 0;
	const pte_t *entry = pagetable_find(&resident->table, address, &level);

	if (!entry || level == SMALL_LEVEL)
		return true;
	pte_t huge = *entry;

	resident_watch(resident, leaf_base(resident, level, address), level);
	deposit_take(resident);
	if (pagetable_split(&resident->table, address) != PAGETABLE_DONE) {
		CHECK(deposit_put(resident), "a frame that was just given back is there");
		return false;
	}
	if (!frames_is_zero(resident->frames, pte_frame(huge))) {
		frames_divide(resident->frames, pte_frame(huge));
		resident->huge_pages -= leaf_pages(resident, level);
	}
	resident->counts.thp_split++;
	return true;
}

bool resident_divide(struct resident *resident, uint64_t address)
{
	uint64_t huge = huge_bytes(resident);

	return huge == 0 || (address & (huge - 1)) == 0 || split_around(resident, address);
}

bool split_ends(struct resident *resident, uint64_t start, uint64_t end)
{
	return resident_divide(resident, start) && resident_divide(resident, end);
}

/* --- Reservations and promotion, for comparison ---------------------------------------------------------------------- */

struct neighbour {
	const struct resident *resident;
	uint64_t base; /* of the huge page around */
	pfn_t head;    /* of the block that a small page in its own place belongs to, or PFN_NONE */
};

static bool find_neighbour(void *context, uint64_t address, unsigned level, pte_t *entry)
{
	struct neighbour *neighbour = context;
	const struct frames *frames = neighbour->resident->frames;
	uint64_t index = (address - neighbour->base) >> neighbour->resident->table.paging->page_shift;
	pfn_t frame = pte_frame(*entry);

	if (level != SMALL_LEVEL || frames_is_zero(frames, frame))
		return true;
	pfn_t head = frames_head(frames, frame);

	if (!(frames_page(frames, head)->flags & PAGE_DIVIDED) || frame - head != index)
		return true;
	neighbour->head = head;
	return false;
}

/* With thp_placement=reservation: the frame in the block that is reserved for the huge page around the fault; else, or when there
 * is none, PFN_NONE. */
pfn_t take_reserved(struct faulting *faulting)
{
	struct resident *resident = faulting->resident;
	struct frames *frames = resident->frames;

	if (resident->policy->thp_placement != THP_RESERVATION ||
	    !resident_may_be_huge(resident, faulting->area, faulting->address))
		return PFN_NONE;
	uint64_t base = leaf_base(resident, resident->huge_level, faulting->address);
	struct neighbour neighbour = {resident, base, PFN_NONE};

	pagetable_visit_range(&resident->table, base, base + huge_bytes(resident), find_neighbour,
			      &neighbour);
	if (neighbour.head == PFN_NONE) {
		neighbour.head = take_block(faulting);
		if (neighbour.head == PFN_NONE)
			return PFN_NONE;
		frames_divide_unused(frames, neighbour.head);
	}
	pfn_t frame = neighbour.head + ((faulting->address - base) >> resident->table.paging->page_shift);
	struct page *page = frames_page(frames, frame);

	if (page->mapcount != 0)
		return PFN_NONE;
	page->flags |= PAGE_EXCLUSIVE;
	return frame;
}

struct census {
	const struct resident *resident;
	uint64_t base;
	uint64_t present;  /* anonymous pages */
	uint64_t in_place; /* of them, in their own place of one divided block */
	pfn_t head;	   /* that block */
	uint64_t shared;   /* of them, those that others map, too */
	bool has_obstacle; /* a page that is not anonymous, or huge */
};

static bool take_census(void *context, uint64_t address, unsigned level, pte_t *entry)
{
	struct census *census = context;
	const struct frames *frames = census->resident->frames;
	uint64_t index = (address - census->base) >> census->resident->table.paging->page_shift;
	pfn_t frame = pte_frame(*entry);

	if (level != SMALL_LEVEL) {
		census->has_obstacle = true;
		return false;
	}
	if (frames_is_zero(frames, frame))
		return true;
	pfn_t head = frames_head(frames, frame);
	const struct page *block = frames_page(frames, head);

	census->has_obstacle |= !(block->flags & PAGE_ANONYMOUS);
	census->shared += frames_page(frames, frame)->mapcount != 1;
	census->present++;
	if (block->flags & PAGE_DIVIDED && frame - head == index &&
	    (census->head == PFN_NONE || census->head == head)) {
		census->head = head;
		census->in_place++;
	}
	return !census->has_obstacle;
}

static struct census census_of(const struct resident *resident, uint64_t base)
{
	struct census census = {.resident = resident, .base = base, .head = PFN_NONE};

	pagetable_visit_range(&resident->table, base, base + huge_bytes(resident), take_census, &census);
	return census;
}

static void forget_small(void *context, uint64_t address, unsigned level, pte_t entry)
{
	resident_watch(context, address, level);
	entry_gone(context, level, entry);
}

/* One huge entry in place of the small ones and of their table. `head` is a whole block that no other entry names. */
static void put_huge(struct resident *resident, const struct area *area, uint64_t base, pfn_t head)
{
	uint64_t end = base + huge_bytes(resident);
	struct pagetable_gap gap = {base, end, base, end, resident->huge_level - 1};
	bool may_write = area->flags & AREA_WRITE;

	pagetable_release(&resident->table, &gap);
	bool is_set = deposit_put(resident) &&
		      entry_set(resident, base, resident->huge_level,
				pte_make(head, entry_flags(area) | PTE_DIRTY | (may_write ? PTE_WRITE : 0)));

	CHECK(is_set, "the table that was given back is there as a deposit");
	resident->counts.thp_promoted++;
}

/* All small pages lie in their places of one block: the entries are replaced, nothing is copied. */
static void unite_in_place(struct resident *resident, const struct area *area, uint64_t base, pfn_t head)
{
	struct frames *frames = resident->frames;

	/* An entry of our own keeps the block while those that name its frames go. */
	frames_map(frames, head, true);
	(void)pagetable_clear_range(&resident->table, base, huge_bytes(resident), forget_small, resident);
	frames_unite(frames, head);
	put_huge(resident, area, base, head);
	frames_unmap(frames, head, true);
}

bool resident_collapse(struct resident *resident, struct area *area, uint64_t address,
		       struct collapse_limits limits)
{
	if (!resident->huge_level || area->file || !area_is_private(area) || area->flags & AREA_NO_HUGE ||
	    address < area->start || address >= area->end || !lies_inside(resident, area, address))
		return false;
	uint64_t base = leaf_base(resident, resident->huge_level, address);

	if (pagetable_depth(&resident->table, base) != SMALL_LEVEL)
		return false;
	struct census census = census_of(resident, base);
	uint64_t pages = leaf_pages(resident, resident->huge_level);

	if (census.has_obstacle || census.present == 0 || pages - census.present > limits.none ||
	    census.shared > limits.shared)
		return false;
	area->has_anonymous = true;
	if (census.in_place == census.present && census.shared == 0 &&
	    (uint64_t)frames_page(resident->frames, census.head)->count == census.present) {
		unite_in_place(resident, area, base, census.head);
		return true;
	}
	pfn_t head = frames_take_anonymous(resident->frames, resident->frames->huge_order);

	if (head == PFN_NONE)
		return false;
	(void)pagetable_clear_range(&resident->table, base, huge_bytes(resident), forget_small, resident);
	put_huge(resident, area, base, head);
	return true;
}

void promote(struct faulting *faulting)
{
	struct resident *resident = faulting->resident;
	uint64_t threshold = resident->policy->thp_promotion_pages;

	if (threshold == 0 && resident->policy->thp_placement == THP_RESERVATION && resident->huge_level)
		threshold = leaf_pages(resident, resident->huge_level);
	if (threshold == 0 || !resident_may_be_huge(resident, faulting->area, faulting->address))
		return;
	uint64_t pages = leaf_pages(resident, resident->huge_level);

	if (threshold <= pages && resident_collapse(resident, faulting->area, faulting->address,
						    (struct collapse_limits){pages - threshold, 0}))
		faulting->fault.kinds |= FAULT_PROMOTED | FAULT_HUGE;
}
