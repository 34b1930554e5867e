#include "config.h"

#include "bench/replay/plan.h"

#include "bench/replay/family.h"
#include "bench/replay/planner.h"

#include <stdlib.h>
#include <string.h>

/* Operations handed out at most in one run while reading the trace itself. */
#define EVENTS_PER_RUN 65536

struct plan {
	struct flt_reader *reader;
	struct family family;
	enum replay_mode mode;
	struct plan_totals totals;
	struct planner planner; /* while reading the trace */
	uint64_t position;	/* of the next event, while reading */
	size_t handed;		/* operations of the planner's output already handed out */
	bool finished;		/* the planner has seen the end */
	struct planned *cached; /* the whole plan, or NULL */
	uint64_t cached_count, cached_capacity, cached_next;
	char path[];
};

uint64_t plan_size_low(unsigned bin)
{
	if (bin < 8)
		return bin;
	unsigned top = (bin - 8) / 4 + 3;

	return (UINT64_C(4) + (bin - 8) % 4) << (top - 2);
}

uint64_t plan_size_high(unsigned bin)
{
	return plan_size_low(bin + 1) - 1;
}

const struct plan_totals *plan_totals(const struct plan *plan)
{
	return &plan->totals;
}

const struct flt_summary *plan_trace(const struct plan *plan)
{
	return flt_reader_summary(plan->reader);
}

static bool restart(struct plan *plan)
{
	planner_destroy(&plan->planner);
	plan->position = 0;
	plan->handed = 0;
	plan->finished = false;
	return planner_create(&plan->planner, plan->mode, plan->family.line, plan->family.last,
			      plan_trace(plan)->threads ? plan_trace(plan)->threads : 1);
}

/* Reads events until there is output to hand out; TRACE_END at the end of the trace. */
static enum trace_status produce(struct plan *plan, struct trace_error *error)
{
	plan->planner.output_count = 0;
	plan->handed = 0;
	while (plan->planner.output_count == 0) {
		struct event event;
		enum trace_status status = TRACE_OK;

		if (plan->finished)
			return TRACE_END;
		for (unsigned i = 0; i < EVENTS_PER_RUN && status == TRACE_OK; i++) {
			status = flt_reader_next(plan->reader, &event, error);
			if (status == TRACE_OK)
				status = planner_event(&plan->planner, plan->position++, &event, error);
		}
		if (status == TRACE_END) {
			plan->finished = true;
			status = planner_finish(&plan->planner, plan->position, error);
		}
		if (status != TRACE_OK)
			return status;
	}
	return TRACE_OK;
}

static enum trace_status next_from_trace(struct plan *plan, uint64_t most, const struct planned **operations,
					 uint64_t *count, struct trace_error *error)
{
	if (plan->handed == plan->planner.output_count) {
		enum trace_status status = produce(plan, error);

		if (status != TRACE_OK)
			return status;
	}
	uint64_t left = plan->planner.output_count - plan->handed;

	*operations = plan->planner.output + plan->handed;
	*count = left < most ? left : most;
	plan->handed += *count;
	return TRACE_OK;
}

enum trace_status plan_next(struct plan *plan, uint64_t most, const struct planned **operations,
			    uint64_t *count, struct trace_error *error)
{
	if (!plan->cached)
		return next_from_trace(plan, most, operations, count, error);
	uint64_t left = plan->cached_count - plan->cached_next;

	if (left == 0)
		return TRACE_END;
	*operations = plan->cached + plan->cached_next;
	*count = left < most ? left : most;
	plan->cached_next += *count;
	return TRACE_OK;
}

enum trace_status plan_rewind(struct plan *plan, struct trace_error *error)
{
	if (plan->cached) {
		plan->cached_next = 0;
		return TRACE_OK;
	}
	if (!restart(plan))
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory to plan the replay");
	flt_reader_close(plan->reader);
	plan->reader = NULL;
	return flt_reader_open(&plan->reader, plan->path, error);
}

/* Keeps a copy as long as the plan is short enough; not keeping one is no error. */
static void cache_add(struct plan *plan, const struct planned *operations, uint64_t count)
{
	if (plan->cached_count + count > plan->cached_capacity) {
		uint64_t capacity = plan->cached_capacity * 2;

		while (capacity && capacity < plan->cached_count + count)
			capacity *= 2;
		struct planned *cached = capacity && capacity <= PLAN_CACHED_OPERATIONS
					     ? realloc(plan->cached, capacity * sizeof(cached[0]))
					     : NULL;

		if (!cached) {
			free(plan->cached);
			plan->cached = NULL;
			plan->cached_capacity = 0;
			return;
		}
		plan->cached = cached;
		plan->cached_capacity = capacity;
	}
	memcpy(plan->cached + plan->cached_count, operations, count * sizeof(operations[0]));
	plan->cached_count += count;
}

/* The first reading: totals, and the cache when it fits. */
static enum trace_status survey(struct plan *plan, struct trace_error *error)
{
	const struct planned *operations;
	enum trace_status status;
	uint64_t count;
	struct planned *cached = NULL;

	plan->cached_capacity = EVENTS_PER_RUN;
	cached = malloc(plan->cached_capacity * sizeof(cached[0]));
	plan->cached = cached;
	if (!cached)
		plan->cached_capacity = 0;
	while ((status = next_from_trace(plan, UINT64_MAX, &operations, &count, error)) == TRACE_OK) {
		if (plan->cached)
			cache_add(plan, operations, count);
	}
	if (status != TRACE_END)
		return status;
	plan->totals = plan->planner.totals;
	plan->totals.processes = plan_trace(plan)->processes;
	return TRACE_OK;
}

static enum trace_status open_and_survey(struct plan *plan, const struct plan_options *options,
					 struct trace_error *error)
{
	enum trace_status status = flt_reader_open(&plan->reader, options->path, error);

	if (status == TRACE_OK)
		status = family_find(&plan->family, plan->reader, options->process, error);
	if (status == TRACE_OK)
		status = plan_rewind(plan, error);
	if (status == TRACE_OK)
		status = survey(plan, error);
	if (status == TRACE_OK)
		status = plan_rewind(plan, error);
	if (status == TRACE_OK && plan->totals.calls == 0)
		status =
		    trace_fail(error, TRACE_BAD_INPUT, "process %u made no heap call that could be replayed",
			       plan->totals.process);
	return status;
}

enum trace_status plan_create(struct plan **plan, const struct plan_options *options,
			      struct trace_error *error)
{
	size_t length = strlen(options->path) + 1;
	struct plan *made = calloc(1, sizeof(*made) + length);

	*plan = NULL;
	if (!made)
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory to plan the replay");
	memcpy(made->path, options->path, length);
	made->mode = options->mode;
	enum trace_status status = open_and_survey(made, options, error);

	if (status != TRACE_OK) {
		plan_destroy(made);
		return status;
	}
	*plan = made;
	return TRACE_OK;
}

void plan_destroy(struct plan *plan)
{
	if (!plan)
		return;
	planner_destroy(&plan->planner);
	family_destroy(&plan->family);
	if (plan->reader)
		flt_reader_close(plan->reader);
	free(plan->cached);
	free(plan);
}
