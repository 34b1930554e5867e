#include "config.h"

#include "bench/replay/planner.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

bool planner_create(struct planner *planner, enum replay_mode mode, const uint32_t *ancestors, uint32_t last,
		    uint32_t threads)
{
	memset(planner, 0, sizeof(*planner));
	planner->mode = mode;
	planner->ancestors = ancestors;
	planner->last = last;
	planner->threads = threads;
	planner->totals.process = ancestors[last];
	planner->lane_of = malloc(((size_t)threads + 1) * sizeof(planner->lane_of[0]));
	planner->free_lanes = malloc(PLAN_MAX_LANES * sizeof(planner->free_lanes[0]));
	if (!planner->lane_of || !planner->free_lanes ||
	    !slot_pool_create(&planner->slots, mode == MODE_PARALLEL ? PLAN_MAX_LANES : 1)) {
		planner_destroy(planner);
		return false;
	}
	memset(planner->lane_of, 0xff, ((size_t)threads + 1) * sizeof(planner->lane_of[0]));
	return true;
}

void planner_destroy(struct planner *planner)
{
	block_table_clear(&planner->live);
	slot_pool_destroy(&planner->slots);
	free(planner->lane_of);
	free(planner->free_lanes);
	free(planner->output);
	memset(planner, 0, sizeof(*planner));
}

static enum trace_status no_memory(struct trace_error *error)
{
	return trace_fail(error, TRACE_NO_MEMORY, "not enough memory to plan the replay");
}

/* --- Output ---------------------------------------------------------------------------------------------------------- */

static enum trace_status append(struct planner *planner, const struct planned *planned,
				struct trace_error *error)
{
	if (planner->output_count == planner->output_capacity) {
		size_t capacity = planner->output_capacity ? planner->output_capacity * 2 : 1024;
		struct planned *output = realloc(planner->output, capacity * sizeof(output[0]));

		if (!output)
			return no_memory(error);
		planner->output = output;
		planner->output_capacity = capacity;
	}
	planner->output[planner->output_count++] = *planned;
	planner->totals.operations++;
	return TRACE_OK;
}

/* Where in the trace, on which lane and for which object operations are being made. */
struct moment {
	uint64_t position;
	uint64_t object; /* that the operation makes; 0 = none */
	uint64_t time_ns;
	uint32_t lane;
};

static enum trace_status append_thread_operation(struct planner *planner, const struct moment *moment,
						 enum operation_kind kind, uint32_t to,
						 struct trace_error *error)
{
	struct planned planned = {
	    .operation = {.slot = to, .word = operation_word(kind, 0, 0)},
	    .event = moment->position,
	    .time_ns = moment->time_ns,
	    .live_bytes = planner->live_bytes,
	    .live_objects = (uint32_t)planner->live.count,
	    .lane = moment->lane,
	};

	return append(planner, &planned, error);
}

static enum trace_status append_call(struct planner *planner, const struct moment *moment,
				     struct operation operation, struct trace_error *error)
{
	struct plan_totals *totals = &planner->totals;
	struct planned planned = {
	    .operation = operation,
	    .event = moment->position,
	    .object = moment->object,
	    .time_ns = moment->time_ns,
	    .live_bytes = planner->live_bytes,
	    .live_objects = (uint32_t)planner->live.count,
	    .lane = moment->lane,
	};

	if (planner->live_bytes > totals->live_peak_bytes) {
		totals->live_peak_bytes = planner->live_bytes;
		totals->live_peak_operation = totals->operations;
	}
	if (planner->live.count > totals->live_peak_objects)
		totals->live_peak_objects = planner->live.count;
	totals->calls++;
	totals->calls_of[operation_latency_kind(operation_kind(&operation))]++;
	return append(planner, &planned, error);
}

/* --- Lanes ------------------------------------------------------------------------------------------------------------ */

static enum trace_status lane_assign(struct planner *planner, uint32_t thread, struct trace_error *error)
{
	struct plan_totals *totals = &planner->totals;

	totals->threads++;
	if (planner->mode == MODE_SINGLE && totals->lanes == 1) {
		planner->lane_of[thread] = 0;
	} else if (planner->free_count) {
		planner->lane_of[thread] = planner->free_lanes[planner->free_first];
		planner->free_first = (planner->free_first + 1) % PLAN_MAX_LANES;
		planner->free_count--;
	} else if (totals->lanes < PLAN_MAX_LANES) {
		planner->lane_of[thread] = (uint32_t)totals->lanes++;
	} else {
		return trace_fail(error, TRACE_UNSUPPORTED, "more than %u threads at once; use --mode single",
				  PLAN_MAX_LANES);
	}
	return TRACE_OK;
}

static void lane_free(struct planner *planner, uint32_t lane)
{
	planner->free_lanes[(planner->free_first + planner->free_count) % PLAN_MAX_LANES] = lane;
	planner->free_count++;
}

/* Mode baton: gives the baton to moment->lane. */
static enum trace_status baton_to(struct planner *planner, const struct moment *moment,
				  struct trace_error *error)
{
	struct moment before = {
	    .position = moment->position, .time_ns = moment->time_ns, .lane = planner->current};
	enum operation_kind kind = planner->leaving ? OPERATION_EXIT : OPERATION_SWITCH;

	if (moment->lane == planner->current)
		return TRACE_OK;
	if (planner->leaving)
		lane_free(planner, planner->current);
	planner->leaving = false;
	planner->current = moment->lane;
	return append_thread_operation(planner, &before, kind, moment->lane, error);
}

/* The lane of the event's thread, made ready to call. */
static enum trace_status enter(struct planner *planner, const struct event *event, struct moment *moment,
			       struct trace_error *error)
{
	if (event->thread >= planner->threads)
		return trace_fail(error, TRACE_BAD_INPUT,
				  "event %" PRIu64 ": thread %u, but the trace has %u threads",
				  moment->position, event->thread, planner->threads);
	if (planner->lane_of[event->thread] == LANE_NONE) {
		enum trace_status status = lane_assign(planner, event->thread, error);

		if (status != TRACE_OK)
			return status;
	}
	moment->lane = planner->lane_of[event->thread];
	return planner->mode == MODE_BATON ? baton_to(planner, moment, error) : TRACE_OK;
}

static enum trace_status thread_exit(struct planner *planner, const struct event *event,
				     struct moment *moment, struct trace_error *error)
{
	if (event->thread >= planner->threads || planner->lane_of[event->thread] == LANE_NONE)
		return TRACE_OK;
	uint32_t lane = planner->lane_of[event->thread];
	enum trace_status status = TRACE_OK;

	moment->lane = lane;
	planner->lane_of[event->thread] = LANE_NONE;
	if (planner->mode == MODE_SINGLE || lane == 0) {
		if (lane == 0)
			planner->lane_of[event->thread] = 0;
		return TRACE_OK;
	}
	if (planner->mode == MODE_BATON) {
		status = baton_to(planner, moment, error);
		planner->leaving = true;
		return status;
	}
	lane_free(planner, lane);
	return append_thread_operation(planner, moment, OPERATION_EXIT, 0, error);
}

/* --- Calls ------------------------------------------------------------------------------------------------------------ */

static unsigned guaranteed_alignment_log2(uint64_t bytes)
{
	return bytes >= 16 ? 4 : bytes >= 8 ? 3 : 0;
}

unsigned plan_size_bin(uint64_t bytes)
{
	if (bytes < 8)
		return (unsigned)bytes;
	unsigned top = 63u - (unsigned)__builtin_clzll(bytes);

	return 8 + (top - 3) * 4 + (unsigned)(bytes >> (top - 2) & 3u);
}

static void count_size(struct planner *planner, uint64_t bytes)
{
	unsigned bin = plan_size_bin(bytes < OPERATION_MAX_BYTES ? bytes : OPERATION_MAX_BYTES);

	planner->totals.size_count[bin]++;
	planner->totals.size_bytes[bin] += bytes;
	if (bytes > planner->totals.largest_bytes)
		planner->totals.largest_bytes = bytes;
}

static void count_death(struct planner *planner, const struct live_block *block)
{
	uint64_t lifetime = planner->totals.calls - block->born;

	planner->totals.lifetime_count[lifetime ? 63u - (unsigned)__builtin_clzll(lifetime) : 0]++;
}

static bool emitting(const struct planner *planner)
{
	return planner->following == planner->last;
}

static enum trace_status born(struct planner *planner, const struct moment *moment, struct live_block *block,
			      struct trace_error *error)
{
	if (block->object == 0)
		return trace_fail(error, TRACE_BAD_INPUT,
				  "event %" PRIu64 ": an allocation without an object id", moment->position);
	if (block_table_find(&planner->live, block->object))
		return trace_fail(error, TRACE_BAD_INPUT,
				  "event %" PRIu64 ": object %" PRIu64 " is allocated twice",
				  moment->position, block->object);
	block->born = planner->totals.calls;
	if (!block_table_insert(&planner->live, block))
		return no_memory(error);
	planner->live_bytes += block->size;
	return TRACE_OK;
}

static enum trace_status allocate(struct planner *planner, const struct moment *moment,
				  struct live_block block, enum operation_kind kind,
				  struct trace_error *error)
{
	if (emitting(planner)) {
		block.slot = slot_pool_take(&planner->slots, moment->lane);
		if (block.slot == SLOT_NONE)
			return no_memory(error);
		planner->totals.slots = planner->slots.slots;
		count_size(planner, block.size);
	}
	struct moment made = *moment;
	enum trace_status status = born(planner, moment, &block, error);

	if (status != TRACE_OK || !emitting(planner))
		return status;
	made.object = block.object;
	return append_call(planner, &made,
			   (struct operation){.slot = block.slot,
					      .word = operation_word(kind, block.alignment_log2, block.size)},
			   error);
}

static enum trace_status allocation_event(struct planner *planner, const struct moment *moment,
					  const struct event *event, struct trace_error *error)
{
	struct live_block block = {.object = event->object,
				   .size = event->size,
				   .alignment_log2 = (uint8_t)guaranteed_alignment_log2(event->size)};
	enum operation_kind kind = OPERATION_MALLOC;

	if (event->kind == EVENT_CALLOC) {
		kind = OPERATION_CALLOC;
		block.zeroed = 1;
	} else if (event->kind == EVENT_MEMALIGN) {
		kind = OPERATION_MEMALIGN;
		if (event->alignment == 0 || (event->alignment & (event->alignment - 1)) ||
		    event->alignment >> 47)
			return trace_fail(error, TRACE_BAD_INPUT,
					  "event %" PRIu64 ": alignment %" PRIu64
					  " is not a power of two below 2^47",
					  moment->position, event->alignment);
		unsigned wanted = (unsigned)__builtin_ctzll(event->alignment);

		block.alignment_log2 = (uint8_t)(wanted < 3 ? 3 : wanted);
	} else if (event->kind == EVENT_REALLOC) {
		kind = event->old_object == 0 ? OPERATION_REALLOC_NULL : OPERATION_MALLOC;
		if (block.size == 0 && kind == OPERATION_REALLOC_NULL)
			block.size = 1;
	}
	return allocate(planner, moment, block, kind, error);
}

static enum trace_status release_block(struct planner *planner, const struct moment *moment,
				       struct live_block block, enum operation_kind kind,
				       struct trace_error *error)
{
	planner->live_bytes -= block.size;
	block_table_remove(&planner->live, block.object);
	if (!emitting(planner))
		return TRACE_OK;
	count_death(planner, &block);
	slot_pool_give(&planner->slots, moment->lane, block.slot);
	return append_call(
	    planner, moment,
	    (struct operation){.slot = block.slot, .word = operation_word(kind, 0, block.size)}, error);
}

static enum trace_status free_event(struct planner *planner, const struct moment *moment,
				    const struct event *event, struct trace_error *error)
{
	enum operation_kind kind = OPERATION_FREE;

	if (event->object == 0)
		return emitting(planner)
			   ? append_call(
				 planner, moment,
				 (struct operation){.word = operation_word(OPERATION_FREE_NULL, 0, 0)}, error)
			   : TRACE_OK;
	const struct live_block *block = block_table_find(&planner->live, event->object);

	if (!block) {
		planner->totals.foreign_frees += emitting(planner);
		return TRACE_OK;
	}
	if (event->kind == EVENT_FREE_SIZED) {
		if (event->size == block->size && event->alignment == 0)
			kind = OPERATION_FREE_SIZED;
		else
			planner->totals.unsized_frees += emitting(planner);
	}
	return release_block(planner, moment, *block, kind, error);
}

static enum trace_status realloc_event(struct planner *planner, const struct moment *moment,
				       const struct event *event, struct trace_error *error)
{
	const struct live_block *old = block_table_find(&planner->live, event->old_object);

	if (event->old_object == 0 && event->object != 0)
		return allocation_event(planner, moment, event, error);
	if (!old) {
		planner->totals.foreign_reallocs += emitting(planner);
		return event->object ? allocation_event(planner, moment, event, error) : TRACE_OK;
	}
	if (event->object == 0)
		return release_block(planner, moment, *old, OPERATION_REALLOC_FREE, error);
	struct live_block block = {
	    .object = event->object, .size = event->size ? event->size : 1, .slot = old->slot};

	block.alignment_log2 = (uint8_t)guaranteed_alignment_log2(block.size);
	planner->live_bytes -= old->size;
	if (emitting(planner)) {
		count_death(planner, old);
		count_size(planner, block.size);
	}
	block_table_remove(&planner->live, event->old_object);
	struct moment made = *moment;
	enum trace_status status = born(planner, moment, &block, error);

	if (status != TRACE_OK || !emitting(planner))
		return status;
	made.object = block.object;
	return append_call(
	    planner, &made,
	    (struct operation){.slot = block.slot,
			       .word = operation_word(OPERATION_REALLOC, block.alignment_log2, block.size)},
	    error);
}

/* --- Processes -------------------------------------------------------------------------------------------------------- */

static enum trace_status exec_event(struct planner *planner, const struct moment *moment,
				    struct trace_error *error)
{
	size_t count = planner->live.count;
	struct live_block *blocks = block_table_sorted(&planner->live);
	enum trace_status status = TRACE_OK;

	if (count && !blocks)
		return no_memory(error);
	for (size_t i = 0; i < count && status == TRACE_OK; i++) {
		planner->totals.exec_frees += emitting(planner);
		status = release_block(planner, moment, blocks[i], OPERATION_FREE, error);
	}
	free(blocks);
	return status;
}

/* The process that is followed forked its next descendant: what is live now is the child's. */
static enum trace_status fork_event(struct planner *planner, struct moment *moment, struct trace_error *error)
{
	enum trace_status status = TRACE_OK;

	planner->following++;
	if (!emitting(planner))
		return TRACE_OK;
	size_t count = planner->live.count;
	struct live_block *blocks = block_table_sorted(&planner->live);

	if (count && !blocks)
		return no_memory(error);
	block_table_clear(&planner->live);
	planner->live_bytes = 0;
	planner->totals.lanes = 1; /* lane 0 calls; the first thread of the child will be it */
	moment->lane = 0;
	lane_free(planner, 0);
	for (size_t i = 0; i < count && status == TRACE_OK; i++) {
		enum operation_kind kind = blocks[i].zeroed		  ? OPERATION_CALLOC
					   : blocks[i].alignment_log2 > 4 ? OPERATION_MEMALIGN
									  : OPERATION_MALLOC;

		planner->totals.inherited++;
		status = allocate(planner, moment, blocks[i], kind, error);
	}
	free(blocks);
	return status;
}

static enum trace_status heap_event(struct planner *planner, struct moment *moment, const struct event *event,
				    struct trace_error *error)
{
	if (event->flags & EVENT_FAILED) {
		planner->totals.failed_calls += emitting(planner);
		return TRACE_OK;
	}
	if (emitting(planner)) {
		enum trace_status status = enter(planner, event, moment, error);

		if (status != TRACE_OK)
			return status;
	}
	switch (event->kind) {
	case EVENT_FREE:
	case EVENT_FREE_SIZED:
		return free_event(planner, moment, event, error);
	case EVENT_REALLOC:
		return realloc_event(planner, moment, event, error);
	default:
		return allocation_event(planner, moment, event, error);
	}
}

enum trace_status planner_event(struct planner *planner, uint64_t position, const struct event *event,
				struct trace_error *error)
{
	struct moment moment = {.position = position, .time_ns = event->time_ns};

	if (event->process != planner->ancestors[planner->following] || planner->gone) {
		planner->totals.events_of_others++;
		return TRACE_OK;
	}
	switch (event->kind) {
	case EVENT_MALLOC:
	case EVENT_CALLOC:
	case EVENT_REALLOC:
	case EVENT_MEMALIGN:
	case EVENT_FREE:
	case EVENT_FREE_SIZED:
		return heap_event(planner, &moment, event, error);
	case EVENT_THREAD_EXIT:
		return emitting(planner) ? thread_exit(planner, event, &moment, error) : TRACE_OK;
	case EVENT_FORK:
	case EVENT_VFORK:
	case EVENT_CLONE:
		if (!emitting(planner) && event_copies_memory(event) &&
		    event->count == planner->ancestors[planner->following + 1])
			return fork_event(planner, &moment, error);
		return TRACE_OK;
	case EVENT_EXEC:
		if (event->flags & EVENT_FAILED)
			return TRACE_OK;
		if (event->thread < planner->threads && planner->lane_of[event->thread] != LANE_NONE)
			moment.lane = planner->lane_of[event->thread];
		return exec_event(planner, &moment, error);
	case EVENT_EXIT:
		planner->gone = emitting(planner);
		return TRACE_OK;
	default:
		return TRACE_OK;
	}
}

enum trace_status planner_finish(struct planner *planner, uint64_t position, struct trace_error *error)
{
	struct moment moment = {.position = position, .lane = 0};

	planner->totals.live_end_bytes = planner->live_bytes;
	if (planner->totals.lanes == 0)
		planner->totals.lanes = 1;
	return planner->mode == MODE_BATON && planner->leaving ? baton_to(planner, &moment, error) : TRACE_OK;
}
