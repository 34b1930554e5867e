#include "config.h"

#include "bench/placement/placement_placer.h"

#include "bench/placement/cursor.h"
#include "bench/placement/mapped.h"
#include "bench/spaces/spaces.h"

#include <stdlib.h>
#include <string.h>

/* Where the simulated system maps by itself, from the top of the addresses down: 1 TiB is left to it. */
#define SYSTEM_START (MAPPED_END - (UINT64_C(1) << 40))

struct placement_placer {
	struct placer placer;
	struct placement_cursor cursor;
	struct mapped mapped; /* by the calls so far, where they were moved to */
	uint32_t process;
	struct placement_counts counts;
};

static enum trace_status no_memory(struct trace_error *error)
{
	return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for the placement");
}

static void call(struct placement_placer *own, struct spaces *spaces, unsigned kind,
		 const struct event_call *arguments)
{
	const struct event event = {.kind = (uint8_t)kind, .process = own->process, .call = *arguments};

	own->counts.calls++;
	own->counts.refused += spaces_call(spaces, own->process, &event).error != 0;
}

static enum trace_status take(struct placement_placer *own, struct spaces *spaces,
			      const struct placement_record *record, struct trace_error *error)
{
	const struct placed placed = {record->address, record->bytes};
	bool lacks_memory = false;

	if (record->kind == PLACEMENT_BLOCK) {
		own->counts.blocks++;
		return spaces_put_block(spaces, record->object, placed, error);
	}
	(void)mapped_apply(&own->mapped, record->call_kind, &record->call, &lacks_memory);
	if (lacks_memory)
		return no_memory(error);
	call(own, spaces, record->call_kind, &record->call);
	return TRACE_OK;
}

/* Everything that belongs to events up to `position`. */
static enum trace_status take_until(struct placement_placer *own, struct spaces *spaces, uint64_t position,
				    struct trace_error *error)
{
	struct placement_record record;
	enum trace_status status;

	while ((status = placement_cursor_next(&own->cursor, position, &record, error)) == TRACE_OK) {
		status = take(own, spaces, &record, error);
		if (status != TRACE_OK)
			return status;
	}
	return status == TRACE_END ? TRACE_OK : status;
}

static enum trace_status place(struct placer *placer, struct spaces *spaces, const struct event *event,
			       uint64_t position, struct trace_error *error)
{
	(void)event;
	return take_until((struct placement_placer *)placer, spaces, position, error);
}

static enum trace_status start(struct placer *placer, struct spaces *spaces, uint32_t process,
			       struct trace_error *error)
{
	struct placement_placer *own = (struct placement_placer *)placer;
	const struct range_set *now = &own->mapped.now;

	own->process = process;
	for (size_t i = 0; i < now->count; i++) {
		const struct event_call again = {.address = now->range[i].start,
						 .length = now->range[i].end - now->range[i].start,
						 .protection = MM_PROT_READ | MM_PROT_WRITE,
						 .flags = MM_MAP_PRIVATE | MM_MAP_ANONYMOUS |
							  MM_MAP_NO_RESERVE | MM_MAP_FIXED};

		call(own, spaces, EVENT_MMAP, &again);
	}
	/* What a fork hands down was placed at the fork. */
	return take_until(own, spaces, spaces_position(spaces), error);
}

/* Everything that the process ever had mapped, as far as the trace says. */
static bool find_occupied(const struct flt_summary *trace, uint32_t process, struct range_set *occupied)
{
	bool done = range_set_add(occupied, SYSTEM_START, MAPPED_END);

	for (uint32_t i = 0; i < trace->regions && done; i++) {
		const struct event_region *region = &trace->region[i];

		if (region->process == process && region->address < MAPPED_END &&
		    region->length < MAPPED_END - region->address)
			done = range_set_add(occupied, region->address, region->address + region->length);
	}
	return done;
}

enum trace_status placement_placer_create(struct placer **placer, const struct placement *placement,
					  unsigned take_number, const struct flt_summary *trace,
					  struct trace_error *error)
{
	struct placement_placer *own = calloc(1, sizeof(*own));
	struct range_set occupied = {0};
	enum trace_status status = TRACE_OK;

	*placer = NULL;
	if (!own)
		return no_memory(error);
	own->placer = (struct placer){place, start, NULL};
	own->process = placement->description.process;
	if (!find_occupied(trace, own->process, &occupied))
		status = no_memory(error);
	if (status == TRACE_OK)
		status = placement_cursor_create(&own->cursor, placement, take_number, &occupied, error);
	range_set_clear(&occupied);
	if (status == TRACE_OK)
		*placer = &own->placer;
	else
		free(own);
	return status;
}

struct placement_counts placement_placer_counts(const struct placer *placer)
{
	return ((const struct placement_placer *)placer)->counts;
}

void placement_placer_destroy(struct placer *placer)
{
	struct placement_placer *own = (struct placement_placer *)placer;

	if (!own)
		return;
	placement_cursor_destroy(&own->cursor);
	mapped_clear(&own->mapped);
	free(own);
}
