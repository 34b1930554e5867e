#include "config.h"

#include "bench/command_trace.h"
#include "bench/kernel_text.h"
#include "bench/reference_text.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>

static const char help[] =
    "Usage: faultline cat [OPTION]... TRACE\n"
    "Prints the events of a trace as text, one per line. TRACE `-` is standard input.\n"
    "\n"
    "  -e, --events A:B   only events A to B-1 (the first is 0; either may be left out)\n"
    "  -t, --thread T     only events of thread T\n"
    "  -p, --process P    only events of process P\n"
    "  -s, --stacks       the call stack of each event on the lines after it, innermost first\n"
    "  -n, --limit N      only the first N lines of those chosen (without those of --stacks)\n"
    "  -a, --accesses     instead of events, the references to memory that stand between them\n"
    "      --snapshot N   instead of events, snapshot N as it was taken: a file of /proc such as maps\n"
    "  -h, --help         this text\n"
    "\n"
    "A line is\n"
    "  EVENT TIME_NS PROCESS/THREAD KIND ARGUMENTS [-> RESULT] [FLAGS]\n"
    "TIME_NS counts from the start of the recording and is `-` in a trace without time. Objects are #1, #2 "
    "..., NULL is\n"
    "#0. The calls:\n"
    "  malloc(SIZE) -> #N               calloc(COUNT, BYTES IN ALL) -> #N     realloc(#OLD, SIZE) -> #N\n"
    "  memalign(ALIGNMENT, SIZE) -> #N  free(#N)                              free_sized(#N, SIZE, "
    "ALIGNMENT)\n"
    "  thread_start()  thread_exit()    fork() -> process P                   exec()  exit(STATUS)  "
    "marker(NUMBER)\n"
    "  fault(ADDRESS, HOW)  snapshot(N)  vfork() and clone(FLAGS) -> process P\n"
    "  mmap(NAME=VALUE, ...) -> RESULT, and so all memory system calls: arguments that are not 0, addresses "
    "and flags\n"
    "  hexadecimal\n"
    "  switch(CPU): the thread runs on that processor from here on\n"
    "  page_alloc(NAME=VALUE, ...), page_free and so all that the kernel's allocators did: every number that "
    "the event has\n"
    "FLAGS: `failed` for a call that returned NULL although bytes were asked for, or a system call, whose "
    "result is then\n"
    "an errno; `foreign` for an object "
    "that was\n"
    "allocated before the recording began and is named here for the first time.\n"
    "\n"
    "With --accesses a line is\n"
    "  REFERENCE EVENT PROCESS/THREAD KIND(WHERE, BYTES) [kernel]\n"
    "EVENT is the one that comes after the reference, and what --events chooses by. KIND is load, store, "
    "fetch or modify. WHERE\n"
    "is #N+OFFSET in an object, `stack T-OFFSET` below the top of a thread's stack, `region N+OFFSET`, or "
    "`allocator`, `wild`\n"
    "or `absolute` and the recorded address. `kernel`: the kernel did it. Lines `- EVENT PROCESS/THREAD "
    "skipped(N)` say where\n"
    "references of a thread were not recorded.\n";

enum { OPTION_SNAPSHOT = 256 };

struct cat_options {
	uint64_t first, end;
	uint64_t thread, process; /* UINT64_MAX = all */
	uint64_t snapshot;	  /* 0 = events */
	uint64_t limit;		  /* lines at most */
	bool accesses;
	bool stacks;
	bool has_time;
	const struct flt_summary *summary;
};

static int parse_option(struct cat_options *options, int option)
{
	switch (option) {
	case 'e':
		if (parse_range(optarg, &options->first, &options->end))
			return PARSED;
		complain("cat", "--events takes A:B with A <= B, not '%s'", optarg);
		return EXIT_USAGE;
	case 't':
		if (parse_number(optarg, &options->thread))
			return PARSED;
		complain("cat", "--thread takes a number, not '%s'", optarg);
		return EXIT_USAGE;
	case 'p':
		if (parse_number(optarg, &options->process))
			return PARSED;
		complain("cat", "--process takes a number, not '%s'", optarg);
		return EXIT_USAGE;
	case OPTION_SNAPSHOT:
		if (parse_number(optarg, &options->snapshot) && options->snapshot != 0 &&
		    options->snapshot < EVENT_MAX_SNAPSHOTS)
			return PARSED;
		complain("cat", "--snapshot takes the number of a snapshot event, not '%s'", optarg);
		return EXIT_USAGE;
	case 'n':
		if (parse_number(optarg, &options->limit))
			return PARSED;
		complain("cat", "--limit takes a number of lines, not '%s'", optarg);
		return EXIT_USAGE;
	case 'a':
		options->accesses = true;
		return PARSED;
	case 's':
		options->stacks = true;
		return PARSED;
	case 'h':
		(void)fputs(help, stdout);
		return finish_output("cat", EXIT_DONE);
	default:
		return usage_error("cat");
	}
}

static int parse(struct cat_options *options, int argc, char **argv)
{
	static const struct option longs[] = {
	    {"events", required_argument, NULL, 'e'},
	    {"thread", required_argument, NULL, 't'},
	    {"process", required_argument, NULL, 'p'},
	    {"limit", required_argument, NULL, 'n'},
	    {"accesses", no_argument, NULL, 'a'},
	    {"stacks", no_argument, NULL, 's'},
	    {"snapshot", required_argument, NULL, OPTION_SNAPSHOT},
	    {"help", no_argument, NULL, 'h'},
	    {NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "e:t:p:n:ash", longs, NULL)) != -1) {
		const int result = parse_option(options, option);

		if (result != PARSED)
			return result;
	}
	if (optind == argc - 1)
		return PARSED;
	complain("cat", "takes one trace; `faultline cat --help` explains");
	return EXIT_USAGE;
}

/* The arguments of a system call that are not 0. */
static void print_arguments(const struct cat_options *options, const struct event *event)
{
	const struct event_call *call = &event->call;
	const struct {
		const char *name;
		uint64_t value;
		bool decimal;
	} arguments[] = {
	    {"address", call->address, false},	    {"length", call->length, true},
	    {"new_length", call->new_length, true}, {"new_address", call->new_address, false},
	    {"offset", call->offset, false},	    {"protection", call->protection, false},
	    {"flags", call->flags, false},
	};
	const char *before = "";

	for (size_t i = 0; i < sizeof(arguments) / sizeof(arguments[0]); i++) {
		if (arguments[i].value == 0)
			continue;
		(void)printf("%s%s=", before, arguments[i].name);
		(void)printf(arguments[i].decimal ? "%" PRIu64 : "0x%" PRIx64, arguments[i].value);
		before = ", ";
	}
	if (call->file != 0 && call->file <= options->summary->files)
		(void)printf("%sfile=%s", before, options->summary->file[call->file - 1].path);
}

static void print_system_call(const struct cat_options *options, const struct event *event)
{
	(void)printf("%s(", event_kind_name(event->kind));
	print_arguments(options, event);
	(void)fputc(')', stdout);
	if (event->count != 0)
		(void)printf(" -> process %" PRIu64, event->count);
	else if (event->flags & EVENT_FAILED)
		(void)printf(" -> errno %" PRIu64, event->call.result);
	else if (event->kind != EVENT_EXEC)
		(void)printf(" -> 0x%" PRIx64, event->call.result);
}

static void print_fault(const struct event *event)
{
	const uint32_t flags = event->call.flags;

	(void)printf("fault(0x%" PRIx64 ", %s%s%s%s%s)", event->call.address,
		     flags & EVENT_FAULT_ACCESS_UNKNOWN ? "access"
		     : flags & EVENT_FAULT_WRITE	? "write"
		     : flags & EVENT_FAULT_EXECUTE	? "execute"
							: "read",
		     flags & EVENT_FAULT_KERNEL ? " by the kernel" : "",
		     flags & EVENT_FAULT_PROTECTION ? " of a present page" : "",
		     flags & EVENT_FAULT_MINOR ? " minor" : "", flags & EVENT_FAULT_MAJOR ? " major" : "");
}

static void print_call(const struct cat_options *options, const struct event *event)
{
	switch (event->kind) {
	case EVENT_MALLOC:
		(void)printf("malloc(%" PRIu64 ")", event->size);
		break;
	case EVENT_CALLOC:
		(void)printf("calloc(%" PRIu64 ", %" PRIu64 ")", event->count, event->size);
		break;
	case EVENT_REALLOC:
		(void)printf("realloc(#%" PRIu64 ", %" PRIu64 ")", event->old_object, event->size);
		break;
	case EVENT_MEMALIGN:
		(void)printf("memalign(%" PRIu64 ", %" PRIu64 ")", event->alignment, event->size);
		break;
	case EVENT_FREE:
		(void)printf("free(#%" PRIu64 ")", event->object);
		break;
	case EVENT_FREE_SIZED:
		(void)printf("free_sized(#%" PRIu64 ", %" PRIu64 ", %" PRIu64 ")", event->object, event->size,
			     event->alignment);
		break;
	case EVENT_FORK:
	case EVENT_VFORK:
		(void)printf("%s() -> process %" PRIu64, event_kind_name(event->kind), event->count);
		break;
	case EVENT_SNAPSHOT:
	case EVENT_SWITCH:
		(void)printf("%s(%" PRIu64 ")", event_kind_name(event->kind), event->count);
		break;
	case EVENT_FAULT:
		print_fault(event);
		break;
	case EVENT_EXIT:
	case EVENT_MARKER:
		(void)printf("%s(%" PRIu64 ")", event_kind_name(event->kind), event->size);
		break;
	default:
		if (event_kind_carries(event->kind) & EVENT_HAS_KERNEL)
			kernel_text_print(options->summary, event);
		else if (event_kind_carries(event->kind) & EVENT_HAS_CALL)
			print_system_call(options, event);
		else
			(void)printf("%s()", event_kind_name(event->kind));
		break;
	}
	if (event_kind_carries(event->kind) & EVENT_CREATES)
		(void)printf(" -> #%" PRIu64, event->object);
}

static void print_event(const struct cat_options *options, uint64_t position, const struct event *event)
{
	(void)printf("%" PRIu64 " ", position);
	if (options->has_time)
		(void)printf("%" PRIu64, event->time_ns);
	else
		(void)fputc('-', stdout);
	(void)printf(" %" PRIu32 "/%" PRIu32 " ", event->process, event->thread);
	print_call(options, event);
	if (event->flags & EVENT_FAILED)
		(void)fputs(" failed", stdout);
	if (event->flags & EVENT_FOREIGN)
		(void)fputs(" foreign", stdout);
	(void)fputc('\n', stdout);
}

static void print_stack(struct flt_reader *reader, uint32_t stack)
{
	size_t depth;
	const uint64_t *address = flt_reader_stack(reader, stack, &depth);

	for (size_t i = 0; i < depth; i++)
		(void)printf("  0x%" PRIx64 "\n", address[i]);
}

static enum trace_status print_all(const struct cat_options *options, struct flt_reader *reader,
				   struct trace_error *error)
{
	uint64_t position = options->first;
	uint64_t left = options->limit;
	enum trace_status status = flt_reader_seek(reader, position, error);
	struct event event;

	for (; status == TRACE_OK && position < options->end && left > 0 && !ferror(stdout); position++) {
		status = flt_reader_next(reader, &event, error);
		if (status != TRACE_OK)
			break;
		if ((options->thread != UINT64_MAX && event.thread != options->thread) ||
		    (options->process != UINT64_MAX && event.process != options->process))
			continue;
		left--;
		print_event(options, position, &event);
		if (options->stacks)
			print_stack(reader, event.stack);
	}
	return status == TRACE_END ? TRACE_OK : status;
}

static enum trace_status print_accesses(const struct cat_options *options, struct flt_reader *reader,
					struct trace_error *error)
{
	const struct reference_choice choice = {options->first, options->end, options->thread,
						options->process, options->limit};

	return reference_text_print(reader, &choice, error);
}

static enum trace_status print_snapshot(const struct cat_options *options, struct flt_reader *reader,
					struct trace_error *error)
{
	struct event_snapshot snapshot;
	enum trace_status status = flt_reader_snapshot(reader, (uint32_t)options->snapshot, &snapshot, error);

	if (status == TRACE_OK)
		(void)fwrite(snapshot.bytes, 1, snapshot.length, stdout);
	return status;
}

int command_cat(int argc, char **argv)
{
	struct cat_options options = {
	    .end = UINT64_MAX, .thread = UINT64_MAX, .process = UINT64_MAX, .limit = UINT64_MAX};
	struct trace_error error;
	struct flt_reader *reader;
	enum trace_status status;
	int result = parse(&options, argc, argv);

	if (result != PARSED)
		return result;
	if (!trace_open("cat", argv[optind], &reader))
		return EXIT_FAILED;
	options.summary = flt_reader_summary(reader);
	options.has_time = options.summary->description.has_time;
	if (options.snapshot)
		status = print_snapshot(&options, reader, &error);
	else if (options.accesses)
		status = print_accesses(&options, reader, &error);
	else
		status = print_all(&options, reader, &error);
	result = status == TRACE_OK ? EXIT_DONE : trace_failed("cat", &error);
	flt_reader_close(reader);
	return finish_output("cat", result);
}
