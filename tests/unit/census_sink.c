#include "config.h"

#include "tests/unit/census_sink.h"

#include <stdio.h>
#include <stdlib.h>

static enum trace_status judged(enum trace_status status, const struct trace_error *error)
{
	if (status == TRACE_BAD_INPUT) {
		(void)fprintf(stderr, "the rules of events were broken: %s\n", error->message);
		abort();
	}
	return status;
}

static enum trace_status put(struct event_sink *sink, const struct event *event, struct trace_error *error)
{
	return judged(census_add(&((struct census_sink *)sink)->census, event, error), error);
}

static enum trace_status name_thread(struct event_sink *sink, uint32_t thread, uint32_t process,
				     uint64_t os_id, const char *name, struct trace_error *error)
{
	(void)os_id;
	(void)name;
	return judged(census_thread(&((struct census_sink *)sink)->census, thread, process, error), error);
}

static enum trace_status name_process(struct event_sink *sink, uint32_t process, uint32_t parent,
				      uint64_t os_id, const char *command, struct trace_error *error)
{
	(void)parent;
	(void)os_id;
	(void)command;
	return judged(census_process(&((struct census_sink *)sink)->census, process, error), error);
}

void census_sink_start(struct census_sink *judge)
{
	judge->sink = (struct event_sink){.put = put, .thread = name_thread, .process = name_process};
	census_start(&judge->census);
}

void census_sink_end(struct census_sink *judge)
{
	const char *broken = census_check(&judge->census);

	if (broken) {
		(void)fprintf(stderr, "the books of the events do not add up: %s\n", broken);
		abort();
	}
	census_end(&judge->census);
}
