/* The reader of the trace format and all that stands on it. Checksums are switched off, writing and reading: behind them
 * no mutated byte would be parsed. */
#include "config.h"

#include "tests/fuzz/fuzz.h"
#include "tests/unit/flt_events.h"
#include "traces/export/aosp.h"
#include "traces/flt.h"
#include "traces/flt_checksum.h"
#include "traces/flt_verify.h"
#include "traces/frame_kinds.h"
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
		if (batch->kernel && (batch->kernel[i].gfp > summary->names[EVENT_NAMES_GFP] ||
				      batch->kernel[i].cache > summary->names[EVENT_NAMES_CACHE]))
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

/* As if it were one of page frames: its runs lie within what it says that it tells. */
static void read_frames(const struct event_snapshot *snapshot)
{
	struct frame_reader frames;
	struct frame_run run;
	uint64_t told = 0;

	if (!frame_reader_start(&frames, snapshot->bytes, snapshot->length))
		return;
	while (frame_reader_next(&frames, &run)) {
		if (run.first != frames.first + told || run.frames == 0 || run.value >= FRAME_VALUES)
			abort();
		told += run.frames;
	}
	if (told > frames.frames)
		abort();
}

static void read_accesses(struct flt_reader *reader)
{
	const struct flt_summary *summary = flt_reader_summary(reader);
	struct event_snapshot snapshot;
	struct access_batch batch;

	while (flt_reader_accesses(reader, &batch, NULL) == TRACE_OK) {
		if (access_batch_check(&batch))
			abort();
		for (size_t i = 0; i < batch.contexts; i++) {
			const struct access_context *context = &batch.contexts_table[i];

			if ((context->place == ACCESS_STACK && context->base >= summary->threads) ||
			    (context->place == ACCESS_REGION && context->base - 1 >= summary->regions))
				abort();
		}
	}
	(void)!flt_reader_seek_accesses(reader, summary->events / 2, NULL);
	(void)!flt_reader_accesses(reader, &batch, NULL);
	for (uint32_t number = 0; number < 3; number++) {
		if (flt_reader_snapshot(reader, number, &snapshot, NULL) == TRACE_OK)
			read_frames(&snapshot);
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
		read_accesses(reader);
		(void)!flt_verify(reader, NULL);
		read_live(reader);
		slice_and_export(reader);
	}
	flt_reader_close(reader);
	return 0;
}

static void require(enum trace_status status)
{
	if (status != TRACE_OK)
		abort();
}

/* What is not heap, after all events. */
static void write_places(struct flt_writer *writer, uint32_t process)
{
	const struct event_file file = {.path = "/lib/libc.so.6", .inode = 7, .bytes = 8192};
	const struct event_region region = {
	    .kind = EVENT_REGION_FILE, .file = 1, .length = 8192, .event = SEED_EVENTS, .process = process};
	const struct event_snapshot snapshot = {"frames", "16 9 1 2\n\x01\x62\x83\x01", 13};
	struct event event = {.kind = EVENT_MMAP, .process = process};
	const struct access accesses[] = {
	    {.base = 1, .offset = 16, .size = 8, .place = ACCESS_REGION},
	    {.base = 0, .offset = (uint64_t)-64, .size = 4, .kind = ACCESS_STORE, .place = ACCESS_STACK},
	    {.offset = 0x7fff0000, .size = 1, .kind = ACCESS_MODIFY | ACCESS_KERNEL, .place = ACCESS_WILD},
	};
	uint32_t number;

	require(flt_writer_file(writer, &file, &number, NULL));
	require(flt_writer_region(writer, &region, &number, NULL));
	require(flt_writer_snapshot(writer, &snapshot, &number, NULL));
	event.call = (struct event_call){.length = 8192, .file = 1, .result = 0x7f0000};
	require(flt_writer_add(writer, &event, NULL));
	require(flt_writer_accesses_skipped(writer, 0, 5, NULL));
	require(flt_writer_accesses(writer, 0, accesses, sizeof(accesses) / sizeof(accesses[0]), NULL));
	event = (struct event){.kind = EVENT_SNAPSHOT, .count = 1, .process = process};
	require(flt_writer_add(writer, &event, NULL));
	require(flt_writer_accesses(writer, 0, accesses, 1, NULL));
}

static size_t write_seed(const char *path, unsigned index)
{
	const struct flt_events_options options = {.seed = index + 1,
						   .threads = index % 2 ? 5 : 1,
						   .processes = index % 3 ? 3 : 1,
						   .stacks = index % 2 ? 4 : 0,
						   .time = index != 1,
						   .oddities = index > 1,
						   .kernel = index > 3};
	const struct flt_description description = {
	    "seed", "fuzz", NULL, options.time, options.stacks > 0, options.kernel ? 1 : 0};
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
	for (unsigned i = 0; options.kernel && i < EVENT_NAMES * FLT_EVENTS_NAMES; i++) {
		const char name[] = {(char)('a' + i), '\0'};
		uint32_t number;

		require(flt_writer_name(writer, i % 2 ? EVENT_NAMES_GFP : EVENT_NAMES_CACHE, name, &number,
					NULL));
	}
	for (size_t i = 0; i < SEED_EVENTS; i++) {
		if (flt_writer_add(writer, &events[i], NULL) != TRACE_OK)
			abort();
	}
	if (index % 3 == 0)
		write_places(writer, 0);
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
