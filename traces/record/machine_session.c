#include "config.h"

#include "traces/record/machine_session.h"

#include "traces/flt.h"
#include "traces/record/launch.h"
#include "traces/record/machine_log.h"
#include "traces/record/machine_merge.h"
#include "traces/record/machine_snapshot.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#define WAIT_MS 20
#define ZONES_MAX 64u
#define ZONE_TEXT_BYTES ((size_t)1 << 20)
#define ZONE_LOOK_NS UINT64_C(1000000000)

/* Zones as they were when last looked at. */
struct zone_watch {
	struct machine_zone zone[ZONES_MAX], now[ZONES_MAX];
	size_t zones;
	uint64_t looked_ns;
	char *text;
};

struct machine_session {
	const struct machine_options *options;
	struct machine_result *result;
	struct machine_rings *rings;
	struct machine_log log;
	struct machine_snapshots before, after;
	struct machine_merge merge;
	struct zone_watch watch;
	struct launched launched;
	struct flt_writer *writer;
	struct machine_record self; /* whose events the recorder's own are */
	bool has_command;
};

static volatile sig_atomic_t asked_to_end;

static void on_end_signal(int number)
{
	(void)number;
	asked_to_end = 1;
}

static uint64_t session_now(void *context)
{
	return machine_rings_now(((struct machine_session *)context)->rings);
}

/* What fails here fails again at the next reading, which says so. */
static void session_empty_rings(void *context)
{
	struct machine_session *session = context;

	(void)!machine_rings_read(session->rings, &session->log, NULL);
}

/* --- Before ------------------------------------------------------------------------------------------------------------- */

/* Everything that will be needed, so that nothing is taken later. */
static enum trace_status prepare(struct machine_session *session, struct trace_error *error)
{
	const struct machine_options *options = session->options;
	enum trace_status status = machine_rings_create(&session->rings, &options->rings, error);

	if (status != TRACE_OK)
		return status;
	session->watch.text = malloc(ZONE_TEXT_BYTES);
	if (!session->watch.text ||
	    !machine_log_create(&session->log, options->buffer_bytes,
				machine_rings_processors(session->rings)) ||
	    !machine_snapshots_create(&session->before, !options->without_frames) ||
	    !machine_snapshots_create(&session->after, !options->without_frames))
		return trace_fail(error, TRACE_NO_MEMORY,
				  "there is no memory for %llu MiB of records; --buffer makes it less",
				  (unsigned long long)(options->buffer_bytes >> 20));
	memset(session->watch.text, 0, ZONE_TEXT_BYTES);
	session->self.process_id = session->self.thread_id = (uint32_t)getpid();
	return TRACE_OK;
}

/* --- While it runs ------------------------------------------------------------------------------------------------------ */

static size_t read_zones(struct zone_watch *watch, struct machine_zone *zones)
{
	const int fd = open("/proc/zoneinfo", O_RDONLY | O_CLOEXEC);
	size_t length = 0;
	ssize_t got = 0;

	if (fd < 0)
		return 0;
	do {
		length += (size_t)got;
		got = read(fd, watch->text + length, ZONE_TEXT_BYTES - length);
	} while (got > 0);
	(void)close(fd);
	return machine_zones_parse(watch->text, length, zones, ZONES_MAX);
}

/* A zone that grew since the last look has an event of it, by the recorder, at the time of the look. */
static void look_at_zones(struct machine_session *session)
{
	struct zone_watch *watch = &session->watch;
	struct machine_record record = session->self;
	size_t zones;

	record.time_ns = machine_rings_now(session->rings);
	if (watch->zones && record.time_ns - watch->looked_ns < ZONE_LOOK_NS)
		return;
	watch->looked_ns = record.time_ns;
	zones = read_zones(watch, watch->now);
	record.kind = EVENT_ZONE_GROW;
	for (size_t i = 0; i < zones && i < watch->zones; i++) {
		if (watch->now[i].managed == watch->zone[i].managed)
			continue;
		record.count = watch->now[i].managed;
		record.kernel.node = (uint16_t)watch->now[i].node;
		record.kernel.code = watch->now[i].zone;
		(void)machine_log_put(&session->log, &record);
	}
	memcpy(watch->zone, watch->now, sizeof(watch->zone));
	watch->zones = zones;
}

static bool is_over(struct machine_session *session)
{
	struct machine_result *result = session->result;

	if (session->has_command)
		launch_poll(&session->launched);
	if (session->has_command && session->launched.ended)
		result->end = MACHINE_COMMAND_ENDED;
	else if (session->options->for_ns && machine_rings_now(session->rings) >= session->options->for_ns)
		result->end = MACHINE_TIME;
	else if (!machine_log_has_room(&session->log))
		result->end = MACHINE_FULL;
	else if (asked_to_end)
		result->end = MACHINE_ASKED;
	else
		return false;
	return true;
}

static enum trace_status run_command(struct machine_session *session, struct trace_error *error)
{
	const struct launch_options launch = {.command = session->options->command};
	enum trace_status status;

	if (!session->has_command)
		return TRACE_OK;
	status = launch_start(&session->launched, &launch, error);
	session->result->exec_errno = session->launched.exec_errno;
	return status;
}

static enum trace_status record(struct machine_session *session, struct trace_error *error)
{
	const struct machine_clock clock = {session_now, session_empty_rings, session};
	enum trace_status status;

	machine_rings_start(session->rings);
	look_at_zones(session);
	machine_snapshots_take(&session->before, true, &clock);
	status = machine_rings_read(session->rings, &session->log, error);
	if (status == TRACE_OK)
		status = run_command(session, error);
	while (status == TRACE_OK && session->result->exec_errno == 0) {
		status = machine_rings_read(session->rings, &session->log, error);
		if (is_over(session))
			break;
		look_at_zones(session);
		machine_rings_wait(session->rings, WAIT_MS);
	}
	machine_snapshots_take(&session->after, false, &clock);
	session->watch.looked_ns = 0;
	look_at_zones(session);
	machine_rings_stop(session->rings);
	session->result->duration_ns = machine_rings_now(session->rings);
	return status == TRACE_OK ? machine_rings_read(session->rings, &session->log, error) : status;
}

/* --- Afterwards --------------------------------------------------------------------------------------------------------- */

static void know_thread(struct machine_session *session, const char *process, const char *thread)
{
	char path[PATH_MAX], name[64] = "";
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%.16s/task/%.16s/comm", process, thread);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	const ssize_t got = read(fd, name, sizeof(name) - 1);

	(void)close(fd);
	name[got > 0 ? got : 0] = '\0';
	name[strcspn(name, "\n")] = '\0';
	name[MACHINE_NAME_BYTES - 1] = '\0';
	(void)machine_merge_know(&session->merge, (uint32_t)strtoul(process, NULL, 10),
				 (uint32_t)strtoul(thread, NULL, 10), name);
}

static bool is_number(const char *name)
{
	return name[0] >= '1' && name[0] <= '9';
}

/* The threads that live now; those that ended meanwhile have told their names themselves, or have none. */
static void know_threads(struct machine_session *session)
{
	DIR *processes = opendir("/proc");
	const struct dirent *process, *thread;

	while (processes && (process = readdir(processes))) {
		char path[64];
		DIR *threads;

		if (!is_number(process->d_name))
			continue;
		(void)snprintf(path, sizeof(path), "/proc/%.16s/task", process->d_name);
		threads = opendir(path);
		while (threads && (thread = readdir(threads))) {
			if (is_number(thread->d_name))
				know_thread(session, process->d_name, thread->d_name);
		}
		if (threads)
			(void)closedir(threads);
	}
	if (processes)
		(void)closedir(processes);
}

/* Numbers that the rings gave are those of the trace when its names are added in the same order. */
static enum trace_status add_names(struct machine_session *session, struct trace_error *error)
{
	for (unsigned table = 0; table < EVENT_NAMES; table++) {
		const char *name;

		for (uint32_t i = 1; (name = machine_rings_name(session->rings, (enum event_names)table, i));
		     i++) {
			uint32_t number;
			enum trace_status status =
			    flt_writer_name(session->writer, (enum event_names)table, name, &number, error);

			if (status != TRACE_OK)
				return status;
		}
	}
	return TRACE_OK;
}

static enum trace_status put_snapshot(struct machine_session *session, const struct event_snapshot *snapshot,
				      uint64_t time_ns, struct trace_error *error)
{
	struct event event = {.kind = EVENT_SNAPSHOT};
	struct machine_record who = session->self;
	uint32_t number;
	enum trace_status status = flt_writer_snapshot(session->writer, snapshot, &number, error);

	event.count = number;
	who.time_ns = time_ns;
	who.kind = EVENT_SNAPSHOT;
	return status == TRACE_OK ? machine_merge_put(&session->merge, &who, &event, error) : status;
}

/* Each in its place among the events. */
static enum trace_status put_set(struct machine_session *session, const struct machine_snapshots *set,
				 struct trace_error *error)
{
	enum trace_status status = TRACE_OK;

	for (size_t i = 0; i < set->count && status == TRACE_OK; i++) {
		const struct machine_snapshot *taken = &set->snapshot[i];
		const struct event_snapshot snapshot = {taken->name, taken->bytes, taken->length};

		if (taken->length == 0)
			continue;
		status = machine_merge_until(&session->merge, taken->time_ns, error);
		if (status == TRACE_OK)
			status = put_snapshot(session, &snapshot, taken->time_ns, error);
	}
	return status;
}

static enum trace_status write_events(struct machine_session *session, struct trace_error *error)
{
	uint64_t lost;
	const char *text = machine_rings_lost(session->rings, &lost);
	const struct event_snapshot snapshot = {"lost", text, strlen(text)};
	enum trace_status status = put_set(session, &session->before, error);

	if (status == TRACE_OK)
		status = put_set(session, &session->after, error);
	if (status == TRACE_OK)
		status = machine_merge_until(&session->merge, UINT64_MAX, error);
	if (status == TRACE_OK && lost)
		status = put_snapshot(session, &snapshot, session->result->duration_ns, error);
	return status;
}

static char *join_command(char *const *command)
{
	size_t bytes = 32;
	char *text, *at;

	for (size_t i = 0; command[i]; i++)
		bytes += strlen(command[i]) + 1;
	text = calloc(1, bytes);
	if (!text)
		return NULL;
	at = stpcpy(text, command[0] ? "" : "(whole machine)");
	for (size_t i = 0; command[i]; i++)
		at = stpcpy(stpcpy(at, i ? " " : ""), command[i]);
	return text;
}

static enum trace_status open_writer(struct machine_session *session, struct trace_error *error)
{
	struct utsname system;
	char host[512] = "";
	char *command = join_command(session->options->command);
	const struct flt_description description = {.source = "record kernel",
						    .command = command,
						    .host = host,
						    .has_time = true,
						    .recorder = session->self.process_id};
	enum trace_status status;

	if (!command)
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory to write the trace");
	if (uname(&system) == 0)
		(void)snprintf(host, sizeof(host), "%s %s %s, %ld processors", system.sysname, system.release,
			       system.machine, sysconf(_SC_NPROCESSORS_ONLN));
	status = flt_writer_create(&session->writer, session->options->output, &description, error);
	free(command);
	return status;
}

static enum trace_status write_warnings(struct machine_session *session, struct trace_error *error)
{
	const struct machine_result *result = session->result;
	enum trace_status status = flt_writer_warn(session->writer, EVENT_LOST_WARNING, result->lost, error);

	if (status == TRACE_OK)
		status =
		    flt_writer_warn(session->writer, "records that made no sense", result->damaged, error);
	if (status == TRACE_OK)
		status = flt_writer_warn(session->writer, EVENT_CUT_WARNING, result->dropped, error);
	if (status == TRACE_OK && result->frames_incomplete)
		status = flt_writer_warn(session->writer, "snapshots without all frames (/proc/kpageflags)",
					 1, error);
	return status;
}

static enum trace_status write_trace(struct machine_session *session, struct trace_error *error)
{
	struct machine_result *result = session->result;
	struct stat written;
	enum trace_status status = open_writer(session, error);

	if (status != TRACE_OK)
		return status;
	if (!machine_merge_start(&session->merge, flt_writer_sink(session->writer), &session->log))
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory to write the trace");
	know_threads(session);
	status = add_names(session, error);
	if (status == TRACE_OK)
		status = write_events(session, error);
	if (status == TRACE_OK)
		status = write_warnings(session, error);
	result->events = session->merge.events;
	if (status != TRACE_OK)
		return status;
	status = flt_writer_finish(session->writer, error);
	session->writer = NULL;
	if (status == TRACE_OK && stat(session->options->output, &written) == 0)
		result->file_bytes = (uint64_t)written.st_size;
	return status;
}

/* --- The whole ---------------------------------------------------------------------------------------------------------- */

static double processor_time(void)
{
	struct rusage usage;

	if (getrusage(RUSAGE_SELF, &usage) != 0)
		return 0;
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void count_losses(struct machine_session *session)
{
	struct machine_result *result = session->result;

	(void)machine_rings_lost(session->rings, &result->lost);
	result->damaged = machine_rings_damaged(session->rings);
	result->dropped = session->log.dropped;
	result->log_bytes = (uint64_t)session->log.used * MACHINE_CHUNK_WORDS * sizeof(uint64_t);
	result->frames = session->before.frames;
	result->frames_incomplete = session->before.incomplete || session->after.incomplete;
	(void)snprintf(result->missing, sizeof(result->missing), "%s", machine_rings_missing(session->rings));
}

static enum trace_status run(struct machine_session *session, struct trace_error *error)
{
	enum trace_status status = prepare(session, error);
	const double before = processor_time();

	if (status != TRACE_OK)
		return status;
	status = record(session, error);
	session->result->cpu_s = processor_time() - before;
	count_losses(session);
	return status == TRACE_OK && session->result->exec_errno == 0 ? write_trace(session, error) : status;
}

/* After an end before the command's: it is not disturbed. */
static void wait_for_command(struct machine_session *session)
{
	const struct timespec pause = {.tv_nsec = 10000000};

	while (session->launched.child > 0 && !session->launched.ended) {
		(void)nanosleep(&pause, NULL);
		launch_poll(&session->launched);
	}
	session->result->exit_status = session->launched.status;
}

static void release(struct machine_session *session)
{
	if (session->writer)
		flt_writer_abandon(session->writer);
	machine_merge_end(&session->merge);
	machine_log_destroy(&session->log);
	machine_snapshots_destroy(&session->before);
	machine_snapshots_destroy(&session->after);
	machine_rings_destroy(session->rings);
	free(session->watch.text);
	free(session);
}

enum trace_status machine_session_run(const struct machine_options *options, struct machine_result *result,
				      struct trace_error *error)
{
	struct machine_session *session = calloc(1, sizeof(*session));
	const struct sigaction action = {.sa_handler = on_end_signal};
	struct sigaction interrupt, terminate;
	enum trace_status status;

	*result = (struct machine_result){0};
	if (!session)
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory to start");
	session->options = options;
	session->result = result;
	session->has_command = options->command[0] != NULL;
	asked_to_end = 0;
	(void)sigaction(SIGINT, &action, &interrupt);
	(void)sigaction(SIGTERM, &action, &terminate);
	status = run(session, error);
	if (session->has_command) {
		wait_for_command(session);
		launch_end();
	}
	(void)sigaction(SIGINT, &interrupt, NULL);
	(void)sigaction(SIGTERM, &terminate, NULL);
	release(session);
	return status;
}
