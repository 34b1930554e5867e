#include "config.h"

#include "bench/command_replay.h"

#include "bench/command.h"
#include "bench/command_trace.h"
#include "bench/placement/placement_pass.h"
#include "bench/run.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "Usage: faultline place TRACE.flt --on TARGET -o FILE [OPTION]...\n"
    "  or:  faultline place --cat FILE\n"
    "Records where an allocator puts each block of a trace, and what it asks the kernel for meanwhile.\n"
    "\n"
    "  -t, --on TARGET      glibc, jemalloc, mimalloc, tcmalloc or PATH.so, with options as for replay\n"
    "  -o, --output FILE    where to write the placement\n"
    "  -m, --mode MODE      single | baton (baton for a program with threads, else single)\n"
    "  -p, --process P      process of the trace (default: the one with the most heap events)\n"
    "      --thp WHAT       system | off: transparent huge pages while it is recorded (system)\n"
    "      --pace PACE      full | recorded: keep the recorded gaps between events (full)\n"
    "      --watchdog S     without progress for so many seconds the target counts as hung (60)\n"
    "      --cat FILE       print what is in a placement: one line per block and call\n"
    "  -q, --quiet          say nothing when it is done\n"
    "  -h, --help\n"
    "\n"
    "The target runs without randomisation of addresses; its memory system calls are caught in the process "
    "by a seccomp\n"
    "filter. An allocator that places otherwise in a second run is recorded five times.\n";

struct place_options {
	const char *target, *output, *cat;
	bool mode_given, thp_disable, quiet;
	enum replay_mode mode;
	enum replay_pace pace;
	uint32_t process;
	unsigned watchdog_s;
};

/* --- Options ------------------------------------------------------------------------------------------------------------ */

enum {
	OPTION_CAT = 256,
	OPTION_THP,
	OPTION_PACE,
	OPTION_WATCHDOG,
};

static bool wrong(const char *option, const char *value, const char *right)
{
	complain("place", "--%s takes %s, not '%s'", option, right, value);
	return false;
}

/* One of two words. */
static bool either(const char *option, const char *value, const char *const words[2], bool *second)
{
	char right[64];

	*second = strcmp(value, words[1]) == 0;
	if (*second || strcmp(value, words[0]) == 0)
		return true;
	(void)snprintf(right, sizeof(right), "%s or %s", words[0], words[1]);
	return wrong(option, value, right);
}

static bool whole(const char *option, const char *value, unsigned long most, unsigned long *number)
{
	char *end;

	*number = strtoul(value, &end, 10);
	return (value[0] >= '0' && value[0] <= '9' && *end == '\0' && *number <= most) ||
	       wrong(option, value, "a whole number");
}

static bool take_option(struct place_options *options, int option, const char *value)
{
	static const char *const modes[2] = {"single", "baton"}, *const pages[2] = {"system", "off"},
				 *const paces[2] = {"full", "recorded"};
	unsigned long number = 0;
	bool second = false, ok = true;

	switch (option) {
	case 't':
		options->target = value;
		return true;
	case 'o':
		options->output = value;
		return true;
	case 'q':
		options->quiet = true;
		return true;
	case OPTION_CAT:
		options->cat = value;
		return true;
	case 'm':
		ok = either("mode", value, modes, &second);
		options->mode = second ? MODE_BATON : MODE_SINGLE;
		options->mode_given = true;
		return ok;
	case OPTION_THP:
		return either("thp", value, pages, &options->thp_disable);
	case OPTION_PACE:
		ok = either("pace", value, paces, &second);
		options->pace = second ? PACE_RECORDED : PACE_FULL;
		return ok;
	case 'p':
		ok = whole("process", value, UINT32_MAX - 1, &number);
		options->process = (uint32_t)number;
		return ok;
	default:
		ok = whole("watchdog", value, 86400, &number) &&
		     (number > 0 || wrong("watchdog", value, "at least 1"));
		options->watchdog_s = (unsigned)number;
		return ok;
	}
}

/* --- Printing ----------------------------------------------------------------------------------------------------------- */

static void print_record(const struct placement_record *record)
{
	const struct event_call *call = &record->call;

	(void)printf("%" PRIu64 "\t", record->event);
	if (record->kind == PLACEMENT_BLOCK)
		(void)printf("block\t%" PRIu64 "\t0x%" PRIx64 "\t%" PRIu64 "\n", record->object,
			     record->address, record->bytes);
	else
		(void)printf("%s\t0x%" PRIx64 "\t%" PRIu64 "\t%" PRIu64 "\t0x%" PRIx64 "\t%" PRIu32
			     "\t0x%" PRIx32 "\t0x%" PRIx64 "\n",
			     event_kind_name(record->call_kind), call->address, call->length,
			     call->new_length, call->new_address, call->protection, call->flags,
			     call->result);
}

static void print_head(const struct placement *placement)
{
	const struct placement_description *description = &placement->description;

	(void)printf(
	    "# placement of trace %s, process %" PRIu32
	    ", by %s (%s)\n# hash %s, mode %s, --thp %s, takes %u\n"
	    "# event\tblock\tobject\taddress\tusable_bytes\n"
	    "# "
	    "event\tcall\taddress\tlength_bytes\tnew_length_bytes\tnew_address\tprotection\tflags\tresult\n",
	    description->trace_hash, description->process, description->target, description->title,
	    placement->hash, run_mode_name((enum replay_mode)description->mode),
	    description->thp_disable ? "off" : "system", placement->takes);
}

static bool print_take(const struct placement *placement, unsigned take, struct trace_error *error)
{
	struct placement_reader reader;
	struct placement_record record;
	enum trace_status status;

	if (!placement_reader_create(&reader, placement, take)) {
		(void)trace_fail(error, TRACE_NO_MEMORY, "not enough memory");
		return false;
	}
	(void)printf("# take %u: %" PRIu64 " blocks, %" PRIu64 " calls\n", take + 1,
		     placement->take[take].blocks, placement->take[take].calls);
	while ((status = placement_reader_next(&reader, &record, error)) == TRACE_OK)
		print_record(&record);
	placement_reader_destroy(&reader);
	return status == TRACE_END;
}

static int print_placement(const char *path)
{
	struct placement *placement;
	struct trace_error error;
	bool ok = placement_open(&placement, path, &error) == TRACE_OK;

	if (ok)
		print_head(placement);
	for (unsigned take = 0; ok && take < placement->takes; take++)
		ok = print_take(placement, take, &error);
	placement_close(placement);
	if (!ok) {
		complain("place", "%s", error.message);
		return EXIT_FAILED;
	}
	if (fflush(stdout) == 0 && !ferror(stdout))
		return EXIT_DONE;
	complain("place", "cannot write to standard output");
	return EXIT_FAILED;
}

/* --- Recording ---------------------------------------------------------------------------------------------------------- */

static enum trace_status record(const struct place_options *options, const struct target *target,
				struct plan *plan, struct trace_error *error)
{
	struct placement_request request = {.target = target,
					    .plan = plan,
					    .mode = options->mode,
					    .pace = options->pace,
					    .thp_disable = options->thp_disable,
					    .watchdog_s = options->watchdog_s};
	struct placement *placement;
	enum trace_status status = placement_make(&placement, &request, error);

	if (status != TRACE_OK)
		return status;
	status = placement_save(placement, options->output, error);
	if (status == TRACE_OK && !options->quiet)
		(void)fprintf(stderr, "%s: %" PRIu64 " blocks and %" PRIu64 " calls of %s in %zu bytes%s\n",
			      options->output, placement->take[0].blocks, placement->take[0].calls,
			      placement->description.title, placement->bytes,
			      placement->takes == 1 ? ", equal in two runs"
						    : ", different in every run: five are kept");
	placement_close(placement);
	return status;
}

/* A plan for the mode that was asked for; for baton by itself where the program has threads. */
static enum trace_status make_plan(struct place_options *options, const char *trace, struct plan **plan,
				   struct trace_error *error)
{
	struct plan_options plan_options = {
	    .path = trace, .mode = options->mode, .process = options->process};
	enum trace_status status = plan_create(plan, &plan_options, error);

	if (status != TRACE_OK || options->mode_given || plan_totals(*plan)->threads <= 1)
		return status;
	plan_destroy(*plan);
	plan_options.mode = options->mode = MODE_BATON;
	return plan_create(plan, &plan_options, error);
}

static int place(struct place_options *options, const char *trace)
{
	struct target_error target_error;
	struct trace_error error;
	struct target target;
	struct plan *plan;

	if (!target_parse(&target, options->target, NULL, 0, &target_error)) {
		complain("place", "%s", target_error.message);
		return EXIT_FAILED;
	}
	enum trace_status status = make_plan(options, trace, &plan, &error);

	if (status == TRACE_OK) {
		note_truncated("place", trace, plan_trace(plan));
		status = record(options, &target, plan, &error);
		plan_destroy(plan);
	}
	target_destroy(&target);
	if (status == TRACE_OK)
		return EXIT_DONE;
	complain("place", "%s", error.message);
	return EXIT_FAILED;
}

int command_place(int argc, char **argv)
{
	static const struct option longs[] = {
	    {"on", required_argument, NULL, 't'},
	    {"output", required_argument, NULL, 'o'},
	    {"mode", required_argument, NULL, 'm'},
	    {"process", required_argument, NULL, 'p'},
	    {"quiet", no_argument, NULL, 'q'},
	    {"help", no_argument, NULL, 'h'},
	    {"cat", required_argument, NULL, OPTION_CAT},
	    {"thp", required_argument, NULL, OPTION_THP},
	    {"pace", required_argument, NULL, OPTION_PACE},
	    {"watchdog", required_argument, NULL, OPTION_WATCHDOG},
	    {NULL, 0, NULL, 0},
	};
	struct place_options options = {.process = PLAN_PROCESS_LARGEST, .watchdog_s = 60};
	int option;

	optind = 0;
	while ((option = getopt_long(argc, argv, "t:o:m:p:qh", longs, NULL)) != -1) {
		if (option == 'h') {
			(void)fputs(help, stdout);
			return EXIT_DONE;
		}
		if (option == '?' || !take_option(&options, option, optarg)) {
			(void)fputs("Try 'faultline place --help'.\n", stderr);
			return EXIT_USAGE;
		}
	}
	if (options.cat && optind == argc)
		return print_placement(options.cat);
	if (options.cat || optind + 1 != argc || !options.target || !options.output) {
		complain("place", "takes one trace, --on TARGET and -o FILE; or --cat FILE alone");
		return EXIT_USAGE;
	}
	return place(&options, argv[optind]);
}
