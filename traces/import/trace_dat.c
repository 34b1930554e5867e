#include "config.h"

#include "traces/import/trace_dat.h"

#include "traces/import/kernel_stream.h"
#include "traces/import/trace_dat_file.h"

#include <stdlib.h>
#include <string.h>

static const uint8_t magic[] = {0x17, 0x08, 0x44, 't', 'r', 'a', 'c', 'i', 'n', 'g'};

static int compare(const void *left, const void *right)
{
	const struct trace_dat_record *one = left, *other = right;

	if (one->time != other->time)
		return one->time < other->time ? -1 : 1;
	return one->number < other->number ? -1 : one->number > other->number;
}

static enum trace_status put(struct trace_dat_file *file, struct kernel_stream *stream,
			     const struct trace_dat_record *record)
{
	const struct tracepoint *tracepoint =
	    tracepoints_find(&file->tracepoints, (uint64_t)record->raw[0] | (uint64_t)record->raw[1] << 8);
	struct kernel_moment moment = {.cpu = record->cpu, .time_ns = record->time};
	uint64_t value[KERNEL_NUMBERS];
	char gfp[GFP_TEXT_BYTES];

	if (!tracepoint || tracepoint->kind != TRACEPOINT_KERNEL || tracepoint->kernel->kind == EVENT_SWITCH)
		return TRACE_OK;
	if (!tracepoint_read_kernel(tracepoint, record->raw, record->raw_bytes, value, &moment.cache) ||
	    !kernel_tracepoint_event(tracepoint->kernel, value, &moment.event))
		return warnings_add(&file->importer->warnings, "record not understood", file->importer->error,
				    "has less data than its tracepoint has fields, or numbers that make no "
				    "sense; it was skipped");
	moment.thread_id = tracepoint_thread(tracepoint, record->raw, record->raw_bytes);
	moment.cache_length = moment.cache ? strlen(moment.cache) : 0;
	if (value[KERNEL_GFP]) {
		gfp_names_text(&file->tracepoints.gfp, value[KERNEL_GFP], gfp);
		moment.gfp = gfp;
		moment.gfp_length = strlen(gfp);
	}
	return kernel_stream_put(stream, file->importer, &moment);
}

static enum trace_status put_all(struct trace_dat_file *file)
{
	struct kernel_stream stream = {0};
	enum trace_status status = TRACE_OK;

	if (file->records > 1)
		qsort(file->record, file->records, sizeof(*file->record), compare);
	for (size_t i = 0; status == TRACE_OK && i < file->records; i++) {
		file->importer->warnings.line = i + 1;
		status = put(file, &stream, &file->record[i]);
	}
	kernel_stream_end(&stream);
	for (uint64_t i = 0; status == TRACE_OK && i < file->lost; i++)
		status =
		    warnings_add(&file->importer->warnings, EVENT_LOST_WARNING, file->importer->error,
				 "a page of the tracer's buffer comes after events that it had no room for");
	return status;
}

static enum trace_status trace_dat_run(struct importer *importer)
{
	struct trace_dat_file file = {.importer = importer};
	enum trace_status status = trace_dat_read(&file, importer);

	if (status == TRACE_OK)
		status = put_all(&file);
	trace_dat_free(&file);
	return status;
}

static size_t trace_dat_detect(const char *bytes, size_t length)
{
	return length >= sizeof(magic) && memcmp(bytes, magic, sizeof(magic)) == 0 ? length : 0;
}

static bool trace_dat_has_time(const char *bytes, size_t length)
{
	(void)bytes;
	(void)length;
	return true;
}

const struct import_format trace_dat_format = {
    .name = "trace-dat",
    .summary = "trace-cmd record: kmem:*, vmalloc:*, compaction and reclaim (trace.dat of versions 6 and 7)",
    .sample = "\\x17\\x08\\x44tracing6",
    .detect = trace_dat_detect,
    .has_time = trace_dat_has_time,
    .run = trace_dat_run,
};
