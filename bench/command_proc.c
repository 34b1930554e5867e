#include "config.h"

#include "bench/command_proc.h"

#include "bench/command.h"
#include "bench/command_trace.h"
#include "bench/physical/kernel_recording.h"
#include "bench/proc/file_bytes.h"
#include "bench/proc/journey.h"
#include "bench/proc/machine_journey.h"
#include "bench/proc/mem.h"
#include "bench/proc/pagemap.h"
#include "bench/proc/slabinfo.h"
#include "bench/proc/view.h"
#include "bench/proc/vmallocinfo.h"
#include "bench/quantity.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char name[] = "proc";

static const char help[] =
    "Usage: faultline proc [OPTION]... WHAT TRACE\n"
    "Shows what the files of /proc would have said at an event of the trace: the simulated machine, printed "
    "as "
    "the kernel\n"
    "prints itself. TRACE `-` is standard input.\n"
    "\n"
    "  -e, --at EVENT       before event number EVENT, with all that came before it; `end`: right before the "
    "exit of the\n"
    "                       process, or, of a machine, at the end of the trace (default: end)\n"
    "  -p, --process P      of a process: its number, as `faultline cat` shows it (default: 0)\n"
    "      --address A      of mem and pagemap: where to begin (0x..., or decimal)\n"
    "      --length N       of mem and pagemap: bytes of addresses (default: 256 for mem, all for pagemap)\n"
    "      --raw            of mem and pagemap: the bytes that the real file has, instead of text\n"
    "      --file-bytes     of mem: take what is unwritten in a mapped file from the file on this machine, "
    "if "
    "it is there\n"
    "      --unknown TEXT   what stands for a number that neither the model nor the recording has (default: "
    "?)\n"
    "      --on engine[:POLICY]  let the engine's heap place the blocks of heap calls, so that references to "
    "them count\n"
    "      --addresses HOW  forced: mappings where they were recorded; free: where the model puts them "
    "(forced)\n"
    "      --system POLICY  the simulated system (linux); i386 is a 32-bit machine\n"
    "      --set KEY=VALUE  a policy key of it, behind --system; may be repeated\n"
    "      --memory SIZE    of the simulated machine (64G)\n"
    "      --cpus N         its processors (1)\n"
    "  -h, --help           this text\n"
    "\n"
    "WHAT is one of:\n";

static const char notes[] =
    "\n"
    "Pages are there where references (record --accesses) or recorded page faults (record --mm --faults) "
    "made "
    "them. mem knows\n"
    "which pages were never written; what programs write is in no recording, and is shown as ??. An address "
    "that is not\n"
    "mapped ends with \"Input/output error\" and exit status 1.\n";

enum long_only {
	OPTION_ADDRESS = 256,
	OPTION_LENGTH,
	OPTION_RAW,
	OPTION_FILE_BYTES,
	OPTION_UNKNOWN,
	OPTION_ON,
	OPTION_ADDRESSES,
	OPTION_SYSTEM,
	OPTION_SET,
	OPTION_MEMORY,
	OPTION_CPUS,
};

static const struct option long_options[] = {
    {"at", required_argument, NULL, 'e'},
    {"process", required_argument, NULL, 'p'},
    {"address", required_argument, NULL, OPTION_ADDRESS},
    {"length", required_argument, NULL, OPTION_LENGTH},
    {"raw", no_argument, NULL, OPTION_RAW},
    {"file-bytes", no_argument, NULL, OPTION_FILE_BYTES},
    {"unknown", required_argument, NULL, OPTION_UNKNOWN},
    {"on", required_argument, NULL, OPTION_ON},
    {"addresses", required_argument, NULL, OPTION_ADDRESSES},
    {"system", required_argument, NULL, OPTION_SYSTEM},
    {"set", required_argument, NULL, OPTION_SET},
    {"memory", required_argument, NULL, OPTION_MEMORY},
    {"cpus", required_argument, NULL, OPTION_CPUS},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

#define MEM_BYTES 256u
#define MEMORY_GRAIN ((uint64_t)4 << 20)
#define MEMORY_LEAST ((uint64_t)64 << 20)
#define MEMORY_MOST ((uint64_t)1 << 43)
#define CPUS_MOST 1024u

struct words {
	struct proc_journey_options journey;
	struct policy policy, heap;
	bool has_setting; /* a --set was read */
	const struct proc_view *view;
	const char *unknown;
	uint64_t address, length;
	bool has_process, has_address, has_length, is_raw, has_file_bytes;
	const char
	    *shape_option; /* the first given that shapes a machine which no recording describes, or NULL */
};

/* --- Words ------------------------------------------------------------------------------------------------------------ */

static void print_help(void)
{
	const struct proc_view *view;

	(void)fputs(help, stdout);
	for (size_t i = 0; (view = proc_view_at(i)); i++)
		(void)printf("  %-15s %s\n", view->name, view->help);
	(void)fputs(notes, stdout);
}

static bool event_option(const char *text, struct words *words)
{
	if (strcmp(text, "end") == 0) {
		words->journey.event = PROC_EVENT_LAST;
		return true;
	}
	if (parse_number(text, &words->journey.event) && words->journey.event != PROC_EVENT_LAST)
		return true;
	complain(name, "--at takes the number of an event, as `faultline cat` shows it, or `end`, not '%s'",
		 text);
	return false;
}

/* A number up to `most`, hexadecimal with 0x. */
static bool number_option(const char *option, const char *text, uint64_t most, uint64_t *number)
{
	char *end = NULL;

	errno = 0;
	*number =
	    *text >= '0' && *text <= '9' ? strtoull(text, &end, strncmp(text, "0x", 2) == 0 ? 16 : 10) : 0;
	if (end && *end == '\0' && errno == 0 && *number <= most)
		return true;
	complain(name, "--%s takes a number up to %" PRIu64 ", not '%s'", option, most, text);
	return false;
}

static bool memory_option(const char *text, struct words *words)
{
	uint64_t *bytes = &words->journey.memory_bytes;

	if (quantity_parse(text, quantity_sizes, bytes) && *bytes % MEMORY_GRAIN == 0 &&
	    *bytes >= MEMORY_LEAST && *bytes <= MEMORY_MOST)
		return true;
	complain(name, "--memory takes 64M to 8T in multiples of 4M, not '%s'", text);
	return false;
}

static bool heap_option(const char *text, struct words *words)
{
	const char *policy = strcmp(text, "engine") == 0 ? "" : text + strlen("engine:");

	if (strncmp(text, "engine", strlen("engine")) != 0 ||
	    (text[strlen("engine")] != '\0' && text[strlen("engine")] != ':')) {
		complain(name, "--on takes engine or engine:POLICY, not '%s'", text);
		return false;
	}
	if (policy_parse(&words->heap, policy) != STATUS_OK) {
		complain(name, "--on: there is no policy '%s'; `faultline policies` lists them", policy);
		return false;
	}
	words->journey.heap = &words->heap;
	return true;
}

static bool addresses_option(const char *text, struct words *words)
{
	bool is_free = strcmp(text, "free") == 0;

	words->journey.addresses = is_free ? SPACES_FREE : SPACES_FORCED;
	if (is_free || strcmp(text, "forced") == 0)
		return true;
	complain(name, "--addresses takes forced or free, not '%s'", text);
	return false;
}

static bool system_option(const char *text, struct words *words)
{
	const struct policy *policy = policy_find(text);

	if (!policy || words->has_setting) {
		complain(name,
			 policy ? "--system %s would take back a --set: it comes first"
				: "--system: there is no policy '%s'; `faultline policies` lists them",
			 text);
		return false;
	}
	words->policy = *policy;
	return true;
}

static bool set_option(const char *text, struct words *words)
{
	words->has_setting = true;
	if (policy_set(&words->policy, text) == STATUS_OK)
		return true;
	complain(name, "--set: '%s' is no key and value of a policy; `faultline policies linux` lists them",
		 text);
	return false;
}

static void note_shape(int option, struct words *words)
{
	const char *shape = option == OPTION_ADDRESSES ? "--addresses"
			    : option == OPTION_MEMORY  ? "--memory"
			    : option == OPTION_CPUS    ? "--cpus"
						       : NULL;

	if (!words->shape_option)
		words->shape_option = shape;
}

static bool machine_option(int option, struct words *words)
{
	uint64_t number = 0;

	note_shape(option, words);
	switch (option) {
	case OPTION_ON:
		return heap_option(optarg, words);
	case OPTION_ADDRESSES:
		return addresses_option(optarg, words);
	case OPTION_SYSTEM:
		return system_option(optarg, words);
	case OPTION_SET:
		return set_option(optarg, words);
	case OPTION_MEMORY:
		return memory_option(optarg, words);
	case OPTION_CPUS:
		if (!number_option("cpus", optarg, CPUS_MOST, &number))
			return false;
		words->journey.processors = (unsigned)number;
		return true;
	default:
		return false;
	}
}

static int take_option(int option, struct words *words)
{
	uint64_t number = 0;

	switch (option) {
	case 'e':
		return event_option(optarg, words) ? PARSED : EXIT_USAGE;
	case 'p':
		if (!number_option("process", optarg, EVENT_MAX_PROCESSES - 1, &number))
			return EXIT_USAGE;
		words->journey.process = (uint32_t)number;
		words->has_process = true;
		return PARSED;
	case OPTION_ADDRESS:
		words->has_address = number_option("address", optarg, UINT64_MAX, &words->address);
		return words->has_address ? PARSED : EXIT_USAGE;
	case OPTION_LENGTH:
		words->has_length = number_option("length", optarg, UINT64_MAX, &words->length);
		return words->has_length ? PARSED : EXIT_USAGE;
	case OPTION_RAW:
		words->is_raw = true;
		return PARSED;
	case OPTION_FILE_BYTES:
		words->has_file_bytes = true;
		return PARSED;
	case OPTION_UNKNOWN:
		words->unknown = optarg;
		return PARSED;
	case 'h':
		print_help();
		return finish_output(name, EXIT_DONE);
	case '?':
		return usage_error(name);
	default:
		return machine_option(option, words) ? PARSED : EXIT_USAGE;
	}
}

static bool find_view(const char *text, struct words *words)
{
	const struct proc_view *view;

	words->view = proc_view_find(text);
	if (words->view)
		return true;
	(void)fprintf(stderr, "faultline %s: there is no view '%s'; there are", name, text);
	for (size_t i = 0; (view = proc_view_at(i)); i++)
		(void)fprintf(stderr, " %s", view->name);
	(void)fputc('\n', stderr);
	return false;
}

/* What the options and the view ask of each other. */
static bool words_agree(const struct words *words)
{
	const enum proc_view_kind kind = words->view->kind;
	bool is_range = kind == PROC_VIEW_MEM || kind == PROC_VIEW_PAGEMAP;

	if (kind == PROC_VIEW_MEM && !words->has_address) {
		complain(name, "mem needs --address: where to read");
		return false;
	}
	if (kind == PROC_VIEW_PAGEMAP && words->is_raw && !(words->has_address && words->has_length)) {
		complain(name, "pagemap --raw needs --address and --length: the real file is 256 GiB long");
		return false;
	}
	if (!is_range && (words->has_address || words->has_length || words->is_raw)) {
		complain(name, "--address, --length and --raw are for mem and pagemap, not for %s",
			 words->view->name);
		return false;
	}
	if (kind == PROC_VIEW_MACHINE && (words->has_process || words->journey.heap)) {
		complain(name, "--process and --on are for views of a process; %s is the whole machine's",
			 words->view->name);
		return false;
	}
	if (kind == PROC_VIEW_MEM || !words->has_file_bytes)
		return true;
	complain(name, "--file-bytes is for mem, not for %s", words->view->name);
	return false;
}

static int parse(struct words *words, int argc, char **argv)
{
	int option;

	optind = 1;
	while ((option = getopt_long(argc, argv, "e:p:h", long_options, NULL)) != -1) {
		const int result = take_option(option, words);

		if (result != PARSED)
			return result;
	}
	if (optind < argc && !find_view(argv[optind], words))
		return EXIT_USAGE;
	if (optind != argc - 2 || !words->view) {
		complain(name, "takes a view and a trace; `faultline proc --help` explains");
		return EXIT_USAGE;
	}
	return words_agree(words) ? PARSED : EXIT_USAGE;
}

/* --- Printing --------------------------------------------------------------------------------------------------------- */

static int show_mem(const struct words *words, const struct proc_process *process)
{
	const struct mem_request request = {.address = words->address,
					    .bytes = words->has_length ? words->length : MEM_BYTES,
					    .files = {words->has_file_bytes ? file_bytes_read : NULL, NULL},
					    .is_raw = words->is_raw};
	uint64_t stopped = 0;

	switch (proc_mem(process, &request, stdout, &stopped)) {
	case MEM_EIO:
		complain(name, "mem: %s: nothing is mapped at 0x%" PRIx64, strerror(EIO), stopped);
		return EXIT_FAILED;
	case MEM_UNKNOWN:
		complain(
		    name,
		    "mem: nobody knows what is at 0x%" PRIx64
		    ": the page was written, or is a file's (--file-bytes); without --raw such bytes are ??",
		    stopped);
		return EXIT_FAILED;
	default:
		return EXIT_DONE;
	}
}

static void show_pagemap(const struct words *words, const struct proc_process *process)
{
	uint64_t end = words->has_length ? words->address + words->length : UINT64_MAX;

	if (end < words->address)
		end = UINT64_MAX;
	if (words->is_raw)
		proc_pagemap_words(process, words->address, end, stdout);
	else
		proc_pagemap(process, words->address, end, stdout);
}

/* A table that is empty because nobody told of what it shows. */
static void note_empty(const struct words *words, const struct flt_summary *trace, const char *lacks)
{
	const bool is_slabs = words->view->print_machine == proc_slabinfo;
	const bool is_areas = words->view->print_machine == proc_vmallocinfo;

	if (is_slabs && lacks)
		complain(name, "note: no cache is shown: %s", lacks);
	if (is_areas && trace->kinds[EVENT_VMALLOC] + trace->kinds[EVENT_VFREE] == 0)
		complain(name,
			 "note: no area is shown: the recording has no events of vmalloc; `faultline record "
			 "--kernel` or --kernel=vmalloc makes them");
	else if (is_areas && lacks)
		complain(name, "note: no area is shown: %s", lacks);
}

static void show_machine(const struct words *words, struct flt_reader *reader, struct proc_journey *journey)
{
	const struct proc_machine machine = proc_journey_machine(journey, words->unknown);

	words->view->print_machine(&machine, stdout);
	if (!machine.kernel)
		note_empty(
		    words, flt_reader_summary(reader),
		    "a trace of programs does not tell of the kernel's caches; `faultline record --kernel` "
		    "makes one that does");
}

/* Of a kernel recording: the machine itself, not one under the processes of a trace. */
static int show_recorded_machine(const struct words *words, struct flt_reader *reader)
{
	struct machine_journey *journey;
	struct trace_error error;

	if (words->shape_option) {
		complain(name,
			 "%s: goes without %s: a kernel recording tells the machine's memory, processors and "
			 "addresses",
			 flt_reader_name(reader), words->shape_option);
		return EXIT_USAGE;
	}
	if (machine_journey_create(&journey, reader, words->journey.policy, words->journey.event, &error) !=
	    TRACE_OK)
		return trace_failed(name, &error);
	const struct proc_machine machine = machine_journey_machine(journey, words->unknown);

	words->view->print_machine(&machine, stdout);
	note_empty(words, flt_reader_summary(reader), machine_journey_lacks_objects(journey));
	machine_journey_destroy(journey);
	return finish_output(name, EXIT_DONE);
}

static int show(const struct words *words, struct flt_reader *reader, struct proc_journey *journey)
{
	if (words->view->kind == PROC_VIEW_MACHINE) {
		show_machine(words, reader, journey);
		return EXIT_DONE;
	}
	const struct proc_process process = proc_journey_process(journey, words->unknown);

	switch (words->view->kind) {
	case PROC_VIEW_MEM:
		return show_mem(words, &process);
	case PROC_VIEW_PAGEMAP:
		show_pagemap(words, &process);
		return EXIT_DONE;
	default:
		words->view->print(&process, stdout);
		return EXIT_DONE;
	}
}

/* References to blocks of which nobody said where they lie made no page. */
static void note_unplaced(const struct proc_journey *journey)
{
	const uint64_t unplaced = spaces_reference_counts(proc_journey_spaces(journey)).objects_unplaced;

	if (unplaced > 0)
		complain(name,
			 "note: %" PRIu64
			 " references to heap blocks are left out, because nobody knows where the "
			 "blocks lay; --on engine lets the engine's heap place them",
			 unplaced);
}

int command_proc(int argc, char **argv)
{
	struct words words = {.journey = {.event = PROC_EVENT_LAST}, .unknown = "?"};
	struct proc_journey *journey;
	struct flt_reader *reader;
	struct trace_error error;

	words.policy = *policy_find("linux");
	words.journey.policy = &words.policy;
	int result = parse(&words, argc, argv);

	if (result != PARSED)
		return result;
	if (!trace_open(name, argv[optind + 1], &reader))
		return EXIT_FAILED;
	if (words.view->kind == PROC_VIEW_MACHINE)
		words.journey.process = SPACES_ALL_PROCESSES;
	if (words.view->kind == PROC_VIEW_MACHINE && kernel_recording_is(flt_reader_summary(reader))) {
		result = show_recorded_machine(&words, reader);
		flt_reader_close(reader);
		return result;
	}
	if (proc_journey_create(&journey, reader, &words.journey, &error) == TRACE_OK) {
		note_unplaced(journey);
		result = finish_output(name, show(&words, reader, journey));
		proc_journey_destroy(journey);
	} else {
		result = trace_failed(name, &error);
	}
	flt_reader_close(reader);
	return result;
}
