#include "config.h"

#include "bench/physical/vmallocinfo_text.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

/* What is accepted keeps to what vmallocinfo_text.h promises. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vmallocinfo_text info;
	struct trace_error error;
	size_t names = 0;

	if (vmallocinfo_text_parse(&info, (const char *)data, size, &error) != TRACE_OK)
		return 0;
	for (uint32_t i = 0; i < info.rows; i++) {
		const struct vmallocinfo_row *row = &info.row[i];

		if (row->bytes == 0 || row->bytes % 4096 != 0 || row->bytes > VMALLOCINFO_BYTES_MAX ||
		    row->pages > row->bytes / 4096 || (row->is_unpurged && row->flags != 0))
			abort();
		names += row->caller ? strlen(row->caller) + 1 : 0;
	}
	if (names > size)
		abort();
	vmallocinfo_text_destroy(&info);
	return 0;
}
