#include "config.h"

#include "bench/record_options.h"

#include "bench/command.h"
#include "bench/quantity.h"

#include "traces/record/arena.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char help[] =
    "Usage: faultline record [--heap] [--mm] [--faults] [--accesses] -o TRACE [OPTION]... [--] COMMAND "
    "[ARGUMENT]...\n"
    "  or:  faultline record --accesses --online[=MMU] [-o DIR] [OPTION]... [--] COMMAND [ARGUMENT]...\n"
    "  or:  faultline record --kernel[=WHAT] -o TRACE [--for TIME] [--buffer SIZE] [[--] COMMAND "
    "[ARGUMENT]...]\n"
    "Runs COMMAND and records how it, its threads and every program it starts use memory; or records what "
    "the\n"
    "kernel's allocators do on the whole machine while it runs.\n"
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
    "      --no-heap            with --accesses: no heap calls; nothing of ours is in the program, and "
    "references are\n"
    "                           said by stack and mapping alone; programs that it executes are not recorded\n"
    "      --window N:M         of each thread's accesses record N, leave out M, and so on (units K, M, G)\n"
    "      --seed N             put the accesses of several threads, where their order is not known, in one "
    "that N\n"
    "                           chooses; 0, the default: in blocks, as they came\n"
    "      --as-placed          tell accesses to blocks by where they lay, not by their block: such a trace "
    "shows "
    "what\n"
    "                           this allocator's placement did (target recorded), and can be placed by no "
    "other\n"
    "      --online[=MMU]       with --accesses: references go straight into models of MMUs (zen4), and no "
    "trace is\n"
    "                           written; page faults, page tables and TLB misses are printed at the end, and "
    "left in\n"
    "                           a run directory by -o DIR. MMU as for `faultline replay --mmu`, several with "
    "commas.\n"
    "                           Implies --as-placed\n"
    "      --keep TRACE         with --online: write the trace, too\n"
    "      --set KEY=VALUE      with --online: a policy key of the simulated system, such as thp=always\n";

static const char help_rest[] =
    "      --kernel[=WHAT]      the kernel's page allocator (pages), its slab caches and kmalloc (slab), "
    "ranges "
    "of kernel\n"
    "                           addresses (vmalloc), who runs where (switches), or all, the default; several "
    "with\n"
    "                           commas. Of the whole machine, with snapshots of its memory before and after; "
    "takes\n"
    "                           root or CAP_PERFMON. Without COMMAND it ends at --for, or by SIGINT or "
    "SIGTERM\n"
    "      --no-frames          with --kernel: without what each page frame is, which takes 0.2 s per GiB\n"
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
	OPTION_NO_HEAP,
	OPTION_SEED,
	OPTION_AS_PLACED,
	OPTION_ONLINE,
	OPTION_SET,
	OPTION_KEEP,
	OPTION_STACKS,
	OPTION_NO_FOLLOW,
	OPTION_FOR,
	OPTION_MAX_SIZE,
	OPTION_START_SIGNAL,
	OPTION_STOP_SIGNAL,
	OPTION_BUFFER,
	OPTION_KERNEL,
	OPTION_NO_FRAMES,
};

#define RUN RECORD_OPTIONS_RUN

/* A signal that can be caught, by number or by name with or without SIG. */
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

static int parse_kernel(struct record_options *options, const char *what)
{
	struct machine_rings_options *rings = &options->machine.rings;
	const struct {
		const char *word;
		bool *chosen;
	} words[] = {{"pages", &rings->pages},
		     {"slab", &rings->slab},
		     {"vmalloc", &rings->vmalloc},
		     {"switches", &rings->switches}};
	const char *at = what && strcmp(what, "all") != 0 ? what : "pages,slab,vmalloc,switches";

	options->kernel = true;
	for (size_t length; *at; at += length + (at[length] == ',')) {
		bool known = false;

		length = strcspn(at, ",");
		for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
			if (strlen(words[i].word) == length && memcmp(words[i].word, at, length) == 0)
				known = *words[i].chosen = true;
		}
		if (!known)
			return wrong("--kernel", what,
				     "pages, slab, vmalloc, switches, or several of them, or all");
	}
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
	return quantity_parse(on, quantity_counts, &session->window_on) &&
		       quantity_parse(colon + 1, quantity_counts, &session->window_off)
		   ? RUN
		   : wrong("--window", text, right);
}

static int parse_seed(struct session_options *session, const char *text)
{
	char *end;

	errno = 0;
	session->seed = strtoull(text, &end, 10);
	return isdigit((unsigned char)*text) && *end == '\0' && errno == 0
		   ? RUN
		   : wrong("--seed", text, "a number of 0 to 18446744073709551615");
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
	case OPTION_KERNEL:
		return parse_kernel(options, optarg);
	case OPTION_WINDOW:
		return parse_window(session, optarg);
	case OPTION_SEED:
		return parse_seed(session, optarg);
	case OPTION_FOR:
		return quantity_parse(optarg, quantity_times, &session->for_ns)
			   ? RUN
			   : wrong("--for", optarg, "a time greater than 0, such as 10s or 500ms");
	case OPTION_MAX_SIZE:
		return quantity_parse(optarg, quantity_sizes, &session->max_bytes)
			   ? RUN
			   : wrong("--max-size", optarg, sizes);
	case OPTION_BUFFER:
		options->has_buffer = true;
		return quantity_parse(optarg, quantity_sizes, &session->buffer_bytes)
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
		(void)fputs(help_rest, stdout);
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
	case OPTION_AS_PLACED:
		options->session.as_placed = true;
		return RUN;
	case OPTION_ONLINE:
		options->is_online = true;
		return !optarg || record_online_add(options->online, optarg) ? RUN : EXIT_USAGE;
	case OPTION_KEEP:
		options->keep = optarg;
		return RUN;
	case OPTION_SET:
		options->has_settings = true;
		return record_online_set(options->online, optarg) ? RUN : EXIT_USAGE;
	case OPTION_STACKS:
		options->session.stacks = true;
		return RUN;
	case OPTION_NO_FRAMES:
		options->machine.without_frames = true;
		return RUN;
	case OPTION_NO_HEAP:
		options->no_heap = true;
		return RUN;
	case OPTION_NO_FOLLOW:
		options->session.follow = false;
		return RUN;
	default:
		return parse_value(options, option);
	}
}

/* Says what does not go together. */
static bool are_compatible(const struct record_options *options)
{
	const struct session_options *session = &options->session;
	const char *message = NULL;

	if (options->kernel &&
	    (session->heap || session->calls || session->faults || session->accesses || session->stacks ||
	     options->no_heap || session->max_bytes || session->paused || session->stop_signal))
		message = "--kernel is of the whole machine, and goes with --for, --buffer, --quiet and a "
			  "command alone";
	else if (!options->kernel && options->machine.without_frames)
		message = "--no-frames is about snapshots of the machine: it needs --kernel";
	else if (session->accesses && session->faults)
		message = "--faults are the kernel's, and with --accesses it sees the emulator: record them "
			  "one after the "
			  "other";
	else if (session->accesses && session->stacks)
		message = "--stacks cannot be had of a program that --accesses runs in the emulator";
	else if (!session->accesses && session->window_on != 0)
		message = "--window is about accesses: it needs --accesses";
	else if (!session->accesses && session->as_placed)
		message = "--as-placed is about accesses: it needs --accesses";
	else if (!session->accesses && options->no_heap)
		message =
		    "--no-heap is about accesses: without them heap calls are recorded only when asked for";
	else if (!session->accesses && session->seed != 0)
		message = "--seed is about the order of accesses: it needs --accesses";
	else if (!session->accesses && options->is_online)
		message = "--online is about accesses: it needs --accesses";
	else if (options->keep && !options->is_online)
		message = "--keep is for --online; without it, -o TRACE";
	else if (session->max_bytes != 0 && options->is_online && !options->keep)
		message = "--max-size is the size of a trace: --online writes one with --keep TRACE";
	else if (options->has_settings && !options->is_online)
		message = "--set is about the system that --online simulates: it needs --online";
	if (message)
		complain("record", "%s", message);
	return message == NULL;
}

/* Where what comes out goes. */
static bool find_output(struct record_options *options)
{
	struct session_options *session = &options->session;
	const char *trace = options->is_online ? options->keep : session->output, *message = NULL;

	if (trace && strcmp(trace, "-") == 0)
		message = "the trace cannot go to standard output, which is the program's";
	else if (!trace && !options->is_online)
		message = "where to? -o TRACE is missing";
	if (message)
		complain("record", "%s", message);
	if (options->is_online) {
		options->directory = session->output;
		session->as_placed = true;
	}
	session->output = trace;
	return message == NULL;
}

int record_options_parse(struct record_options *options, int argc, char **argv)
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
	    {"no-heap", no_argument, NULL, OPTION_NO_HEAP},
	    {"seed", required_argument, NULL, OPTION_SEED},
	    {"as-placed", no_argument, NULL, OPTION_AS_PLACED},
	    {"online", optional_argument, NULL, OPTION_ONLINE},
	    {"set", required_argument, NULL, OPTION_SET},
	    {"keep", required_argument, NULL, OPTION_KEEP},
	    {"stacks", no_argument, NULL, OPTION_STACKS},
	    {"no-follow", no_argument, NULL, OPTION_NO_FOLLOW},
	    {"for", required_argument, NULL, OPTION_FOR},
	    {"max-size", required_argument, NULL, OPTION_MAX_SIZE},
	    {"start-signal", required_argument, NULL, OPTION_START_SIGNAL},
	    {"stop-signal", required_argument, NULL, OPTION_STOP_SIGNAL},
	    {"buffer", required_argument, NULL, OPTION_BUFFER},
	    {"kernel", optional_argument, NULL, OPTION_KERNEL},
	    {"no-frames", no_argument, NULL, OPTION_NO_FRAMES},
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
	options->session.heap &= !options->no_heap;
	if (!options->session.calls && !options->session.faults && !options->kernel)
		options->session.heap = true;
	if (options->session.stacks && !options->session.heap) {
		complain("record", "--stacks are those of heap calls: it needs --heap");
		return EXIT_USAGE;
	}
	if (!are_compatible(options) || !find_output(options))
		return EXIT_USAGE;
	options->machine.command = options->session.command;
	options->machine.output = options->session.output;
	options->machine.for_ns = options->session.for_ns;
	options->machine.buffer_bytes = options->session.buffer_bytes;
	if (optind == argc && !options->kernel) {
		complain("record", "what to run? COMMAND is missing");
		return EXIT_USAGE;
	}
	return RUN;
}
