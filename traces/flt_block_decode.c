#include "config.h"

#include "traces/flt_block.h"

#include "traces/flt_columns.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

/* What a decode needs to hand from step to step. */
struct decoding {
	struct flt_block *block;
	struct flt_column_reader *reader;
	const struct flt_section *section;
	const struct flt_thread_processes *threads;
	struct trace_error *error;
};

static enum trace_status damaged(const struct decoding *decoding, const char *what)
{
	return trace_fail(decoding->error, TRACE_BAD_INPUT, "%s: the block of events %" PRIu64 " to %" PRIu64 " %s",
			  decoding->reader->input->name, decoding->block->first,
			  decoding->block->first + decoding->block->events - 1, what);
}

/* Reads a column of varints into block->values, which must hold exactly `values`; a column left out is all 0. */
static enum trace_status read_varints(const struct decoding *decoding, uint16_t column, size_t values)
{
	struct flt_column_bytes bytes;
	enum trace_status status = flt_column_read(decoding->reader, decoding->section, column, &bytes, decoding->error);

	if (status != TRACE_OK)
		return status;
	if (!bytes.raw_bytes) {
		memset(decoding->block->values, 0, values * sizeof(*decoding->block->values));
		return TRACE_OK;
	}
	if (bytes.values != values || !flt_varint_unpack(bytes.raw, bytes.raw_bytes, decoding->block->values, values))
		return damaged(decoding, "has a column with another number of values than its kinds ask for");
	return TRACE_OK;
}

static enum trace_status read_bytes(const struct decoding *decoding, uint16_t column, uint8_t *out)
{
	struct flt_column_bytes bytes;
	enum trace_status status = flt_column_read(decoding->reader, decoding->section, column, &bytes, decoding->error);

	if (status != TRACE_OK)
		return status;
	if (bytes.raw_bytes && bytes.raw_bytes != decoding->block->events)
		return damaged(decoding, "has a column that is not one byte per event");
	if (bytes.raw_bytes)
		memcpy(out, bytes.raw, bytes.raw_bytes);
	else
		memset(out, 0, decoding->block->events);
	return TRACE_OK;
}

/* By kind and flags: what an event carries and whether it makes a new object. */
#define MAKES_OBJECT 0x40u

static unsigned carries_of(uint8_t kind, uint8_t flags)
{
	unsigned carries = event_kind_carries(kind);

	if ((carries & EVENT_CREATES) && !(flags & (EVENT_FAILED | FLT_NO_OBJECT)))
		carries |= MAKES_OBJECT;
	return carries;
}

static enum trace_status decode_kinds(const struct decoding *decoding)
{
	struct flt_block *block = decoding->block;
	enum trace_status status = read_bytes(decoding, FLT_BLOCK_KIND, block->kind);
	uint8_t highest = 0, lowest = UINT8_MAX, flags = 0;

	if (status == TRACE_OK)
		status = read_bytes(decoding, FLT_BLOCK_FLAGS, block->flags);
	if (status != TRACE_OK)
		return status;
	for (size_t i = 0; i < block->events; i++) {
		highest = block->kind[i] > highest ? block->kind[i] : highest;
		lowest = block->kind[i] < lowest ? block->kind[i] : lowest;
		flags |= block->flags[i];
	}
	if (lowest == 0)
		return damaged(decoding, "has an event without a kind");
	if (highest >= EVENT_KINDS || (flags & ~(EVENT_FAILED | EVENT_FOREIGN | FLT_NO_OBJECT)))
		return trace_fail(decoding->error, TRACE_UNSUPPORTED,
				  "%s: the block at event %" PRIu64
				  " has kinds or flags of a later version; a newer faultline reads them",
				  decoding->reader->input->name, block->first);
	return TRACE_OK;
}

/* How many values a column for events that carry `what` must have. */
static size_t count_carrying(const struct flt_block *block, unsigned what)
{
	uint8_t wanted[EVENT_KINDS];
	size_t values = 0;

	for (unsigned kind = 0; kind < EVENT_KINDS; kind++)
		wanted[kind] = (event_kind_carries(kind) & what) != 0;
	for (size_t i = 0; i < block->events; i++)
		values += wanted[block->kind[i]];
	return values;
}

/* Spreads the values over the events whose kind carries `what`. */
static void spread(const struct flt_block *block, unsigned what, uint64_t *out)
{
	uint64_t mask[EVENT_KINDS];
	const uint64_t *value = block->values;

	for (unsigned kind = 0; kind < EVENT_KINDS; kind++)
		mask[kind] = event_kind_carries(kind) & what ? UINT64_MAX : 0;
	for (size_t i = 0; i < block->events; i++) {
		const uint64_t has = mask[block->kind[i]];

		out[i] = *value & has;
		value -= (int64_t)has;
	}
}

static enum trace_status decode_carried(const struct decoding *decoding, uint16_t column, unsigned what, uint64_t *out)
{
	enum trace_status status = read_varints(decoding, column, count_carrying(decoding->block, what));

	if (status == TRACE_OK)
		spread(decoding->block, what, out);
	return status;
}

static size_t count_ended(const struct flt_block *block)
{
	size_t values = 0;

	for (size_t i = 0; i < block->events; i++)
		values += (event_kind_carries(block->kind[i]) & EVENT_RELEASES) && !(block->flags[i] & EVENT_FOREIGN);
	return values;
}

static uint64_t ended_id(uint64_t value, uint64_t objects, uint64_t previous)
{
	const uint64_t half = (value - 1) >> 1;
	const uint64_t id = (value - 1) & 1 ? previous + flt_unzigzag(half) : objects - half;

	return value ? id : 0;
}

static enum trace_status decode_objects(const struct decoding *decoding)
{
	struct flt_block *block = decoding->block;
	enum trace_status status = read_varints(decoding, FLT_BLOCK_ENDED, count_ended(block));
	const uint64_t *value = block->values;
	uint64_t objects = block->objects, previous = block->objects, bad = 0;

	if (status != TRACE_OK)
		return status;
	for (size_t i = 0; i < block->events; i++) {
		const unsigned carries = carries_of(block->kind[i], block->flags[i]);
		uint64_t ended = 0;

		if (carries & EVENT_RELEASES) {
			if (block->flags[i] & EVENT_FOREIGN) {
				ended = ++objects;
			} else {
				ended = ended_id(*value, objects, previous);
				bad |= *value++ && ended - 1 >= objects;
				previous = ended ? ended : previous;
			}
		}
		objects += (carries & MAKES_OBJECT) != 0;
		block->object[i] = carries & EVENT_CREATES ? (carries & MAKES_OBJECT ? objects : 0) : ended;
		block->old_object[i] = carries & EVENT_CREATES ? ended : 0;
	}
	block->objects_after = objects;
	return bad ? damaged(decoding, "ends an object that does not exist yet") : TRACE_OK;
}

static void fill(uint32_t *out, size_t count, uint32_t value)
{
	for (size_t i = 0; i < count; i++)
		out[i] = value;
}

static enum trace_status decode_threads(const struct decoding *decoding)
{
	struct flt_block *block = decoding->block;
	const struct flt_column_entry *entry = flt_section_find(decoding->section, FLT_BLOCK_THREAD);
	const size_t values = entry ? entry->values : 0;
	size_t event = 0;

	if (values % 2 || values > 2 * block->events)
		return damaged(decoding, "has a thread column that is not made of runs");
	enum trace_status status = read_varints(decoding, FLT_BLOCK_THREAD, values);

	if (status != TRACE_OK)
		return status;
	for (size_t i = 0; i < values; i += 2) {
		const uint64_t thread = block->values[i], more = block->values[i + 1];

		if (more >= block->events - event || thread >= decoding->threads->threads)
			return damaged(decoding, "has a thread column with too many events or an unknown thread");
		fill(block->thread + event, more + 1, (uint32_t)thread);
		fill(block->process + event, more + 1, decoding->threads->thread[thread].process);
		event += more + 1;
	}
	return event == block->events ? TRACE_OK : damaged(decoding, "has a thread column with too few events");
}

static enum trace_status decode_stacks(const struct decoding *decoding)
{
	struct flt_block *block = decoding->block;
	enum trace_status status = read_varints(decoding, FLT_BLOCK_STACK, block->events);
	uint64_t all = 0;

	if (status != TRACE_OK)
		return status;
	for (size_t i = 0; i < block->events; i++) {
		all |= block->values[i];
		block->stack[i] = (uint32_t)block->values[i];
	}
	return all >> 32 ? damaged(decoding, "has a stack number above 32 bits") : TRACE_OK;
}

static enum trace_status decode_time(const struct decoding *decoding)
{
	struct flt_block *block = decoding->block;
	const bool steps_back = flt_section_find(decoding->section, FLT_BLOCK_TIME_SIGNED) != NULL;
	const uint64_t divisor = decoding->section->field[FLT_BLOCK_TIME_DIVISOR];
	uint64_t now = decoding->section->field[FLT_BLOCK_TIME_BASE];
	enum trace_status status = read_varints(decoding, steps_back ? FLT_BLOCK_TIME_SIGNED : FLT_BLOCK_TIME,
						block->events);

	if (status != TRACE_OK)
		return status;
	for (size_t i = 0; i < block->events; i++) {
		now += divisor * (steps_back ? flt_unzigzag(block->values[i]) : block->values[i]);
		block->time_ns[i] = now;
	}
	return TRACE_OK;
}

static enum trace_status decode_details(const struct decoding *decoding)
{
	struct flt_block *block = decoding->block;
	enum trace_status status = decode_carried(decoding, FLT_BLOCK_COUNT, EVENT_HAS_COUNT, block->count);

	if (status != TRACE_OK)
		return status;
	for (size_t i = 0; i < block->events; i++) {
		if (block->kind[i] == EVENT_FORK && block->count[i] >= decoding->threads->processes)
			return damaged(decoding, "forks an unknown process");
	}
	return decode_carried(decoding, FLT_BLOCK_ALIGNMENT, EVENT_HAS_ALIGNMENT, block->alignment);
}

static enum trace_status start_decode(const struct decoding *decoding)
{
	const uint64_t *field = decoding->section->field;
	struct flt_block *block = decoding->block;

	if (field[FLT_BLOCK_COUNT_OF_EVENTS] > FLT_BLOCK_MAX_EVENTS || field[FLT_BLOCK_COUNT_OF_EVENTS] == 0 ||
	    field[FLT_BLOCK_OBJECTS] > EVENT_MAX_OBJECTS || field[FLT_BLOCK_FIRST] > UINT64_MAX / 2)
		return trace_fail(decoding->error, TRACE_BAD_INPUT,
				  "%s: the block at byte %" PRIu64 " has an impossible number of events or objects",
				  decoding->reader->input->name, decoding->section->body_offset);
	enum trace_status status = flt_block_reserve(block, field[FLT_BLOCK_COUNT_OF_EVENTS], decoding->error);

	if (status != TRACE_OK)
		return status;
	block->first = field[FLT_BLOCK_FIRST];
	block->events = field[FLT_BLOCK_COUNT_OF_EVENTS];
	block->objects = field[FLT_BLOCK_OBJECTS];
	return decode_kinds(decoding);
}

enum trace_status flt_block_decode(struct flt_block *block, struct flt_column_reader *reader,
				   const struct flt_section *section, unsigned columns,
				   const struct flt_thread_processes *threads, struct trace_error *error)
{
	const struct decoding decoding = {block, reader, section, threads, error};
	enum trace_status status = start_decode(&decoding);

	if (status == TRACE_OK && (columns & FLT_OBJECT))
		status = decode_objects(&decoding);
	if (status == TRACE_OK && (columns & FLT_SIZE))
		status = decode_carried(&decoding, FLT_BLOCK_SIZE, EVENT_HAS_SIZE, block->size);
	if (status == TRACE_OK && (columns & FLT_DETAIL))
		status = decode_details(&decoding);
	if (status == TRACE_OK && (columns & FLT_THREAD))
		status = decode_threads(&decoding);
	if (status == TRACE_OK && (columns & FLT_STACK))
		status = decode_stacks(&decoding);
	if (status == TRACE_OK && (columns & FLT_TIME))
		status = decode_time(&decoding);
	for (size_t i = 0; status == TRACE_OK && i < block->events; i++)
		block->flags[i] &= (uint8_t)~FLT_NO_OBJECT;
	return status;
}
