#include "config.h"

#include "traces/import/perf_script.h"

#include "traces/import/fault_pair.h"
#include "traces/import/kernel_line.h"
#include "traces/import/perf_script_record.h"

#include <string.h>

#define HIGHEST_ID (UINT64_C(1) << 22)
#define LATEST_SECONDS (UINT64_C(1) << 33)
#define USER_ADDRESSES_END (UINT64_C(1) << 63)

/* What a line of perf script begins with: COMM PID[/TID] [CPU] TIME: [PERIOD] EVENT: REST. */
struct perf_line {
	uint64_t process_id, thread_id; /* process_id 0 = not given; UINT32_MAX = ending, "-1" */
	uint32_t cpu;			/* KERNEL_NO_CPU = not given */
	uint64_t time_ns;
	struct scan event; /* without modifiers and colon; of a record empty */
	struct scan rest;
};

struct perf_state {
	struct fault_pair pair;
	struct kernel_stream stream;
	struct perf_tasks tasks;
	uint64_t first_ns, last_ns;
	bool has_first;
};

static const char *const software_events[] = {"page-faults", "faults", "minor-faults", "major-faults"};

/* A number, or -1 of a thread that is ending. */
static bool parse_id(struct scan *scan, uint64_t *id)
{
	if (scan_literal(scan, "-1")) {
		*id = UINT32_MAX;
		return true;
	}
	return scan_decimal(scan, id) && *id <= HIGHEST_ID;
}

/* "14524" or "14524/14525" */
static bool parse_ids(struct scan *scan, struct perf_line *line)
{
	struct scan at = *scan;
	uint64_t first;

	if (!parse_id(&at, &first))
		return false;
	line->process_id = 0;
	line->thread_id = first;
	if (scan_character(&at, '/')) {
		line->process_id = first;
		if (!parse_id(&at, &line->thread_id))
			return false;
	}
	if (at.at == at.end || (*at.at != ' ' && *at.at != '\t'))
		return false;
	*scan = at;
	scan_blanks(scan);
	return true;
}

/* "1138.623709:"; perf prints microseconds, or with --ns nanoseconds. */
static bool parse_time(struct scan *scan, uint64_t *time_ns)
{
	uint64_t seconds, unit = 100000000;

	if (!scan_decimal(scan, &seconds) || seconds > LATEST_SECONDS || !scan_character(scan, '.'))
		return false;
	*time_ns = seconds * 1000000000u;
	for (; scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9'; scan->at++, unit /= 10)
		*time_ns += (uint64_t)(*scan->at - '0') * unit;
	if (!scan_character(scan, ':'))
		return false;
	scan_blanks(scan);
	return true;
}

/* "page-faults:" or "page-faults:u:", perhaps with a period before it; or a record. */
static bool parse_event(struct scan *scan, struct perf_line *line)
{
	const char *word;
	uint64_t period;
	size_t length;

	line->event = scan_text(scan->at, 0);
	line->rest = *scan;
	if (perf_script_record_is(*scan))
		return true;
	if (scan_decimal(scan, &period))
		scan_blanks(scan);
	if (!scan_word(scan, &word, &length) || length < 2 || word[length - 1] != ':')
		return false;
	line->event = scan_text(word, length - 1);
	line->rest = *scan;
	scan_blanks(&line->rest);
	return true;
}

/* The command may hold blanks and digits: the ids are the first place from which all that follows is right. */
static bool parse_line(struct scan scan, struct perf_line *line)
{
	for (scan_blanks(&scan); scan.at < scan.end;) {
		struct scan at = scan;
		uint64_t cpu;
		const char *word;
		size_t length;

		if (parse_ids(&at, line)) {
			line->cpu = KERNEL_NO_CPU;
			if (scan_character(&at, '[') && scan_decimal(&at, &cpu) && scan_character(&at, ']')) {
				line->cpu = cpu < EVENT_MAX_CPUS ? (uint32_t)cpu : KERNEL_NO_CPU;
				scan_blanks(&at);
			}
			if (parse_time(&at, &line->time_ns) && parse_event(&at, line))
				return true;
		}
		if (!scan_word(&scan, &word, &length))
			return false;
		scan_blanks(&scan);
	}
	return false;
}

static bool is_event(struct scan event, const char *name)
{
	size_t length = strlen(name);

	return (size_t)(event.end - event.at) >= length && memcmp(event.at, name, length) == 0 &&
	       (event.at + length == event.end || event.at[length] == ':');
}

static bool is_software(struct scan event)
{
	for (size_t i = 0; i < sizeof(software_events) / sizeof(software_events[0]); i++) {
		if (is_event(event, software_events[i]))
			return true;
	}
	return false;
}

static bool is_tracepoint(struct scan event)
{
	return is_event(event, "exceptions:page_fault_user") ||
	       is_event(event, "exceptions:page_fault_kernel");
}

/* "name=0x12"; perf looks up kernel symbols for some, which leaves no number. */
static bool find_value(struct scan scan, const char *name, uint64_t *value)
{
	const char *at = memmem(scan.at, (size_t)(scan.end - scan.at), name, strlen(name));

	if (!at)
		return false;
	scan.at = at + strlen(name);
	return scan_literal(&scan, "0x") && scan_hexadecimal(&scan, value);
}

/* A whole word of hexadecimal digits without 0x. */
static bool parse_address(struct scan *scan, uint64_t *address)
{
	scan_blanks(scan);
	return scan_hexadecimal(scan, address) &&
	       (scan->at == scan->end || *scan->at == ' ' || *scan->at == '\t');
}

static enum trace_status put_fault(struct importer *importer, struct perf_state *state,
				   const struct fault_half *half)
{
	const uint64_t process_id = half->process_id ? half->process_id : half->thread_id;
	const struct perf_moment moment = {(uint32_t)process_id, (uint32_t)half->thread_id, half->time_ns};
	enum trace_status status = TRACE_OK;

	if (half->address >= USER_ADDRESSES_END)
		return TRACE_OK;
	if (!(half->flags & EVENT_FAULT_KERNEL))
		status = perf_tasks_run(&state->tasks, moment);
	return status == TRACE_OK ? fault_pair_put(&state->pair, importer, half) : status;
}

/* Two addresses without 0x: of the fault and of the instruction. One alone is only the instruction. */
static enum trace_status take_software(struct importer *importer, struct perf_state *state,
				       const struct perf_line *line, struct fault_half *half)
{
	struct scan rest = line->rest;
	uint64_t instruction;

	if (!parse_address(&rest, &half->address) || !parse_address(&rest, &instruction))
		return importer_warn(
		    importer, "fault without address",
		    "has no address of its fault; record with `perf record -e page-faults -c 1 -d` "
		    "and print with `perf script -F comm,pid,tid,time,event,addr,ip`");
	half->flags = EVENT_FAULT_FROM_SOFTWARE;
	if (instruction >= USER_ADDRESSES_END)
		half->flags |= EVENT_FAULT_KERNEL;
	if (is_event(line->event, "minor-faults"))
		half->flags |= EVENT_FAULT_MINOR;
	if (is_event(line->event, "major-faults"))
		half->flags |= EVENT_FAULT_MAJOR;
	return put_fault(importer, state, half);
}

static enum trace_status take_tracepoint(struct importer *importer, struct perf_state *state,
					 const struct perf_line *line, struct fault_half *half)
{
	uint64_t code;

	if (!find_value(line->rest, "error_code=", &code))
		return importer_not_understood(importer);
	if (!find_value(line->rest, "address=", &half->address))
		return importer_warn(importer, "fault of the kernel's own memory",
				     "names a kernel symbol as its address; it was skipped");
	half->flags = fault_code_flags(code);
	return put_fault(importer, state, half);
}

/* Time since the first line; never falls. */
static uint64_t time_of(struct perf_state *state, const struct perf_line *line)
{
	if (!state->has_first)
		state->first_ns = line->time_ns;
	state->has_first = true;
	if (line->time_ns > state->first_ns + state->last_ns)
		state->last_ns = line->time_ns - state->first_ns;
	return state->last_ns;
}

/* What perf made up at its start, for what was there before, has the time 0. */
static enum trace_status take_record(struct importer *importer, struct perf_state *state,
				     const struct perf_line *line)
{
	enum trace_status status = TRACE_OK;
	struct perf_task task;

	if (line->time_ns == 0 || !perf_script_record_parse(line->rest, &task))
		return TRACE_OK;
	task.time_ns = time_of(state, line);
	if (task.kind != PERF_TASK_MAP)
		status = fault_pair_finish(&state->pair, importer);
	return status == TRACE_OK ? perf_tasks_take(&state->tasks, &task) : status;
}

static enum trace_status take_kernel(struct importer *importer, struct perf_state *state,
				     const struct kernel_tracepoint *tracepoint, const struct perf_line *line)
{
	struct kernel_moment moment = {
	    .process_id = line->process_id, .thread_id = line->thread_id, .cpu = line->cpu};
	enum trace_status status;

	if (!kernel_line_parse(tracepoint, line->rest, &moment))
		return importer_not_understood(importer);
	/* Faults that wait for their other half come before it. */
	status = fault_pair_finish(&state->pair, importer);
	moment.time_ns = time_of(state, line);
	return status == TRACE_OK ? kernel_stream_put(&state->stream, importer, &moment) : status;
}

static enum trace_status take_line(struct importer *importer, struct perf_state *state,
				   const struct perf_line *line)
{
	const struct kernel_tracepoint *kernel = kernel_line_tracepoint(line->event);
	struct fault_half half = {.process_id = line->process_id, .thread_id = line->thread_id};
	bool software = is_software(line->event);

	if (perf_script_record_is(line->rest))
		return take_record(importer, state, line);
	if (kernel)
		return take_kernel(importer, state, kernel, line);
	if ((!software && !is_tracepoint(line->event)) || line->thread_id > HIGHEST_ID)
		return TRACE_OK;
	half.time_ns = time_of(state, line);
	return software ? take_software(importer, state, line, &half)
			: take_tracepoint(importer, state, line, &half);
}

static enum trace_status perf_run(struct importer *importer)
{
	struct perf_state state = {.stream.begun = true};
	enum trace_status status;

	perf_tasks_start(&state.tasks, importer);
	while ((status = importer_next(importer)) == TRACE_OK) {
		struct scan text = scan_text(importer->line.text, importer->line.length);
		struct perf_line line;

		if (scan_ended(&text) || *text.at == '#')
			continue;
		status = parse_line(text, &line) ? take_line(importer, &state, &line)
						 : importer_not_understood(importer);
		if (status != TRACE_OK)
			break;
	}
	if (status == TRACE_END)
		status = fault_pair_finish(&state.pair, importer);
	perf_tasks_end(&state.tasks);
	kernel_stream_end(&state.stream);
	return status;
}

static bool perf_recognise(struct scan text)
{
	struct perf_line line;

	return parse_line(text, &line) &&
	       (is_software(line.event) || is_tracepoint(line.event) || kernel_line_tracepoint(line.event) ||
		perf_script_record_is(line.rest));
}

static size_t perf_detect(const char *bytes, size_t length)
{
	return importer_count_lines(bytes, length, perf_recognise);
}

static bool perf_has_time(const char *bytes, size_t length)
{
	(void)bytes;
	(void)length;
	return true;
}

const struct import_format perf_script_format = {
    .name = "perf-script",
    .summary = "perf script: page-faults, exceptions:page_fault_*, kmem:*, vmalloc:*, compaction and reclaim",
    .sample = "gcc 29196/29196  1553.395954: page-faults:     7f19f8273e06     7f19f825b7ad",
    .detect = perf_detect,
    .has_time = perf_has_time,
    .run = perf_run,
};
