#include "config.h"

#include "bench/physical/recorded_text.h"

#include "traces/flt_tables.h"

#include <string.h>

enum trace_status recorded_text_find(struct flt_reader *reader, const char *name, enum recorded_set set,
				     struct event_snapshot *found, uint32_t *number,
				     struct trace_error *error)
{
	const uint32_t snapshots = flt_reader_tables(reader)->places.snapshots;
	unsigned left = set == RECORDED_BEFORE ? 0 : 1;

	*number = 0;
	for (uint32_t i = 1; i <= snapshots; i++) {
		const enum trace_status status = flt_reader_snapshot(reader, i, found, error);

		if (status != TRACE_OK)
			return status;
		if (strcmp(found->name, name) != 0 || left-- > 0)
			continue;
		*number = i;
		return TRACE_OK;
	}
	return TRACE_OK;
}

bool recorded_text_is_of_the_end(const struct flt_summary *trace)
{
	return flt_summary_warned(trace, EVENT_CUT_WARNING) == 0;
}
