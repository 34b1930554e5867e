#include "config.h"

#include "traces/import/formats.h"

#include "traces/import/aosp.h"
#include "traces/import/champsim.h"
#include "traces/import/ftrace.h"
#include "traces/import/heaptrack.h"
#include "traces/import/lackey.h"
#include "traces/import/logalloc.h"
#include "traces/import/malloclab.h"
#include "traces/import/mtrace.h"
#include "traces/import/perf_data.h"
#include "traces/import/perf_script.h"
#include "traces/import/pinatrace.h"
#include "traces/import/strace.h"
#include "traces/import/trace_dat.h"
#include "traces/import/valgrind.h"

#include <string.h>

static const struct import_format *const formats[] = {
    &aosp_format,      &malloclab_format, &mtrace_format,      &valgrind_format,  &logalloc_format,
    &heaptrack_format, &strace_format,	  &perf_script_format, &lackey_format,	  &pinatrace_format,
    &champsim_format,  &perf_data_format, &ftrace_format,      &trace_dat_format,
};

#define FORMATS (sizeof(formats) / sizeof(formats[0]))

const struct import_format *import_format_at(size_t index)
{
	return index < FORMATS ? formats[index] : NULL;
}

const struct import_format *import_format_find(const char *name)
{
	for (size_t index = 0; index < FORMATS; index++) {
		if (strcmp(formats[index]->name, name) == 0)
			return formats[index];
	}
	return NULL;
}

const struct import_format *import_format_detect(const char *bytes, size_t length)
{
	const struct import_format *best = NULL;
	size_t most = 0;

	for (size_t index = 0; index < FORMATS; index++) {
		size_t lines = formats[index]->detect(bytes, length);

		if (lines > most) {
			most = lines;
			best = formats[index];
		}
	}
	return best;
}
