#include "config.h"

#include "bench/physical/buddyinfo_text.h"
#include "bench/physical/iomem_text.h"
#include "bench/physical/pagetypeinfo_text.h"
#include "bench/physical/zoneinfo_text.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

/* A file of /proc as a recording keeps it, whichever it is: each parser gets it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct event_snapshot snapshot = {"text", data, size};
	struct zoneinfo *zoneinfo = malloc(sizeof(*zoneinfo));
	struct pagetypeinfo pagetypeinfo;
	struct memblock_list memory;
	struct buddyinfo buddyinfo;
	struct trace_error error;
	int told = 0;

	if (!zoneinfo)
		abort();
	told += zoneinfo_parse(zoneinfo, &snapshot, &error) == TRACE_OK;
	told += buddyinfo_parse(&buddyinfo, &snapshot, &error) == TRACE_OK;
	told += pagetypeinfo_parse(&pagetypeinfo, &snapshot, &error) == TRACE_OK;
	told += iomem_parse(&memory, &snapshot, &error) == TRACE_OK;
	free(zoneinfo);
	return told > 4;
}
