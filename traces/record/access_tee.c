#include "config.h"

#include "traces/record/access_tee.h"

static struct event_sink *sink_of(struct event_sink *tee, unsigned which)
{
	return ((struct access_tee *)tee)->output[which].sink;
}

static enum trace_status put(struct event_sink *tee, const struct event *event, struct trace_error *error)
{
	enum trace_status status = sink_of(tee, 0)->put(sink_of(tee, 0), event, error);

	return status == TRACE_OK ? sink_of(tee, 1)->put(sink_of(tee, 1), event, error) : status;
}

static enum trace_status put_thread(struct event_sink *tee, uint32_t thread, uint32_t process, uint64_t os_id,
				    const char *name, struct trace_error *error)
{
	enum trace_status status = TRACE_OK;

	for (unsigned i = 0; i < 2 && status == TRACE_OK; i++)
		status = sink_of(tee, i)->thread(sink_of(tee, i), thread, process, os_id, name, error);
	return status;
}

static enum trace_status put_process(struct event_sink *tee, uint32_t process, uint32_t parent,
				     uint64_t os_id, const char *command, struct trace_error *error)
{
	enum trace_status status = TRACE_OK;

	for (unsigned i = 0; i < 2 && status == TRACE_OK; i++)
		status = sink_of(tee, i)->process(sink_of(tee, i), process, parent, os_id, command, error);
	return status;
}

static enum trace_status agree(uint32_t number, uint32_t other, struct trace_error *error)
{
	return number == other ? TRACE_OK
			       : trace_fail(error, TRACE_UNSUPPORTED,
					    "the two receivers of the recording number differently");
}

static enum trace_status put_file(struct event_sink *tee, const struct event_file *file, uint32_t *number,
				  struct trace_error *error)
{
	uint32_t other = 0;
	enum trace_status status = sink_of(tee, 0)->file(sink_of(tee, 0), file, number, error);

	if (status == TRACE_OK)
		status = sink_of(tee, 1)->file(sink_of(tee, 1), file, &other, error);
	return status == TRACE_OK ? agree(*number, other, error) : status;
}

static enum trace_status put_region(struct event_sink *tee, const struct event_region *region,
				    uint32_t *number, struct trace_error *error)
{
	uint32_t other = 0;
	enum trace_status status = sink_of(tee, 0)->region(sink_of(tee, 0), region, number, error);

	if (status == TRACE_OK)
		status = sink_of(tee, 1)->region(sink_of(tee, 1), region, &other, error);
	return status == TRACE_OK ? agree(*number, other, error) : status;
}

static enum trace_status put_accesses(struct event_sink *tee, uint32_t thread, const struct access *access,
				      size_t count, struct trace_error *error)
{
	enum trace_status status = TRACE_OK;

	for (unsigned i = 0; i < 2 && status == TRACE_OK; i++)
		status = sink_of(tee, i)->accesses(sink_of(tee, i), thread, access, count, error);
	return status;
}

static enum trace_status put_skipped(void *context, uint32_t thread, uint64_t count,
				     struct trace_error *error)
{
	const struct access_tee *tee = context;
	enum trace_status status = TRACE_OK;

	for (unsigned i = 0; i < 2 && status == TRACE_OK; i++)
		status = tee->output[i].skipped(tee->output[i].context, thread, count, error);
	return status;
}

struct access_output access_tee(struct access_tee *tee, const struct access_output *first,
				const struct access_output *second)
{
	*tee = (struct access_tee){.sink = {.put = put,
					    .thread = put_thread,
					    .process = put_process,
					    .file = put_file,
					    .region = put_region,
					    .accesses = put_accesses},
				   .output = {*first, *second}};
	return (struct access_output){.sink = &tee->sink, .skipped = put_skipped, .context = tee};
}
