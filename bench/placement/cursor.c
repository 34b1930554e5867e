#include "config.h"

#include "bench/placement/cursor.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "bench/placement/mapped.h"

/* mm_abi of x86-64 Linux; not in every header. */
#define REMAP_FIXED 2u

static uint64_t page_up(uint64_t bytes)
{
	return (bytes + MAPPED_PAGE_BYTES - 1) & ~(MAPPED_PAGE_BYTES - 1);
}

static uint64_t unit_down(uint64_t address)
{
	return address & ~(CURSOR_UNIT_BYTES - 1);
}

/* --- Holes -------------------------------------------------------------------------------------------------------------- */

/* The lowest place at or above `from` for `bytes`, with a unit free on either side; 0 when there is none. */
static uint64_t find_hole(const struct range_set *taken, uint64_t from, uint64_t bytes)
{
	const uint64_t gap = CURSOR_UNIT_BYTES;
	uint64_t at = from;

	for (size_t i = 0; i < taken->count; i++) {
		const struct range *range = &taken->range[i];

		if (range->end <= at - gap)
			continue;
		if (range->start >= at + bytes + gap)
			break;
		at = unit_down(range->end + gap - 1) + gap;
	}
	return at + bytes + gap <= MAPPED_END ? at : 0;
}

/* Pieces of the extent: what lies in the same or in neighbouring units. */
static size_t cut(const struct range_set *extent, struct cursor_piece *piece)
{
	size_t pieces = 0;

	for (size_t i = 0; i < extent->count; i++) {
		uint64_t start = unit_down(extent->range[i].start),
			 end = unit_down(extent->range[i].end + CURSOR_UNIT_BYTES - 1);

		if (pieces > 0 && start <= piece[pieces - 1].end)
			piece[pieces - 1].end = end;
		else
			piece[pieces++] = (struct cursor_piece){.start = start, .end = end};
	}
	return pieces;
}

static enum trace_status no_memory(struct trace_error *error)
{
	return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for the placement");
}

static enum trace_status find_holes(struct placement_cursor *cursor, struct range_set *taken,
				    struct trace_error *error)
{
	for (size_t i = 0; i < cursor->pieces; i++) {
		struct cursor_piece *piece = &cursor->piece[i];
		uint64_t bytes = piece->end - piece->start;

		piece->moved = find_hole(taken, CURSOR_LOWEST, bytes);
		if (piece->moved == 0)
			return trace_fail(error, TRACE_UNSUPPORTED,
					  "the recorded program leaves no room for what the allocator maps");
		if (!range_set_add(taken, piece->moved, piece->moved + bytes))
			return no_memory(error);
	}
	return TRACE_OK;
}

static enum trace_status lay_out(struct placement_cursor *cursor, const struct range_set *occupied,
				 struct trace_error *error)
{
	struct range_set taken = {0};
	enum trace_status status = TRACE_OK;

	for (size_t i = 0; occupied && i < occupied->count && status == TRACE_OK; i++) {
		if (!range_set_add(&taken, occupied->range[i].start, occupied->range[i].end))
			status = no_memory(error);
	}
	if (status == TRACE_OK)
		status = find_holes(cursor, &taken, error);
	range_set_clear(&taken);
	return status;
}

enum trace_status placement_cursor_create(struct placement_cursor *cursor, const struct placement *placement,
					  unsigned take, const struct range_set *occupied,
					  struct trace_error *error)
{
	const struct range_set *extent = &placement->take[take].extent;
	enum trace_status status;

	*cursor = (struct placement_cursor){0};
	cursor->piece = calloc(extent->count + 1, sizeof(cursor->piece[0]));
	if (!cursor->piece || !placement_reader_create(&cursor->reader, placement, take)) {
		placement_cursor_destroy(cursor);
		return no_memory(error);
	}
	cursor->pieces = cut(extent, cursor->piece);
	status = lay_out(cursor, occupied, error);
	if (status != TRACE_OK)
		placement_cursor_destroy(cursor);
	return status;
}

void placement_cursor_destroy(struct placement_cursor *cursor)
{
	placement_reader_destroy(&cursor->reader);
	free(cursor->piece);
	*cursor = (struct placement_cursor){0};
}

/* --- Moving ------------------------------------------------------------------------------------------------------------- */

uint64_t placement_cursor_moved(const struct placement_cursor *cursor, uint64_t address)
{
	for (size_t i = 0; i < cursor->pieces; i++) {
		const struct cursor_piece *piece = &cursor->piece[i];

		if (address >= piece->start && address < piece->end)
			return piece->moved + (address - piece->start);
	}
	return 0;
}

/* An mmap or munmap of what the break passed over; false when that is nothing. */
static bool move_break(struct placement_cursor *cursor, struct placement_record *record)
{
	uint64_t old = cursor->program_break, end = page_up(record->call.result);

	cursor->program_break = end;
	if (old == 0 || old == end)
		return false;
	record->call = (struct event_call){.address = old < end ? old : end,
					   .length = old < end ? end - old : old - end};
	record->call_kind = EVENT_MUNMAP;
	if (old < end) {
		record->call_kind = EVENT_MMAP;
		record->call.protection = PROT_READ | PROT_WRITE;
		record->call.result = record->call.address;
	}
	return true;
}

static void move_call(struct placement_cursor *cursor, struct placement_record *record)
{
	struct event_call *call = &record->call;
	uint64_t recorded = call->address;

	call->address = placement_cursor_moved(cursor, recorded);
	switch (record->call_kind) {
	case EVENT_MMAP:
		call->address = call->result = placement_cursor_moved(cursor, call->result);
		call->flags = (call->flags & ~(uint32_t)MAP_FIXED_NOREPLACE) | MAP_FIXED;
		break;
	case EVENT_MREMAP:
		if (call->result != recorded) {
			call->flags |= REMAP_FIXED | MREMAP_MAYMOVE;
			call->new_address = placement_cursor_moved(cursor, call->result);
		}
		call->result = placement_cursor_moved(cursor, call->result);
		break;
	default:
		break;
	}
}

/* False when there is nothing to do for the record. */
static bool move(struct placement_cursor *cursor, struct placement_record *record)
{
	if (record->kind == PLACEMENT_BLOCK) {
		record->address = placement_cursor_moved(cursor, record->address);
		return true;
	}
	if (record->call_kind == EVENT_BRK) {
		if (!move_break(cursor, record))
			return false;
		record->call.flags = record->call_kind == EVENT_MMAP ? MAP_PRIVATE | MAP_ANONYMOUS : 0;
	}
	move_call(cursor, record);
	return true;
}

enum trace_status placement_cursor_next(struct placement_cursor *cursor, uint64_t event,
					struct placement_record *record, struct trace_error *error)
{
	for (;;) {
		if (!cursor->has_next) {
			enum trace_status status =
			    placement_reader_next(&cursor->reader, &cursor->next, error);

			if (status != TRACE_OK)
				return status;
			cursor->has_next = true;
		}
		if (cursor->next.event > event)
			return TRACE_END;
		cursor->has_next = false;
		*record = cursor->next;
		if (move(cursor, record))
			return TRACE_OK;
	}
}

const char *placement_cursor_check(const struct placement_cursor *cursor, const struct range_set *occupied)
{
	for (size_t i = 0; i < cursor->pieces; i++) {
		const struct cursor_piece *piece = &cursor->piece[i];
		uint64_t end = piece->moved + (piece->end - piece->start);

		if (occupied &&
		    range_set_meets(occupied, piece->moved - CURSOR_UNIT_BYTES, end + CURSOR_UNIT_BYTES))
			return "I1: holes are disjoint from the program's ranges and from each other";
		for (size_t j = 0; j < i; j++) {
			const struct cursor_piece *other = &cursor->piece[j];
			uint64_t other_end = other->moved + (other->end - other->start);

			if (piece->moved < other_end + CURSOR_UNIT_BYTES &&
			    other->moved < end + CURSOR_UNIT_BYTES)
				return "I1: holes are disjoint from the program's ranges and from each other";
		}
		if ((piece->moved ^ piece->start) % CURSOR_UNIT_BYTES != 0)
			return "I2: moved address = address modulo 1 GiB";
	}
	return NULL;
}
