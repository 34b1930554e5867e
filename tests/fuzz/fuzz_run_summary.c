#include "config.h"

#include "tests/fuzz/fuzz.h"
#include "bench/report/run_summary.h"
#include "bench/report/summary.h"

#include <jansson.h>
#include <stdlib.h>

/* A run.json: read, and every row put into words. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct run_summary run;
	struct trace_error error;
	json_t *document = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);

	if (!document || run_summary_create(&run, document, "input", &error) != TRACE_OK)
		return 0;
	const char *mmus[COMPARISON_MAX_MMUS];
	struct comparison comparison = {.run = &run, .runs = 1, .mmu = mmus};

	for (; comparison.mmus < run.mmus && comparison.mmus < COMPARISON_MAX_MMUS; comparison.mmus++)
		mmus[comparison.mmus] = run.mmu[comparison.mmus].name;
	for (unsigned row = 0; row < summary_rows(&comparison); row++) {
		char text[ROW_TEXT_BYTES], name[SUMMARY_NAME_BYTES];

		summary_name(&comparison, row, name);
		summary_text(&comparison, 0, row, text);
	}
	char count[ROW_TEXT_BYTES];

	row_count_text(run.events, count);
	free(comparison_directory_name(run.target));
	run_summary_destroy(&run);
	return 0;
}
