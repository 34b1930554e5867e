#include "config.h"

#include "bench/physical/kernel_recording.h"

#include <string.h>

static const char source[] = "record kernel";

static uint64_t kernel_events(const struct flt_summary *trace)
{
	uint64_t events = 0;

	for (unsigned kind = EVENT_PAGE_ALLOC; kind < EVENT_KINDS; kind++)
		events += trace->kinds[kind];
	return events;
}

bool kernel_recording_is(const struct flt_summary *trace)
{
	const char *from = trace->description.source;

	return kernel_events(trace) > 0 || (from && strcmp(from, source) == 0);
}

bool kernel_recording_is_at(const char *path)
{
	struct flt_reader *reader;
	struct trace_error error;

	if (strcmp(path, "-") == 0 || flt_reader_open(&reader, path, &error) != TRACE_OK)
		return false;
	const bool is = kernel_recording_is(flt_reader_summary(reader));

	flt_reader_close(reader);
	return is;
}

enum trace_status kernel_recording_need_pages(const struct flt_reader *reader, struct trace_error *error)
{
	const struct flt_summary *trace = flt_reader_summary(reader);
	const char *name = flt_reader_name(reader);

	if (trace->kinds[EVENT_PAGE_ALLOC] + trace->kinds[EVENT_PAGE_FREE] > 0)
		return TRACE_OK;
	if (kernel_events(trace) > 0)
		return trace_fail(error, TRACE_BAD_INPUT,
				  "%s: a kernel recording without events of its page allocator; `faultline "
				  "record --kernel=pages` makes them",
				  name);
	if (kernel_recording_is(trace))
		return trace_fail(error, TRACE_BAD_INPUT,
				  "%s: a kernel recording%s without any event of the kernel", name,
				  trace->truncated ? ", cut off before its end," : "");
	return trace_fail(
	    error, TRACE_BAD_INPUT,
	    "%s: it has no events of a kernel's page allocator; `faultline record --kernel` makes "
	    "them",
	    name);
}
