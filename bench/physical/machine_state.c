#include "config.h"

#include "bench/physical/machine_state.h"

#include "bench/physical/frame_sets.h"
#include "bench/physical/iomem_text.h"
#include "bench/physical/processors.h"
#include "bench/physical/recorded_text.h"
#include "traces/flt_tables.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* --- Snapshots ---------------------------------------------------------------------------------------------------------- */

static enum trace_status refuse_without(struct flt_reader *reader, const char *name,
					struct trace_error *error)
{
	if (flt_reader_summary(reader)->truncated)
		return trace_fail(
		    error, TRACE_UNSUPPORTED,
		    "the recording was cut off before its end, and the snapshot '%s' of the machine "
		    "is lost with it",
		    name);
	return trace_fail(
	    error, TRACE_UNSUPPORTED,
	    "it has no snapshot '%s' of the machine before it; `faultline record --kernel` as a "
	    "privileged user, without --no-frames, takes all that are needed",
	    name);
}

static enum trace_status need_text(struct flt_reader *reader, const char *name, struct event_snapshot *found,
				   uint32_t *number, struct trace_error *error)
{
	enum trace_status status = recorded_text_find(reader, name, RECORDED_BEFORE, found, number, error);

	return status == TRACE_OK && *number == 0 ? refuse_without(reader, name, error) : status;
}

static enum trace_status take_part(void *context, const struct event_snapshot *part,
				   struct trace_error *error)
{
	struct machine_state *state = context;

	return machine_frames_snapshot(&state->frames, part, error);
}

/* What was seen before the events. */
static enum trace_status read_frames(struct machine_state *state, struct flt_reader *reader,
				     struct trace_error *error)
{
	const struct frame_visitor visitor = {take_part, state};
	struct frame_sets sets;
	enum trace_status status = frame_sets_find(&sets, reader, error);

	if (status == TRACE_OK && sets.count == 0)
		status = refuse_without(reader, FRAME_KINDS_SNAPSHOT, error);
	return status == TRACE_OK ? frame_set_visit(&sets.set[0], reader, &visitor, error) : status;
}

/* The numbers of the snapshots between which the events lie. */
struct ends {
	uint32_t zones;	     /* zoneinfo */
	uint32_t start, end; /* of buddyinfo; 0: there is none */
};

static enum trace_status read_texts(struct machine_state *state, struct flt_reader *reader, struct ends *ends,
				    struct trace_error *error)
{
	struct event_snapshot snapshot;
	uint32_t number = 0;
	enum trace_status status = need_text(reader, "zoneinfo", &snapshot, &ends->zones, error);

	if (status == TRACE_OK)
		status = zoneinfo_parse(&state->zoneinfo, &snapshot, error);
	if (status == TRACE_OK)
		status = need_text(reader, "iomem", &snapshot, &number, error);
	if (status == TRACE_OK)
		status = iomem_parse(&state->description.present, &snapshot, error);
	if (status == TRACE_OK)
		status = need_text(reader, "buddyinfo", &snapshot, &ends->start, error);
	if (status == TRACE_OK)
		status = buddyinfo_parse(&state->before, &snapshot, error);
	if (status == TRACE_OK)
		status =
		    recorded_text_find(reader, "buddyinfo", RECORDED_AFTER, &snapshot, &ends->end, error);
	state->has_after = ends->end != 0 && recorded_text_is_of_the_end(flt_reader_summary(reader));
	if (status == TRACE_OK && state->has_after)
		status = buddyinfo_parse(&state->after, &snapshot, error);
	if (status == TRACE_OK)
		status =
		    recorded_text_find(reader, "pagetypeinfo", RECORDED_BEFORE, &snapshot, &number, error);
	state->has_types = number != 0;
	if (status == TRACE_OK && state->has_types)
		status = pagetypeinfo_parse(&state->types, &snapshot, error);
	return status;
}

/* --- Events ------------------------------------------------------------------------------------------------------------- */

static enum trace_status take_event(struct machine_state *state, const struct event *event, unsigned cpu,
				    struct trace_error *error)
{
	if (state->start == UINT64_MAX)
		return machine_frames_before(&state->frames, event, cpu, error);
	machine_blocks_event(&state->blocks, event);
	return machine_frames_after(&state->frames, event, cpu, error);
}

static void take_sets(struct machine_state *state, const struct event *event, unsigned cpu,
		      const struct flt_summary *summary)
{
	const char *thread = event->thread < summary->threads ? summary->thread[event->thread].name : NULL;

	if (state->start == UINT64_MAX)
		machine_sets_before(&state->sets, event, cpu, thread);
	else
		machine_sets_after(&state->sets, event, cpu, thread);
}

/* Snapshots are where the state begins and ends. */
static void take_snapshot(struct machine_state *state, const struct event *event, const struct ends *ends,
			  uint64_t position)
{
	if (event->kind != EVENT_SNAPSHOT)
		return;
	if (event->count == ends->zones)
		machine_sets_told(&state->sets, event->time_ns);
	if (event->count == ends->start) {
		state->start = position + 1;
		state->start_ns = event->time_ns;
	}
	if (event->count == ends->end && state->has_after)
		state->end = position;
}

static enum trace_status read_events(struct machine_state *state, struct flt_reader *reader,
				     const struct ends *ends, struct trace_error *error)
{
	struct processors processors;
	enum trace_status status = processors_create(&processors, reader, error);
	uint64_t position = 0;
	struct event event;

	state->start = UINT64_MAX;
	state->end = UINT64_MAX;
	while (status == TRACE_OK && (status = flt_reader_next(reader, &event, error)) == TRACE_OK) {
		unsigned cpu = processors_of(&processors, &event);

		take_snapshot(state, &event, ends, position);
		take_sets(state, &event, cpu, flt_reader_summary(reader));
		status = take_event(state, &event, cpu, error);
		if (status == TRACE_BAD_INPUT) {
			const struct trace_error found = *error;

			status = trace_fail(error, status, "event %" PRIu64 ": %s", position, found.message);
		}
		position++;
	}
	processors_destroy(&processors);
	if (status != TRACE_END)
		return status;
	state->end = state->end == UINT64_MAX ? position : state->end;
	if (state->start == UINT64_MAX || state->start > state->end)
		return trace_fail(error, TRACE_BAD_INPUT,
				  "the snapshots 'buddyinfo' lie at no events that follow each other");
	machine_frames_finish(&state->frames);
	machine_sets_finish(&state->sets, state->start_ns);
	return flt_reader_seek(reader, 0, error);
}

/* --- The description ---------------------------------------------------------------------------------------------------- */

static int by_first(const void *left, const void *right)
{
	const struct memory_zone_description *a = left, *b = right;

	return a->first < b->first ? -1 : a->first > b->first;
}

/* Reserved frames that the array of ranges has no room for stay in use for ever: the largest runs come first. */
static void reserve(struct memory_description *description, const struct memblock_range *run)
{
	struct memblock_list *reserved = &description->reserved;
	unsigned smallest = 0;

	if (reserved->count < MEMBLOCK_RANGES / 2) {
		reserved->range[reserved->count++] = *run;
		return;
	}
	for (unsigned i = 1; i < reserved->count; i++) {
		const struct memblock_range *least = &reserved->range[smallest];

		if (reserved->range[i].end - reserved->range[i].first < least->end - least->first)
			smallest = i;
	}
	if (run->end - run->first > reserved->range[smallest].end - reserved->range[smallest].first)
		reserved->range[smallest] = *run;
}

static bool is_reserved(const struct machine_frame *frame)
{
	return frame->state == MACHINE_RESERVED || frame->state == MACHINE_ABSENT;
}

static void find_reserved(struct machine_state *state)
{
	const struct memblock_list *present = &state->description.present;

	for (unsigned i = 0; i < present->count; i++) {
		uint64_t end = present->range[i].end < state->frames.frames ? present->range[i].end
									    : state->frames.frames;
		for (uint64_t at = present->range[i].first; at < end; at++) {
			struct memblock_range run = {at, at};

			while (run.end < end && is_reserved(&state->frames.frame[run.end]))
				run.end++;
			if (run.end > run.first)
				reserve(&state->description, &run);
			at = run.end;
		}
	}
}

/* What of a range lies in a zone. */
static struct memblock_range part_of(const struct memory_zone_description *zone,
				     const struct memblock_range *range)
{
	uint64_t end = zone->first + zone->spanned_pages;
	struct memblock_range part = {range->first > zone->first ? range->first : zone->first,
				      range->end < end ? range->end : end};

	part.end = part.end > part.first ? part.end : part.first;
	return part;
}

/* Present frames of a zone that are not reserved, and how many are; *late is how many of the last ones nothing is known of. */
static uint64_t free_at_boot(const struct machine_state *state, const struct memory_zone_description *zone,
			     uint64_t *late, uint64_t *reserved)
{
	const struct memory_description *description = &state->description;
	uint64_t present = 0;

	*late = 0;
	*reserved = 0;
	for (unsigned i = 0; i < description->present.count; i++) {
		struct memblock_range part = part_of(zone, &description->present.range[i]);

		for (uint64_t at = part.first; at < part.end; at++)
			*late = state->frames.frame[at].state == MACHINE_UNKNOWN ? *late + 1 : 0;
		present += part.end - part.first;
	}
	for (unsigned i = 0; i < description->reserved.count; i++) {
		struct memblock_range part = part_of(zone, &description->reserved.range[i]);

		*reserved += part.end - part.first;
	}
	return present - *reserved;
}

static void describe_zones(struct machine_state *state)
{
	struct memory_description *description = &state->description;

	description->zones = state->zoneinfo.zones;
	for (unsigned i = 0; i < state->zoneinfo.zones; i++) {
		const struct zoneinfo_zone *zone = &state->zoneinfo.zone[i];

		description->zone[i] = (struct memory_zone_description){.kind = zone->zone.kind,
									.node = zone->zone.node,
									.first = zone->first,
									.spanned_pages = zone->spanned,
									.managed_pages = zone->managed};
		if (zone->zone.kind == ZONE_HIGHMEM)
			description->layout = MEMORY_I386;
		if (zone->zone.node >= description->nodes)
			description->nodes = zone->zone.node + 1;
	}
	qsort(description->zone, description->zones, sizeof(description->zone[0]), by_first);
	for (unsigned a = 0; a < MEMORY_NODES; a++) {
		for (unsigned b = 0; b < MEMORY_NODES; b++)
			description->distance[a][b] = a == b ? MEMORY_LOCAL_DISTANCE : MEMORY_REMOTE_DISTANCE;
	}
}

/* Memory that is not initialised yet lies at the end of its zone, and nothing is known of it. */
static bool find_late(struct machine_state *state)
{
	for (unsigned i = 0; i < state->description.zones; i++) {
		struct memory_zone_description *zone = &state->description.zone[i];
		uint64_t late, reserved;
		uint64_t free = free_at_boot(state, zone, &late, &reserved);
		uint64_t missing = free > zone->managed_pages ? free - zone->managed_pages : 0;

		if (zone->managed_pages > free + reserved)
			return false;
		zone->managed_pages = free - (missing < late ? missing : late);
	}
	return true;
}

static enum trace_status describe(struct machine_state *state, struct trace_error *error)
{
	const char *fault = memory_description_check(&state->description);

	find_reserved(state);
	if (!fault && !find_late(state))
		fault = "a zone manages more pages than there are";
	return fault ? trace_fail(error, TRACE_BAD_INPUT, "zoneinfo and iomem do not fit: %s", fault)
		     : TRACE_OK;
}

static enum trace_status infer_blocks(struct machine_state *state, struct trace_error *error)
{
	enum trace_status status = TRACE_OK;

	for (unsigned i = 0; i < state->description.zones && status == TRACE_OK; i++) {
		const struct memory_zone_description *zone = &state->description.zone[i];
		const struct proc_zone name = {zone->node, zone->kind};
		const struct pagetypeinfo_zone *types =
		    state->has_types ? pagetypeinfo_find(&state->types, &name) : NULL;
		const uint64_t range[2] = {zone->first, zone->first + zone->spanned_pages};

		status = machine_blocks_infer(&state->blocks, &state->frames, range, types, error);
	}
	return status;
}

static enum trace_status read_state(struct machine_state *state, struct flt_reader *reader,
				    struct trace_error *error)
{
	struct ends ends = {0};
	enum trace_status status = read_texts(state, reader, &ends, error);

	if (status != TRACE_OK)
		return status;
	describe_zones(state);
	uint64_t frames = memory_description_end(&state->description);

	status = machine_frames_create(&state->frames, frames, error);
	if (status == TRACE_OK)
		status = machine_blocks_create(&state->blocks, frames, error);
	if (status == TRACE_OK)
		status = machine_sets_create(&state->sets, &state->zoneinfo, error);
	if (status == TRACE_OK)
		status = read_frames(state, reader, error);
	if (status == TRACE_OK)
		status = read_events(state, reader, &ends, error);
	if (status == TRACE_OK)
		status = describe(state, error);
	return status == TRACE_OK ? infer_blocks(state, error) : status;
}

enum trace_status machine_state_read(struct machine_state *state, struct flt_reader *reader,
				     struct trace_error *error)
{
	memset(state, 0, sizeof(*state));
	enum trace_status status = read_state(state, reader, error);

	if (status == TRACE_OK)
		return status;
	machine_state_destroy(state);
	return trace_fail_in(error, status, flt_reader_name(reader));
}

void machine_state_destroy(struct machine_state *state)
{
	machine_frames_destroy(&state->frames);
	machine_blocks_destroy(&state->blocks);
	machine_sets_destroy(&state->sets);
}
