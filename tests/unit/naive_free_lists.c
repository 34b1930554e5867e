#include "config.h"

#include "tests/unit/naive_free_lists.h"

#include <string.h>

#define WAYS 4u /* own type, CMA, claim, steal */

static enum migrate_type type_at(const struct naive_free_lists *naive, pfn_t pfn)
{
	return naive->is_isolated[pfn / PAGEBLOCK_PAGES] ? MIGRATE_ISOLATE
							 : naive->type[pfn / PAGEBLOCK_PAGES];
}

static void insert(struct naive_free_lists *naive, pfn_t pfn, unsigned order, bool to_tail)
{
	struct naive_list *list = &naive->list[order][type_at(naive, pfn)];
	unsigned at = to_tail ? list->count : 0;

	memmove(&list->pfn[at + 1], &list->pfn[at], (list->count - at) * sizeof(list->pfn[0]));
	list->pfn[at] = (uint16_t)pfn;
	list->count++;
	naive->frame[pfn].is_free_head = true;
	naive->frame[pfn].order = (uint8_t)order;
}

static void delete (struct naive_free_lists *naive, pfn_t pfn)
{
	struct naive_list *list = &naive->list[naive->frame[pfn].order][type_at(naive, pfn)];
	unsigned at = 0;

	while (list->pfn[at] != pfn)
		at++;
	list->count--;
	memmove(&list->pfn[at], &list->pfn[at + 1], (list->count - at) * sizeof(list->pfn[0]));
	naive->frame[pfn].is_free_head = false;
}

static bool is_free_block(const struct naive_free_lists *naive, pfn_t pfn, unsigned order)
{
	return pfn >= NAIVE_FIRST && pfn < NAIVE_END && naive->frame[pfn].is_free_head &&
	       naive->frame[pfn].order == order;
}

static bool can_merge(const struct naive_free_lists *naive, pfn_t one, pfn_t other, unsigned order)
{
	enum migrate_type a = type_at(naive, one);
	enum migrate_type b = type_at(naive, other);

	if (!is_free_block(naive, other, order))
		return false;
	return order < 9 || a == b || (a <= MIGRATE_RECLAIMABLE && b <= MIGRATE_RECLAIMABLE);
}

static void free_piece(struct naive_free_lists *naive, pfn_t pfn, unsigned order, bool to_tail)
{
	while (order < 10) {
		pfn_t size = (pfn_t)1 << order;
		pfn_t buddy = pfn % (2 * size) == 0 ? pfn + size : pfn - size;

		if (!can_merge(naive, pfn, buddy, order))
			break;
		delete (naive, buddy);
		if (order == 9 && type_at(naive, pfn) != type_at(naive, buddy))
			naive->type[buddy / PAGEBLOCK_PAGES] = naive->type[pfn / PAGEBLOCK_PAGES];
		pfn = pfn < buddy ? pfn : buddy;
		order++;
	}
	/* The block above, and whether the one beside that is free. */
	pfn_t size = (pfn_t)1 << order;
	pfn_t above = pfn / (2 * size) * (2 * size);
	pfn_t beside = above % (4 * size) == 0 ? above + 2 * size : above - 2 * size;

	insert(naive, pfn, order, to_tail || (order < 9 && is_free_block(naive, beside, order + 1)));
}

void naive_free(struct naive_free_lists *naive, pfn_t pfn, unsigned order, bool to_tail)
{
	naive->frame[pfn].is_used_head = false;
	free_piece(naive, pfn, order > 9 ? 9 : order, to_tail);
	if (order > 9)
		free_piece(naive, pfn + PAGEBLOCK_PAGES, 9, to_tail);
}

void naive_create(struct naive_free_lists *naive, const bool cma[NAIVE_BLOCKS])
{
	memset(naive, 0, sizeof(*naive));
	for (unsigned block = 0; block < NAIVE_BLOCKS; block++)
		naive->type[block] = cma[block] ? MIGRATE_CMA : MIGRATE_MOVABLE;
	for (pfn_t pfn = NAIVE_FIRST; pfn < NAIVE_END;) {
		unsigned order = 10;

		while (pfn % ((pfn_t)1 << order) != 0 || pfn + ((pfn_t)1 << order) > NAIVE_END)
			order--;
		naive_free(naive, pfn, order, true);
		pfn += (pfn_t)1 << order;
	}
	naive->managed = NAIVE_PAGES;
}

/* The halves above `order` of a block that was deleted. */
static void split(struct naive_free_lists *naive, pfn_t pfn, unsigned from, unsigned order)
{
	while (from > order) {
		from--;
		insert(naive, pfn + ((pfn_t)1 << from), from, false);
	}
}

static pfn_t take_from(struct naive_free_lists *naive, unsigned found, enum migrate_type type, unsigned order)
{
	pfn_t pfn = naive->list[found][type].pfn[0];

	delete (naive, pfn);
	split(naive, pfn, found, order);
	return pfn;
}

static pfn_t smallest(struct naive_free_lists *naive, unsigned order, enum migrate_type type)
{
	for (unsigned found = order; found <= 10; found++) {
		if (naive->list[found][type].count > 0)
			return take_from(naive, found, type, order);
	}
	return PFN_NONE;
}

static void tell(struct naive_free_lists *naive, const struct zone_request *request, struct extfrag event)
{
	event.alloc_order = request->order;
	event.type = request->type;
	event.change_ownership = type_at(naive, event.pfn) == request->type;
	naive->events++;
	naive->last = event;
}

static bool is_inside(pfn_t pfn)
{
	pfn_t start = pfn / PAGEBLOCK_PAGES * PAGEBLOCK_PAGES;

	return start >= NAIVE_FIRST && start + PAGEBLOCK_PAGES <= NAIVE_END;
}

/* Free frames of the pageblock, and used ones by kind, frame by frame. */
static void count_frames(const struct naive_free_lists *naive, pfn_t start, unsigned *is_free,
			 unsigned *movable)
{
	*is_free = 0;
	*movable = 0;
	for (pfn_t pfn = start; pfn < start + PAGEBLOCK_PAGES; pfn++) {
		if (naive->frame[pfn].is_free_head)
			*is_free += 1u << naive->frame[pfn].order;
		if (naive->frame[pfn].is_used_head && naive->frame[pfn].is_movable)
			*movable += 1u << naive->frame[pfn].order;
	}
}

static void move_block(struct naive_free_lists *naive, pfn_t start, enum migrate_type type)
{
	struct naive_free_lists *at = naive;

	for (pfn_t pfn = start; pfn < start + PAGEBLOCK_PAGES; pfn++) {
		if (!at->frame[pfn].is_free_head)
			continue;
		enum migrate_type kept = at->type[start / PAGEBLOCK_PAGES];
		unsigned order = at->frame[pfn].order;

		delete (at, pfn);
		at->type[start / PAGEBLOCK_PAGES] = type;
		insert(at, pfn, order, true);
		at->type[start / PAGEBLOCK_PAGES] = kept;
	}
	at->type[start / PAGEBLOCK_PAGES] = type;
}

static bool fallback_at(const struct naive_free_lists *naive, unsigned order, enum migrate_type type,
			enum migrate_type *fallback)
{
	for (unsigned nth = 0; nth < MIGRATE_FALLBACKS; nth++) {
		*fallback = migrate_fallback(type, nth);
		if (naive->list[order][*fallback].count > 0)
			return true;
	}
	return false;
}

static pfn_t claim_part(struct naive_free_lists *naive, const struct zone_request *request, pfn_t pfn)
{
	pfn_t start = pfn / PAGEBLOCK_PAGES * PAGEBLOCK_PAGES;
	unsigned is_free;
	unsigned movable;
	unsigned alike = 0;

	naive->boosts++;
	if (!is_inside(pfn))
		return PFN_NONE;
	count_frames(naive, start, &is_free, &movable);
	if (request->type == MIGRATE_MOVABLE)
		alike = movable;
	else if (type_at(naive, pfn) == MIGRATE_MOVABLE)
		alike = 512 - is_free - movable;
	if (is_free + alike < 256)
		return PFN_NONE;
	move_block(naive, start, request->type);
	return smallest(naive, request->order, request->type);
}

static pfn_t claim(struct naive_free_lists *naive, const struct zone_request *request)
{
	for (int order = 10; order >= (int)request->order; order--) {
		struct extfrag event = {.fallback_order = (unsigned)order};

		if (order < 9 && (request->flags & ALLOC_NOFRAGMENT) && request->order < 9)
			return PFN_NONE;
		if (order < 4 && request->type == MIGRATE_MOVABLE)
			return PFN_NONE;
		if (!fallback_at(naive, (unsigned)order, request->type, &event.fallback_type))
			continue;
		pfn_t pfn = naive->list[order][event.fallback_type].pfn[0];

		if (order >= 9) {
			delete (naive, pfn);
			for (pfn_t at = pfn; at < pfn + ((pfn_t)1 << order); at += PAGEBLOCK_PAGES)
				naive->type[at / PAGEBLOCK_PAGES] = request->type;
			split(naive, pfn, (unsigned)order, request->order);
			event.pfn = pfn;
		} else {
			event.pfn = claim_part(naive, request, pfn);
		}
		if (event.pfn != PFN_NONE) {
			tell(naive, request, event);
			return event.pfn;
		}
	}
	return PFN_NONE;
}

static pfn_t steal(struct naive_free_lists *naive, const struct zone_request *request)
{
	if (request->flags & ALLOC_NOFRAGMENT)
		return PFN_NONE;
	for (unsigned order = request->order; order <= 10; order++) {
		struct extfrag event = {.fallback_order = order};

		if (!fallback_at(naive, order, request->type, &event.fallback_type))
			continue;
		event.pfn = take_from(naive, order, event.fallback_type, request->order);
		tell(naive, request, event);
		return event.pfn;
	}
	return PFN_NONE;
}

static uint64_t free_frames(const struct naive_free_lists *naive, enum migrate_type type)
{
	uint64_t frames = 0;

	for (unsigned order = 0; order <= 10; order++)
		frames += (uint64_t)naive->list[order][type].count << order;
	return frames;
}

static uint64_t free_frames_of_all(const struct naive_free_lists *naive)
{
	uint64_t frames = 0;

	for (unsigned type = 0; type < MIGRATE_ISOLATE; type++)
		frames += free_frames(naive, (enum migrate_type)type);
	return frames;
}

/* One block; `from` is the first way that is tried, and then the one to begin with next time. */
static pfn_t one(struct naive_free_lists *naive, const struct zone_request *request, unsigned *from)
{
	pfn_t pfn = PFN_NONE;
	bool may_cma = request->flags & ALLOC_CMA;

	if (may_cma && free_frames(naive, MIGRATE_CMA) > free_frames_of_all(naive) / 2)
		pfn = smallest(naive, request->order, MIGRATE_CMA);
	for (unsigned way = *from; way < WAYS && pfn == PFN_NONE; way++) {
		if (way == 0)
			pfn = smallest(naive, request->order, request->type);
		else if (way == 1 && may_cma)
			pfn = smallest(naive, request->order, MIGRATE_CMA);
		else if (way == 2)
			pfn = claim(naive, request);
		else if (way == 3)
			pfn = steal(naive, request);
		if (pfn != PFN_NONE)
			*from = way == 2 ? 0 : way;
	}
	return pfn;
}

static void use(struct naive_free_lists *naive, pfn_t pfn, unsigned order, enum migrate_type type)
{
	if (pfn == PFN_NONE)
		return;
	naive->frame[pfn].is_used_head = true;
	naive->frame[pfn].is_movable = type == MIGRATE_MOVABLE;
	naive->frame[pfn].order = (uint8_t)order;
}

pfn_t naive_allocate(struct naive_free_lists *naive, const struct zone_request *request)
{
	unsigned from = 0;
	pfn_t pfn = PFN_NONE;

	if (request->flags & ALLOC_HIGHATOMIC)
		pfn = smallest(naive, request->order, MIGRATE_HIGHATOMIC);
	if (pfn == PFN_NONE)
		pfn = one(naive, request, &from);
	if (pfn == PFN_NONE && (request->flags & (ALLOC_OOM | ALLOC_NON_BLOCK)))
		pfn = smallest(naive, request->order, MIGRATE_HIGHATOMIC);
	use(naive, pfn, request->order, request->type);
	return pfn;
}

unsigned naive_allocate_bulk(struct naive_free_lists *naive, const struct zone_request *request,
			     pfn_t *frames, unsigned count)
{
	unsigned from = 0;
	unsigned taken = 0;

	while (taken < count) {
		frames[taken] = one(naive, request, &from);
		if (frames[taken] == PFN_NONE)
			break;
		taken++;
	}
	/* Their owners come later: nothing is said of them while the batch is filled. */
	for (unsigned i = 0; i < taken; i++)
		use(naive, frames[i], request->order, request->type);
	return taken;
}

bool naive_reserve(struct naive_free_lists *naive, pfn_t pfn, unsigned order)
{
	uint64_t percent = naive->managed / 100;

	if (percent < 512 || naive->highatomic >= (percent + 511) / 512 * 512 ||
	    type_at(naive, pfn) > MIGRATE_RECLAIMABLE || !is_inside(pfn))
		return false;
	for (pfn_t at = pfn; at < pfn + ((pfn_t)1 << order); at += PAGEBLOCK_PAGES) {
		move_block(naive, at / PAGEBLOCK_PAGES * PAGEBLOCK_PAGES, MIGRATE_HIGHATOMIC);
		naive->highatomic += PAGEBLOCK_PAGES;
	}
	return true;
}

bool naive_unreserve(struct naive_free_lists *naive, enum migrate_type type, bool is_forced)
{
	if (!is_forced && naive->highatomic <= PAGEBLOCK_PAGES)
		return false;
	for (unsigned order = 0; order <= 10; order++) {
		struct naive_list *list = &naive->list[order][MIGRATE_HIGHATOMIC];
		pfn_t pfn = list->pfn[0];

		if (list->count == 0)
			continue;
		if (order < 9) {
			move_block(naive, pfn / PAGEBLOCK_PAGES * PAGEBLOCK_PAGES, type);
			naive->highatomic -= PAGEBLOCK_PAGES;
			return true;
		}
		delete (naive, pfn);
		for (pfn_t at = pfn; at < pfn + ((pfn_t)1 << order); at += PAGEBLOCK_PAGES) {
			naive->type[at / PAGEBLOCK_PAGES] = type;
			naive->highatomic -= PAGEBLOCK_PAGES;
		}
		insert(naive, pfn, order, true);
		return true;
	}
	return false;
}

static void move_isolated(struct naive_free_lists *naive, pfn_t start, bool is_isolated)
{
	uint64_t block = start / PAGEBLOCK_PAGES;

	for (pfn_t pfn = start; pfn < start + PAGEBLOCK_PAGES; pfn++) {
		unsigned order = naive->frame[pfn].order;

		if (!naive->frame[pfn].is_free_head)
			continue;
		delete (naive, pfn);
		naive->is_isolated[block] = is_isolated;
		insert(naive, pfn, order, true);
		naive->is_isolated[block] = !is_isolated;
	}
	naive->is_isolated[block] = is_isolated;
}

bool naive_isolate(struct naive_free_lists *naive, pfn_t pfn, bool is_isolated)
{
	pfn_t start = pfn / PAGEBLOCK_PAGES * PAGEBLOCK_PAGES;
	uint64_t block = start / PAGEBLOCK_PAGES;
	pfn_t large = start / 1024 * 1024;
	pfn_t buddy = start == large ? start + 512 : large;

	if (!is_inside(pfn) || naive->is_isolated[block] == is_isolated)
		return false;
	if (is_free_block(naive, large, 10)) {
		delete (naive, large);
		naive->is_isolated[block] = is_isolated;
		free_piece(naive, large, 9, false);
		free_piece(naive, large + 512, 9, false);
	} else if (!is_isolated && is_free_block(naive, start, 9) && is_free_block(naive, buddy, 9) &&
		   !naive->is_isolated[buddy / PAGEBLOCK_PAGES]) {
		delete (naive, start);
		naive->is_isolated[block] = false;
		free_piece(naive, start, 9, true);
	} else {
		move_isolated(naive, start, is_isolated);
	}
	return true;
}

void naive_take(struct naive_free_lists *naive, pfn_t pfn, unsigned order)
{
	delete (naive, pfn);
	for (pfn_t at = pfn; order >= 8 && at < pfn + ((pfn_t)1 << order); at += PAGEBLOCK_PAGES) {
		if (type_at(naive, at) <= MIGRATE_RECLAIMABLE && is_inside(at))
			move_block(naive, at / PAGEBLOCK_PAGES * PAGEBLOCK_PAGES, MIGRATE_MOVABLE);
	}
	use(naive, pfn, order, MIGRATE_UNMOVABLE);
}

static const char *compare_list(const struct naive_list *naive, const struct free_lists *lists,
				const struct list *head)
{
	unsigned at = 0;

	for (const struct list *link = head->next; link != head; link = link->next, at++) {
		if (at >= naive->count ||
		    pfn_of_page(lists->array, list_entry_const(link, struct page, lru)) != naive->pfn[at])
			return "the lists hold other blocks, or in another order";
	}
	return at == naive->count ? NULL : "the lists hold fewer blocks";
}

static const char *compare_events(const struct naive_free_lists *naive, const struct free_lists *lists)
{
	const struct extfrag *mine = &naive->last;
	const struct extfrag *other = &lists->extfrag.last;

	if (naive->events != lists->extfrag.events || naive->boosts != lists->counts.boosts)
		return "the counts of fall-backs or boosts differ";
	return mine->pfn == other->pfn && mine->alloc_order == other->alloc_order &&
		       mine->fallback_order == other->fallback_order && mine->type == other->type &&
		       mine->fallback_type == other->fallback_type &&
		       mine->change_ownership == other->change_ownership
		   ? NULL
		   : "the last fall-back is told otherwise";
}

const char *naive_compare(const struct naive_free_lists *naive, const struct free_lists *lists)
{
	const char *different = compare_events(naive, lists);

	for (unsigned order = 0; order < FREE_LISTS_ORDERS; order++) {
		for (unsigned type = 0; type < MIGRATE_TYPES && !different; type++)
			different =
			    compare_list(&naive->list[order][type], lists, &lists->order[order].type[type]);
	}
	for (pfn_t pfn = 512; pfn < NAIVE_END && !different; pfn += PAGEBLOCK_PAGES) {
		if (type_at(naive, pfn) != pageblock_type(lists->pageblocks, pfn) ||
		    naive->type[pfn / PAGEBLOCK_PAGES] != pageblock_kept_type(lists->pageblocks, pfn))
			different = "a pageblock has another type";
	}
	if (different)
		return different;
	return lists->free_pages == free_frames_of_all(naive) && lists->highatomic_pages == naive->highatomic
		   ? NULL
		   : "the sums differ";
}
