#include "config.h"

#include "traces/flt_access.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* The tables below are open: a slot belongs to the block whose stamp it has. */
#define CONTEXT_SLOTS_LOG2 17u
#define SHAPE_SLOTS_LOG2 10u
#define MULTIPLIER UINT64_C(0x9e3779b97f4a7c15)

struct context_slot {
	uint64_t base, window; /* window: start / ACCESS_WINDOW_BYTES */
	uint32_t process, stamp;
	uint16_t place, index;
};

struct shape_slot {
	uint32_t stamp;
	uint32_t key; /* size << 8 | kind */
	uint8_t index;
};

/* Contexts are looked up in a small table first, by a key that tells them apart: valid (1 bit), place (3), base (28), window
 * (32). What does not fit goes to the open table at once. */
#define RECENT_LOG2 9u
#define RECENT_BASE_BITS 28u
#define RECENT_WINDOW_BITS 32u

struct recent_context {
	uint64_t key; /* 0 = none */
	uint32_t process;
	uint16_t index;
};

struct flt_access_finder {
	struct recent_context recent[1u << RECENT_LOG2];
	uint16_t recent_shape[FLT_ACCESS_SMALL * 2 * ACCESS_KINDS]; /* likewise: number + 1; 0 = none */
	uint32_t stamp;
	struct context_slot context[1u << CONTEXT_SLOTS_LOG2];
	struct shape_slot shape[1u << SHAPE_SLOTS_LOG2];
};

void flt_access_free(struct flt_access_block *block)
{
	free(block->context);
	free(block->offset);
	free(block->shape);
	free(block->run);
	free(block->contexts_table);
	free(block->finder);
	free(block->skip);
	free(block->coder);
	free(block->bytes);
	free(block->fresh.context);
	free(block->fresh.shape);
	free(block->first_use);
	*block = (struct flt_access_block){0};
}

static enum trace_status no_memory(struct trace_error *error)
{
	return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for a block of references");
}

void flt_access_clear(struct flt_access_block *block)
{
	block->batch.first += block->batch.count;
	block->batch.count = block->batch.runs = block->batch.contexts = block->batch.shapes = 0;
	block->serial++;
	block->is_full = false;
	if (!block->finder)
		return;
	block->finder->stamp++;
	memset(block->finder->recent, 0, sizeof(block->finder->recent));
	memset(block->finder->recent_shape, 0, sizeof(block->finder->recent_shape));
}

void flt_access_continue(struct flt_access_block *next, struct flt_access_block *block)
{
	struct flt_access_skip *skip = next->skip;
	const size_t capacity = next->skip_capacity;

	next->batch.first = block->batch.first + block->batch.count;
	next->serial = block->serial + 1;
	next->skip = block->skip;
	next->skips = block->skips;
	next->skip_capacity = block->skip_capacity;
	block->skip = skip;
	block->skip_capacity = capacity;
	block->skips = 0;
}

static bool start(struct flt_access_block *block)
{
	if (block->run && block->capacity)
		return true;
	block->context = calloc(FLT_ACCESS_REFERENCES, sizeof(*block->context));
	block->offset = calloc(FLT_ACCESS_REFERENCES, sizeof(*block->offset));
	block->shape = calloc(FLT_ACCESS_REFERENCES, sizeof(*block->shape));
	block->run = calloc(FLT_ACCESS_REFERENCES, sizeof(*block->run));
	block->contexts_table = calloc(ACCESS_BATCH_CONTEXTS, sizeof(*block->contexts_table));
	block->finder = calloc(1, sizeof(*block->finder));
	if (!block->context || !block->offset || !block->shape || !block->run || !block->contexts_table ||
	    !block->finder)
		return false;
	block->capacity = FLT_ACCESS_REFERENCES;
	block->finder->stamp = 1;
	block->batch.context = block->context;
	block->batch.offset = block->offset;
	block->batch.shape = block->shape;
	block->batch.run = block->run;
	block->batch.contexts_table = block->contexts_table;
	block->batch.shapes_table = block->shapes_table;
	return true;
}

enum trace_status flt_access_skipped(struct flt_access_block *block, uint32_t thread, uint64_t count,
				     struct trace_error *error)
{
	for (size_t i = 0; i < block->skips; i++) {
		if (block->skip[i].thread == thread) {
			block->skip[i].count += count;
			return TRACE_OK;
		}
	}
	if (block->skips == block->skip_capacity) {
		const size_t wanted = block->skip_capacity ? 2 * block->skip_capacity : 8;
		struct flt_access_skip *larger = realloc(block->skip, wanted * sizeof(*larger));

		if (!larger)
			return no_memory(error);
		block->skip = larger;
		block->skip_capacity = wanted;
	}
	block->skip[block->skips++] = (struct flt_access_skip){thread, count};
	return TRACE_OK;
}

/* Takes what is noted for `thread`. */
static uint64_t take_skip(struct flt_access_block *block, uint32_t thread)
{
	for (size_t i = 0; i < block->skips; i++) {
		if (block->skip[i].thread == thread) {
			const uint64_t count = block->skip[i].count;

			block->skip[i] = block->skip[--block->skips];
			return count;
		}
	}
	return 0;
}

/* What is wrong with a reference, or NULL. */
static const char *fault_of(const struct access *access, const struct flt_access_origin *origin)
{
	if (access->size == 0)
		return "has no bytes";
	if (access->kind >= 2 * ACCESS_KINDS)
		return "has an unknown kind";
	switch (access->place) {
	case ACCESS_OBJECT:
		return access->base - 1 < origin->objects ? NULL : "names an object that does not exist yet";
	case ACCESS_STACK:
		return access->base < origin->threads ? NULL : "names the stack of an unknown thread";
	case ACCESS_REGION:
		return access->base - 1 < origin->regions ? NULL : "names an unknown region";
	case ACCESS_ALLOCATOR:
	case ACCESS_WILD:
	case ACCESS_ABSOLUTE:
		return access->base ? "has a base, which its place does not have" : NULL;
	default:
		return "has an unknown place";
	}
}

/* The context of a reference; -1 when the block has no room for another. */
static int find_context(struct flt_access_block *block, const struct access *access, uint32_t process)
{
	struct flt_access_finder *finder = block->finder;
	const uint64_t window = access->offset / ACCESS_WINDOW_BYTES;
	const uint64_t key = (access->base * 8 + access->place) ^ window << 20 ^ (uint64_t)process << 44;

	for (uint64_t at = key * MULTIPLIER >> (64 - CONTEXT_SLOTS_LOG2);; at++) {
		struct context_slot *slot = &finder->context[at & ((1u << CONTEXT_SLOTS_LOG2) - 1)];

		if (slot->stamp == finder->stamp && slot->base == access->base && slot->window == window &&
		    slot->place == access->place && slot->process == process)
			return slot->index;
		if (slot->stamp == finder->stamp)
			continue;
		if (block->batch.contexts == ACCESS_BATCH_CONTEXTS)
			return -1;
		const size_t index = block->batch.contexts++;

		*slot = (struct context_slot){access->base,  window,	    process,
					      finder->stamp, access->place, (uint16_t)index};
		block->contexts_table[index] = (struct access_context){
		    access->base, window * ACCESS_WINDOW_BYTES, process, access->place};
		return (int)index;
	}
}

/* The shape of a reference; -1 when the block has no room for another. */
static int find_shape(struct flt_access_block *block, const struct access *access)
{
	struct flt_access_finder *finder = block->finder;
	const uint32_t key = (uint32_t)access->size << 8 | access->kind;

	for (uint64_t at = key * MULTIPLIER >> (64 - SHAPE_SLOTS_LOG2);; at++) {
		struct shape_slot *slot = &finder->shape[at & ((1u << SHAPE_SLOTS_LOG2) - 1)];

		if (slot->stamp == finder->stamp && slot->key == key)
			return slot->index;
		if (slot->stamp == finder->stamp)
			continue;
		if (block->batch.shapes == ACCESS_BATCH_SHAPES)
			return -1;
		const size_t index = block->batch.shapes++;

		*slot = (struct shape_slot){finder->stamp, key, (uint8_t)index};
		block->shapes_table[index] = (struct access_shape){access->size, access->kind};
		return (int)index;
	}
}

/* The recent table's key of a reference; 0: it has none. */
static inline uint64_t recent_key(const struct access *access)
{
	const uint64_t window = access->offset / ACCESS_WINDOW_BYTES;
	const uint64_t middle = window + (UINT64_C(1) << (RECENT_WINDOW_BITS - 1));
	const uint64_t windows = UINT64_MAX / ACCESS_WINDOW_BYTES;

	if (access->base >> RECENT_BASE_BITS || (middle & windows) >> RECENT_WINDOW_BITS ||
	    access->place >= ACCESS_PLACES)
		return 0;
	return UINT64_C(1) << 63 | (uint64_t)access->place << (RECENT_BASE_BITS + RECENT_WINDOW_BITS) |
	       access->base << RECENT_WINDOW_BITS | (uint32_t)window;
}

/* One reference on its way into the block. */
struct appended {
	int context, shape; /* -1: the block has no room for another */
	const char *fault;
};

/* What was met in this block before was found sound then, and still is: nothing that references name goes away. */
static inline struct appended append_one(struct flt_access_block *block,
					 const struct flt_access_origin *origin, const struct access *access)
{
	struct flt_access_finder *finder = block->finder;
	const uint64_t key = recent_key(access);
	struct recent_context *recent = &finder->recent[key * MULTIPLIER >> (64 - RECENT_LOG2)];
	const bool small = access->size < FLT_ACCESS_SMALL && access->kind < 2 * ACCESS_KINDS;
	uint16_t *shape = &finder->recent_shape[small ? flt_access_shape_at(access->size, access->kind) : 0];

	if (__builtin_expect(key && recent->key == key && recent->process == origin->process && *shape, 1))
		return (struct appended){recent->index, *shape - 1, NULL};
	struct appended result = {-1, -1, fault_of(access, origin)};

	if (result.fault)
		return result;
	/* The shape first: a context that nothing uses would not be in the order of first use. */
	result.shape = find_shape(block, access);
	if (small && result.shape >= 0)
		*shape = (uint16_t)(result.shape + 1);
	result.context = result.shape < 0 ? -1 : find_context(block, access, origin->process);
	if (key && result.context >= 0)
		*recent = (struct recent_context){key, origin->process, (uint16_t)result.context};
	return result;
}

/* The run that the next reference belongs to. */
static struct access_run *run_of(struct flt_access_block *block, const struct flt_access_origin *origin)
{
	struct access_run *last = block->batch.runs ? &block->run[block->batch.runs - 1] : NULL;
	const uint64_t skipped = block->skips ? take_skip(block, origin->thread) : 0;

	if (last && last->position == origin->position && last->thread == origin->thread && !skipped)
		return last;
	struct access_run *run = &block->run[block->batch.runs++];

	*run = (struct access_run){.position = origin->position,
				   .skipped = skipped,
				   .thread = origin->thread,
				   .first = (uint32_t)block->batch.count};
	return run;
}

static enum trace_status complain(const struct flt_access_origin *origin, const char *fault,
				  struct trace_error *error)
{
	return trace_fail(error, TRACE_BAD_INPUT,
			  "a reference of thread %" PRIu32 " after event %" PRIu64 " %s", origin->thread,
			  origin->position, fault);
}

enum trace_status flt_access_open(struct flt_access_block *block, const struct flt_access_origin *origin,
				  struct flt_access_room *room, struct trace_error *error)
{
	*room = (struct flt_access_room){.block = block};
	if (!start(block))
		return no_memory(error);
	(void)run_of(block, origin);
	*room = (struct flt_access_room){.block = block,
					 .origin = *origin,
					 .context = block->context + block->batch.count,
					 .offset = block->offset + block->batch.count,
					 .shape = block->shape + block->batch.count,
					 .shapes = block->finder->recent_shape,
					 .references = block->capacity - block->batch.count,
					 .serial = block->serial + 1};
	return TRACE_OK;
}

enum trace_status flt_access_number(const struct flt_access_room *room, const struct access *access,
				    struct flt_access_numbers *numbers, struct trace_error *error)
{
	const struct appended found = append_one(room->block, &room->origin, access);

	*numbers = (struct flt_access_numbers){(uint16_t)found.context, (uint8_t)found.shape};
	if (found.fault)
		return complain(&room->origin, found.fault, error);
	if (found.context < 0) {
		room->block->is_full = true;
		return TRACE_END;
	}
	return TRACE_OK;
}

enum trace_status flt_access_close(const struct flt_access_room *room, size_t count,
				   struct trace_error *error)
{
	struct flt_access_block *block = room->block;
	struct access_run *run = &block->run[block->batch.runs - 1];

	block->batch.count += count;
	run->count = (uint32_t)block->batch.count - run->first;
	run->contexts = (uint32_t)block->batch.contexts;
	if (run->count != 0)
		return TRACE_OK;
	block->batch.runs--;
	return run->skipped ? flt_access_skipped(block, room->origin.thread, run->skipped, error) : TRACE_OK;
}

enum trace_status flt_access_append(struct flt_access_block *block, const struct flt_access_origin *origin,
				    const struct access *access, size_t count, size_t *taken,
				    struct trace_error *error)
{
	struct flt_access_room room;
	enum trace_status status, closed;

	*taken = 0;
	if (count == 0 || flt_access_is_full(block))
		return TRACE_OK;
	status = flt_access_open(block, origin, &room, error);
	if (status != TRACE_OK)
		return status;
	while (*taken < count && *taken < room.references) {
		struct flt_access_numbers numbers;

		status = flt_access_number(&room, &access[*taken], &numbers, error);
		if (status != TRACE_OK)
			break;
		room.context[*taken] = numbers.context;
		room.offset[*taken] = (uint16_t)access[*taken].offset;
		room.shape[*taken] = numbers.shape;
		++*taken;
	}
	closed = flt_access_close(&room, *taken, error);
	return status == TRACE_OK || status == TRACE_END ? closed : status;
}

/* How often each of 256 numbers occurs. Four counters take turns, so that equal neighbours do not wait for each other. */
static void count_bytes(const uint8_t *bytes, size_t count, uint64_t *times)
{
	uint32_t counter[4][256] = {{0}};
	size_t i = 0;

	for (; i + 4 <= count; i += 4) {
		counter[0][bytes[i]]++;
		counter[1][bytes[i + 1]]++;
		counter[2][bytes[i + 2]]++;
		counter[3][bytes[i + 3]]++;
	}
	for (; i < count; i++)
		counter[0][bytes[i]]++;
	for (unsigned value = 0; value < 256; value++)
		times[value] =
		    (uint64_t)counter[0][value] + counter[1][value] + counter[2][value] + counter[3][value];
}

static void count_places(const struct access_batch *batch, struct flt_access_tally *tally)
{
	uint64_t counter[4][ACCESS_PLACES] = {{0}};
	uint8_t place_of[ACCESS_BATCH_CONTEXTS];

	for (size_t i = 0; i < batch->contexts; i++)
		place_of[i] = (uint8_t)batch->contexts_table[i].place;
	for (size_t i = 0; i < batch->count; i++)
		counter[i % 4][place_of[batch->context[i]]]++;
	for (unsigned place = 0; place < ACCESS_PLACES; place++)
		tally->places[place] +=
		    counter[0][place] + counter[1][place] + counter[2][place] + counter[3][place];
}

void flt_access_count(const struct access_batch *batch, struct flt_access_tally *tally)
{
	uint64_t shapes[256];

	count_bytes(batch->shape, batch->count, shapes);
	count_places(batch, tally);
	for (size_t i = 0; i < batch->shapes; i++)
		tally->kinds[batch->shapes_table[i].kind] += shapes[i];
	for (size_t i = 0; i < batch->runs; i++)
		tally->skipped += batch->run[i].skipped;
	tally->accesses += batch->count;
}
