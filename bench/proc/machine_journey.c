#include "config.h"

#include "bench/proc/machine_journey.h"

#include "bench/physical/free_pass.h"
#include "bench/physical/kmem_pass.h"
#include "bench/proc/journey.h"
#include "engine/policy_memory.h"
#include "traces/flt_tables.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct machine_journey {
	struct free_pass *pages;
	struct kmem_pass *objects; /* NULL: the recording does not tell of caches */
	struct trace_error lacks;  /* then: why */
	struct proc_texts recorded;
};

/* --- Texts -------------------------------------------------------------------------------------------------------------- */

static void take_text(struct proc_texts *texts, const struct event_snapshot *snapshot)
{
	const struct {
		const char *name;
		const char **text;
	} known[] = {{"meminfo", &texts->meminfo},
		     {"vmstat", &texts->vmstat},
		     {"zoneinfo", &texts->zoneinfo},
		     {"pagetypeinfo", &texts->pagetypeinfo},
		     {"iomem", &texts->iomem}};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (!*known[i].text && strcmp(snapshot->name, known[i].name) == 0)
			*known[i].text = snapshot->bytes;
	}
}

/* The first of each name. */
static enum trace_status read_texts(struct machine_journey *journey, struct flt_reader *reader,
				    struct trace_error *error)
{
	const uint32_t snapshots = flt_reader_tables(reader)->places.snapshots;
	enum trace_status status = TRACE_OK;

	for (uint32_t number = 1; status == TRACE_OK && number <= snapshots; number++) {
		struct event_snapshot snapshot;

		status = flt_reader_snapshot(reader, number, &snapshot, error);
		if (status == TRACE_OK)
			take_text(&journey->recorded, &snapshot);
	}
	return status;
}

/* --- The kernel's objects ----------------------------------------------------------------------------------------------- */

static enum trace_status advance(struct machine_journey *journey, struct flt_reader *reader, uint64_t event,
				 struct trace_error *error)
{
	enum trace_status status = TRACE_OK;
	struct event next;

	for (uint64_t position = 0; status == TRACE_OK && position < event; position++) {
		status = flt_reader_next(reader, &next, error);
		if (status == TRACE_OK)
			status = kmem_pass_event(journey->objects, &next, error);
	}
	return status == TRACE_END ? TRACE_OK : status;
}

/* Goes through the events before the event, and back to the first. */
static enum trace_status go_objects(struct machine_journey *journey, struct flt_reader *reader,
				    const struct policy *policy, uint64_t event, struct trace_error *error)
{
	struct kmem_pass *objects = malloc(sizeof(*objects));

	if (!objects)
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for the kernel's caches");
	enum trace_status status = kmem_pass_create(objects, policy, reader, error);

	if (status != TRACE_OK) {
		free(objects);
		journey->lacks = *error;
		return status == TRACE_UNSUPPORTED ? flt_reader_seek(reader, 0, error) : status;
	}
	journey->objects = objects;
	status = advance(journey, reader, event, error);
	return status == TRACE_OK ? flt_reader_seek(reader, 0, error) : status;
}

/* --- Going -------------------------------------------------------------------------------------------------------------- */

static enum trace_status go(struct machine_journey *journey, struct flt_reader *reader, uint64_t event,
			    struct trace_error *error)
{
	const uint64_t events = flt_reader_summary(reader)->events, start = journey->pages->position;

	if (event == PROC_EVENT_LAST)
		event = events;
	if (event > events)
		return trace_fail(error, TRACE_BAD_INPUT,
				  "there is no event %" PRIu64 " in %s, which has %" PRIu64
				  " events: --at takes a number from %" PRIu64 " to that",
				  event, flt_reader_name(reader), events, start);
	if (event < start)
		return trace_fail(error, TRACE_BAD_INPUT,
				  "the machine of %s is known from event %" PRIu64
				  " on, at which its free blocks were read, and not at event %" PRIu64,
				  flt_reader_name(reader), start, event);
	return free_pass_advance(journey->pages, event, error);
}

enum trace_status machine_journey_create(struct machine_journey **journey, struct flt_reader *reader,
					 const struct policy *policy, uint64_t event,
					 struct trace_error *error)
{
	const struct memory_shape shape = policy_memory_shape(policy);
	struct machine_journey *made = calloc(1, sizeof(*made));
	enum trace_status status;

	*journey = NULL;
	if (!made)
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory to bring a trace to an event");
	status = read_texts(made, reader, error);
	if (status == TRACE_OK)
		status = go_objects(made, reader, policy, event, error);
	if (status == TRACE_OK)
		status = free_pass_create(&made->pages, &shape, reader, error);
	if (status == TRACE_OK)
		status = go(made, reader, event, error);
	if (status == TRACE_OK)
		*journey = made;
	else
		machine_journey_destroy(made);
	return status;
}

void machine_journey_destroy(struct machine_journey *journey)
{
	if (!journey)
		return;
	free_pass_destroy(journey->pages);
	if (journey->objects)
		kmem_pass_destroy(journey->objects);
	free(journey->objects);
	free(journey);
}

static const char *caller_name(const void *context, uint64_t caller)
{
	const struct kmem_pass *objects = context;

	return vmalloc_pass_caller(&objects->areas, caller);
}

const char *machine_journey_lacks_objects(const struct machine_journey *journey)
{
	return journey->objects ? NULL : journey->lacks.message;
}

struct proc_machine machine_journey_machine(const struct machine_journey *journey, const char *unknown)
{
	return (struct proc_machine){.memory = &journey->pages->memory,
				     .kernel = journey->objects ? &journey->objects->memory : NULL,
				     .recorded = journey->recorded,
				     .caller_name = journey->objects ? caller_name : NULL,
				     .caller_context = journey->objects,
				     .unknown = unknown};
}
