#include "config.h"

#include "traces/record/machine_rings.h"

#include "traces/flt_names.h"
#include "traces/import/tracepoint.h"
#include "traces/record/number_map.h"
#include "traces/record/perf_ring.h"
#include "traces/record/tracefs.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/perf_event.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define RINGS_BYTES (UINT64_C(256) << 20) /* of all processors together */
#define RING_MAX_BYTES (UINT64_C(32) << 20)
#define RING_MIN_BYTES (UINT64_C(1) << 18)
#define SOURCES_MAX 32u
#define LOST_BYTES 8192u
#define MISSING_BYTES 512u

/* A tracepoint that is recorded. */
struct source {
	const struct kernel_tracepoint *kernel;
	uint64_t number; /* of the tracepoint */
	const struct tracepoint *tracepoint;
};

struct machine_rings {
	struct machine_rings_options options;
	struct tracefs tracefs;
	struct tracepoints tracepoints;
	struct source source[SOURCES_MAX];
	size_t sources;
	struct perf_ring *ring; /* one per processor; without events where a processor is not there */
	struct pollfd *poll;
	size_t processors;
	uint64_t ring_bytes;
	uint64_t started_ns;
	struct flt_names names;
	struct number_map gfp; /* bits + 1 to number + 1 */
	uint64_t lost, damaged;
	size_t lost_length;
	char lost_text[LOST_BYTES];
	char missing[MISSING_BYTES];
};

/* --- Opening ------------------------------------------------------------------------------------------------------------ */

static bool is_wanted(const struct machine_rings *rings, const struct kernel_tracepoint *kernel)
{
	switch (kernel->kind) {
	case EVENT_SWITCH:
		return rings->options.switches;
	case EVENT_KMEM_ALLOC:
	case EVENT_KMEM_FREE:
		return rings->options.slab;
	case EVENT_VMALLOC:
	case EVENT_VFREE:
	case EVENT_VMAP_PURGE:
		return rings->options.vmalloc;
	default:
		return rings->options.pages;
	}
}

/* Only kernels before 6.1 have them. */
static bool is_of_old_kernels(const char *name)
{
	return strcmp(name, "kmalloc_node") == 0 || strcmp(name, "kmem_cache_alloc_node") == 0;
}

static void note_missing(struct machine_rings *rings, const struct kernel_tracepoint *kernel)
{
	const size_t used = strlen(rings->missing);

	if (!is_of_old_kernels(kernel->name))
		(void)snprintf(rings->missing + used, sizeof(rings->missing) - used, "%s%s:%s",
			       used ? " " : "", kernel->system, kernel->name);
}

static void find_source(struct machine_rings *rings, const struct kernel_tracepoint *kernel)
{
	char name[96];
	char *format;
	uint64_t number;

	(void)snprintf(name, sizeof(name), "%s/%s", kernel->system, kernel->name);
	number = tracepoint_number(&rings->tracefs, name);
	format = tracepoint_format(&rings->tracefs, name);
	if (number != UINT64_MAX && format && rings->sources < SOURCES_MAX &&
	    tracepoints_add(&rings->tracepoints, kernel->system, format, strlen(format)) &&
	    tracepoints_find(&rings->tracepoints, number))
		rings->source[rings->sources++] = (struct source){kernel, number, NULL};
	else
		note_missing(rings, kernel);
	free(format);
}

/* The descriptions lie still only when all are there. */
static void find_sources(struct machine_rings *rings)
{
	for (size_t i = 0; kernel_tracepoint_at(i); i++) {
		if (is_wanted(rings, kernel_tracepoint_at(i)))
			find_source(rings, kernel_tracepoint_at(i));
	}
	for (size_t i = 0; i < rings->sources; i++)
		rings->source[i].tracepoint = tracepoints_find(&rings->tracepoints, rings->source[i].number);
}

static int open_event(struct machine_rings *rings, size_t source, size_t processor)
{
	struct perf_event_attr attributes = {
	    .size = sizeof(attributes),
	    .type = PERF_TYPE_TRACEPOINT,
	    .config = rings->source[source].number,
	    .sample_period = 1,
	    .sample_type = PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME |
			   PERF_SAMPLE_ADDR | PERF_SAMPLE_RAW,
	    .disabled = 1,
	    .sample_id_all = 1,
	    .exclude_hv = 1,
	    .use_clockid = 1,
	    .clockid = CLOCK_MONOTONIC_RAW,
	    .watermark = 1,
	    .wakeup_watermark = (uint32_t)(rings->ring_bytes / 4),
	    .comm = source == 0,
	    .task = source == 0,
	};
	const long fd =
	    syscall(SYS_perf_event_open, &attributes, -1, (int)processor, -1, PERF_FLAG_FD_CLOEXEC);

	if (fd < 0)
		return errno;
	return perf_ring_add(&rings->ring[processor], (int)fd, (int)source, &rings->ring_bytes);
}

static int open_processor(struct machine_rings *rings, size_t processor)
{
	for (size_t source = 0; source < rings->sources; source++) {
		const int reason = open_event(rings, source, processor);

		if (reason != 0)
			return reason;
	}
	rings->poll[processor] = (struct pollfd){.fd = rings->ring[processor].fd[0], .events = POLLIN};
	return 0;
}

static enum trace_status open_processors(struct machine_rings *rings, struct trace_error *error)
{
	size_t opened = 0;

	for (size_t i = 0; i < rings->processors; i++) {
		const int reason = open_processor(rings, i);

		if (reason == 0)
			opened++;
		else if (reason != ENODEV)
			return trace_fail(error, TRACE_UNSUPPORTED,
					  "the kernel's allocators cannot be recorded: %s (it takes root, or "
					  "CAP_PERFMON and a readable /sys/kernel/tracing)",
					  strerror(reason));
	}
	return opened ? TRACE_OK
		      : trace_fail(error, TRACE_UNSUPPORTED, "no processor of this machine can be watched");
}

static enum trace_status check_sources(const struct machine_rings *rings, struct trace_error *error)
{
	if (!tracepoints_are_known())
		return trace_fail(
		    error, TRACE_UNSUPPORTED,
		    "this build has no libtraceevent, which reads the kernel's descriptions of its "
		    "tracepoints: install libtraceevent-dev and configure again");
	if (rings->sources)
		return TRACE_OK;
	return trace_fail(
	    error, TRACE_UNSUPPORTED,
	    "the kernel's allocators cannot be recorded: its tracepoints cannot be read%s%s (it takes "
	    "root, or CAP_PERFMON and a readable /sys/kernel/tracing)",
	    rings->tracefs.directory < 0 ? ": " : "",
	    rings->tracefs.directory < 0 ? strerror(rings->tracefs.reason) : "");
}

static uint64_t ring_share(size_t processors)
{
	uint64_t bytes = RING_MAX_BYTES;

	while (bytes > RING_MIN_BYTES && bytes * processors > RINGS_BYTES)
		bytes /= 2;
	return bytes;
}

static enum trace_status open_all(struct machine_rings *rings, struct trace_error *error)
{
	const long processors = sysconf(_SC_NPROCESSORS_CONF);
	enum trace_status status;

	tracefs_open(&rings->tracefs);
	rings->processors = processors > 0 ? (size_t)processors : 1;
	rings->ring_bytes = rings->options.bytes ? rings->options.bytes : ring_share(rings->processors);
	rings->ring = calloc(rings->processors, sizeof(*rings->ring));
	rings->poll = calloc(rings->processors, sizeof(*rings->poll));
	if (!rings->ring || !rings->poll)
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory to start");
	for (size_t i = 0; i < rings->processors; i++) {
		perf_ring_create(&rings->ring[i]);
		rings->poll[i].fd = -1;
	}
	find_sources(rings);
	status = check_sources(rings, error);
	return status == TRACE_OK ? open_processors(rings, error) : status;
}

enum trace_status machine_rings_create(struct machine_rings **created,
				       const struct machine_rings_options *options, struct trace_error *error)
{
	struct machine_rings *rings = calloc(1, sizeof(*rings));
	enum trace_status status;

	*created = NULL;
	if (!rings)
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory to start");
	rings->options = *options;
	status = open_all(rings, error);
	if (status != TRACE_OK) {
		machine_rings_destroy(rings);
		return status;
	}
	*created = rings;
	return TRACE_OK;
}

void machine_rings_destroy(struct machine_rings *rings)
{
	if (!rings)
		return;
	for (size_t i = 0; rings->ring && i < rings->processors; i++)
		perf_ring_destroy(&rings->ring[i]);
	free(rings->ring);
	free(rings->poll);
	tracepoints_free(&rings->tracepoints);
	flt_names_free(&rings->names);
	number_map_clear(&rings->gfp);
	tracefs_close(&rings->tracefs);
	free(rings);
}

size_t machine_rings_processors(const struct machine_rings *rings)
{
	return rings->processors;
}

/* --- Running ------------------------------------------------------------------------------------------------------------ */

static uint64_t raw_clock(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC_RAW, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void switch_all(const struct machine_rings *rings, unsigned long request)
{
	for (size_t i = 0; i < rings->processors; i++) {
		for (size_t event = 0; event < rings->ring[i].events; event++)
			(void)ioctl(rings->ring[i].fd[event], request, 0);
	}
}

void machine_rings_start(struct machine_rings *rings)
{
	rings->started_ns = raw_clock();
	switch_all(rings, PERF_EVENT_IOC_ENABLE);
}

void machine_rings_stop(struct machine_rings *rings)
{
	switch_all(rings, PERF_EVENT_IOC_DISABLE);
}

uint64_t machine_rings_now(const struct machine_rings *rings)
{
	return raw_clock() - rings->started_ns;
}

void machine_rings_wait(const struct machine_rings *rings, int milliseconds)
{
	(void)poll(rings->poll, rings->processors, milliseconds);
}

/* --- Reading ------------------------------------------------------------------------------------------------------------ */

static enum trace_status number_flags(struct machine_rings *rings, uint64_t flags, uint32_t *number,
				      struct trace_error *error)
{
	const uint64_t known = number_map_get(&rings->gfp, flags + 1);
	char text[GFP_TEXT_BYTES];
	enum trace_status status;
	uint64_t previous;

	*number = known ? (uint32_t)known - 1 : 0;
	if (known || flags == 0 || flags == UINT64_MAX)
		return TRACE_OK;
	gfp_names_text(&rings->tracepoints.gfp, flags, text);
	status = flt_names_add(&rings->names, EVENT_NAMES_GFP, text, number, error);
	rings->names.pending.used = 0;
	if (status == TRACE_OK && !number_map_put(&rings->gfp, flags + 1, *number + UINT64_C(1), &previous))
		status = trace_fail(error, TRACE_NO_MEMORY, "not enough memory for the names of flags");
	return status;
}

static enum trace_status number_cache(struct machine_rings *rings, const char *name, uint32_t *number,
				      struct trace_error *error)
{
	enum trace_status status = TRACE_OK;

	*number = 0;
	if (name && *name)
		status = flt_names_add(&rings->names, EVENT_NAMES_CACHE, name, number, error);
	rings->names.pending.used = 0;
	return status;
}

static void note_lost(struct machine_rings *rings, const struct machine_record *record, uint64_t count)
{
	char *at = rings->lost_text + rings->lost_length;
	const size_t room = LOST_BYTES - rings->lost_length;
	const int length =
	    snprintf(at, room, "%" PRIu64 " %" PRIu32 " %" PRIu64 "\n", record->time_ns, record->cpu, count);

	rings->lost += count;
	if (length > 0 && (size_t)length < room)
		rings->lost_length += (size_t)length;
	else
		*at = '\0';
}

/* What the tracepoint's data says. False: nothing that makes sense. */
static bool decode(struct machine_rings *rings, const struct perf_sample *sample,
		   struct machine_record *record, enum trace_status *status, struct trace_error *error)
{
	const struct source *source = &rings->source[sample->event];
	const uint8_t *raw = sample->raw;
	uint64_t value[KERNEL_NUMBERS];
	struct event event = {0};
	const char *name;

	if (!tracepoint_read_kernel(source->tracepoint, raw, sample->raw_bytes, value, &name) ||
	    !kernel_tracepoint_event(source->kernel, value, &event))
		return false;
	record->kind = event.kind;
	record->flags = event.flags;
	record->count = event.count;
	record->kernel = event.kernel;
	if (event.kind == EVENT_SWITCH)
		record->thread_id = (uint32_t)value[KERNEL_NEXT];
	else
		record->thread_id = tracepoint_thread(source->tracepoint, raw, sample->raw_bytes);
	if (event_kernel_carries(event.kind) & EVENT_KERNEL_HAS_GFP)
		*status = number_flags(rings, value[KERNEL_GFP], &record->kernel.gfp, error);
	if (name && *status == TRACE_OK)
		*status = number_cache(rings, name, &record->kernel.cache, error);
	return true;
}

/* Fills in the record; kind 0: it is none. */
static enum trace_status translate(struct machine_rings *rings, const struct perf_sample *sample,
				   uint32_t cpu, struct machine_record *record, struct trace_error *error)
{
	enum trace_status status = TRACE_OK;

	*record = (struct machine_record){
	    .cpu = cpu, .process_id = sample->process_id, .thread_id = sample->thread_id};
	record->time_ns = sample->time_ns > rings->started_ns ? sample->time_ns - rings->started_ns : 0;
	if (sample->lost) {
		note_lost(rings, record, sample->lost);
	} else if (sample->command) {
		record->kind = MACHINE_NAME;
		(void)snprintf(record->name, sizeof(record->name), "%.15s", sample->command);
	} else if (sample->is_birth) {
		record->kind = MACHINE_BIRTH;
		record->parent_id = sample->parent_id;
	} else if (sample->event >= 0 && !decode(rings, sample, record, &status, error)) {
		record->kind = 0;
		rings->damaged++;
	}
	return status;
}

enum trace_status machine_rings_read(struct machine_rings *rings, struct machine_log *log,
				     struct trace_error *error)
{
	struct machine_record record;
	struct perf_sample sample;

	for (size_t i = 0; i < rings->processors; i++) {
		while (perf_ring_next(&rings->ring[i], &sample)) {
			enum trace_status status = translate(rings, &sample, (uint32_t)i, &record, error);

			if (status != TRACE_OK)
				return status;
			if (record.kind)
				(void)machine_log_put(log, &record);
		}
	}
	return TRACE_OK;
}

const char *machine_rings_lost(const struct machine_rings *rings, uint64_t *lost)
{
	*lost = rings->lost;
	return rings->lost_text;
}

uint64_t machine_rings_damaged(const struct machine_rings *rings)
{
	return rings->damaged;
}

const char *machine_rings_name(const struct machine_rings *rings, enum event_names table, uint32_t number)
{
	return number && number <= rings->names.names[table] ? rings->names.name[table][number - 1] : NULL;
}

const char *machine_rings_missing(const struct machine_rings *rings)
{
	return rings->missing;
}
