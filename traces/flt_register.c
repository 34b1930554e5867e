#include "config.h"

#include "traces/flt_register.h"

void flt_register_start(struct flt_register *known, bool has_time)
{
	*known = (struct flt_register){.has_time = has_time};
	census_start(&known->census);
}

void flt_register_end(struct flt_register *known)
{
	flt_tables_free(&known->tables);
	census_end(&known->census);
}

/* Processes that only an event or a thread has named so far. */
static enum trace_status name_processes(struct flt_register *known, uint32_t parent,
					struct trace_error *error)
{
	while (known->tables.processes < known->census.processes) {
		const uint32_t process = known->tables.processes;
		const struct flt_process entry = {.parent = parent == UINT32_MAX ? process : parent};
		enum trace_status status = flt_tables_process(&known->tables, process, &entry, error);

		if (status != TRACE_OK)
			return status;
	}
	return TRACE_OK;
}

enum trace_status flt_register_process(struct flt_register *known, uint32_t number,
				       const struct flt_process *process, struct trace_error *error)
{
	enum trace_status status = census_process(&known->census, number, error);

	if (status == TRACE_OK)
		status = flt_tables_process(&known->tables, number, process, error);
	if (!known->census.kernel.recorder && process->os_id && process->os_id == known->recorder)
		known->census.kernel.recorder = number + 1;
	return status;
}

enum trace_status flt_register_thread(struct flt_register *known, uint32_t number,
				      const struct flt_thread *thread, struct trace_error *error)
{
	enum trace_status status = census_thread(&known->census, number, thread->process, error);

	if (status == TRACE_OK)
		status = name_processes(known, UINT32_MAX, error);
	return status == TRACE_OK ? flt_tables_thread(&known->tables, number, thread, error) : status;
}

enum trace_status flt_register_region(struct flt_register *known, const struct event_region *region,
				      uint32_t *number, struct trace_error *error)
{
	*number = 0;
	if (region->process >= known->census.processes ||
	    (region->thread && region->thread >= known->census.threads))
		return trace_fail(error, TRACE_BAD_INPUT,
				  "a region names process %u and thread %u, which are not both known",
				  region->process, region->thread);
	return flt_places_region(&known->tables.places, region, number, error);
}

static enum trace_status check_promises(const struct flt_register *known, const struct event *event,
					struct trace_error *error)
{
	const unsigned long long position = known->census.events;

	if (event->time_ns && !known->has_time)
		return trace_fail(error, TRACE_BAD_INPUT,
				  "event %llu has a time in a trace that was declared to have none",
				  position);
	if (event->stack > known->tables.stacks)
		return trace_fail(error, TRACE_BAD_INPUT,
				  "event %llu has call stack %u, only %u are registered", position,
				  event->stack, known->tables.stacks);
	if (event->call.file > known->tables.places.files)
		return trace_fail(error, TRACE_BAD_INPUT, "event %llu has file %u, only %u are registered",
				  position, event->call.file, known->tables.places.files);
	if (event->kernel.gfp > known->tables.names.names[EVENT_NAMES_GFP] ||
	    event->kernel.cache > known->tables.names.names[EVENT_NAMES_CACHE])
		return trace_fail(error, TRACE_BAD_INPUT,
				  "event %llu names a set of flags or a cache that is not registered",
				  position);
	if (event->kind == EVENT_SNAPSHOT && event->count > known->tables.places.snapshots)
		return trace_fail(error, TRACE_BAD_INPUT, "event %llu has a snapshot that is not registered",
				  position);
	return TRACE_OK;
}

/* The tables follow what the event made known. */
static enum trace_status name_new(struct flt_register *known, const struct event *event,
				  struct trace_error *error)
{
	enum trace_status status =
	    name_processes(known, event_makes_child(event) ? event->process : UINT32_MAX, error);

	if (status == TRACE_OK && event->thread == known->tables.threads) {
		const struct flt_thread entry = {.process = event->process};

		status = flt_tables_thread(&known->tables, event->thread, &entry, error);
	}
	return status;
}

enum trace_status flt_register_event(struct flt_register *known, const struct event *event,
				     struct trace_error *error)
{
	enum trace_status status = check_promises(known, event, error);

	if (status == TRACE_OK)
		status = census_add(&known->census, event, error);
	if (status == TRACE_OK && (known->tables.threads < known->census.threads ||
				   known->tables.processes < known->census.processes))
		status = name_new(known, event, error);
	return status;
}

enum trace_status flt_register_origin(const struct flt_register *known, uint32_t thread,
				      struct flt_access_origin *origin, struct trace_error *error)
{
	if (thread >= known->tables.threads)
		return trace_fail(error, TRACE_BAD_INPUT,
				  "references of thread %u after event %llu, which is not known", thread,
				  (unsigned long long)known->census.events);
	*origin = (struct flt_access_origin){
	    .position = known->census.events,
	    .objects = known->census.objects,
	    .thread = thread,
	    .process = known->tables.thread[thread].process,
	    .threads = known->tables.threads,
	    .regions = known->tables.places.regions,
	};
	return TRACE_OK;
}

const char *flt_register_check(const struct flt_register *known)
{
	if (known->tables.threads != known->census.threads ||
	    known->tables.processes != known->census.processes)
		return "I1: after every call the tables have as many threads and processes as the census "
		       "knows";
	return census_check(&known->census);
}
