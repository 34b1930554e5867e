#include "config.h"

#include "traces/record/follower.h"

#include "traces/record/kernel_merge.h"
#include "traces/record/sampler.h"
#include "traces/record/ticks.h"
#include "traces/record/tracer.h"
#include "traces/grown_array.h"

#include <stdlib.h>
#include <string.h>

/* A fault that nobody says the end of for so many seconds ended in a signal. */
#define FAULT_PATIENCE_NS UINT64_C(200000000)

/* A record and its place among records of the same ticks. */
struct pending {
	struct kernel_record record;
	uint64_t sequence;
};

struct follower {
	struct follower_options options;
	struct tracer *tracer;
	struct sampler *sampler; /* NULL = not needed */
	struct kernel_merge kernel;
	struct tick_clock clock;
	bool by_perf;
	bool merging;
	struct pending *pending; /* not yet given to the merge */
	size_t pendings, capacity;
	uint64_t sequence;
	uint64_t until; /* no record below these ticks will come any more */
};

/* Calls by perf events if they can be had; the child waits, so nothing is missed by trying. */
static enum trace_status open_sampler(struct follower *follower, pid_t child, struct trace_error *error)
{
	struct sampler_options options = {.calls = follower->by_perf,
					  .faults = follower->options.faults,
					  .process = child,
					  .active = follower->options.active};

	if (!options.calls && !options.faults)
		return TRACE_OK;
	return sampler_create(&follower->sampler, &options, error);
}

/* Is it permitted? Opens the events on this process and closes them again. */
static bool perf_permitted(const struct follower_options *options)
{
	struct sampler_options trial = {.calls = true, .active = options->active};
	struct trace_error ignored;
	struct sampler *sampler;
	bool permitted = sampler_create(&sampler, &trial, &ignored) == TRACE_OK;

	if (permitted)
		sampler_destroy(sampler);
	return permitted;
}

enum trace_status follower_create(struct follower **created, const struct follower_options *options,
				  struct trace_error *error)
{
	struct follower *follower = calloc(1, sizeof(*follower));
	struct tracer_options tracing = {.snapshots = options->calls, .active = options->active};
	enum trace_status status;

	*created = follower;
	if (!follower)
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory to start");
	follower->options = *options;
	follower->by_perf = options->calls && (options->means == FOLLOWER_PERF ||
					       (options->means == FOLLOWER_AUTO && perf_permitted(options)));
	tracing.calls = options->calls && !follower->by_perf;
	status = tracer_create(&follower->tracer, &tracing, error);
	if (status != TRACE_OK) {
		free(follower);
		*created = NULL;
	}
	return status;
}

void follower_destroy(struct follower *follower)
{
	if (!follower)
		return;
	tracer_destroy(follower->tracer);
	sampler_destroy(follower->sampler);
	if (follower->merging)
		kernel_merge_end(&follower->kernel);
	for (size_t i = 0; i < follower->pendings; i++)
		free(follower->pending[i].record.text);
	free(follower->pending);
	free(follower);
}

int follower_prepare(const struct follower *follower)
{
	return tracer_prepare(follower->tracer);
}

enum trace_status follower_attach(struct follower *follower, pid_t child, struct trace_error *error)
{
	enum trace_status status = open_sampler(follower, child, error);

	return status == TRACE_OK ? tracer_attach(follower->tracer, child, error) : status;
}

void follower_start(struct follower *follower, struct heap_merge *merge)
{
	kernel_merge_start(&follower->kernel, merge, follower->options.follow);
	follower->clock = merge->clock;
	follower->merging = true;
}

/* --- From the sources to the merge ---------------------------------------------------------------------------------------- */

static bool has_room(struct follower *follower, size_t more)
{
	struct pending *larger =
	    grown_array(follower->pending, follower->pendings + more, &follower->capacity, sizeof(*larger));

	if (larger)
		follower->pending = larger;
	return larger != NULL;
}

/* Takes over the array and its texts. */
static bool append(struct follower *follower, struct kernel_record *records, size_t count)
{
	bool enough = has_room(follower, count);

	for (size_t i = 0; i < count; i++) {
		if (enough)
			follower->pending[follower->pendings++] =
			    (struct pending){records[i], follower->sequence++};
		else
			free(records[i].text);
	}
	free(records);
	return enough;
}

static int earlier(const void *left, const void *right)
{
	const struct pending *a = left, *b = right;

	if (a->record.ticks != b->record.ticks)
		return a->record.ticks < b->record.ticks ? -1 : 1;
	return a->sequence < b->sequence ? -1 : a->sequence > b->sequence;
}

/* Gives the merge what lies below follower->until. */
static enum trace_status pass_on(struct follower *follower, struct trace_error *error)
{
	enum trace_status status = TRACE_OK;
	size_t done = 0;

	if (follower->pendings == 0)
		return TRACE_OK;
	qsort(follower->pending, follower->pendings, sizeof(*follower->pending), earlier);
	while (status == TRACE_OK && done < follower->pendings &&
	       follower->pending[done].record.ticks < follower->until)
		status = kernel_merge_put(&follower->kernel, &follower->pending[done++].record, error);
	follower->pendings -= done;
	memmove(follower->pending, follower->pending + done, follower->pendings * sizeof(*follower->pending));
	return status;
}

enum trace_status follower_poll(struct follower *follower, bool last, struct trace_error *error)
{
	struct kernel_record *records;
	enum trace_status status = TRACE_OK;
	uint64_t traced, sampled = UINT64_MAX;
	size_t count;
	bool enough;

	if (follower->sampler) {
		status = sampler_read(follower->sampler, last, &records, &count, &sampled, error);
		if (status != TRACE_OK)
			return status;
		enough = append(follower, records, count);
		if (!enough)
			return trace_fail(error, TRACE_NO_MEMORY,
					  "not enough memory for page faults and calls");
	}
	records = kernel_queue_take(tracer_queue(follower->tracer), &count, &traced);
	enough = append(follower, records, count);
	if (!enough)
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for system calls");
	follower->until = last ? UINT64_MAX : (traced < sampled ? traced : sampled);
	status = pass_on(follower, error);
	if (follower->clock.ns_per_tick > 0) {
		uint64_t patience = (uint64_t)((double)FAULT_PATIENCE_NS / follower->clock.ns_per_tick);
		kernel_merge_settle(&follower->kernel,
				    last ? UINT64_MAX
					 : (follower->until > patience ? follower->until - patience : 0));
	}
	return status;
}

enum trace_status follower_emit(struct follower *follower, uint64_t ticks, bool *ready,
				struct trace_error *error)
{
	enum trace_status status = TRACE_OK;
	bool complete;

	*ready = false;
	while (status == TRACE_OK && kernel_merge_first(&follower->kernel, &complete) < ticks) {
		if (!complete)
			return TRACE_OK;
		status = kernel_merge_emit(&follower->kernel, error);
	}
	*ready = follower->until >= ticks;
	return status;
}

bool follower_command_ended(const struct follower *follower, int *status)
{
	return tracer_command_ended(follower->tracer, status);
}

uint32_t follower_living(const struct follower *follower)
{
	return tracer_living(follower->tracer);
}

bool follower_finish(struct follower *follower)
{
	kernel_queue_close(tracer_queue(follower->tracer));
	sampler_destroy(follower->sampler);
	follower->sampler = NULL;
	return follower->options.calls && !follower->by_perf;
}

void follower_count(const struct follower *follower, struct follower_counts *counts)
{
	*counts = (struct follower_counts){
	    .calls = follower->kernel.calls,
	    .faults = follower->kernel.faults,
	    .snapshots = follower->kernel.snapshots,
	    .lost = kernel_queue_lost(tracer_queue(follower->tracer)),
	    .unpaired = follower->kernel.unpaired,
	    .foreign_programs = tracer_foreign_programs(follower->tracer),
	    .by_perf = follower->by_perf,
	};
	if (follower->sampler) {
		counts->lost += sampler_lost(follower->sampler);
		counts->sees_causes = sampler_sees_causes(follower->sampler);
		counts->sees_kernel_faults = sampler_sees_kernel(follower->sampler);
	}
}
