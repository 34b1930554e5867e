#include "config.h"

#include "traces/record/sampler.h"

#include "traces/memory_call.h"
#include "traces/record/perf_ring.h"
#include "traces/record/ticks.h"
#include "traces/record/tracefs.h"
#include "traces/grown_array.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#define FILTER_BYTES 1024u
#define RINGS_BYTES (UINT64_C(128) << 20) /* of all processors together */
#define RING_MAX_BYTES (UINT64_C(8) << 20)
#define RING_MIN_BYTES (UINT64_C(1) << 16)
#define USER_FAULT_ADDRESS_END (UINT64_C(1) << 63) /* from here on addresses are the kernel's */
#define X86_FAULT_PRESENT 1u
#define X86_FAULT_WRITE 2u
#define X86_FAULT_USER 4u
#define X86_FAULT_FETCH 16u

enum sampled_event {
	SAMPLED_ENTER,
	SAMPLED_EXIT,
	SAMPLED_FAULT,
	SAMPLED_MINOR,
	SAMPLED_MAJOR,
	SAMPLED_FAULT_USER,
	SAMPLED_FAULT_KERNEL,
	SAMPLED_EVENTS
};

/* One kind of event, on every processor. */
struct event_kind_source {
	const char *tracepoint; /* NULL: a software event */
	uint64_t number;
};

static const struct event_kind_source sources[SAMPLED_EVENTS] = {
    [SAMPLED_ENTER] = {"raw_syscalls/sys_enter", 0},
    [SAMPLED_EXIT] = {"raw_syscalls/sys_exit", 0},
    [SAMPLED_FAULT] = {NULL, PERF_COUNT_SW_PAGE_FAULTS},
    [SAMPLED_MINOR] = {NULL, PERF_COUNT_SW_PAGE_FAULTS_MIN},
    [SAMPLED_MAJOR] = {NULL, PERF_COUNT_SW_PAGE_FAULTS_MAJ},
    [SAMPLED_FAULT_USER] = {"exceptions/page_fault_user", 0},
    [SAMPLED_FAULT_KERNEL] = {"exceptions/page_fault_kernel", 0},
};

/* Where the fields lie that are read. */
struct tracepoint_layout {
	struct tracepoint_field call, arguments, result; /* raw_syscalls */
	struct tracepoint_field address, instruction, error_code;
};

struct anchor {
	uint64_t ticks, ns;
};

struct sampler {
	struct sampler_options options;
	struct tracefs tracefs;
	struct tracepoint_layout layout[SAMPLED_EVENTS];
	struct perf_ring *ring; /* one per processor */
	size_t rings;
	uint64_t ring_bytes;
	bool user_only; /* the kernel's own faults are not shown to us */
	bool causes;
	bool opened[SAMPLED_EVENTS];
	struct anchor first, last;
	uint64_t previous_ticks; /* at the reading before this */
	uint64_t lost;
	struct kernel_record *record; /* read but not handed over */
	size_t records, capacity;
};

/* --- Opening ---------------------------------------------------------------------------------------------------------------- */

static struct perf_event_attr attributes_of(const struct sampler *sampler, enum sampled_event event)
{
	struct perf_event_attr attributes = {
	    .size = sizeof(attributes),
	    .type = sources[event].tracepoint ? PERF_TYPE_TRACEPOINT : PERF_TYPE_SOFTWARE,
	    .config = sources[event].number,
	    .sample_period = 1,
	    .sample_type = PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME |
			   PERF_SAMPLE_ADDR,
	    .inherit = 1,
	    .sample_id_all = 1,
	    .exclude_kernel = sampler->user_only,
	    .exclude_hv = 1,
	    .use_clockid = 1,
	    .clockid = CLOCK_MONOTONIC_RAW,
	    .wakeup_events = 1u << 30,
	};

	if (sources[event].tracepoint) {
		attributes.config = tracepoint_number(&sampler->tracefs, sources[event].tracepoint);
		attributes.sample_type |= PERF_SAMPLE_RAW;
	}
	attributes.mmap = attributes.mmap2 = attributes.mmap_data = event == SAMPLED_EXIT;
	return attributes;
}

static void make_filter(char *filter)
{
	size_t length = 0;

	for (size_t i = 0; memory_call_at(i); i++) {
		if (memory_call_at(i)->number >= 0 && length + 32 < FILTER_BYTES)
			length += (size_t)sprintf(filter + length, "%sid==%ld", length ? "||" : "",
						  memory_call_at(i)->number);
	}
}

/* Opens one event on one processor, whose records go to the processor's ring. Returns 0 or an errno. */
static int open_event(struct sampler *sampler, enum sampled_event event, int processor)
{
	struct perf_event_attr attributes = attributes_of(sampler, event);
	char filter[FILTER_BYTES] = "";
	long fd;

	if (attributes.config == UINT64_MAX)
		return sampler->tracefs.directory < 0 ? sampler->tracefs.reason : EACCES;
	fd = syscall(SYS_perf_event_open, &attributes, sampler->options.process, processor, -1,
		     PERF_FLAG_FD_CLOEXEC);
	if (fd < 0)
		return errno;
	make_filter(filter);
	if ((event == SAMPLED_ENTER || event == SAMPLED_EXIT) &&
	    ioctl((int)fd, PERF_EVENT_IOC_SET_FILTER, filter) != 0) {
		int reason = errno;
		(void)close((int)fd);
		return reason;
	}
	return perf_ring_add(&sampler->ring[processor], (int)fd, event, &sampler->ring_bytes);
}

/* Opens one event on every processor that is there. */
static int open_everywhere(struct sampler *sampler, enum sampled_event event)
{
	size_t opened = 0;

	for (size_t i = 0; i < sampler->rings; i++) {
		int reason = open_event(sampler, event, (int)i);
		if (reason != 0 && reason != ENODEV)
			return reason;
		opened += reason == 0;
	}
	sampler->opened[event] = opened != 0;
	return opened ? 0 : ENODEV;
}

static void read_layout(struct sampler *sampler, enum sampled_event event)
{
	char *format = tracepoint_format(&sampler->tracefs, sources[event].tracepoint);
	struct tracepoint_layout *layout = &sampler->layout[event];

	if (!format)
		return;
	(void)tracepoint_field_find(format, "id", &layout->call);
	(void)tracepoint_field_find(format, "args", &layout->arguments);
	(void)tracepoint_field_find(format, "ret", &layout->result);
	(void)tracepoint_field_find(format, "address", &layout->address);
	(void)tracepoint_field_find(format, "ip", &layout->instruction);
	(void)tracepoint_field_find(format, "error_code", &layout->error_code);
	free(format);
}

static enum trace_status open_calls(struct sampler *sampler, struct trace_error *error)
{
	int reason = open_everywhere(sampler, SAMPLED_ENTER);

	if (reason == 0)
		reason = open_everywhere(sampler, SAMPLED_EXIT);
	read_layout(sampler, SAMPLED_ENTER);
	read_layout(sampler, SAMPLED_EXIT);
	if (reason == 0 && (sampler->layout[SAMPLED_ENTER].arguments.size != 48 ||
			    sampler->layout[SAMPLED_EXIT].result.size != 8))
		reason = EPROTO;
	if (reason != 0)
		return trace_fail(
		    error, TRACE_UNSUPPORTED,
		    "system calls cannot be recorded by perf events: %s (it takes root, or CAP_PERFMON "
		    "and a readable /sys/kernel/tracing)",
		    strerror(reason));
	return TRACE_OK;
}

static enum trace_status open_faults(struct sampler *sampler, struct trace_error *error)
{
	int reason = open_everywhere(sampler, SAMPLED_FAULT);

	if (reason == EACCES || reason == EPERM) {
		sampler->user_only = true;
		reason = open_everywhere(sampler, SAMPLED_FAULT);
	}
	if (reason == 0)
		reason = open_everywhere(sampler, SAMPLED_MINOR);
	if (reason == 0)
		reason = open_everywhere(sampler, SAMPLED_MAJOR);
	if (reason != 0)
		return trace_fail(
		    error, TRACE_UNSUPPORTED,
		    "page faults cannot be recorded by perf events: %s (it takes root, CAP_PERFMON, or "
		    "/proc/sys/kernel/perf_event_paranoid at 2 or less)",
		    strerror(reason));
	sampler->causes = !sampler->user_only && open_everywhere(sampler, SAMPLED_FAULT_USER) == 0 &&
			  open_everywhere(sampler, SAMPLED_FAULT_KERNEL) == 0;
	if (sampler->causes) {
		read_layout(sampler, SAMPLED_FAULT_USER);
		read_layout(sampler, SAMPLED_FAULT_KERNEL);
	}
	return TRACE_OK;
}

static void take_anchor(struct anchor *anchor)
{
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < 3; i++) {
		struct timespec now;
		uint64_t before = ticks_now(), after;
		(void)clock_gettime(CLOCK_MONOTONIC_RAW, &now);
		after = ticks_now();
		if (after - before >= best)
			continue;
		best = after - before;
		anchor->ticks = before + (after - before) / 2;
		anchor->ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	}
}

static uint64_t ring_share(size_t processors)
{
	uint64_t bytes = RING_MAX_BYTES;

	while (bytes > RING_MIN_BYTES && bytes * processors > RINGS_BYTES)
		bytes /= 2;
	return bytes;
}

static enum trace_status open_all(struct sampler *sampler, struct trace_error *error)
{
	long processors = sysconf(_SC_NPROCESSORS_CONF);
	enum trace_status status = TRACE_OK;

	sampler->rings = processors > 0 ? (size_t)processors : 1;
	sampler->ring = calloc(sampler->rings, sizeof(*sampler->ring));
	if (!sampler->ring)
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory to start");
	for (size_t i = 0; i < sampler->rings; i++)
		perf_ring_create(&sampler->ring[i]);
	sampler->ring_bytes = ring_share(sampler->rings);
	if (sampler->options.calls)
		status = open_calls(sampler, error);
	if (status == TRACE_OK && sampler->options.faults)
		status = open_faults(sampler, error);
	return status;
}

enum trace_status sampler_create(struct sampler **created, const struct sampler_options *options,
				 struct trace_error *error)
{
	struct sampler *sampler = calloc(1, sizeof(*sampler));
	enum trace_status status;

	*created = sampler;
	if (!sampler)
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory to start");
	sampler->options = *options;
	tracefs_open(&sampler->tracefs);
	status = open_all(sampler, error);
	take_anchor(&sampler->first);
	sampler->previous_ticks = sampler->first.ticks;
	if (status != TRACE_OK) {
		sampler_destroy(sampler);
		*created = NULL;
	}
	return status;
}

void sampler_destroy(struct sampler *sampler)
{
	if (!sampler)
		return;
	for (size_t i = 0; i < sampler->rings && sampler->ring; i++)
		perf_ring_destroy(&sampler->ring[i]);
	for (size_t i = 0; i < sampler->records; i++)
		free(sampler->record[i].text);
	free(sampler->record);
	free(sampler->ring);
	tracefs_close(&sampler->tracefs);
	free(sampler);
}

uint64_t sampler_lost(const struct sampler *sampler)
{
	return sampler->lost;
}

bool sampler_sees_causes(const struct sampler *sampler)
{
	return sampler->causes;
}

bool sampler_sees_kernel(const struct sampler *sampler)
{
	return !sampler->user_only;
}

/* --- Reading ---------------------------------------------------------------------------------------------------------------- */

/* The tick count at a time of CLOCK_MONOTONIC_RAW: from the last pair of both by the rate between the first and the last. */
static uint64_t ticks_at(const struct sampler *sampler, uint64_t ns)
{
	const struct anchor *first = &sampler->first, *last = &sampler->last;
	double rate = last->ns > first->ns
			  ? (double)(last->ticks - first->ticks) / (double)(last->ns - first->ns)
			  : 1.0;

	return ns >= last->ns ? last->ticks + (uint64_t)((double)(ns - last->ns) * rate)
			      : last->ticks - (uint64_t)((double)(last->ns - ns) * rate);
}

static void fill_fault(const struct sampler *sampler, const struct perf_sample *sample,
		       struct kernel_record *record)
{
	static const uint8_t kinds[SAMPLED_EVENTS] = {
	    [SAMPLED_FAULT] = KERNEL_FAULT,
	    [SAMPLED_MINOR] = KERNEL_FAULT_SERVED,
	    [SAMPLED_MAJOR] = KERNEL_FAULT_SERVED,
	    [SAMPLED_FAULT_USER] = KERNEL_FAULT_CAUSE,
	    [SAMPLED_FAULT_KERNEL] = KERNEL_FAULT_CAUSE,
	};
	const struct tracepoint_layout *layout = &sampler->layout[sample->event];
	uint64_t flags = sample->event == SAMPLED_MINOR	  ? EVENT_FAULT_MINOR
			 : sample->event == SAMPLED_MAJOR ? EVENT_FAULT_MAJOR
							  : 0;

	record->kind = kinds[sample->event];
	record->argument[0] = sample->address;
	record->argument[1] = sample->instruction;
	if (sample->in_kernel)
		flags |= EVENT_FAULT_KERNEL;
	if (record->kind == KERNEL_FAULT_CAUSE) {
		uint64_t code = tracepoint_value(&layout->error_code, sample->raw, sample->raw_bytes);
		record->argument[0] = tracepoint_value(&layout->address, sample->raw, sample->raw_bytes);
		record->argument[1] = tracepoint_value(&layout->instruction, sample->raw, sample->raw_bytes);
		flags = (code & X86_FAULT_PRESENT ? EVENT_FAULT_PROTECTION : 0u) |
			(code & X86_FAULT_WRITE ? EVENT_FAULT_WRITE : 0u) |
			(code & X86_FAULT_FETCH ? EVENT_FAULT_EXECUTE : 0u) |
			(code & X86_FAULT_USER ? 0u : EVENT_FAULT_KERNEL);
	}
	record->argument[2] = flags;
	if (record->argument[0] >= USER_FAULT_ADDRESS_END)
		record->kind = 0;
}

static void fill_call(const struct sampler *sampler, const struct perf_sample *sample,
		      struct kernel_record *record)
{
	const struct tracepoint_layout *layout = &sampler->layout[sample->event];

	record->call = tracepoint_value(&layout->call, sample->raw, sample->raw_bytes);
	record->kind = sample->event == SAMPLED_ENTER ? KERNEL_CALL_ENTER : KERNEL_CALL_EXIT;
	if (record->kind == KERNEL_CALL_EXIT) {
		record->result = (int64_t)tracepoint_value(&layout->result, sample->raw, sample->raw_bytes);
		return;
	}
	for (uint32_t i = 0; i < MEMORY_CALL_ARGUMENTS; i++) {
		struct tracepoint_field field = {layout->arguments.offset + 8 * i, 8};
		record->argument[i] = tracepoint_value(&field, sample->raw, sample->raw_bytes);
	}
}

/* Names such as "[stack]" and "//anon" are of no file. */
static void fill_mapping(const struct perf_sample *sample, struct kernel_record *record)
{
	if (sample->path[0] != '/' || sample->path[1] == '/')
		return;
	record->kind = KERNEL_MAPPED;
	record->argument[0] = sample->address;
	record->file.device = makedev(sample->device_major, sample->device_minor);
	record->file.inode = sample->inode;
	record->text = strdup(sample->path);
}

/* What the perf record says; a record of kind 0 is none that is wanted (names and births, which belong to no event, are none). */
static struct kernel_record translate(struct sampler *sampler, const struct perf_sample *sample)
{
	struct kernel_record record = {.process_id = sample->process_id, .thread_id = sample->thread_id};

	record.ticks = ticks_at(sampler, sample->time_ns);
	sampler->lost += sample->lost;
	if (sample->lost != 0 || atomic_load_explicit(sampler->options.active, memory_order_relaxed) == 0)
		return record;
	if (sample->path)
		fill_mapping(sample, &record);
	else if (sample->event == SAMPLED_ENTER || sample->event == SAMPLED_EXIT)
		fill_call(sampler, sample, &record);
	else if (sample->event >= 0 && sample->event < SAMPLED_EVENTS)
		fill_fault(sampler, sample, &record);
	return record;
}

static bool keep(struct sampler *sampler, const struct kernel_record *record)
{
	struct kernel_record *larger =
	    grown_array(sampler->record, sampler->records, &sampler->capacity, sizeof(*larger));

	if (!larger)
		return false;
	sampler->record = larger;
	sampler->record[sampler->records++] = *record;
	return true;
}

static bool read_ring(struct sampler *sampler, struct perf_ring *ring)
{
	struct perf_sample sample;

	while (perf_ring_next(ring, &sample)) {
		struct kernel_record record = translate(sampler, &sample);
		if (record.kind != 0 && !keep(sampler, &record)) {
			free(record.text);
			return false;
		}
	}
	return true;
}

/* By ticks; records of one thread that have the same keep their order, which is that of their kinds. */
static int earlier(const void *left, const void *right)
{
	const struct kernel_record *a = left, *b = right;

	if (a->ticks != b->ticks)
		return a->ticks < b->ticks ? -1 : 1;
	return (int)a->kind - (int)b->kind;
}

/* Hands over the records below `until`, keeps the rest. */
static bool hand_over(struct sampler *sampler, uint64_t until, struct kernel_record **records, size_t *count)
{
	size_t ready = 0;

	if (sampler->records > 0)
		qsort(sampler->record, sampler->records, sizeof(*sampler->record), earlier);
	while (ready < sampler->records && sampler->record[ready].ticks < until)
		ready++;
	*records = NULL;
	*count = ready;
	if (ready == 0)
		return true;
	*records = malloc(ready * sizeof(**records));
	if (!*records)
		return false;
	memcpy(*records, sampler->record, ready * sizeof(**records));
	sampler->records -= ready;
	memmove(sampler->record, sampler->record + ready, sampler->records * sizeof(*sampler->record));
	return true;
}

enum trace_status sampler_read(struct sampler *sampler, bool last, struct kernel_record **records,
			       size_t *count, uint64_t *until, struct trace_error *error)
{
	bool enough = true;

	*until = last ? UINT64_MAX : sampler->previous_ticks;
	take_anchor(&sampler->last);
	sampler->previous_ticks = sampler->last.ticks;
	for (size_t i = 0; enough && i < sampler->rings; i++)
		enough = read_ring(sampler, &sampler->ring[i]);
	if (enough)
		enough = hand_over(sampler, *until, records, count);
	return enough ? TRACE_OK
		      : trace_fail(error, TRACE_NO_MEMORY, "not enough memory for what perf events tell");
}
