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

struct flt_access_finder {
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
	if (block->finder)
		block->finder->stamp++;
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

enum trace_status flt_access_append(struct flt_access_block *block, const struct flt_access_origin *origin,
				    const struct access *access, size_t count, size_t *taken,
				    struct trace_error *error)
{
	*taken = 0;
	if (!start(block))
		return no_memory(error);
	if (count == 0 || block->batch.count == block->capacity)
		return TRACE_OK;
	struct access_run *run = run_of(block, origin);
	size_t at = block->batch.count;
	const char *fault = NULL;

	while (*taken < count && at < block->capacity) {
		const struct access *next = &access[*taken];

		fault = fault_of(next, origin);
		if (fault)
			break;
		/* A context that nothing uses would not be in the order of first use. */
		const int shape = find_shape(block, next);
		const int context = shape < 0 ? -1 : find_context(block, next, origin->process);

		if (context < 0)
			break;
		block->context[at] = (uint16_t)context;
		block->offset[at] = (uint16_t)next->offset;
		block->shape[at++] = (uint8_t)shape;
		++*taken;
	}
	block->batch.count = at;
	run->count = (uint32_t)at - run->first;
	run->contexts = (uint32_t)block->batch.contexts;
	if (run->count == 0) {
		block->batch.runs--;
		if (run->skipped &&
		    flt_access_skipped(block, origin->thread, run->skipped, error) != TRACE_OK)
			return TRACE_NO_MEMORY;
	}
	if (fault)
		return trace_fail(error, TRACE_BAD_INPUT,
				  "a reference of thread %" PRIu32 " after event %" PRIu64 " %s",
				  origin->thread, origin->position, fault);
	return TRACE_OK;
}

void flt_access_count(const struct access_batch *batch, struct flt_access_tally *tally)
{
	uint64_t shapes[ACCESS_BATCH_SHAPES] = {0};

	for (size_t i = 0; i < batch->count; i++)
		shapes[batch->shape[i]]++;
	for (size_t i = 0; i < batch->count; i++)
		tally->places[batch->contexts_table[batch->context[i]].place]++;
	for (size_t i = 0; i < batch->shapes; i++)
		tally->kinds[batch->shapes_table[i].kind] += shapes[i];
	for (size_t i = 0; i < batch->runs; i++)
		tally->skipped += batch->run[i].skipped;
	tally->accesses += batch->count;
}
