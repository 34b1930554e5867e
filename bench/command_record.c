#include "config.h"

#include "bench/command_record.h"

#include "bench/command.h"
#include "bench/installation.h"

#include "traces/record/arena.h"
#include "traces/record/program.h"
#include "traces/record/session.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
    "Usage: faultline record [--heap] [--mm] [--faults] [--accesses] -o TRACE [OPTION]... [--] COMMAND "
    "[ARGUMENT]...\n"
    "Runs COMMAND and records how it, its threads and every program it starts use memory.\n"
    "\n"
    "  -o, --output TRACE       where to write the trace\n"
    "      --heap               malloc, free and their kin (the default)\n"
    "      --mm                 memory system calls (mmap, brk, madvise ...) with arguments and results, and "
    "the\n"
    "                           address space at exec and at the end\n"
    "      --mm-by MEANS        how system calls are seen: perf (kernel tracepoints: no stops, takes "
    "privileges),\n"
    "                           ptrace (a stop at each memory call, takes none), auto (perf where "
    "permitted)\n"
    "      --faults             page faults, with their addresses and instructions\n"
    "      --accesses[=WHAT]    loads and stores (data, the default), instruction fetches (fetch), or both "
    "(all), with\n"
    "                           heap and memory calls: the program runs in QEMU's user-mode emulator, "
    "unchanged but\n"
    "                           some 10 to 50 times slower\n"
    "      --window N:M         of each thread's accesses record N, leave out M, and so on (units K, M, G)\n"
    "      --stacks             record the call stack of every event (several microseconds each)\n"
    "      --no-follow          record only the first program, not its children nor what it becomes by exec\n"
    "      --for TIME           end the trace after TIME: seconds, or with a unit: 500ms, 10s, 5m, 1h\n"
    "      --max-size SIZE      end the trace before it grows beyond SIZE bytes (units K, M, G)\n"
    "      --start-signal SIG   begin paused; record when `faultline record` gets SIG (a name such as USR1, "
    "or a number)\n"
    "      --stop-signal SIG    pause when it gets SIG; with the same SIG as --start-signal it toggles\n"
    "      --buffer SIZE        memory for events that are not written yet (default 1G, or an eighth of\n"
    "                           the machine's memory if that is less); a program that fills it waits\n"
    "  -q, --quiet              no summary at the end\n"
    "  -h, --help               this text\n"
    "\n"
    "The program's input, output and environment are its own, but for LD_PRELOAD and FAULTLINE_RECORD. "
    "Signals sent to\n"
    "`faultline record` are passed on to it, except the two above.\n"
    "\n"
    "The recording ends when COMMAND and all programs that it left running have ended (once COMMAND has "
    "ended, SIGINT or\n"
    "SIGTERM ends it at once), or at --for or --max-size: then the trace is complete at that moment, and the "
    "command\n"
    "runs on unrecorded.\n"
    "\n"
    "Exit status: COMMAND's own; 128 + N when signal N killed it; 127 when it was not found, 126 when it "
    "could not be\n"
    "run; 1 when recording failed (the reason is on standard error, and COMMAND was left to run to its end); "
    "2 for wrong\n"
    "usage. A recording without events is no failure: the summary says why it has none.\n";

enum {
	OPTION_HEAP = 256,
	OPTION_MM,
	OPTION_MM_BY,
	OPTION_FAULTS,
	OPTION_ACCESSES,
	OPTION_WINDOW,
	OPTION_STACKS,
	OPTION_NO_FOLLOW,
	OPTION_FOR,
	OPTION_MAX_SIZE,
	OPTION_START_SIGNAL,
	OPTION_STOP_SIGNAL,
	OPTION_BUFFER,
};

#define RUN (-1)

struct record_options {
	struct session_options session;
	bool quiet;
	bool has_buffer; /* --buffer was given */
};

/* Accesses come faster than they can be written for long: more room would only be more memory. */
#define ACCESS_BUFFER_BYTES (UINT64_C(256) << 20)

/* A number and its unit: `units` lists letters or words with their factors. */
struct unit {
	const char *name;
	double factor;
};

static const struct unit size_units[] = {
    {"", 1},	   {"K", 1024},	     {"M", 1048576},	  {"G", 1073741824},
    {"KiB", 1024}, {"MiB", 1048576}, {"GiB", 1073741824}, {NULL, 0},
};

static const struct unit count_units[] = {
    {"", 1}, {"K", 1e3}, {"M", 1e6}, {"G", 1e9}, {NULL, 0},
};

static const struct unit time_units[] = {
    {"", 1e9}, {"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}, {NULL, 0},
};

static bool parse_quantity(const char *text, const struct unit *units, uint64_t *result)
{
	char *end;
	double value;

	errno = 0;
	value = strtod(text, &end);
	if (end == text || errno != 0 || !isfinite(value) || value <= 0)
		return false;
	for (; units->name; units++) {
		if (strcmp(end, units->name) == 0 && value * units->factor >= 1 &&
		    value * units->factor < 9e18) {
			*result = (uint64_t)(value * units->factor);
			return true;
		}
	}
	return false;
}

static bool parse_signal(const char *text, int *result)
{
	char *end;
	long number = strtol(text, &end, 10);

	if (strncasecmp(text, "SIG", 3) == 0)
		text += 3;
	for (int i = 1; i < NSIG; i++) {
		const char *name = sigabbrev_np(i);
		bool is_this =
		    *end == '\0' && end != text ? number == i : name && strcasecmp(name, text) == 0;
		if (is_this && i != SIGKILL && i != SIGSTOP && i != SIGCHLD) {
			*result = i;
			return true;
		}
	}
	return false;
}

static bool parse_means(const char *text, enum follower_means *result)
{
	static const char *const names[] = {
	    [FOLLOWER_AUTO] = "auto", [FOLLOWER_PERF] = "perf", [FOLLOWER_PTRACE] = "ptrace"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(text, names[i]) == 0) {
			*result = (enum follower_means)i;
			return true;
		}
	}
	return false;
}

static int wrong(const char *option, const char *value, const char *right)
{
	complain("record", "%s does not understand '%s': %s", option, value, right);
	return EXIT_USAGE;
}

static int parse_accesses(struct session_options *session, const char *what)
{
	if (!what || strcmp(what, "data") == 0)
		session->accesses = ARENA_ACCESS_DATA;
	else if (strcmp(what, "fetch") == 0)
		session->accesses = ARENA_ACCESS_FETCH;
	else if (strcmp(what, "all") == 0)
		session->accesses = ARENA_ACCESS_DATA | ARENA_ACCESS_FETCH;
	else
		return wrong("--accesses", what, "data, fetch or all");
	return RUN;
}

static int parse_window(struct session_options *session, const char *text)
{
	static const char right[] = "two numbers such as 1M:99M, the accesses to record and to leave out";
	const char *colon = strchr(text, ':');
	char on[32];

	if (!colon || (size_t)(colon - text) >= sizeof(on))
		return wrong("--window", text, right);
	memcpy(on, text, (size_t)(colon - text));
	on[colon - text] = '\0';
	return parse_quantity(on, count_units, &session->window_on) &&
		       parse_quantity(colon + 1, count_units, &session->window_off)
		   ? RUN
		   : wrong("--window", text, right);
}

static int parse_value(struct record_options *options, int option)
{
	static const char sizes[] = "a number of bytes greater than 0, such as 64M";
	static const char signals[] = "a signal that can be caught, such as USR1";
	struct session_options *session = &options->session;

	switch (option) {
	case OPTION_MM_BY:
		session->calls = true;
		return parse_means(optarg, &session->means)
			   ? RUN
			   : wrong("--mm-by", optarg, "perf, ptrace or auto");
	case OPTION_ACCESSES:
		return parse_accesses(session, optarg);
	case OPTION_WINDOW:
		return parse_window(session, optarg);
	case OPTION_FOR:
		return parse_quantity(optarg, time_units, &session->for_ns)
			   ? RUN
			   : wrong("--for", optarg, "a time greater than 0, such as 10s or 500ms");
	case OPTION_MAX_SIZE:
		return parse_quantity(optarg, size_units, &session->max_bytes)
			   ? RUN
			   : wrong("--max-size", optarg, sizes);
	case OPTION_BUFFER:
		options->has_buffer = true;
		return parse_quantity(optarg, size_units, &session->buffer_bytes)
			   ? RUN
			   : wrong("--buffer", optarg, sizes);
	case OPTION_START_SIGNAL:
		session->paused = true;
		return parse_signal(optarg, &session->start_signal)
			   ? RUN
			   : wrong("--start-signal", optarg, signals);
	case OPTION_STOP_SIGNAL:
		return parse_signal(optarg, &session->stop_signal) ? RUN
								   : wrong("--stop-signal", optarg, signals);
	default:
		(void)fputs("Try `faultline record --help`.\n", stderr);
		return EXIT_USAGE;
	}
}

static int parse_option(struct record_options *options, int option)
{
	switch (option) {
	case 'o':
		options->session.output = optarg;
		return RUN;
	case 'q':
		options->quiet = true;
		return RUN;
	case 'h':
		(void)fputs(help, stdout);
		return EXIT_DONE;
	case OPTION_HEAP:
		options->session.heap = true;
		return RUN;
	case OPTION_MM:
		options->session.calls = true;
		return RUN;
	case OPTION_FAULTS:
		options->session.faults = true;
		return RUN;
	case OPTION_STACKS:
		options->session.stacks = true;
		return RUN;
	case OPTION_NO_FOLLOW:
		options->session.follow = false;
		return RUN;
	default:
		return parse_value(options, option);
	}
}

/* Says what does not go together. */
static bool are_compatible(const struct session_options *session)
{
	const char *message = NULL;

	if (session->accesses && session->faults)
		message = "--faults are the kernel's, and with --accesses it sees the emulator: record them "
			  "one after the "
			  "other";
	else if (session->accesses && session->stacks)
		message = "--stacks cannot be had of a program that --accesses runs in the emulator";
	else if (!session->accesses && session->window_on != 0)
		message = "--window is about accesses: it needs --accesses";
	if (message)
		complain("record", "%s", message);
	return message == NULL;
}

static int parse(struct record_options *options, int argc, char **argv)
{
	static const struct option longs[] = {
	    {"output", required_argument, NULL, 'o'},
	    {"quiet", no_argument, NULL, 'q'},
	    {"help", no_argument, NULL, 'h'},
	    {"heap", no_argument, NULL, OPTION_HEAP},
	    {"mm", no_argument, NULL, OPTION_MM},
	    {"mm-by", required_argument, NULL, OPTION_MM_BY},
	    {"faults", no_argument, NULL, OPTION_FAULTS},
	    {"accesses", optional_argument, NULL, OPTION_ACCESSES},
	    {"window", required_argument, NULL, OPTION_WINDOW},
	    {"stacks", no_argument, NULL, OPTION_STACKS},
	    {"no-follow", no_argument, NULL, OPTION_NO_FOLLOW},
	    {"for", required_argument, NULL, OPTION_FOR},
	    {"max-size", required_argument, NULL, OPTION_MAX_SIZE},
	    {"start-signal", required_argument, NULL, OPTION_START_SIGNAL},
	    {"stop-signal", required_argument, NULL, OPTION_STOP_SIGNAL},
	    {"buffer", required_argument, NULL, OPTION_BUFFER},
	    {NULL, 0, NULL, 0},
	};
	int option, result;

	while ((option = getopt_long(argc, argv, "+o:qh", longs, NULL)) != -1) {
		result = parse_option(options, option);
		if (result != RUN)
			return result;
	}
	options->session.command = argv + optind;
	if (options->session.accesses)
		options->session.heap = options->session.calls = true;
	if (!options->session.calls && !options->session.faults)
		options->session.heap = true;
	if (options->session.stacks && !options->session.heap) {
		complain("record", "--stacks are those of heap calls: it needs --heap");
		return EXIT_USAGE;
	}
	if (!are_compatible(&options->session))
		return EXIT_USAGE;
	if (!options->session.output) {
		complain("record", "where to? -o TRACE is missing");
		return EXIT_USAGE;
	}
	if (strcmp(options->session.output, "-") == 0) {
		complain("record", "the trace cannot go to standard output, which is the program's");
		return EXIT_USAGE;
	}
	if (optind == argc) {
		complain("record", "what to run? COMMAND is missing");
		return EXIT_USAGE;
	}
	return RUN;
}

/* --- What is said at the end ------------------------------------------------------------------------------------------------ */

static void print_cost(const struct session_result *result)
{
	double rest = result->cpu_s - result->recording_s;

	if (result->event_ns <= 0 || rest <= 0) {
		(void)fputs("  slowdown    too few events to measure it\n", stderr);
		return;
	}
	(void)fprintf(stderr,
		      "  slowdown    about %.1f %% of processor time: %.0f ns per event (timed in the "
		      "program, 1 event in "
		      "1,021)\n"
		      "              x %" PRIu64 " events = %.3f s, of %.3f s in all",
		      100 * result->recording_s / rest, result->event_ns, result->heap_events,
		      result->recording_s, result->cpu_s);
	if (result->waiting_s >= 0.0005)
		(void)fprintf(stderr, "; and %.3f s of waiting for the recorder", result->waiting_s);
	(void)fputc('\n', stderr);
}

static void print_faults(const struct session_result *result)
{
	if (result->foreign)
		(void)fprintf(stderr,
			      "  warning     %" PRIu64 " frees of blocks whose allocation was not recorded\n",
			      result->foreign);
	if (result->reissued)
		(void)fprintf(stderr,
			      "  warning     %" PRIu64
			      " blocks were handed out at an address that was not free\n",
			      result->reissued);
	if (result->damaged)
		(void)fprintf(stderr, "  warning     %" PRIu64 " records made no sense\n", result->damaged);
	if (result->lost)
		(void)fprintf(stderr, "  warning     %" PRIu64 " events were lost\n", result->lost);
	for (unsigned i = 0; i < result->notes; i++)
		(void)fprintf(stderr, "  note        %s\n", result->note[i]);
}

static void print_events(const struct record_options *options, const struct session_result *result)
{
	const struct follower_counts *kernel = &result->kernel;
	const char *before = "(";

	(void)fprintf(stderr, "  events      %" PRIu64 " ", result->events);
	if (options->session.heap) {
		(void)fprintf(stderr, "(%" PRIu64 " heap calls", result->heap_events);
		before = ", ";
	}
	if (options->session.calls) {
		(void)fprintf(stderr, "%s%" PRIu64 " memory calls by %s", before,
			      options->session.accesses ? result->accesses.calls : kernel->calls,
			      options->session.accesses ? "the emulator"
			      : kernel->by_perf		? "perf events"
							: "ptrace");
		before = ", ";
	}
	if (options->session.faults)
		(void)fprintf(stderr, "%s%" PRIu64 " page faults", before, kernel->faults);
	(void)fputs(")\n", stderr);
}

static void print_kernel_faults(const struct follower_counts *kernel, bool faults)
{
	if (kernel->lost)
		(void)fprintf(stderr, "  warning     %" PRIu64 " system calls and faults were lost\n",
			      kernel->lost);
	if (kernel->unpaired)
		(void)fprintf(stderr, "  warning     of %" PRIu64 " system calls only one half was seen\n",
			      kernel->unpaired);
	if (kernel->foreign_programs)
		(void)fprintf(stderr,
			      "  warning     %" PRIu32
			      " programs of another kind of machine code: their system "
			      "calls were not recorded\n",
			      kernel->foreign_programs);
	if (faults && !kernel->sees_kernel_faults)
		(void)fputs(
		    "  note        faults that the kernel itself met are missing: it takes CAP_PERFMON or "
		    "perf_event_paranoid at 1\n",
		    stderr);
	if (faults && !kernel->sees_causes)
		(void)fputs(
		    "  note        whether faults were reads, writes or fetches is not known: it takes "
		    "CAP_PERFMON and tracefs\n",
		    stderr);
}

static void print_accesses(const struct access_counts *counts)
{
	(void)fprintf(stderr,
		      "  accesses    %" PRIu64 " (%" PRIu64 " loads, %" PRIu64 " stores, %" PRIu64
		      " modifies, %" PRIu64 " fetches)",
		      counts->references, counts->kinds[ACCESS_LOAD], counts->kinds[ACCESS_STORE],
		      counts->kinds[ACCESS_MODIFY], counts->kinds[ACCESS_FETCH]);
	if (counts->skipped)
		(void)fprintf(stderr, ", %" PRIu64 " left out", counts->skipped);
	(void)fprintf(stderr,
		      "\n              %" PRIu64 " by the kernel, %" PRIu64 " to freed blocks, %" PRIu64
		      " past the bytes asked for, %" PRIu64 " to nothing known\n",
		      counts->kernel, counts->freed, counts->beyond, counts->wild);
}

static void print_summary(void *context, const struct session_result *result)
{
	static const char *const ends[] = {
	    [SESSION_ALL_ENDED] = "",
	    [SESSION_TIME] = "; ended by --for",
	    [SESSION_SIZE] = "; ended by --max-size",
	    [SESSION_ASKED] = "; ended by a signal while programs it started still ran",
	};
	const struct record_options *options = context;

	if (options->quiet)
		return;
	(void)fprintf(stderr, "faultline record: %s%s\n", options->session.output, ends[result->end]);
	print_events(options, result);
	(void)fprintf(stderr, "  processes   %" PRIu64 ", threads %" PRIu64 "\n", result->processes,
		      result->threads);
	(void)fprintf(stderr, "  size        %" PRIu64 " bytes", result->file_bytes);
	if (options->session.accesses && result->accesses.references)
		(void)fprintf(stderr, ", %.2f per access",
			      (double)result->file_bytes / (double)result->accesses.references);
	else if (result->events)
		(void)fprintf(stderr, ", %.2f per event",
			      (double)result->file_bytes / (double)result->events);
	(void)fputc('\n', stderr);
	if (options->session.accesses)
		print_accesses(&result->accesses);
	else if (options->session.heap)
		print_cost(result);
	print_faults(result);
	print_kernel_faults(&result->kernel, options->session.faults);
}

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

static bool find_emulator(struct record_options *options, char *path, size_t capacity)
{
	char plugin[PATH_MAX];

	if (!installation_find("libfaultline-access.so", plugin, sizeof(plugin))) {
		complain("record", "the emulator's plugin is missing: %s (it is built for x86-64 only)",
			 plugin);
		return false;
	}
	if (strchr(plugin, ',')) {
		complain("record", "the emulator takes no plugin with a comma in its path: %s", plugin);
		return false;
	}
	if (!program_find("qemu-x86_64", path, capacity)) {
		complain("record",
			 "--accesses needs qemu-x86_64, QEMU's user-mode emulator (Debian: qemu-user)");
		return false;
	}
	options->session.emulator = path;
	if (!options->has_buffer && options->session.buffer_bytes > ACCESS_BUFFER_BYTES)
		options->session.buffer_bytes = ACCESS_BUFFER_BYTES;
	return true;
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

int command_record(int argc, char **argv)
{
	struct record_options options = {
	    .session = {.follow = true, .buffer_bytes = default_buffer_bytes(), .finished = print_summary}};
	struct session_result result;
	struct trace_error error = {""};
	enum trace_status status;
	char library[PATH_MAX], emulator[PATH_MAX];
	int parsed = parse(&options, argc, argv);

	if (parsed != RUN)
		return parsed;
	options.session.context = &options;
	if (options.session.heap && !find_library(&options, library, sizeof(library)))
		return EXIT_FAILED;
	if (options.session.accesses && !find_emulator(&options, emulator, sizeof(emulator)))
		return EXIT_FAILED;
	status = session_run(&options.session, &result, &error);
	if (status != TRACE_OK) {
		complain("record", "%s", error.message);
		return EXIT_FAILED;
	}
	if (result.exec_errno != 0)
		return could_not_run(options.session.command[0], &result);
	return result.exit_status;
}
