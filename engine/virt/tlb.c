#include "config.h"

#include "engine/virt/tlb.h"

#include "engine/base/check.h"

#include <string.h>

/* --- Making --------------------------------------------------------------------------------------------------------- */

/* The part that serves pages of 2^shift bytes: one that names the size, else one that names none. */
static uint8_t part_for(const struct tlb_geometry *geometry, unsigned level, unsigned kind, unsigned shift)
{
	uint8_t found = TLB_NO_PART;

	for (unsigned i = 0; i < geometry->parts; i++) {
		const struct tlb_part *part = &geometry->part[i];

		if (part->level != level || !(part->kinds >> kind & 1))
			continue;
		if (part->sizes >> shift & 1)
			return (uint8_t)i;
		if (part->sizes == 0)
			found = (uint8_t)i;
	}
	return found;
}

static void make_routes(struct tlb *tlb, const struct tlb_geometry *geometry)
{
	memset(tlb->route, TLB_NO_PART, sizeof(tlb->route));
	for (unsigned level = 1; level <= TLB_LEVELS; level++) {
		for (unsigned kind = 0; kind < TLB_KINDS; kind++) {
			uint8_t *route = tlb->route[level - 1][kind];

			for (unsigned leaf = 1; leaf <= tlb->paging->levels; leaf++)
				route[leaf] = part_for(geometry, level, kind, tlb->paging->shift[leaf]);
			route[TLB_CLASS_COALESCED] = route[1];
			tlb->unified[level - 1][kind] = route[1];
			for (unsigned leaf = 2; leaf <= tlb->paging->levels; leaf++) {
				if (paging_may_be_leaf(tlb->paging, leaf) && route[leaf] != route[1])
					tlb->unified[level - 1][kind] = TLB_NO_PART;
			}
		}
	}
}

enum status tlb_create(struct tlb *tlb, const struct tlb_geometry *geometry, const struct paging *paging,
		       uint64_t seed)
{
	enum status status = STATUS_OK;

	*tlb = (struct tlb){
	    .paging = paging,
	    .coalesce_shift = (unsigned)__builtin_ctz(geometry->coalesce_pages),
	    .tagged = geometry->tagged,
	};
	for (; tlb->parts < geometry->parts && status == STATUS_OK; tlb->parts++) {
		const struct tlb_part *part = &geometry->part[tlb->parts];
		struct associative_shape shape = {part->entries, part->ways, geometry->replace,
						  seed + tlb->parts};

		status = associative_create(&tlb->part[tlb->parts], &shape);
		tlb->has_level_2 = tlb->has_level_2 || part->level == 2;
	}
	make_routes(tlb, geometry);
	if (status != STATUS_OK)
		tlb_destroy(tlb);
	return status;
}

void tlb_destroy(struct tlb *tlb)
{
	for (unsigned i = 0; i < tlb->parts; i++)
		associative_destroy(&tlb->part[i]);
	tlb->parts = 0;
}

uint64_t tlb_key_of(const struct tlb *tlb, uint64_t address, unsigned level, uint16_t space)
{
	return tlb_key(paging_page_number(tlb->paging, address, tlb->paging->shift[level]), level, space);
}

uint64_t tlb_key_of_group(const struct tlb *tlb, uint64_t address, uint16_t space)
{
	return tlb_key(
	    paging_page_number(tlb->paging, address, tlb->paging->page_shift + tlb->coalesce_shift),
	    TLB_CLASS_COALESCED, space);
}

/* --- One access ----------------------------------------------------------------------------------------------------- */

static bool hits(struct tlb *tlb, unsigned level, unsigned kind, uint64_t key)
{
	uint8_t part = tlb->route[level - 1][kind][tlb_class_of(key)];

	if (part != TLB_NO_PART && associative_access(&tlb->part[part], key))
		return true;
	tlb->counts.misses[level - 1][kind][tlb_class_of(key)]++;
	return false;
}

enum tlb_result tlb_access(struct tlb *tlb, enum tlb_kind kind, uint64_t key)
{
	tlb->counts.accesses[kind][tlb_class_of(key)]++;
	if (hits(tlb, 1, kind, key))
		return TLB_HIT_1;
	return hits(tlb, 2, kind, key) ? TLB_HIT_2 : TLB_MISS;
}

/* --- Many accesses -------------------------------------------------------------------------------------------------- */

static unsigned kind_of(const struct tlb_batch *batch, uint32_t number)
{
	return batch->kinds ? batch->kinds[number] : TLB_DATA;
}

static uint32_t references_of(const struct tlb_batch *batch, uint32_t number)
{
	return batch->places ? (uint32_t)(batch->places[number + 1] - batch->places[number]) : 1;
}

/* The accesses that are still on their way down: number[i] is the place in the batch of keys[i]. */
struct stream {
	uint32_t count;
	uint64_t keys[ASSOCIATIVE_RUN_MAX];
	uint16_t number[ASSOCIATIVE_RUN_MAX];
};

/* The stream's keys of one part pass through it, in order; what misses is marked. */
static void run_part(struct tlb *tlb, uint8_t part, const uint8_t *parts, const struct stream *stream,
		     uint8_t *marks)
{
	uint64_t keys[ASSOCIATIVE_RUN_MAX];
	uint16_t place[ASSOCIATIVE_RUN_MAX];
	uint16_t missed[ASSOCIATIVE_RUN_MAX];
	uint32_t count = 0;

	for (uint32_t i = 0; i < stream->count; i++) {
		keys[count] = stream->keys[i];
		place[count] = (uint16_t)i;
		count += parts[i] == part;
	}
	uint32_t misses = associative_run(&tlb->part[part], keys, count, missed);

	for (uint32_t i = 0; i < misses; i++)
		marks[place[missed[i]]] = 1;
}

/* Counts what missed by kind and class, and leaves that in the stream: missed[] are numbers in it. */
static void keep_missed(struct tlb *tlb, unsigned level, const struct tlb_batch *batch, struct stream *stream,
			const uint16_t *missed)
{
	for (uint32_t i = 0; i < stream->count; i++) {
		uint64_t key = stream->keys[missed[i]];
		uint16_t number = stream->number[missed[i]];

		tlb->counts.misses[level - 1][kind_of(batch, number)][tlb_class_of(key)]++;
		stream->keys[i] = key;
		stream->number[i] = number;
	}
}

/* Passes a stream of data of several classes through a level where one part serves them all. */
static void run_unified(struct tlb *tlb, unsigned level, const struct tlb_batch *batch, struct stream *stream)
{
	uint16_t missed[ASSOCIATIVE_RUN_MAX];
	uint8_t part = tlb->unified[level - 1][TLB_DATA];

	stream->count = associative_run(&tlb->part[part], stream->keys, stream->count, missed);
	keep_missed(tlb, level, batch, stream, missed);
}

/* Passes a stream of several kinds or classes through a level; what is left of it missed. The parts do not disturb each
 * other, so each takes its keys in one go. */
static void run_mixed(struct tlb *tlb, unsigned level, const struct tlb_batch *batch, struct stream *stream)
{
	uint8_t parts[ASSOCIATIVE_RUN_MAX];
	uint8_t marks[ASSOCIATIVE_RUN_MAX];
	uint32_t used = 0;
	uint32_t misses = 0;

	for (uint32_t i = 0; i < stream->count; i++) {
		parts[i] =
		    tlb->route[level - 1][kind_of(batch, stream->number[i])][tlb_class_of(stream->keys[i])];
		marks[i] = parts[i] == TLB_NO_PART;
		used |= parts[i] == TLB_NO_PART ? 0 : 1u << parts[i];
	}
	for (; used != 0; used &= used - 1)
		run_part(tlb, (uint8_t)__builtin_ctz(used), parts, stream, marks);
	for (uint32_t i = 0; i < stream->count; i++) {
		unsigned kind = kind_of(batch, stream->number[i]);

		tlb->counts.misses[level - 1][kind][tlb_class_of(stream->keys[i])] += marks[i];
		stream->keys[misses] = stream->keys[i];
		stream->number[misses] = stream->number[i];
		misses += marks[i];
	}
	stream->count = misses;
}

uint32_t tlb_run(struct tlb *tlb, const struct tlb_batch *batch, uint16_t *missed)
{
	struct stream stream;

	if (batch->count == 0)
		return 0;
	CHECK(batch->count <= ASSOCIATIVE_RUN_MAX, "a run's numbers fit in 16 bits");
	stream.count = batch->count;
	memcpy(stream.keys, batch->keys, batch->count * sizeof(*batch->keys));
	for (uint32_t i = 0; i < batch->count; i++)
		stream.number[i] = (uint16_t)i;
	for (uint32_t i = 0; i < batch->count && !batch->is_counted; i++)
		tlb->counts.accesses[kind_of(batch, i)][tlb_class_of(batch->keys[i])] +=
		    references_of(batch, i);
	for (unsigned level = 1; level <= TLB_LEVELS; level++) {
		if (!batch->kinds && tlb->unified[level - 1][TLB_DATA] != TLB_NO_PART)
			run_unified(tlb, level, batch, &stream);
		else
			run_mixed(tlb, level, batch, &stream);
	}
	memcpy(missed, stream.number, stream.count * sizeof(*missed));
	return stream.count;
}

/* Keys of one part pass through it; without a part all are passed on. */
static uint32_t pass_part(struct tlb *tlb, uint8_t part, const uint64_t *keys, uint32_t count,
			  uint64_t *passed)
{
	if (part != TLB_NO_PART)
		return associative_pass(&tlb->part[part], keys, count, passed);
	if (passed != keys)
		memcpy(passed, keys, count * sizeof(*keys));
	return count;
}

uint32_t tlb_pass(struct tlb *tlb, const struct tlb_batch *batch, uint64_t *passed)
{
	struct tlb_counts *counts = &tlb->counts;
	uint32_t count = batch->count;

	if (count == 0)
		return 0;
	CHECK(count <= ASSOCIATIVE_RUN_MAX && !batch->kinds, "a uniform batch is of data");
	unsigned class = tlb_class_of(batch->keys[0]);

	if (!batch->is_counted)
		counts->accesses[TLB_DATA][class] +=
		    batch->places ? (uint64_t)(batch->places[count] - batch->places[0]) : count;
	count = pass_part(tlb, tlb->route[0][TLB_DATA][class], batch->keys, count, passed);
	counts->misses[0][TLB_DATA][class] += count;
	count = pass_part(tlb, tlb->route[1][TLB_DATA][class], passed, count, passed);
	counts->misses[1][TLB_DATA][class] += count;
	return count;
}

/* --- Flushing ------------------------------------------------------------------------------------------------------- */

static void remove_key(struct tlb *tlb, uint64_t key)
{
	for (unsigned i = 0; i < tlb->parts; i++)
		tlb->counts.flushed += associative_remove(&tlb->part[i], key);
}

static void remove_page(struct tlb *tlb, uint64_t address, uint16_t space)
{
	for (unsigned level = 1; level <= tlb->paging->levels; level++) {
		if (paging_may_be_leaf(tlb->paging, level))
			remove_key(tlb, tlb_key_of(tlb, address, level, space));
	}
	if (tlb->coalesce_shift > 0)
		remove_key(tlb, tlb_key_of_group(tlb, address, space));
}

void tlb_flush_page(struct tlb *tlb, uint64_t address, uint16_t space)
{
	tlb->counts.flushes++;
	remove_page(tlb, address, space);
	remove_page(tlb, address, TLB_GLOBAL);
}

/* True when the page of a key touches the range of level-1 pages first .. last. */
static bool touches(const struct tlb *tlb, uint64_t key, uint64_t first, uint64_t last)
{
	unsigned class = tlb_class_of(key);
	unsigned shift =
	    class == TLB_CLASS_COALESCED ? tlb->coalesce_shift : paging_leaf_order(tlb->paging, class);
	uint64_t page = (key & ASSOCIATIVE_PAGE_MASK) << shift;

	return page <= last && page + ((uint64_t)1 << shift) - 1 >= first;
}

void tlb_flush_range(struct tlb *tlb, uint64_t address, uint64_t bytes, uint16_t space)
{
	uint64_t first = paging_page_number(tlb->paging, address, tlb->paging->page_shift);
	uint64_t last = paging_page_number(tlb->paging, address + bytes - 1, tlb->paging->page_shift);

	if (bytes == 0)
		return;
	tlb->counts.flushes++;
	for (unsigned i = 0; i < tlb->parts; i++) {
		struct associative *part = &tlb->part[i];

		for (size_t at = associative_places(part); at-- > 0;) {
			uint64_t key = associative_key_at(part, at);
			uint16_t of = (uint16_t)(key >> ASSOCIATIVE_SPACE_SHIFT);

			if (key != ASSOCIATIVE_EMPTY && (of == space || of == TLB_GLOBAL) &&
			    touches(tlb, key, first, last))
				tlb->counts.flushed += associative_remove(part, key);
		}
	}
}

static void flush_matching(struct tlb *tlb, uint64_t mask, uint64_t value)
{
	tlb->counts.flushes++;
	for (unsigned i = 0; i < tlb->parts; i++)
		tlb->counts.flushed += associative_remove_matching(&tlb->part[i], mask, value);
}

void tlb_flush_space(struct tlb *tlb, uint16_t space)
{
	flush_matching(tlb, UINT64_MAX << ASSOCIATIVE_SPACE_SHIFT,
		       (uint64_t)space << ASSOCIATIVE_SPACE_SHIFT);
}

void tlb_flush_nonglobal(struct tlb *tlb)
{
	tlb->counts.flushes++;
	for (unsigned i = 0; i < tlb->parts; i++) {
		struct associative *part = &tlb->part[i];

		for (size_t at = associative_places(part); at-- > 0;) {
			uint64_t key = associative_key_at(part, at);

			if (key >> ASSOCIATIVE_SPACE_SHIFT != TLB_GLOBAL)
				tlb->counts.flushed += associative_remove(part, key);
		}
	}
}

void tlb_flush_all(struct tlb *tlb)
{
	flush_matching(tlb, 0, 0);
}

/* --- Sums and check ------------------------------------------------------------------------------------------------- */

uint64_t tlb_accesses(const struct tlb_counts *counts)
{
	uint64_t sum = 0;

	for (unsigned kind = 0; kind < TLB_KINDS; kind++) {
		for (unsigned class = 0; class < TLB_CLASSES; class ++)
			sum += counts->accesses[kind][class];
	}
	return sum;
}

uint64_t tlb_misses(const struct tlb_counts *counts, unsigned level)
{
	uint64_t sum = 0;

	for (unsigned kind = 0; kind < TLB_KINDS; kind++) {
		for (unsigned class = 0; class < TLB_CLASSES; class ++)
			sum += counts->misses[level - 1][kind][class];
	}
	return sum;
}

static const char I1[] = "I1: every part's array holds its own invariants";
static const char I2[] = "I2: a part holds only classes and kinds that are routed to it";
static const char I3[] = "I3: for each kind and class, level 2 misses <= level 1 misses <= accesses";

static bool is_routed(const struct tlb *tlb, unsigned part, unsigned class)
{
	for (unsigned level = 0; level < TLB_LEVELS; level++) {
		for (unsigned kind = 0; kind < TLB_KINDS; kind++) {
			if (class < TLB_CLASSES && tlb->route[level][kind][class] == part)
				return true;
		}
	}
	return false;
}

const char *tlb_check(const struct tlb *tlb)
{
	for (unsigned i = 0; i < tlb->parts; i++) {
		const struct associative *part = &tlb->part[i];

		if (associative_check(part))
			return I1;
		for (size_t at = 0; at < associative_places(part); at++) {
			uint64_t key = associative_key_at(part, at);

			if (key != ASSOCIATIVE_EMPTY && !is_routed(tlb, i, tlb_class_of(key)))
				return I2;
		}
	}
	for (unsigned kind = 0; kind < TLB_KINDS; kind++) {
		for (unsigned class = 0; class < TLB_CLASSES; class ++) {
			uint64_t level_1 = tlb->counts.misses[0][kind][class];

			if (tlb->counts.misses[1][kind][class] > level_1 ||
			    level_1 > tlb->counts.accesses[kind][class])
				return I3;
		}
	}
	return NULL;
}
