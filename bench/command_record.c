#include "config.h"

#include "bench/command_record.h"

#include "bench/command.h"
#include "bench/installation.h"
#include "bench/record_options.h"

#include "traces/record/emulation.h"
#include "traces/record/program.h"
#include "traces/record/session.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

/* Accesses come faster than they can be written for long: more room would only be more memory. */
#define ACCESS_BUFFER_BYTES (UINT64_C(256) << 20)

static int could_not_run(const char *command, const struct session_result *result)
{
	const int reason = result->exec_errno;

	if (result->unprepared) {
		complain("record", "the system refuses the filter that stops at memory calls (seccomp): %s",
			 strerror(reason));
		return EXIT_FAILED;
	}
	complain("record", "cannot run %s: %s", command, strerror(reason));
	return reason == ENOENT ? 127 : 126;
}

static bool find_library(struct record_options *options, char *path, size_t capacity)
{
	const char *name = options->session.accesses ? "libfaultline-guest.so"
			   : options->session.stacks ? "libfaultline-record-stacks.so"
						     : "libfaultline-record.so";

	options->session.library = path;
	if (!installation_find(name, path, capacity)) {
		complain("record", "the library to preload is missing: %s%s", path,
			 options->session.stacks ? " (--stacks needs a build with libunwind)" : "");
		return false;
	}
	if (strpbrk(path, ": ")) {
		complain("record",
			 "the path of the library to preload, %s, has a blank or colon in it, which "
			 "LD_PRELOAD cannot "
			 "hold: install or build Faultline elsewhere",
			 path);
		return false;
	}
	return true;
}

struct emulator {
	char path[PATH_MAX];
	char plugin[PATH_MAX];
};

/* Can the emulator run the command by itself, without the library that brings programs into it? */
static bool emulator_takes(const char *command)
{
	char path[PATH_MAX];

	if (!program_find(command, path, sizeof(path)) || emulation_may_run(path))
		return true;
	complain(
	    "record",
	    "%s is no program of x86-64, and --no-heap runs nothing else: name the interpreter of a script",
	    path);
	return false;
}

static bool find_emulator(struct record_options *options, struct emulator *emulator)
{
	struct session_options *session = &options->session;
	const char *plugin = emulator->plugin;

	if (!installation_find("libfaultline-access.so", emulator->plugin, sizeof(emulator->plugin))) {
		complain("record", "the emulator's plugin is missing: %s (it is built for x86-64 only)",
			 plugin);
		return false;
	}
	if (strchr(plugin, ',')) {
		complain("record", "the emulator takes no plugin with a comma in its path: %s", plugin);
		return false;
	}
	if (!program_find("qemu-x86_64", emulator->path, sizeof(emulator->path))) {
		complain("record",
			 "--accesses needs qemu-x86_64, QEMU's user-mode emulator (Debian: qemu-user)");
		return false;
	}
	session->emulator = emulator->path;
	session->plugin = session->heap ? NULL : plugin;
	if (!options->has_buffer && session->buffer_bytes > ACCESS_BUFFER_BYTES)
		session->buffer_bytes = ACCESS_BUFFER_BYTES;
	return session->heap || emulator_takes(session->command[0]);
}

/* Room for a program that allocates in a loop for a second or two faster than its events can be compressed. */
static uint64_t default_buffer_bytes(void)
{
	const uint64_t largest = UINT64_C(1) << 30;
	const long pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);
	const uint64_t share =
	    pages > 0 && page_bytes > 0 ? (uint64_t)pages / 8 * (uint64_t)page_bytes : largest;

	return share < largest ? share : largest;
}

static int record_machine(const struct record_options *options)
{
	struct machine_result result;
	struct trace_error error = {""};

	if (machine_session_run(&options->machine, &result, &error) != TRACE_OK) {
		complain("record", "%s", error.message);
		return EXIT_FAILED;
	}
	if (result.exec_errno != 0) {
		complain("record", "cannot run %s: %s", options->machine.command[0],
			 strerror(result.exec_errno));
		return result.exec_errno == ENOENT ? 127 : 126;
	}
	record_summary_machine(options, &result);
	return result.exit_status;
}

/* Runs the session and, with --online, its models. An exit status. */
static int record(struct record_options *options, char **words)
{
	const struct record_online_report report = {
	    .directory = options->directory, .command = words, .quiet = options->quiet};
	struct session_result result;
	struct trace_error error = {""};
	enum trace_status status = TRACE_OK;

	if (options->is_online) {
		status = record_online_begin(options->online, options->directory != NULL, &options->receiver,
					     &error);
		options->session.receiver = &options->receiver;
	}
	if (status == TRACE_OK)
		status = session_run(&options->session, &result, &error);
	if (status != TRACE_OK) {
		complain("record", "%s", error.message);
		return EXIT_FAILED;
	}
	if (result.exec_errno != 0)
		return could_not_run(options->session.command[0], &result);
	if (options->is_online && !record_online_end(options->online, &report))
		return EXIT_FAILED;
	return result.exit_status;
}

/* What a recording is made with. */
struct tools {
	struct emulator emulator;
	char library[PATH_MAX];
};

static bool find_tools(struct record_options *options, struct tools *tools)
{
	if (options->session.heap && !find_library(options, tools->library, sizeof(tools->library)))
		return false;
	return !options->session.accesses || find_emulator(options, &tools->emulator);
}

int command_record(int argc, char **argv)
{
	struct record_options options = {.session = {.follow = true,
						     .buffer_bytes = default_buffer_bytes(),
						     .finished = record_summary_print},
					 .online = record_online_create()};
	struct tools tools;
	int status;

	if (!options.online) {
		complain("record", "not enough memory");
		return EXIT_FAILED;
	}
	status = record_options_parse(&options, argc, argv);
	options.session.context = &options;
	if (status == RECORD_OPTIONS_RUN && options.kernel)
		status = record_machine(&options);
	else if (status == RECORD_OPTIONS_RUN)
		status = find_tools(&options, &tools) ? record(&options, argv) : EXIT_FAILED;
	record_online_destroy(options.online);
	return status;
}
