#include "config.h"

#include "bench/placement/placement_pass.h"

#include "bench/replay/pass.h"
#include "bench/run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum trace_status no_memory(struct trace_error *error)
{
	return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for the placement");
}

static void describe(struct placement_description *description, const struct placement_request *request)
{
	const struct flt_summary *trace = plan_trace(request->plan);

	*description = (struct placement_description){
	    .events = trace->events,
	    .process = plan_totals(request->plan)->process,
	    .mode = request->mode,
	    .thp_disable = request->thp_disable,
	};
	(void)snprintf(description->trace_hash, sizeof(description->trace_hash), "%s", trace->hash);
	(void)snprintf(description->target, sizeof(description->target), "%s", request->target->name);
}

/* One take more. */
static enum trace_status take(const struct placement_request *request, struct placement_writer *writer,
			      struct trace_error *error)
{
	struct placement_recorder recorder = {.writer = writer};
	const struct pass_options options = {.target = request->target,
					     .plan = request->plan,
					     .mode = request->mode,
					     .touch = TOUCH_NONE,
					     .pace = request->pace,
					     .kind = PASS_PLACEMENT,
					     .thp_disable = request->thp_disable,
					     .watchdog_s = request->watchdog_s,
					     .recorder = &recorder};
	char title[PLACEMENT_TEXT_BYTES];
	struct pass_result result;
	bool done = pass_run(&result, &options, error);

	placement_recorder_clear(&recorder);
	if (!done)
		return TRACE_IO;
	target_title(request->target, result.reply->figures.version, title, sizeof(title));
	placement_writer_title(writer, title);
	pass_result_destroy(&result);
	return placement_writer_end(writer) ? TRACE_OK : no_memory(error);
}

static enum trace_status take_all(const struct placement_request *request, struct placement_writer *writer,
				  struct trace_error *error)
{
	enum trace_status status = TRACE_OK;
	unsigned takes = 0, wanted = 2;

	for (; takes < wanted && status == TRACE_OK; takes++) {
		status = take(request, writer, error);
		if (status != TRACE_OK || takes != 1)
			continue;
		if (placement_writer_is_same(writer, 0, 1))
			placement_writer_drop(writer);
		else
			wanted = PLACEMENT_SPREAD_TAKES;
	}
	return status;
}

enum trace_status placement_make(struct placement **placement, const struct placement_request *request,
				 struct trace_error *error)
{
	struct placement_description description;

	*placement = NULL;
	if (request->target->functions != FUNCTIONS_PROCESS)
		return trace_fail(error, TRACE_UNSUPPORTED,
				  "target %s has no placement: only an allocator that is preloaded has one%s",
				  request->target->name,
				  request->target->functions == FUNCTIONS_LINKED
				      ? ", and a build with sanitizers cannot preload its own"
				      : "");
	describe(&description, request);
	struct placement_writer *writer = placement_writer_create(&description);

	if (!writer)
		return no_memory(error);
	enum trace_status status = take_all(request, writer, error);
	size_t bytes = 0;
	void *file = status == TRACE_OK ? placement_writer_finish(writer, &bytes) : NULL;

	placement_writer_destroy(writer);
	if (status == TRACE_OK)
		status = file ? placement_read(placement, file, bytes, request->target->name, error)
			      : no_memory(error);
	free(file);
	return status;
}

enum trace_status placement_fits(const struct placement *placement, const struct placement_request *request,
				 const char *name, struct trace_error *error)
{
	const struct placement_description *has = &placement->description;
	struct placement_description wanted;

	describe(&wanted, request);
	if (strcmp(has->trace_hash, wanted.trace_hash) != 0 || has->events != wanted.events)
		return trace_fail(error, TRACE_BAD_INPUT,
				  "%s: a placement of another trace: its hash is %s, this one's %s", name,
				  has->trace_hash, wanted.trace_hash);
	if (strcmp(has->target, wanted.target) != 0)
		return trace_fail(error, TRACE_BAD_INPUT, "%s: a placement by %s, not by %s", name,
				  has->target, wanted.target);
	if (has->process != wanted.process)
		return trace_fail(error, TRACE_BAD_INPUT,
				  "%s: a placement of process %" PRIu32 ", not %" PRIu32, name, has->process,
				  wanted.process);
	if (has->mode != wanted.mode)
		return trace_fail(error, TRACE_BAD_INPUT, "%s: a placement in mode %s, not %s", name,
				  run_mode_name((enum replay_mode)has->mode),
				  run_mode_name((enum replay_mode)wanted.mode));
	if (has->thp_disable != wanted.thp_disable)
		return trace_fail(error, TRACE_BAD_INPUT, "%s: a placement made with --thp %s, not %s", name,
				  has->thp_disable ? "off" : "system", wanted.thp_disable ? "off" : "system");
	return TRACE_OK;
}
