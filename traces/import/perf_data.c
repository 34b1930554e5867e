#include "config.h"

#include "traces/import/perf_data.h"

#include "traces/import/fault_pair.h"
#include "traces/import/kernel_stream.h"
#include "traces/import/perf_data_file.h"
#include "traces/memory_call.h"

#include <stdlib.h>
#include <string.h>

#define USER_ADDRESSES_END (UINT64_C(1) << 63)

struct perf_events {
	struct importer *importer;
	struct perf_data_file file;
	struct fault_pair pair;
	struct kernel_stream stream;
	struct perf_tasks tasks;
	uint64_t first_ns;
};

static int compare(const void *left, const void *right)
{
	const struct perf_kept *one = left, *other = right;

	if (one->time != other->time)
		return one->time < other->time ? -1 : 1;
	return one->record < other->record ? -1 : one->record > other->record;
}

static struct perf_moment moment_of(const struct perf_events *events, const struct perf_kept *kept)
{
	return (struct perf_moment){kept->process_id, kept->thread_id, kept->time - events->first_ns};
}

static enum trace_status put_fault(struct perf_events *events, const struct perf_kept *kept,
				   struct fault_half *half)
{
	const struct perf_moment moment = moment_of(events, kept);
	enum trace_status status = TRACE_OK;

	half->process_id = kept->process_id;
	half->thread_id = kept->thread_id;
	half->time_ns = moment.time_ns;
	if (half->address >= USER_ADDRESSES_END)
		return TRACE_OK;
	if (!(half->flags & EVENT_FAULT_KERNEL))
		status = perf_tasks_run(&events->tasks, moment);
	return status == TRACE_OK ? fault_pair_put(&events->pair, events->importer, half) : status;
}

static enum trace_status take_software(struct perf_events *events, const struct perf_kept *kept,
				       uint64_t config)
{
	struct fault_half half = {.address = kept->address, .flags = EVENT_FAULT_FROM_SOFTWARE};

	if (!kept->has_address)
		return warnings_add(
		    &events->importer->warnings, "fault without address", events->importer->error,
		    "has no address of its fault; record with `perf record -e page-faults -c 1 "
		    "-d`");
	if (kept->ip >= USER_ADDRESSES_END)
		half.flags |= EVENT_FAULT_KERNEL;
	if (config == PERF_SOFTWARE_FAULTS_MINOR)
		half.flags |= EVENT_FAULT_MINOR;
	if (config == PERF_SOFTWARE_FAULTS_MAJOR)
		half.flags |= EVENT_FAULT_MAJOR;
	return put_fault(events, kept, &half);
}

/* Faults that wait for their other half come before it. */
static enum trace_status end_call(struct perf_events *events, const struct perf_kept *kept,
				  const uint64_t value[TRACEPOINT_VALUES])
{
	enum trace_status status = TRACE_OK;

	if (memory_call_by_number(value[0]))
		status = fault_pair_finish(&events->pair, events->importer);
	if (status != TRACE_OK)
		return status;
	return perf_tasks_leave(&events->tasks, moment_of(events, kept), value[0], (int64_t)value[1]);
}

static enum trace_status take_task(struct perf_events *events, const struct perf_kept *kept)
{
	struct perf_task task = perf_data_task(&events->file, kept);
	enum trace_status status = TRACE_OK;

	task.time_ns -= events->first_ns;
	if (task.kind != PERF_TASK_MAP)
		status = fault_pair_finish(&events->pair, events->importer);
	return status == TRACE_OK ? perf_tasks_take(&events->tasks, &task) : status;
}

static enum trace_status damaged(struct perf_events *events)
{
	return warnings_add(
	    &events->importer->warnings, "sample not understood", events->importer->error,
	    "has less data than its tracepoint has fields, or numbers that make no sense; it was "
	    "skipped");
}

static enum trace_status take_kernel(struct perf_events *events, const struct perf_kept *kept,
				     const struct tracepoint *tracepoint)
{
	struct kernel_moment moment = {.process_id = kept->process_id,
				       .thread_id = kept->thread_id,
				       .cpu = kept->cpu,
				       .time_ns = kept->time - events->first_ns};
	uint64_t value[KERNEL_NUMBERS];
	char gfp[GFP_TEXT_BYTES];
	enum trace_status status;

	if (tracepoint->kernel->kind == EVENT_SWITCH)
		return TRACE_OK;
	if (!tracepoint_read_kernel(tracepoint, events->file.raw + kept->raw, kept->raw_bytes, value,
				    &moment.cache) ||
	    !kernel_tracepoint_event(tracepoint->kernel, value, &moment.event))
		return damaged(events);
	moment.cache_length = moment.cache ? strlen(moment.cache) : 0;
	if (value[KERNEL_GFP]) {
		gfp_names_text(&events->file.tracepoints.gfp, value[KERNEL_GFP], gfp);
		moment.gfp = gfp;
		moment.gfp_length = strlen(gfp);
	}
	/* Faults that wait for their other half come before it. */
	status = fault_pair_finish(&events->pair, events->importer);
	return status == TRACE_OK ? kernel_stream_put(&events->stream, events->importer, &moment) : status;
}

static enum trace_status take_tracepoint(struct perf_events *events, const struct perf_kept *kept,
					 uint64_t id)
{
	const struct tracepoint *tracepoint = tracepoints_find(&events->file.tracepoints, id);
	uint64_t value[TRACEPOINT_VALUES];
	struct fault_half half;

	if (!tracepoint && tracepoints_are_known() && events->file.has_formats)
		return TRACE_OK;
	if (!tracepoint)
		return warnings_add(
		    &events->importer->warnings, "tracepoint without format", events->importer->error,
		    "is a sample of a tracepoint that the file does not describe%s; it was skipped",
		    tracepoints_are_known() ? "" : " to a build without libtraceevent");
	if (tracepoint->kind == TRACEPOINT_KERNEL)
		return take_kernel(events, kept, tracepoint);
	if (kept->thread_id == UINT32_MAX)
		return TRACE_OK; /* of a thread that is just ending */
	if (!tracepoint_read(tracepoint, events->file.raw + kept->raw, kept->raw_bytes, value))
		return damaged(events);
	if (tracepoint->kind == TRACEPOINT_ENTER)
		return perf_tasks_enter(&events->tasks, moment_of(events, kept), value[0], value + 1);
	if (tracepoint->kind == TRACEPOINT_EXIT)
		return end_call(events, kept, value);
	half = (struct fault_half){.address = value[0], .flags = fault_code_flags(value[2])};
	return put_fault(events, kept, &half);
}

static enum trace_status take_sample(struct perf_events *events, const struct perf_kept *kept,
				     const struct perf_attr *attr)
{
	return attr->type == PERF_TYPE_SOFTWARE_EVENT ? take_software(events, kept, attr->config)
						      : take_tracepoint(events, kept, attr->config);
}

/* Faults or calls were recorded, not the kernel's allocators alone: the life of threads and mappings belongs to them. */
static bool is_of_programs(const struct perf_data_file *file)
{
	for (size_t i = 0; i < file->attrs; i++) {
		const struct perf_attr *attr = &file->attr[i];
		const struct tracepoint *tracepoint = tracepoints_find(&file->tracepoints, attr->config);

		if ((attr->type == PERF_TYPE_SOFTWARE_EVENT && perf_attr_is_of_faults(attr)) ||
		    (attr->type == PERF_TYPE_TRACEPOINT_EVENT && tracepoint &&
		     tracepoint->kind != TRACEPOINT_KERNEL))
			return true;
	}
	return false;
}

static void drop_tasks(struct perf_data_file *file)
{
	size_t left = 0;

	for (size_t i = 0; i < file->kept_count; i++) {
		if (file->kept[i].attr != PERF_KEPT_TASK)
			file->kept[left++] = file->kept[i];
	}
	file->kept_count = left;
}

static enum trace_status take_all(struct perf_events *events)
{
	struct perf_data_file *file = &events->file;
	enum trace_status status = TRACE_OK;

	if (!is_of_programs(file))
		drop_tasks(file);
	if (file->kept_count > 1)
		qsort(file->kept, file->kept_count, sizeof(*file->kept), compare);
	events->first_ns = file->kept_count ? file->kept[0].time : 0;
	for (size_t i = 0; status == TRACE_OK && i < file->kept_count; i++) {
		const struct perf_kept *kept = &file->kept[i];
		events->importer->warnings.line = kept->record;
		if (kept->attr == PERF_KEPT_TASK)
			status = take_task(events, kept);
		else
			status = take_sample(events, kept, &file->attr[kept->attr]);
	}
	return status == TRACE_OK ? fault_pair_finish(&events->pair, events->importer) : status;
}

static enum trace_status perf_data_run(struct importer *importer)
{
	struct perf_events *events = calloc(1, sizeof(*events));
	enum trace_status status;

	if (!events)
		return trace_fail(importer->error, TRACE_NO_MEMORY, "no memory for an import");
	events->importer = importer;
	events->stream.begun = true;
	perf_tasks_start(&events->tasks, importer);
	status = perf_data_read(&events->file, importer);
	if (status == TRACE_OK)
		status = take_all(events);
	perf_tasks_end(&events->tasks);
	kernel_stream_end(&events->stream);
	perf_data_free(&events->file);
	free(events);
	return status;
}

static size_t perf_data_detect(const char *bytes, size_t length)
{
	return length >= 8 && (memcmp(bytes, "PERFILE2", 8) == 0 || memcmp(bytes, "2ELIFREP", 8) == 0)
		   ? length
		   : 0;
}

static bool perf_data_has_time(const char *bytes, size_t length)
{
	(void)bytes;
	(void)length;
	return true;
}

const struct import_format perf_data_format = {
    .name = "perf-data",
    .summary =
	"perf record: page-faults (-d), exceptions:page_fault_*, memory system calls, kmem:*, vmalloc:* ...",
    .sample = "PERFILE2",
    .detect = perf_data_detect,
    .has_time = perf_data_has_time,
    .run = perf_data_run,
};
