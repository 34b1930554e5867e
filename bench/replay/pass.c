#include "config.h"

#include "bench/replay/pass.h"

#include "bench/installation.h"
#include "bench/replay/child_process.h"
#include "bench/replay/clock.h"
#include "bench/replay/feed.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* 16 MiB of operations: long enough that the pauses between chunks do not matter, short enough for any machine. */
#define CHUNK_OPERATIONS (UINT64_C(1) << 20)
#define POLL_MS 50

struct pass {
	const struct pass_options *options;
	struct session *session;
	struct feed feed;
	pid_t child;
	int descriptor;
	int exit_status; /* of waitpid; valid when child is 0 */
};

const char *pass_kind_name(enum pass_kind kind)
{
	static const char *const names[PASS_COUNT] = {"throughput", "latency", "batch",
						      "memory",	    "verify",  "placement"};

	return names[kind];
}

/* --- What went wrong --------------------------------------------------------------------------------------------------- */

static uint64_t event_of(const struct pass *pass, uint64_t operation)
{
	return operation < pass->feed.count ? pass->feed.event[operation] : pass->feed.last.event;
}

static bool explain_failure(const struct pass *pass, struct trace_error *error)
{
	const struct session_failure *failure = &pass->session->failure;
	const char *target = pass->options->target->name;
	uint64_t event = event_of(pass, failure->operation);

	switch (atomic_load(&failure->kind)) {
	case FAILURE_NULL:
		(void)trace_fail(error, TRACE_IO,
				 "target %s: event %" PRIu64 ": the allocator returned NULL for %" PRIu64
				 " bytes",
				 target, event, failure->detail);
		break;
	case FAILURE_ALIGNMENT:
		(void)trace_fail(error, TRACE_IO,
				 "target %s: event %" PRIu64 ": block at 0x%" PRIx64
				 " is not aligned to %" PRIu64 " bytes",
				 target, event, failure->address, failure->detail);
		break;
	case FAILURE_CONTENTS:
		(void)trace_fail(error, TRACE_IO,
				 "target %s: event %" PRIu64 ": byte %" PRIu64 " of the block at 0x%" PRIx64
				 " was changed while it was live: it overlaps another block or the allocator "
				 "wrote into it",
				 target, event, failure->detail, failure->address);
		break;
	case FAILURE_REALLOC:
		(void)trace_fail(error, TRACE_IO,
				 "target %s: event %" PRIu64 ": realloc to 0x%" PRIx64
				 " did not preserve byte %" PRIu64,
				 target, event, failure->address, failure->detail);
		break;
	case FAILURE_ZERO:
		(void)trace_fail(error, TRACE_IO,
				 "target %s: event %" PRIu64 ": byte %" PRIu64
				 " of the calloc block at 0x%" PRIx64 " is not zero",
				 target, event, failure->detail, failure->address);
		break;
	case FAILURE_SIGNAL:
		(void)trace_fail(error, TRACE_IO,
				 "target %s: event %" PRIu64 ": the allocator crashed with signal %d (%s)",
				 target, event, (int)failure->detail, strsignal((int)failure->detail));
		break;
	default:
		(void)trace_fail(error, TRACE_IO, "target %s: %.*s", target, (int)sizeof(failure->text) - 1,
				 failure->text);
	}
	return false;
}

static bool explain_exit(const struct pass *pass, struct trace_error *error)
{
	const char *target = pass->options->target->name;
	int status = pass->exit_status;
	uint64_t event = event_of(pass, atomic_load(&session_lanes(pass->session)->operation));

	if (atomic_load(&pass->session->failure.kind) != FAILURE_NONE)
		return explain_failure(pass, error);
	if (WIFSIGNALED(status))
		(void)trace_fail(
		    error, TRACE_IO,
		    "target %s: the replaying process was killed by signal %d (%s) near event %" PRIu64,
		    target, WTERMSIG(status), strsignal(WTERMSIG(status)), event);
	else if (WEXITSTATUS(status) == 127)
		(void)trace_fail(error, TRACE_IO, "target %s: cannot execute the replaying program", target);
	else
		(void)trace_fail(
		    error, TRACE_IO,
		    "target %s: the replaying process ended by itself with status %d near event %" PRIu64,
		    target, WEXITSTATUS(status), event);
	return false;
}

/* --- The child ---------------------------------------------------------------------------------------------------------- */

static uint64_t progress(const struct pass *pass)
{
	uint64_t sum = 0;

	for (uint32_t lane = 0; lane < pass->session->request.lanes; lane++)
		sum +=
		    atomic_load_explicit(&session_lanes(pass->session)[lane].operation, memory_order_relaxed);
	return sum;
}

static bool child_ended(struct pass *pass)
{
	if (pass->child && waitpid(pass->child, &pass->exit_status, WNOHANG) == pass->child)
		pass->child = 0;
	return pass->child == 0;
}

static void child_kill(struct pass *pass)
{
	if (pass->child == 0)
		return;
	(void)kill(pass->child, SIGKILL);
	(void)waitpid(pass->child, &pass->exit_status, 0);
	pass->child = 0;
}

/* Whether the child has stood still for too long; a recorded pace and a drain stand still on purpose. */
struct watch {
	uint64_t progress;
	uint64_t since_ns;
};

static bool hung(struct pass *pass, struct watch *watch)
{
	uint64_t now_ns = clock_now_ns(), seen = progress(pass);

	if (seen != watch->progress || pass->options->pace == PACE_RECORDED) {
		watch->progress = seen;
		watch->since_ns = now_ns;
	}
	return now_ns - watch->since_ns > pass->options->watchdog_s * UINT64_C(1000000000);
}

/* Waits until the child has done the chunk. */
static bool await_done(struct pass *pass, uint32_t done, struct trace_error *error)
{
	struct watch watch = {.progress = UINT64_MAX};

	while (!session_wait(&pass->session->chunk.done, done, POLL_MS)) {
		if (child_ended(pass))
			return explain_exit(pass, error);
		if (hung(pass, &watch)) {
			uint64_t event =
			    event_of(pass, atomic_load(&session_lanes(pass->session)->operation));

			child_kill(pass);
			(void)trace_fail(error, TRACE_IO,
					 "target %s: no progress for %u s near event %" PRIu64
					 "; the allocator hangs",
					 pass->options->target->name, pass->options->watchdog_s, event);
			return false;
		}
	}
	return true;
}

/* Waits for the end of the child; the drain is part of that. */
static bool await_end(struct pass *pass, struct trace_error *error)
{
	uint64_t limit_ns =
	    clock_now_ns() + pass->options->drain_ns + pass->options->watchdog_s * UINT64_C(1000000000);

	while (!child_ended(pass)) {
		if (clock_now_ns() > limit_ns) {
			child_kill(pass);
			(void)trace_fail(error, TRACE_IO,
					 "target %s: the replaying process did not end after the last event",
					 pass->options->target->name);
			return false;
		}
		(void)usleep(1000);
	}
	return WIFEXITED(pass->exit_status) && WEXITSTATUS(pass->exit_status) == 0
		   ? true
		   : explain_exit(pass, error);
}

/* --- The session -------------------------------------------------------------------------------------------------------- */

static void fill_request(struct session_request *request, const struct pass_options *options)
{
	const struct plan_totals *totals = plan_totals(options->plan);

	*request = (struct session_request){
	    .magic = SESSION_MAGIC,
	    .mode = options->mode,
	    .touch = options->touch,
	    .pace = options->pace,
	    .pass = options->kind,
	    .functions = options->target->functions,
	    .figures = options->target->figures,
	    .thp_disable = options->thp_disable,
	    .lanes = (uint32_t)totals->lanes,
	    .slots = (uint32_t)totals->slots,
	    .chunk_operations = totals->operations < CHUNK_OPERATIONS ? totals->operations : CHUNK_OPERATIONS,
	    .largest_bytes =
		totals->largest_bytes < OPERATION_MAX_BYTES ? totals->largest_bytes : OPERATION_MAX_BYTES,
	    .drain_ns = options->drain_ns,
	};
	if (options->target->functions == FUNCTIONS_PROCESS)
		(void)snprintf(request->library, sizeof(request->library), "%s", options->target->library);
}

static bool session_create(struct pass *pass, struct trace_error *error)
{
	struct session layout = {0};

	fill_request(&layout.request, pass->options);
	session_lay_out(&layout);
	pass->descriptor = memfd_create("faultline-session", MFD_CLOEXEC);
	if (pass->descriptor < 0 || ftruncate(pass->descriptor, (off_t)layout.bytes) != 0) {
		(void)trace_fail(error, TRACE_IO, "cannot make shared memory of %" PRIu64 " bytes: %s",
				 layout.bytes, strerror(errno));
		return false;
	}
	void *memory = mmap(NULL, layout.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, pass->descriptor, 0);

	if (memory == MAP_FAILED) {
		(void)trace_fail(error, TRACE_IO, "cannot map shared memory of %" PRIu64 " bytes: %s",
				 layout.bytes, strerror(errno));
		return false;
	}
	pass->session = memory;
	memcpy(pass->session, &layout, sizeof(layout));
	return true;
}

static bool child_start(struct pass *pass, struct trace_error *error)
{
	const struct pass_options *options = pass->options;
	char program[PATH_MAX];

	if (!installation_find(child_process_program(options->target), program, sizeof(program))) {
		(void)trace_fail(error, TRACE_IO, "%s is missing; is the installation whole?", program);
		return false;
	}
	char **environment = environment_create(options->target, options->padding_bytes);

	if (!environment) {
		(void)trace_fail(error, TRACE_NO_MEMORY, "not enough memory to start the replaying process");
		return false;
	}
	const struct child_start start = {.program = program,
					  .descriptor = pass->descriptor,
					  .environment = environment,
					  .fixed_addresses = options->kind == PASS_PLACEMENT};
	pid_t child = child_process_start(&start, error);

	environment_destroy(environment);
	pass->child = child > 0 ? child : 0;
	return child > 0;
}

/* --- The pass ----------------------------------------------------------------------------------------------------------- */

static bool record_sample(struct pass *pass, struct pass_result *result, struct trace_error *error)
{
	const struct session_chunk *chunk = &pass->session->chunk;
	uint64_t baseline = pass->session->reply.baseline.resident_bytes,
		 resident = chunk->memory.resident_bytes;
	struct timeline_sample sample = {
	    .event = pass->feed.last.event,
	    .time_ns = chunk->time_ns,
	    .live_bytes = pass->feed.last.live_bytes,
	    .live_objects = pass->feed.last.live_objects,
	    .granted_bytes = chunk->granted_bytes,
	    .footprint_bytes = resident > baseline ? resident - baseline : 0,
	    .lazyfree_bytes = chunk->memory.lazyfree_bytes,
	    .anon_huge_bytes = chunk->memory.anon_huge_bytes,
	};

	if (timeline_add(&result->timeline, &sample))
		return true;
	(void)trace_fail(error, TRACE_NO_MEMORY, "not enough memory for the time line");
	return false;
}

/* Says of whom a failure of the placement's recorder is. */
static bool recorded(const struct pass *pass, enum trace_status status, struct trace_error *error)
{
	char target[TARGET_MAX_TEXT + 16];

	if (status == TRACE_OK)
		return true;
	(void)snprintf(target, sizeof(target), "target %s", pass->options->target->name);
	(void)trace_fail_in(error, status, target);
	return false;
}

/* The child catches calls now and waits: what it has mapped is the allocator's beginning. */
static bool await_ready(struct pass *pass, struct trace_error *error)
{
	struct watch watch = {.progress = UINT64_MAX};

	while (!session_wait(&pass->session->chunk.ready, 0, POLL_MS)) {
		if (child_ended(pass))
			return explain_exit(pass, error);
		if (hung(pass, &watch)) {
			child_kill(pass);
			(void)trace_fail(error, TRACE_IO, "target %s: the replaying process does not start",
					 pass->options->target->name);
			return false;
		}
	}
	return recorded(pass, placement_recorder_start(pass->options->recorder, pass->child, error), error);
}

static bool take_chunk(struct pass *pass, struct pass_result *result, struct trace_error *error)
{
	switch (pass->options->kind) {
	case PASS_MEMORY:
		return record_sample(pass, result, error);
	case PASS_PLACEMENT:
		return recorded(
		    pass,
		    placement_recorder_chunk(pass->options->recorder, &pass->feed, pass->descriptor, error),
		    error);
	default:
		return true;
	}
}

static bool post_chunks(struct pass *pass, struct pass_result *result, struct trace_error *error)
{
	struct session_chunk *chunk = &pass->session->chunk;

	for (uint32_t done = 0;; done++) {
		if (feed_fill(&pass->feed, error) != TRACE_OK)
			return false;
		bool last = chunk->operations == 0;

		atomic_fetch_add_explicit(&chunk->posted, 1, memory_order_release);
		session_wake(&chunk->posted);
		if (last)
			return true;
		if (!await_done(pass, done, error))
			return false;
		result->elapsed_ns += chunk->elapsed_ns;
		if (!take_chunk(pass, result, error))
			return false;
	}
}

static bool run(struct pass *pass, struct pass_result *result, struct trace_error *error)
{
	const struct plan_totals *totals = plan_totals(pass->options->plan);

	if (!session_create(pass, error) ||
	    feed_create(&pass->feed, pass->options->plan, pass->session, error) != TRACE_OK)
		return false;
	if (pass->options->kind == PASS_MEMORY) {
		pass->feed.every =
		    pass->options->samples ? totals->operations / pass->options->samples + 1 : 0;
		pass->feed.extra = totals->live_peak_operation;
	}
	if (!child_start(pass, error) ||
	    (pass->options->kind == PASS_PLACEMENT && !await_ready(pass, error)) ||
	    !post_chunks(pass, result, error) || !await_end(pass, error))
		return false;
	result->reply = malloc(sizeof(*result->reply));
	if (!result->reply) {
		(void)trace_fail(error, TRACE_NO_MEMORY, "not enough memory for the results of a pass");
		return false;
	}
	memcpy(result->reply, &pass->session->reply, sizeof(*result->reply));
	return true;
}

bool pass_run(struct pass_result *result, const struct pass_options *options, struct trace_error *error)
{
	struct pass pass = {.options = options, .descriptor = -1};

	memset(result, 0, sizeof(*result));
	bool ok = run(&pass, result, error);

	child_kill(&pass);
	feed_destroy(&pass.feed);
	if (pass.session)
		(void)munmap(pass.session, pass.session->bytes);
	if (pass.descriptor >= 0)
		(void)close(pass.descriptor);
	if (!ok)
		pass_result_destroy(result);
	return ok;
}

void pass_result_destroy(struct pass_result *result)
{
	timeline_destroy(&result->timeline);
	free(result->reply);
	memset(result, 0, sizeof(*result));
}
