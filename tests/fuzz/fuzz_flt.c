/* The reader of the trace format and all that stands on it. Checksums are switched off, writing and reading: behind them
 * no mutated byte would be parsed. */
#include "config.h"

#include "tests/fuzz/fuzz.h"
#include "tests/unit/flt_events.h"
#include "traces/export/aosp.h"
#include "traces/flt.h"
#include "traces/flt_checksum.h"
#include "traces/flt_verify.h"
#include "traces/live_sets.h"
#include "traces/slice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Instead of the library's. */
uint64_t flt_checksum(const void *bytes, size_t count)
{
	(void)bytes;
	(void)count;
	return 0;
}

#define SEED_EVENTS 300
#define SEEDS 6

/* Longer traces are only opened: what is behind is more of the same, and a fuzzer wants many runs. */
#define MAX_EVENTS 100000

/* A reader promises these bounds whatever the bytes. */
static void check_bounds(const struct flt_batch *batch, const struct flt_summary *summary)
{
	for (size_t i = 0; i < batch->events; i++) {
		if (batch->kind[i] == 0 || batch->kind[i] >= EVENT_KINDS ||
		    batch->object[i] > summary->objects || batch->old_object[i] > summary->objects ||
		    batch->thread[i] >= summary->threads || batch->process[i] >= summary->processes)
			abort();
		if (batch->kind[i] == EVENT_FORK && batch->count[i] >= summary->processes)
			abort();
	}
}

static void read_batches(struct flt_reader *reader)
{
	struct flt_batch batch;
	size_t depth;

	while (flt_reader_batch(reader, FLT_ALL, &batch, NULL) == TRACE_OK) {
		check_bounds(&batch, flt_reader_summary(reader));
		(void)flt_reader_stack(reader, batch.stack[0], &depth);
	}
	for (unsigned columns = 1; columns < FLT_ALL; columns += 13) {
		if (flt_reader_seek(reader, columns, NULL) == TRACE_OK)
			(void)!flt_reader_batch(reader, columns, &batch, NULL);
	}
}

static void read_live(struct flt_reader *reader)
{
	struct live_sets sets = LIVE_SETS_EMPTY;

	(void)!flt_reader_live(reader, flt_reader_summary(reader)->events / 2, &sets, NULL);
	for (uint32_t i = 0; i < sets.processes; i++) {
		if (live_set_check(&sets.process[i]))
			abort();
	}
	live_sets_clear(&sets);
}

static void slice_and_export(struct flt_reader *reader)
{
	const struct slice_options slice = {1, UINT64_MAX, SLICE_ALL, SLICE_ALL, true};
	const struct aosp_export_options export = {0};
	struct aosp_export_losses losses;
	struct flt_output output;
	struct flt_writer *writer;

	if (flt_writer_create(&writer, "/dev/null", &flt_reader_summary(reader)->description, NULL) ==
	    TRACE_OK) {
		if (slice_copy(reader, writer, &slice, NULL) == TRACE_OK)
			(void)!flt_writer_finish(writer, NULL);
		else
			flt_writer_abandon(writer);
	}
	if (flt_output_open(&output, "/dev/null", NULL) == TRACE_OK) {
		(void)!aosp_export(reader, &output, &export, &losses, NULL);
		flt_output_abandon(&output);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct flt_reader *reader;

	if (flt_reader_open_memory(&reader, data, size, NULL) != TRACE_OK)
		return 0;
	if (flt_reader_summary(reader)->events <= MAX_EVENTS) {
		read_batches(reader);
		(void)!flt_verify(reader, NULL);
		read_live(reader);
		slice_and_export(reader);
	}
	flt_reader_close(reader);
	return 0;
}

static size_t write_seed(const char *path, unsigned index)
{
	const struct flt_events_options options = {.seed = index + 1,
						   .threads = index % 2 ? 5 : 1,
						   .processes = index % 3 ? 3 : 1,
						   .stacks = index % 2 ? 4 : 0,
						   .time = index != 1,
						   .oddities = index > 1};
	const struct flt_description description = {"seed", "fuzz", NULL, options.time, options.stacks > 0};
	struct event *events = calloc(SEED_EVENTS, sizeof(*events));
	struct flt_writer *writer;
	uint32_t stack;

	if (!events || flt_writer_create(&writer, path, &description, NULL) != TRACE_OK ||
	    flt_writer_block_events(writer, 10 + 30u * index, NULL) != TRACE_OK)
		abort();
	flt_events_make(&options, events, SEED_EVENTS);
	for (uint64_t address = 1; address <= options.stacks; address++) {
		if (flt_writer_stack(writer, &address, 1, &stack, NULL) != TRACE_OK)
			abort();
	}
	for (size_t i = 0; i < SEED_EVENTS; i++) {
		if (flt_writer_add(writer, &events[i], NULL) != TRACE_OK)
			abort();
	}
	free(events);
	return flt_writer_finish(writer, NULL) == TRACE_OK;
}

size_t fuzz_seed(unsigned index, uint8_t *bytes)
{
	char path[] = "/tmp/faultline-seed.XXXXXX";
	const int fd = index < SEEDS ? mkstemp(path) : -1;

	if (fd < 0)
		return 0;
	(void)close(fd);
	if (!write_seed(path, index))
		abort();
	FILE *file = fopen(path, "rbe");
	const size_t size = file ? fread(bytes, 1, FUZZ_SEED_BYTES, file) : 0;

	if (file)
		(void)fclose(file);
	(void)unlink(path);
	return size;
}
