#include "config.h"

#include "bench/physical/forced_pass.h"
#include "bench/physical/free_replay.h"
#include "bench/physical/iomem_text.h"
#include "bench/physical/recorded_series.h"
#include "bench/physical/zoneinfo_text.h"
#include "bench/proc/journey.h"
#include "bench/proc/machine_journey.h"
#include "bench/proc/view.h"
#include "tests/fuzz/fuzz.h"
#include "traces/frame_kinds.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A kernel recording whose snapshots and events are what the bytes say, replayed where its pages were, by a policy, or shown in every
 * view: their sum says which.
 *
 *   =zoneinfo                    the snapshot of that name: the lines up to the next '='
 *   Node 0, zone Normal ...
 *   =runs 0 4096                 a snapshot of the frames 0 to 4095: lines VALUE FRAMES
 *   1 4096
 *   =events                      lines KIND THREAD FRAME ORDER TYPE CACHE; of objects FRAME is the address less the direct map's
 *   page_alloc 0 77 0 1 0
 */

#define FRAMES_MAX 8192u
#define DIRECT_MAP UINT64_C(0xffff888000000000)
#define THREADS 4u
#define NAMES 3u

struct recording {
	struct flt_writer *writer;
	uint64_t time_ns;
};

static void demand(bool holds)
{
	if (!holds)
		abort();
}

/* --- Writing ---------------------------------------------------------------------------------------------------------- */

static void add(struct recording *recording, struct event *event)
{
	event->time_ns = recording->time_ns;
	recording->time_ns += 1000000;
	(void)!flt_writer_add(recording->writer, event, NULL);
}

static void add_snapshot(struct recording *recording, const struct event_snapshot *snapshot)
{
	struct event event = {.kind = EVENT_SNAPSHOT};
	uint32_t number;

	if (flt_writer_snapshot(recording->writer, snapshot, &number, NULL) != TRACE_OK)
		return;
	event.count = number;
	add(recording, &event);
}

/* So many numbers stand in the line; what does not is 0. */
static void take_numbers(const char *line, uint64_t *numbers, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		char *end;

		numbers[i] = strtoull(line, &end, 0);
		line = end;
	}
}

/* What the snapshots say may be a machine of many TiB, for which a fuzzer has neither time nor memory. */
static bool is_large(const struct event_snapshot *snapshot)
{
	static struct zoneinfo zoneinfo;
	struct memblock_list memory;
	uint64_t end = 0;

	if (strcmp(snapshot->name, "iomem") == 0 && iomem_parse(&memory, snapshot, NULL) == TRACE_OK)
		end = memory.range[memory.count - 1].end;
	if (strcmp(snapshot->name, "zoneinfo") == 0 &&
	    zoneinfo_parse(&zoneinfo, snapshot, NULL) == TRACE_OK) {
		for (unsigned i = 0; i < zoneinfo.zones; i++)
			end |= zoneinfo.zone[i].first + zoneinfo.zone[i].spanned;
	}
	return end > FRAMES_MAX;
}

static void add_runs(struct recording *recording, const char *range, char *lines)
{
	static uint8_t bytes[1 << 20];
	const uint64_t times[2] = {0, 1};
	struct frame_writer frames;
	uint64_t numbers[2];

	take_numbers(range, numbers, 2);
	frame_writer_start(&frames, bytes, sizeof(bytes));
	frame_writer_header(&frames, numbers[0], numbers[1], times);
	for (char *line = strtok(lines, "\n"); line; line = strtok(NULL, "\n")) {
		take_numbers(line, numbers, 2);
		for (uint64_t i = 0; i < numbers[1] && i < FRAMES_MAX; i++)
			frame_writer_add(&frames, (unsigned)(numbers[0] % FRAME_VALUES));
	}
	frame_writer_finish(&frames);
	add_snapshot(recording, &(struct event_snapshot){FRAME_KINDS_SNAPSHOT, bytes, frames.used});
}

static void add_event(struct recording *recording, char *line)
{
	const size_t length = strcspn(line, " ");
	uint64_t n[5];
	struct event event = {.kind = 0};

	take_numbers(line + length, n, 5);
	line[length] = '\0';
	event.kind = (uint8_t)event_kind_find(line);
	event.thread = (uint32_t)(n[0] % THREADS);
	const unsigned carries = event_kernel_carries(event.kind);

	if (event.kind == EVENT_SWITCH || event.kind == EVENT_ZONE_GROW)
		event.count = n[1];
	if (carries & EVENT_KERNEL_HAS_FRAME)
		event.kernel.frame = n[1] % EVENT_MAX_FRAMES;
	if (carries & EVENT_KERNEL_HAS_ADDRESS)
		event.kernel.address = DIRECT_MAP + n[1];
	if (carries & EVENT_KERNEL_HAS_ORDER)
		event.kernel.order = (uint8_t)(n[2] % EVENT_MAX_ORDERS);
	if (carries & EVENT_KERNEL_HAS_MIGRATE_TYPE)
		event.kernel.migrate_type = (uint8_t)(n[3] % EVENT_MAX_MIGRATE_TYPES);
	if (carries & EVENT_KERNEL_HAS_CACHE)
		event.kernel.cache = (uint32_t)(n[4] % (NAMES + 1));
	if (carries & EVENT_KERNEL_HAS_GRANTED)
		event.kernel.bytes = event.kernel.granted = n[2];
	if (carries & EVENT_KERNEL_HAS_CODE)
		event.kernel.code = (uint8_t)(n[3] % EVENT_ZONES);
	if (carries & EVENT_KERNEL_HAS_GFP)
		event.kernel.gfp = 1;
	if (carries & EVENT_KERNEL_HAS_FLAGS)
		event.kernel.flags = n[4] & EVENT_KERNEL_REFILL;
	add(recording, &event);
}

/* False: nobody has the time for such a machine. */
static bool add_part(struct recording *recording, char *name)
{
	char *body = strchr(name, '\n');

	if (!body)
		return true;
	*body++ = '\0';
	const struct event_snapshot snapshot = {name, body, strlen(body)};

	if (strncmp(name, "runs ", 5) == 0) {
		add_runs(recording, name + 5, body);
		return true;
	}
	if (strcmp(name, "events") != 0) {
		add_snapshot(recording, &snapshot);
		return !is_large(&snapshot);
	}
	for (char *line = strtok(body, "\n"); line; line = strtok(NULL, "\n"))
		add_event(recording, line);
	return true;
}

static bool write_names(struct flt_writer *writer)
{
	static const char *const caches[NAMES] = {"dentry", "kmalloc-64", "task_struct"};
	uint32_t number;

	if (flt_writer_name(writer, EVENT_NAMES_GFP, "GFP_KERNEL|__GFP_RECLAIMABLE", &number, NULL) !=
	    TRACE_OK)
		return false;
	for (unsigned i = 0; i < NAMES; i++) {
		if (flt_writer_name(writer, EVENT_NAMES_CACHE, caches[i], &number, NULL) != TRACE_OK)
			return false;
	}
	return true;
}

/* False: there is nothing to be replayed. */
static bool write_trace(const char *path, char *text)
{
	const struct flt_description description = {.source = "fuzz", .has_time = true};
	struct recording recording = {.time_ns = 0};
	bool is_fit = true;

	demand(flt_writer_create(&recording.writer, path, &description, NULL) == TRACE_OK);
	demand(write_names(recording.writer));
	for (char *part = strchr(text, '='); part && is_fit;) {
		char *next = strstr(part + 1, "\n=");

		if (next)
			*next++ = '\0';
		is_fit = add_part(&recording, part + 1);
		part = next;
	}
	return flt_writer_finish(recording.writer, NULL) == TRACE_OK && is_fit;
}

/* --- Replaying -------------------------------------------------------------------------------------------------------- */

static void replay(struct flt_reader *reader, const char *name, FILE *out)
{
	struct policy policy;
	const struct free_replay_options options = {.path = "fuzz",
						    .target = name,
						    .policy = &policy,
						    .policy_name = name,
						    .print = out,
						    .checks = UINT64_MAX,
						    .slabs_alone = true};
	struct trace_error error;
	json_t *json;

	demand(policy_parse(&policy, name) == STATUS_OK);
	if (free_replay(reader, &options, &json, &error) == TRACE_OK)
		json_decref(json);
}

static void force(struct flt_reader *reader, FILE *out)
{
	struct forced_pass pass = {0};
	struct memory_series series;
	struct trace_error error;

	if (forced_pass_run(&pass, reader, UINT64_MAX, &error) == TRACE_OK) {
		forced_pass_print(&pass, out);
		json_decref(forced_pass_json(&pass));
	}
	forced_pass_destroy(&pass);
	if (recorded_series_read(&series, reader, &error) == TRACE_OK)
		memory_series_destroy(&series);
}

static void show(struct flt_reader *reader, FILE *out)
{
	struct machine_journey *journey;
	struct trace_error error;
	const struct proc_view *view;

	if (machine_journey_create(&journey, reader, policy_find("linux"), PROC_EVENT_LAST, &error) !=
	    TRACE_OK)
		return;
	const struct proc_machine machine = machine_journey_machine(journey, "?");

	for (size_t i = 0; (view = proc_view_at(i)); i++) {
		if (view->kind == PROC_VIEW_MACHINE)
			view->print_machine(&machine, out);
	}
	machine_journey_destroy(journey);
}

static void replay_one_way(const char *path, unsigned way, FILE *out)
{
	static const char *const policies[] = {"linux", "default", "default,free_blocks=typed"};
	const unsigned count = sizeof(policies) / sizeof(policies[0]);
	struct flt_reader *reader;
	struct trace_error error;

	demand(flt_reader_open(&reader, path, &error) == TRACE_OK);
	way %= count + 2;
	if (way < count)
		replay(reader, policies[way], out);
	else if (way == count)
		force(reader, out);
	else
		show(reader, out);
	flt_reader_close(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A writer waits for the disk, which takes longer than all the rest. */
	char path[] = "/dev/shm/faultline-fuzz.XXXXXX", beside[] = "/tmp/faultline-fuzz.XXXXXX";
	const bool is_memory = access("/dev/shm", W_OK) == 0;
	char *name = is_memory ? path : beside;
	const int descriptor = mkstemp(name);
	FILE *out = fopen("/dev/null", "we");
	char *text = malloc(size + 1);
	unsigned sum = 0;

	demand(descriptor >= 0 && out && text);
	(void)close(descriptor);
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	for (size_t i = 0; i < size; i++)
		sum += data[i];
	if (write_trace(name, text))
		replay_one_way(name, sum, out);
	free(text);
	(void)fclose(out);
	(void)unlink(name);
	return 0;
}
