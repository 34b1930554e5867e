#include "config.h"

#include "bench/replay/feed.h"

#include <stdlib.h>
#include <string.h>

static enum trace_status no_memory(struct trace_error *error)
{
	return trace_fail(error, TRACE_NO_MEMORY, "not enough memory to feed the replaying process");
}

enum trace_status feed_create(struct feed *feed, struct plan *plan, struct session *session,
			      struct trace_error *error)
{
	const struct session_request *request = &session->request;

	memset(feed, 0, sizeof(*feed));
	feed->plan = plan;
	feed->session = session;
	feed->extra = UINT64_MAX;
	feed->first_time_ns = UINT64_MAX;
	feed->event = malloc(request->chunk_operations * sizeof(feed->event[0]));
	if (!feed->event)
		return no_memory(error);
	if (request->pass == PASS_PLACEMENT) {
		feed->object = malloc(request->chunk_operations * sizeof(feed->object[0]));
		if (!feed->object)
			return no_memory(error);
	}
	if (request->mode == MODE_PARALLEL) {
		feed->gathered = malloc(request->chunk_operations * sizeof(feed->gathered[0]));
		feed->slot = calloc((size_t)request->slots + 1, sizeof(feed->slot[0]));
		feed->fill = calloc((size_t)request->lanes + 1, sizeof(feed->fill[0]));
		feed->exited = calloc(request->lanes, sizeof(feed->exited[0]));
		if (!feed->gathered || !feed->slot || !feed->fill || !feed->exited)
			return no_memory(error);
	}
	return plan_rewind(plan, error);
}

void feed_destroy(struct feed *feed)
{
	free(feed->event);
	free(feed->object);
	free(feed->gathered);
	free(feed->slot);
	free(feed->fill);
	free(feed->exited);
	memset(feed, 0, sizeof(*feed));
}

/* How many operations may go into the chunk before the next sampling point. */
static uint64_t chunk_limit(const struct feed *feed)
{
	uint64_t limit = feed->session->request.chunk_operations;

	if (feed->every && feed->every - feed->position % feed->every < limit)
		limit = feed->every - feed->position % feed->every;
	if (feed->extra >= feed->position && feed->extra - feed->position < limit)
		limit = feed->extra - feed->position + 1;
	return limit;
}

static void put(struct feed *feed, uint64_t index, const struct planned *planned)
{
	session_operations(feed->session)[index] = planned->operation;
	feed->event[index] = planned->event;
	if (feed->object)
		feed->object[index] = planned->object;
	if (feed->session->request.pace == PACE_RECORDED) {
		if (feed->first_time_ns == UINT64_MAX)
			feed->first_time_ns = planned->time_ns;
		session_times(feed->session)[index] =
		    planned->time_ns > feed->first_time_ns ? planned->time_ns - feed->first_time_ns : 0;
	}
}

/* Whether the operation must wait for the next chunk. */
static bool lane_has_exited(struct feed *feed, const struct planned *planned)
{
	if (!feed->exited)
		return false;
	if (feed->exited[planned->lane])
		return true;
	feed->exited[planned->lane] = operation_kind(&planned->operation) == OPERATION_EXIT;
	return false;
}

static enum trace_status gather(struct feed *feed, struct trace_error *error)
{
	uint64_t limit = chunk_limit(feed);

	feed->count = 0;
	if (feed->exited)
		memset(feed->exited, 0, feed->session->request.lanes * sizeof(feed->exited[0]));
	while (feed->count < limit) {
		if (feed->rest_count == 0) {
			enum trace_status status =
			    plan_next(feed->plan, limit - feed->count, &feed->rest, &feed->rest_count, error);

			if (status == TRACE_END)
				return TRACE_OK;
			if (status != TRACE_OK)
				return status;
		}
		if (lane_has_exited(feed, feed->rest))
			return TRACE_OK;
		feed->last = *feed->rest;
		if (feed->gathered)
			feed->gathered[feed->count] = feed->last;
		else
			put(feed, feed->count, &feed->last);
		feed->count++;
		feed->rest++;
		feed->rest_count--;
	}
	return TRACE_OK;
}

static bool names_slot(const struct planned *planned)
{
	return operation_is_call(&planned->operation) &&
	       operation_kind(&planned->operation) != OPERATION_FREE_NULL;
}

static void mark_hand_overs(struct feed *feed)
{
	for (uint64_t i = 0; i < feed->count; i++) {
		struct planned *planned = &feed->gathered[i];
		struct feed_slot *slot = &feed->slot[planned->operation.slot];

		if (!names_slot(planned))
			continue;
		if (slot->last && feed->gathered[slot->last - 1].lane != planned->lane) {
			feed->gathered[slot->last - 1].operation.word |= OPERATION_POST;
			planned->operation.word |= OPERATION_WAIT;
			planned->operation.order = ++slot->sequence;
		}
		slot->last = (uint32_t)i + 1;
	}
	for (uint64_t i = 0; i < feed->count; i++) {
		if (names_slot(&feed->gathered[i]))
			feed->slot[feed->gathered[i].operation.slot].last = 0;
	}
}

static void sort_by_lane(struct feed *feed)
{
	struct session_span *spans = session_spans(feed->session);
	uint32_t lanes = feed->session->request.lanes, first = 0, used = 0;

	memset(feed->fill, 0, lanes * sizeof(feed->fill[0]));
	for (uint64_t i = 0; i < feed->count; i++)
		feed->fill[feed->gathered[i].lane]++;
	for (uint32_t lane = 0; lane < lanes; lane++) {
		uint32_t count = feed->fill[lane];

		spans[lane] = (struct session_span){.first = first, .count = count};
		feed->fill[lane] = first;
		first += count;
		if (count)
			used = lane + 1;
	}
	feed->session->chunk.spans = used ? used : 1;
	for (uint64_t i = 0; i < feed->count; i++)
		put(feed, feed->fill[feed->gathered[i].lane]++, &feed->gathered[i]);
}

enum trace_status feed_fill(struct feed *feed, struct trace_error *error)
{
	enum trace_status status = gather(feed, error);

	if (status != TRACE_OK)
		return status;
	if (feed->gathered) {
		mark_hand_overs(feed);
		sort_by_lane(feed);
	}
	feed->position += feed->count;
	feed->session->chunk.operations = feed->count;
	return TRACE_OK;
}
