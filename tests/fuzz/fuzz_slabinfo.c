#include "config.h"

#include "bench/physical/slabinfo_text.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

/* What is accepted keeps to what slabinfo_text.h promises. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slabinfo_text info;
	struct trace_error error;

	if (slabinfo_text_parse(&info, (const char *)data, size, &error) != TRACE_OK)
		return 0;
	for (uint32_t i = 0; i < info.rows; i++) {
		const struct slabinfo_row *row = &info.row[i];

		if (row->name[0] == '\0' || strlen(row->name) >= SLABINFO_NAME_BYTES || row->objsize == 0 ||
		    row->objperslab == 0 ||
		    (uint64_t)row->objsize * row->objperslab > (uint64_t)row->pagesperslab * 4096 ||
		    slabinfo_text_find(&info, row->name) > i)
			abort();
	}
	slabinfo_text_destroy(&info);
	return 0;
}
