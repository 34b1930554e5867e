#include "config.h"

#include "tests/fuzz/fuzz.h"
#include "bench/report/series.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

/* A series of a run directory, as it is checked before gnuplot may see it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct series_need need = {.columns = 4, .column = 3};
	struct trace_error error;
	bool usable;
	int file = memfd_create("series", MFD_CLOEXEC);
	char name[16];

	if (file < 0)
		return 0;
	int directory = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (write(file, data, size) == (ssize_t)size && directory >= 0) {
		(void)snprintf(name, sizeof(name), "%d", file);
		need.file = name;
		if (series_check(directory, ".", &need, &usable, &error) != TRACE_OK)
			usable = false;
	}
	(void)close(file);
	if (directory >= 0)
		(void)close(directory);
	return 0;
}
