#include "config.h"

#include "traces/flt_block.h"

#include "traces/flt_call.h"
#include "traces/flt_columns.h"
#include "traces/flt_kernel.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

/* What a decode needs to hand from step to step. */
struct decoding {
	struct flt_block *block;
	struct flt_column_reader *reader;
	const struct flt_section *section;
	const struct flt_known *known;
	struct trace_error *error;
};

static enum trace_status damaged(const struct decoding *decoding, const char *what)
{
	return trace_fail(decoding->error, TRACE_BAD_INPUT,
			  "%s: the block of events %" PRIu64 " to %" PRIu64 " %s",
			  decoding->reader->input->name, decoding->block->first,
			  decoding->block->first + decoding->block->events - 1, what);
}

/* Reads a column of varints into block->values, which must hold exactly `values`; a column left out is all 0. */
static enum trace_status read_varints(const struct decoding *decoding, uint16_t column, size_t values)
{
	struct flt_column_bytes bytes;
	enum trace_status status =
	    flt_column_read(decoding->reader, decoding->section, column, &bytes, decoding->error);

	if (status != TRACE_OK)
		return status;
	if (!bytes.raw_bytes) {
		memset(decoding->block->values, 0, values * sizeof(*decoding->block->values));
		return TRACE_OK;
	}
	if (bytes.values != values ||
	    !flt_varint_unpack(bytes.raw, bytes.raw_bytes, decoding->block->values, values))
		return damaged(decoding, "has a column with another number of values than its kinds ask for");
	return TRACE_OK;
}

static enum trace_status read_bytes(const struct decoding *decoding, uint16_t column, uint8_t *out)
{
	struct flt_column_bytes bytes;
	enum trace_status status =
	    flt_column_read(decoding->reader, decoding->section, column, &bytes, decoding->error);

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

/* What an event means for the columns, by kind and flags: so that the loops below need no branches. */
#define CLASS_ENDS 0x01u    /* has a value in the column of ended objects */
#define CLASS_FOREIGN 0x02u /* ends or names a foreign object: the next id */
#define CLASS_MAKES 0x04u   /* makes a new object: the next id */
#define CLASS_CREATES 0x08u /* may make one: what it ends is old_object */
#define CLASS_SIZE 0x10u
#define CLASS_COUNT 0x20u
#define CLASS_ALIGNMENT 0x40u
#define CLASS_UNKNOWN 0x80u /* no class: a kind or flags that this build does not know */

static uint8_t class_of(uint8_t kind, uint8_t flags)
{
	const unsigned carries = event_kind_carries(kind);
	unsigned class = 0;

	if (!event_kind_is_known(kind) || (flags & ~(EVENT_FAILED | EVENT_FOREIGN | FLT_NO_OBJECT)))
		return CLASS_UNKNOWN;
	if (carries & EVENT_RELEASES)
		class |= flags & EVENT_FOREIGN ? CLASS_FOREIGN : CLASS_ENDS;
	if (carries & EVENT_CREATES)
		class |= flags & (EVENT_FAILED | FLT_NO_OBJECT) ? CLASS_CREATES : CLASS_CREATES | CLASS_MAKES;
	class |= carries & EVENT_HAS_SIZE ? CLASS_SIZE : 0;
	class |= carries & EVENT_HAS_COUNT ? CLASS_COUNT : 0;
	class |= carries & EVENT_HAS_ALIGNMENT ? CLASS_ALIGNMENT : 0;
	return (uint8_t) class;
}

/* Gives every event its class; false when one has none. */
static bool classify(struct flt_block *block, bool flags)
{
	const uint8_t *const kind = block->kind, *const end = kind + block->events;
	uint8_t plain[UINT8_MAX + 1];
	uint8_t *class = block->class;
	unsigned all = 0;

	for (unsigned k = 0; k <= UINT8_MAX; k++)
		plain[k] = class_of((uint8_t)k, 0);
	for (const uint8_t *at = kind; at < end; at++) {
		const uint8_t found = plain[*at];

		*class ++ = found;
		all |= found;
	}
	for (size_t i = 0; flags && i < block->events; i++) {
		if (block->flags[i])
			block->class[i] = class_of(block->kind[i], block->flags[i]);
		all |= block->class[i];
	}
	return !(all & CLASS_UNKNOWN);
}

static enum trace_status decode_kinds(const struct decoding *decoding)
{
	struct flt_block *block = decoding->block;
	enum trace_status status = read_bytes(decoding, FLT_BLOCK_KIND, block->kind);

	if (status == TRACE_OK)
		status = read_bytes(decoding, FLT_BLOCK_FLAGS, block->flags);
	if (status != TRACE_OK)
		return status;
	if (!classify(block, flt_section_find(decoding->section, FLT_BLOCK_FLAGS) != NULL))
		return trace_fail(decoding->error, TRACE_UNSUPPORTED,
				  "%s: the block at event %" PRIu64
				  " has kinds or flags of a later version; a newer faultline reads them",
				  decoding->reader->input->name, block->first);
	return TRACE_OK;
}

/* How many events have the class bit `bit`: the values of its column. Eight at a time; a byte counts to at most 1. */
static size_t count_class(const struct flt_block *block, unsigned bit)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	const unsigned shift = (unsigned)__builtin_ctz(bit);
	size_t values = 0, i = 0;

	for (; i + 8 <= block->events; i += 8) {
		uint64_t word;

		memcpy(&word, block->class + i, sizeof(word));
		values += ((word >> shift & ones) * ones) >> 56;
	}
	for (; i < block->events; i++)
		values += (block->class[i] & bit) != 0;
	return values;
}

/* Reads a column and spreads its values over the events that have the class bit. */
static enum trace_status decode_carried(const struct decoding *decoding, uint16_t column, unsigned bit,
					uint64_t *out)
{
	const struct flt_block *block = decoding->block;
	const uint8_t *const class = block->class;
	const uint64_t *value = block->values;
	const size_t events = block->events;

	if (!flt_section_find(decoding->section, column)) {
		memset(out, 0, events * sizeof(*out));
		return TRACE_OK;
	}
	enum trace_status status = read_varints(decoding, column, count_class(block, bit));

	if (status != TRACE_OK)
		return status;
	for (size_t i = 0; i < events; i++) {
		const uint64_t has = (class[i] & bit) != 0;

		out[i] = *value & (0 - has);
		value += has;
	}
	return TRACE_OK;
}

/* mask ? yes : no, for masks of all ones or all zeros; compilers make jumps of the conditional operator here, which the
 * mix of kinds makes unpredictable: 14 ns per event instead of 4. */
static uint64_t choose(uint64_t mask, uint64_t yes, uint64_t no)
{
	return no ^ ((yes ^ no) & mask);
}

static uint64_t mask_if(bool condition)
{
	return 0 - (uint64_t)condition;
}

static enum trace_status decode_objects(const struct decoding *decoding)
{
	struct flt_block *block = decoding->block;
	enum trace_status status = read_varints(decoding, FLT_BLOCK_ENDED, count_class(block, CLASS_ENDS));
	const uint64_t *value = block->values;
	const uint8_t *const classes = block->class;
	uint64_t *const object = block->object, *const old_object = block->old_object;
	uint64_t objects = block->objects, previous = block->objects, bad = 0;

	if (status != TRACE_OK)
		return status;
	for (size_t i = 0; i < block->events; i++) {
		const unsigned class = classes[i];
		const uint64_t ends = class & CLASS_ENDS, coded = *value - 1, half = coded >> 1;
		const uint64_t present = mask_if(ends && coded != UINT64_MAX);
		const uint64_t by_age = objects - half, by_distance = previous + flt_unzigzag(half);
		const uint64_t creates = mask_if(class & CLASS_CREATES), makes = mask_if(class & CLASS_MAKES);
		uint64_t ended = choose(0 - (coded & 1), by_distance, by_age) & present;

		bad |= present & mask_if(ended - 1 >= objects);
		previous = choose(present, ended, previous);
		value += ends;
		objects += (class & CLASS_FOREIGN) != 0;
		ended |= objects & mask_if(class & CLASS_FOREIGN);
		objects -= makes;
		object[i] = choose(creates, objects & makes, ended);
		old_object[i] = ended & creates;
	}
	block->objects_after = objects;
	return bad ? damaged(decoding, "ends an object that does not exist yet") : TRACE_OK;
}

static void fill(uint32_t *out, size_t count, uint32_t value)
{
	const uint32_t four[4] = {value, value, value, value};
	size_t i = 0;

	for (; i + 4 <= count; i += 4)
		memcpy(out + i, four, sizeof(four));
	for (; i < count; i++)
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

		if (more >= block->events - event || thread >= decoding->known->threads)
			return damaged(decoding,
				       "has a thread column with too many events or an unknown thread");
		fill(block->thread + event, more + 1, (uint32_t)thread);
		if (decoding->known->processes > 1)
			fill(block->process + event, more + 1, decoding->known->thread[thread].process);
		event += more + 1;
	}
	return event == block->events ? TRACE_OK
				      : damaged(decoding, "has a thread column with too few events");
}

static enum trace_status decode_stacks(const struct decoding *decoding)
{
	struct flt_block *block = decoding->block;
	uint64_t all = 0;

	if (!flt_section_find(decoding->section, FLT_BLOCK_STACK)) {
		memset(block->stack, 0, block->events * sizeof(*block->stack));
		return TRACE_OK;
	}
	enum trace_status status = read_varints(decoding, FLT_BLOCK_STACK, block->events);

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
	enum trace_status status =
	    read_varints(decoding, steps_back ? FLT_BLOCK_TIME_SIGNED : FLT_BLOCK_TIME, block->events);

	if (status != TRACE_OK)
		return status;
	for (size_t i = 0; i < block->events; i++) {
		const uint64_t value = block->values[i];

		now += divisor * (steps_back ? flt_unzigzag(value) : value);
		block->time_ns[i] = now;
	}
	return TRACE_OK;
}

static enum trace_status decode_details(const struct decoding *decoding)
{
	struct flt_block *block = decoding->block;
	enum trace_status status = decode_carried(decoding, FLT_BLOCK_COUNT, CLASS_COUNT, block->count);

	if (status != TRACE_OK)
		return status;
	for (size_t i = 0; i < block->events; i++) {
		if ((event_kind_carries(block->kind[i]) & EVENT_HAS_CHILD) &&
		    block->count[i] >= decoding->known->processes)
			return damaged(decoding, "forks an unknown process");
		if (block->kind[i] == EVENT_SWITCH && block->count[i] >= EVENT_MAX_CPUS)
			return damaged(decoding, "has a cpu number that is too high");
	}
	return decode_carried(decoding, FLT_BLOCK_ALIGNMENT, CLASS_ALIGNMENT, block->alignment);
}

static enum trace_status decode_calls(const struct decoding *decoding)
{
	struct flt_block *block = decoding->block;

	block->has_call = flt_calls_present(decoding->section);
	if (!block->has_call)
		return TRACE_OK;
	enum trace_status status = flt_block_reserve_calls(block, decoding->error);
	const struct flt_calls calls = {block->kind, block->events, block->call, block->values, block->bytes};

	return status == TRACE_OK ? flt_calls_decode(&calls, decoding->reader, decoding->section,
						     decoding->known->files, decoding->error)
				  : status;
}

static enum trace_status decode_kernels(const struct decoding *decoding)
{
	struct flt_block *block = decoding->block;

	block->has_kernel = flt_kernels_present(decoding->section);
	if (!block->has_kernel)
		return TRACE_OK;
	enum trace_status status = flt_block_reserve_kernels(block, decoding->error);
	const struct flt_kernel_known known = {decoding->known->gfps, decoding->known->caches};
	const struct flt_kernels kernels = {block->kind, block->events, block->kernel, block->values,
					    block->bytes};

	return status == TRACE_OK ? flt_kernels_decode(&kernels, decoding->reader, decoding->section, &known,
						       decoding->error)
				  : status;
}

static enum trace_status start_decode(const struct decoding *decoding)
{
	const uint64_t *field = decoding->section->field;
	struct flt_block *block = decoding->block;

	if (field[FLT_BLOCK_COUNT_OF_EVENTS] > FLT_BLOCK_MAX_EVENTS ||
	    field[FLT_BLOCK_COUNT_OF_EVENTS] == 0 || field[FLT_BLOCK_OBJECTS] > EVENT_MAX_OBJECTS ||
	    field[FLT_BLOCK_FIRST] > UINT64_MAX / 2)
		return trace_fail(decoding->error, TRACE_BAD_INPUT,
				  "%s: the block at byte %" PRIu64
				  " has an impossible number of events or objects",
				  decoding->reader->input->name, decoding->section->body_offset);
	enum trace_status status =
	    flt_block_reserve(block, field[FLT_BLOCK_COUNT_OF_EVENTS], decoding->error);

	if (status != TRACE_OK)
		return status;
	block->first = field[FLT_BLOCK_FIRST];
	block->events = field[FLT_BLOCK_COUNT_OF_EVENTS];
	block->objects = field[FLT_BLOCK_OBJECTS];
	return decode_kinds(decoding);
}

enum trace_status flt_block_decode(struct flt_block *block, struct flt_column_reader *reader,
				   const struct flt_section *section, unsigned columns,
				   const struct flt_known *known, struct trace_error *error)
{
	const struct decoding decoding = {block, reader, section, known, error};
	enum trace_status status = start_decode(&decoding);

	if (status == TRACE_OK && (columns & FLT_OBJECT))
		status = decode_objects(&decoding);
	if (status == TRACE_OK && (columns & FLT_SIZE))
		status = decode_carried(&decoding, FLT_BLOCK_SIZE, CLASS_SIZE, block->size);
	if (status == TRACE_OK && (columns & FLT_DETAIL))
		status = decode_details(&decoding);
	if (status == TRACE_OK && (columns & FLT_THREAD))
		status = decode_threads(&decoding);
	if (status == TRACE_OK && (columns & FLT_STACK))
		status = decode_stacks(&decoding);
	if (status == TRACE_OK && (columns & FLT_TIME))
		status = decode_time(&decoding);
	if (status == TRACE_OK && (columns & FLT_CALL))
		status = decode_calls(&decoding);
	if (status == TRACE_OK && (columns & FLT_KERNEL))
		status = decode_kernels(&decoding);
	if (status == TRACE_OK && flt_section_find(section, FLT_BLOCK_FLAGS)) {
		for (size_t i = 0; i < block->events; i++)
			block->flags[i] &= (uint8_t)~FLT_NO_OBJECT;
	}
	return status;
}
