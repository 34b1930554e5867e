#include "config.h"

#include "traces/record/session_state.h"

#include "traces/record/ticks.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

/* With nothing to do, the recorder looks again after this time, doubled up to the maximum. */
#define IDLE_MIN_NS 500000u
#define IDLE_MAX_NS 20000000u
/* A fork's child that does not register for so long is taken to have died at birth. */
#define FORK_PATIENCE_NS UINT64_C(1000000000)
/* A record that was begun and is not finished for so long is given up: its thread is stopped, or left it by longjmp. */
#define RECORD_PATIENCE_NS UINT64_C(10000000000)
/* The size of the trace is looked at this often. */
#define EVENTS_PER_SIZE_CHECK 1024u
/* Of a reference in the trace, at most, but for the few that are the first to what they went to. */
#define ACCESS_BYTES 5u

static uint64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static enum trace_status store_stack(void *context, const uint64_t *addresses, size_t depth, uint32_t *id,
				     struct trace_error *error)
{
	return flt_writer_stack(context, addresses, depth, id, error);
}

/* --- Taking records ------------------------------------------------------------------------------------------------------- */

/* A thread whose last destructor ran gives out thread_exit once it is gone and all it wrote is merged. */
static enum trace_status settle_threads(struct session *session, struct trace_error *error)
{
	struct heap_merge *merge = &session->merge;

	for (size_t i = merge->endings; i-- > 0;) {
		uint32_t number = merge->ending[i];
		const struct merged_thread *thread = &merge->thread[number];
		uint32_t process_id = merge->process[thread->process].process_id;
		enum trace_status status;
		if (watch_thread_lives(process_id, thread->thread_id))
			continue;
		ordering_thread_gone(&session->ordering, thread->serial);
		if (ordering_thread_busy(&session->ordering, thread->serial))
			continue;
		status = heap_merge_thread_exit(merge, number, error);
		if (status != TRACE_OK)
			return status;
	}
	return TRACE_OK;
}

/* A record of accesses may bring a whole chunk of them, and release those that wait. */
static uint64_t next_record_bytes(const struct session *session)
{
	const uint64_t words = ARENA_CHUNK_WORDS_MAX + session->accesses.interleaving.words;

	return session->options->accesses ? words * ACCESS_BYTES : 0;
}

static void check_size(struct session *session)
{
	if (session->options->max_bytes != 0 && session->writer)
		session->full = flt_writer_bytes(session->writer) + next_record_bytes(session) >=
				session->options->max_bytes;
}

/* Gives out what the kernel did before the heap record. If that is not all known yet the record is gated. */
static enum trace_status put_kernel_before(struct session *session, const struct ordered_record *record,
					   struct trace_error *error)
{
	bool ready = true;
	enum trace_status status = TRACE_OK;

	if (session->follower && record->kind != ARENA_FRAMES)
		status = follower_emit(session->follower, record->tsc, &ready, error);
	session->gated = !ready;
	return status;
}

/* Merges the records that are ready, in order. *taken counts them. */
static enum trace_status take_ready(struct session *session, uint64_t *taken, struct trace_error *error)
{
	struct ordered_record record;

	session->gated = false;
	while (!session->full && ordering_peek(&session->ordering, &record) &&
	       heap_merge_ready(&session->merge, &record)) {
		enum trace_status status = put_kernel_before(session, &record, error);
		if (status != TRACE_OK || session->gated)
			return status;
		status = session->options->accesses ? access_merge_put(&session->accesses, &record, error)
						    : heap_merge_put(&session->merge, &record, error);
		if (status != TRACE_OK)
			return status;
		ordering_take(&session->ordering);
		if (record.kind == ARENA_THREAD_END && (status = settle_threads(session, error)) != TRACE_OK)
			return status;
		if (++*taken % EVENTS_PER_SIZE_CHECK == 0 || record.kind == ARENA_ACCESSES)
			check_size(session);
	}
	return TRACE_OK;
}

/* Something is missing at the start of the window. What is lost for sure, or waited for too long, is given up. */
static bool give_up(struct session *session, uint64_t limit)
{
	struct ordered_record record;
	bool waits_for_fork = ordering_peek(&session->ordering, &record);
	uint64_t now = now_ns();

	if (session->ordering.base >= limit) {
		session->stuck_ns = 0;
		return false;
	}
	if (session->stuck_ns == 0)
		session->stuck_ns = now;
	if (waits_for_fork && now - session->stuck_ns < FORK_PATIENCE_NS)
		return false;
	if (waits_for_fork) {
		ordering_take(&session->ordering);
		return true;
	}
	if (session->ordering.unwritten && now - session->stuck_ns < RECORD_PATIENCE_NS)
		return false;
	ordering_skip(&session->ordering, limit);
	return true;
}

/* Takes what the kernel has told. With `last`: what there is, complete or not. */
static enum trace_status poll_kernel(struct session *session, bool last, struct trace_error *error)
{
	return session->follower ? follower_poll(session->follower, last, error) : TRACE_OK;
}

/* All heap records numbered before `ticks` are merged: what the kernel did until then follows. */
static enum trace_status put_kernel_until(struct session *session, uint64_t ticks, struct trace_error *error)
{
	bool ready;
	enum trace_status status;

	if (!session->follower || session->full)
		return TRACE_OK;
	status = follower_emit(session->follower, ticks, &ready, error);
	check_size(session);
	return status;
}

static enum trace_status pump(struct session *session, bool *progress, struct trace_error *error)
{
	struct arena_control *control = session->file.arena.control;

	*progress = false;
	for (;;) {
		uint64_t ticks = ticks_now(), limit = atomic_load(&control->order), taken = 0;
		enum trace_status status;

		atomic_fetch_add(&control->heartbeat, 1);
		(void)arena_file_restock(&session->file);
		session->ordering.chunk_limit = session->file.stocked;
		ordering_scan(&session->ordering);
		status = take_ready(session, &taken, error);
		if (status == TRACE_OK && session->ordering.base >= limit)
			status = put_kernel_until(session, ticks, error);
		if (status != TRACE_OK || session->full)
			return status;
		if (taken != 0 || session->gated)
			session->stuck_ns = 0;
		else if (!give_up(session, limit))
			return TRACE_OK;
		if (session->gated)
			return TRACE_OK;
		*progress = true;
		if (taken < ORDERING_WINDOW / 2)
			return TRACE_OK;
	}
}

/* --- Processes that end ---------------------------------------------------------------------------------------------------- */

static uint32_t exit_status_of(const struct session *session, uint32_t slot)
{
	const struct arena_process *process = &session->file.arena.processes[slot];

	if ((pid_t)session->watch.slot[slot].process_id == session->launched.child && session->launched.ended)
		return (uint32_t)session->launched.status;
	return atomic_load(&process->exit_status) & 255u;
}

static enum trace_status end_threads_of(struct session *session, uint64_t serial, struct trace_error *error)
{
	struct heap_merge *merge = &session->merge;

	for (size_t i = merge->endings; i-- > 0;) {
		const struct merged_thread *thread = &merge->thread[merge->ending[i]];
		if (merge->process[thread->process].serial == serial) {
			enum trace_status status = heap_merge_thread_exit(merge, merge->ending[i], error);
			if (status != TRACE_OK)
				return status;
		}
	}
	return TRACE_OK;
}

/* Ends the processes that are gone and whose records are all merged. */
static enum trace_status settle_processes(struct session *session, struct trace_error *error)
{
	for (uint32_t i = 0; i < ARENA_PROCESSES; i++) {
		const struct watched *watched = &session->watch.slot[i];
		enum trace_status status = TRACE_OK;
		uint64_t index;
		if (watched->serial == 0 || !watched->ended)
			continue;
		ordering_process_gone(&session->ordering, watched->serial);
		if (ordering_process_busy(&session->ordering, watched->serial) ||
		    ((pid_t)watched->process_id == session->launched.child && !watched->replaced &&
		     !session->launched.ended))
			continue;
		if (session->options->accesses)
			status = access_merge_process_gone(&session->accesses, watched->serial,
							   session->ordering.chunk_limit, error);
		index = number_map_get(&session->merge.process_index, watched->serial);
		if (status == TRACE_OK && index != 0 && !watched->replaced && !session->follower)
			status = end_threads_of(session, watched->serial, error);
		if (status == TRACE_OK && index != 0 && !watched->replaced && !session->follower)
			status = heap_merge_process_exit(&session->merge, (size_t)index - 1,
							 exit_status_of(session, i), ticks_now(), error);
		if (status == TRACE_OK && index != 0 && !watched->replaced)
			session_note_unrecorded(session, i);
		if (status != TRACE_OK)
			return status;
		session_collect_counts(session, i);
		watch_release(&session->watch, &session->file.arena, i);
	}
	return settle_threads(session, error);
}

/* --- Start and end ------------------------------------------------------------------------------------------------------------ */

static char *join_command(char **command)
{
	size_t bytes = 1;
	char *line, *end;

	for (char **word = command; *word; word++)
		bytes += strlen(*word) + 1;
	line = end = malloc(bytes);
	for (char **word = command; line && *word; word++)
		end = stpcpy(stpcpy(end, word == command ? "" : " "), *word);
	return line;
}

static enum trace_status open_trace(struct session *session, struct trace_error *error)
{
	struct utsname system = {0};
	char host[512] = "", source[64];
	struct flt_description description = {.source = source,
					      .host = host,
					      .has_time = true,
					      .has_stacks =
						  session->options->stacks || session->options->faults};

	(void)snprintf(source, sizeof(source), "record%s%s%s%s", session->options->heap ? " heap" : "",
		       session->options->calls ? " mm" : "", session->options->faults ? " faults" : "",
		       session->options->accesses ? " accesses" : "");
	session->command_line = join_command(session->options->command);
	if (!session->command_line)
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory to start");
	description.command = session->command_line;
	if (uname(&system) == 0)
		(void)snprintf(host, sizeof(host), "%s %s %s, %ld processors", system.sysname, system.release,
			       system.machine, sysconf(_SC_NPROCESSORS_ONLN));
	return flt_writer_create(&session->writer, session->options->output, &description, error);
}

static enum trace_status create_follower(struct session *session, struct trace_error *error)
{
	const struct session_options *options = session->options;
	const struct follower_options following = {
	    .calls = options->calls,
	    .faults = options->faults,
	    .follow = options->follow,
	    .means = options->means,
	    .active = &session->file.arena.control->active,
	};

	return follower_create(&session->follower, &following, error);
}

static enum trace_status start(struct session *session, struct trace_error *error)
{
	const struct session_options *options = session->options;
	enum trace_status status = arena_file_create(&session->file, options->buffer_bytes, error);
	struct arena_control *control = session->file.arena.control;
	struct launch_options launch = {
	    .command = options->command,
	    .library = options->heap ? options->library : NULL,
	    .assignment = session->file.assignment,
	    .emulator = options->accesses ? options->emulator : NULL,
	    .plugin = options->accesses && !options->heap ? options->plugin : NULL,
	    .start_signal = options->start_signal,
	    .stop_signal = options->stop_signal,
	};

	if (status != TRACE_OK)
		return status;
	control->follow = options->follow;
	control->stacks = options->stacks;
	control->accesses = options->accesses;
	control->calls = options->accesses != 0;
	control->window_on = options->window_on;
	control->window_off = options->window_off;
	atomic_store(&control->active, options->paused ? 0 : 1);
	launch.active = &control->active;
	if ((options->calls && !options->accesses) || options->faults)
		status = create_follower(session, error);
	if (status != TRACE_OK)
		return status;
	launch.follower = session->follower;
	status = ordering_create(&session->ordering, &session->file.arena, error);
	if (status == TRACE_OK && options->output)
		status = open_trace(session, error);
	if (status != TRACE_OK)
		return status;
	tick_clock_start(&session->clock);
	session->started_ns = now_ns();
	return launch_start(&session->launched, &launch, error);
}

static enum trace_status store_skipped(void *context, uint32_t thread, uint64_t count,
				       struct trace_error *error)
{
	return flt_writer_accesses_skipped(context, thread, count, error);
}

static enum trace_status give_room(void *context, uint32_t thread, struct flt_access_room *room,
				   struct trace_error *error)
{
	return flt_writer_access_room(context, thread, room, error);
}

static enum trace_status begin_accesses(struct session *session, struct merge_output *output,
					struct trace_error *error)
{
	const struct access_output *receiver = session->options->receiver;
	struct access_output onward = {
	    .sink = output->sink, .skipped = store_skipped, .room = give_room, .context = session->writer};
	enum trace_status status;

	if (receiver)
		onward = session->writer ? access_tee(&session->tee, &onward, receiver) : *receiver;
	onward.as_placed = session->options->as_placed;
	status = access_merge_start(&session->accesses, &session->merge, session->file.arena.chunk_count,
				    &onward, error);

	if (session->options->seed != 0)
		access_merge_seed(&session->accesses, session->options->seed);
	access_merge_output(&session->accesses, output);
	return status;
}

/* The merge needs the clock's rate; by the first round or shortly after it can be had. */
static enum trace_status begin_merge(struct session *session, struct trace_error *error)
{
	struct merge_output output = {.context = session->writer};
	enum trace_status status = TRACE_OK;

	if (session->merging)
		return TRACE_OK;
	if (session->writer)
		output.sink = flt_writer_sink(session->writer);
	if (session->options->accesses)
		status = begin_accesses(session, &output, error);
	if (session->options->stacks || session->options->faults)
		output.stack = store_stack;
	tick_clock_calibrate(&session->clock);
	heap_merge_start(&session->merge, &session->file.arena, &output, &session->clock);
	if (session->follower)
		follower_start(session->follower, &session->merge);
	session->merging = true;
	return status;
}

static void idle(struct session *session, uint64_t *idle_ns)
{
	struct arena_control *control = session->file.arena.control;
	struct timespec timeout = {.tv_nsec = (long)*idle_ns};
	uint32_t bell = atomic_load(&control->recorder_bell);

	atomic_store(&control->recorder_sleeps, 1);
	(void)syscall(SYS_futex, &control->recorder_bell, FUTEX_WAIT, bell, &timeout, NULL, 0);
	atomic_store(&control->recorder_sleeps, 0);
	*idle_ns = *idle_ns < IDLE_MAX_NS / 2 ? 2 * *idle_ns : IDLE_MAX_NS;
}

/* Is it over? Says why. */
static bool is_over(struct session *session)
{
	struct session_result *result = session->result;

	if (session->full)
		result->end = SESSION_SIZE;
	else if (session->options->for_ns != 0 && now_ns() - session->started_ns >= session->options->for_ns)
		result->end = SESSION_TIME;
	else if (session->launched.ended && session->watch.living == 0 &&
		 (!session->follower || follower_living(session->follower) == 0))
		result->end = SESSION_ALL_ENDED;
	else if (session->launched.ended && launch_asked_to_finish())
		result->end = SESSION_ASKED;
	else
		return false;
	return true;
}

static enum trace_status rounds(struct session *session, struct trace_error *error)
{
	uint64_t idle_ns = IDLE_MIN_NS;
	bool progress;

	for (;;) {
		enum trace_status status;

		launch_poll(&session->launched);
		watch_poll(&session->watch, &session->file.arena);
		status = begin_merge(session, error);
		if (status == TRACE_OK)
			status = poll_kernel(session, false, error);
		if (status == TRACE_OK)
			status = pump(session, &progress, error);
		if (status == TRACE_OK)
			status = settle_processes(session, error);
		if (status != TRACE_OK)
			return status;
		if (is_over(session))
			return TRACE_OK;
		if (progress)
			idle_ns = IDLE_MIN_NS;
		else
			idle(session, &idle_ns);
	}
}

/* Stops the recording in all processes and takes what they still had written. */
static enum trace_status drain(struct session *session, struct trace_error *error)
{
	struct arena_control *control = session->file.arena.control;
	const struct timespec settle = {.tv_nsec = 2000000};
	bool progress = true;
	enum trace_status status = TRACE_OK;

	atomic_store(&control->active, 0);
	atomic_store(&control->finished, 1);
	atomic_fetch_add(&control->chunks_bell, 1);
	(void)syscall(SYS_futex, &control->chunks_bell, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
	(void)nanosleep(&settle, NULL);
	status = poll_kernel(session, true, error);
	while (status == TRACE_OK && progress && !session->full) {
		watch_poll(&session->watch, &session->file.arena);
		status = pump(session, &progress, error);
	}
	if (status == TRACE_OK)
		status = put_kernel_until(session, UINT64_MAX, error);
	if (status == TRACE_OK)
		status = settle_processes(session, error);
	if (status == TRACE_OK && session->options->accesses && !session->full)
		status = access_merge_finish(&session->accesses, session->ordering.chunk_limit, error);
	return status;
}

static enum trace_status finish(struct session *session, struct trace_error *error)
{
	enum trace_status status = drain(session, error);
	struct stat written;

	if (status == TRACE_OK)
		session_fill_result(session);
	if (status == TRACE_OK)
		status = session_write_warnings(session, error);
	if (status != TRACE_OK || !session->writer)
		return status;
	status = flt_writer_finish(session->writer, error);
	session->writer = NULL;
	if (status == TRACE_OK && stat(session->options->output, &written) == 0)
		session->result->file_bytes = (uint64_t)written.st_size;
	return status;
}

/* After a recording that ended before its command, or a failure: the command is not disturbed. */
static void wait_for_command(struct session *session)
{
	const struct timespec pause = {.tv_nsec = 10000000};
	bool needed = session->launched.follower && follower_finish(session->follower);

	while (!session->launched.ended || (needed && follower_living(session->follower) != 0)) {
		(void)nanosleep(&pause, NULL);
		launch_poll(&session->launched);
	}
}

static void stop(struct session *session)
{
	if (session->file.base) {
		struct arena_control *control = session->file.arena.control;
		atomic_store(&control->active, 0);
		atomic_store(&control->finished, 1);
	}
	if (session->launched.child > 0)
		wait_for_command(session);
	launch_end();
	session->result->exit_status = session->launched.status;
	session->result->unprepared = session->launched.unprepared;
	if (session->writer)
		flt_writer_abandon(session->writer);
	if (session->merging)
		heap_merge_end(&session->merge);
	access_merge_end(&session->accesses);
	follower_destroy(session->follower);
	ordering_destroy(&session->ordering);
	watch_end(&session->watch);
	arena_file_destroy(&session->file);
	free(session->command_line);
}

enum trace_status session_run(const struct session_options *options, struct session_result *result,
			      struct trace_error *error)
{
	struct session *session = calloc(1, sizeof(*session));
	enum trace_status status;

	*result = (struct session_result){0};
	if (!session)
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory to start");
	session->options = options;
	session->result = result;
	session->file.fd = -1;
	watch_start(&session->watch);
	status = start(session, error);
	result->exec_errno = session->launched.exec_errno;
	if (status == TRACE_OK && result->exec_errno == 0) {
		status = rounds(session, error);
		if (status == TRACE_OK)
			status = finish(session, error);
		if (status == TRACE_OK && options->finished)
			options->finished(options->context, result);
	}
	stop(session);
	free(session);
	return status;
}
