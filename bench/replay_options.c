#include "config.h"

#include "bench/replay_options.h"

#include "bench/command.h"
#include "bench/run.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	OPTION_SET = 256,
	OPTION_PACE,
	OPTION_TOUCH,
	OPTION_ROUNDS,
	OPTION_MEMORY_ROUNDS,
	OPTION_SAMPLES,
	OPTION_DRAIN,
	OPTION_THP,
	OPTION_SEED,
	OPTION_MEASURE,
	OPTION_VERIFY,
	OPTION_BACKING,
	OPTION_MEMORY,
	OPTION_CHECK,
	OPTION_WATCHDOG,
	OPTION_LIVE,
	OPTION_AGAINST,
	OPTION_JSON,
	OPTION_MMU,
	OPTION_ADDRESSES,
	OPTION_CPUS,
	OPTION_PLACEMENTS,
	OPTION_PHYSICAL,
	OPTION_WITHOUT_ALLOCATOR,
	OPTION_SYSTEM,
};

static const struct option long_options[] = {
    {"on", required_argument, NULL, 't'},
    {"mode", required_argument, NULL, 'm'},
    {"process", required_argument, NULL, 'p'},
    {"output", required_argument, NULL, 'o'},
    {"quiet", no_argument, NULL, 'q'},
    {"help", no_argument, NULL, 'h'},
    {"json", no_argument, NULL, OPTION_JSON},
    {"mmu", required_argument, NULL, OPTION_MMU},
    {"addresses", required_argument, NULL, OPTION_ADDRESSES},
    {"cpus", required_argument, NULL, OPTION_CPUS},
    {"system", required_argument, NULL, OPTION_SYSTEM},
    {"placements", required_argument, NULL, OPTION_PLACEMENTS},
    {"physical", required_argument, NULL, OPTION_PHYSICAL},
    {"without-allocator", no_argument, NULL, OPTION_WITHOUT_ALLOCATOR},
    {"set", required_argument, NULL, OPTION_SET},
    {"pace", required_argument, NULL, OPTION_PACE},
    {"touch", required_argument, NULL, OPTION_TOUCH},
    {"rounds", required_argument, NULL, OPTION_ROUNDS},
    {"memory-rounds", required_argument, NULL, OPTION_MEMORY_ROUNDS},
    {"samples", required_argument, NULL, OPTION_SAMPLES},
    {"drain", required_argument, NULL, OPTION_DRAIN},
    {"thp", required_argument, NULL, OPTION_THP},
    {"seed", required_argument, NULL, OPTION_SEED},
    {"measure", required_argument, NULL, OPTION_MEASURE},
    {"verify", no_argument, NULL, OPTION_VERIFY},
    {"backing", required_argument, NULL, OPTION_BACKING},
    {"memory", required_argument, NULL, OPTION_MEMORY},
    {"check", optional_argument, NULL, OPTION_CHECK},
    {"watchdog", required_argument, NULL, OPTION_WATCHDOG},
    {"live", no_argument, NULL, OPTION_LIVE},
    {"against", required_argument, NULL, OPTION_AGAINST},
    {NULL, 0, NULL, 0},
};

static const char usage_replay[] = "Usage: faultline replay TRACE.flt --on TARGET [OPTION]...\n"
				   "Replays a trace on an allocator and measures time, latency and memory.\n";
static const char usage_compare[] =
    "Usage: faultline compare TRACE.flt... --on TARGET --on TARGET [OPTION]...\n"
    "  or:  faultline compare --live --on TARGET --on TARGET [OPTION]... -- COMMAND [ARGUMENT]...\n"
    "Replays traces on several allocators in interleaved rounds, or runs a program under each, and says who "
    "wins.\n";
static const char help_text[] =
    "\nTargets:\n"
    "  engine[:POLICY]  glibc  jemalloc  mimalloc  tcmalloc  PATH.so  null  recorded (for --mmu)\n"
    "  with options of their own after a colon: jemalloc:dirty_decay_ms:0,narenas:2  glibc:arena_max=1\n"
    "\nOptions:\n"
    "  -t, --on TARGET           what to replay on (compare: at least two)\n"
    "      --against TARGET      compare: also hold every other target against this one\n"
    "      --set KEY=VALUE       a policy key of engine targets; may be repeated\n"
    "  -m, --mode MODE           single | baton | parallel; by default speed is measured single and memory "
    "baton\n"
    "  -p, --process P           process of the trace to replay (default: the one with the most heap "
    "events)\n"
    "      --touch WHAT          none | first | pages | all | recorded: which bytes of a block are written "
    "(pages)\n"
    "      --pace PACE           full | recorded: keep the recorded gaps between events (full)\n"
    "      --rounds N            rounds of the speed measurement, at least 6 for an interval (7)\n"
    "      --memory-rounds N     rounds of the memory measurement (7)\n"
    "      --samples N           points of the time line (200)\n"
    "      --drain SECONDS       wait after the trace and look at the footprint again (10 with --pace "
    "recorded)\n"
    "      --thp WHAT            system | off: transparent huge pages in the replaying process (system); for "
    "--mmu also\n"
    "                            never | madvise | always in the simulated system (madvise; off is never)\n"
    "      --measure LIST        of throughput,latency,memory,model,verify (all but verify)\n"
    "      --verify              also fill every block and check it at its end\n"
    "      --backing WHAT        none | real: memory behind the engine's model; changes no figure (none)\n"
    "      --memory SIZE         physical memory of the engine's model, e.g. 8G (64G)\n"
    "      --mmu MMU             also run the recorded references through page faults and the TLBs of a "
    "processor "
    "(zen4),\n"
    "                            of words (l1d=64x4,l2=1536x12) or both (zen4,l2=1024x8); may be repeated or "
    "joined "
    "by ;\n"
    "      --placements DIR      keep in DIR where live allocators put the blocks, for --mmu, and take it "
    "from there "
    "if it is\n"
    "                            there: the same placement gives the same figures\n"
    "      --without-allocator   for --mmu: leave out what the recorded allocator itself referred to, also "
    "on "
    "target\n"
    "                            recorded\n"
    "      --cpus N              processors of the simulated system, for --mmu (1)\n"
    "      --system POLICY       the simulated system, for --mmu: its page tables, addresses and segments "
    "(linux);\n"
    "                            i386 is a 32-bit machine; --set changes its keys, too\n"
    "      --addresses HOW       for --mmu: free | forced: where our own mmap puts mappings, or where they "
    "were "
    "(free)\n"
    "      --physical HOW        of a kernel recording: forced: every page where the kernel put it, and what "
    "does\n"
    "                            not fit; free: where the policy of --on puts it (engine:linux)\n"
    "      --check[=N]           check the model's invariants at every sample, and after every N operations\n"
    "                            or events; --check=every: after each\n"
    "      --seed N              of everything random (1)\n"
    "      --watchdog SECONDS    without progress for so long a target counts as hung (60)\n"
    "  -o, --output DIR          write the run directory (compare: one per trace and target, and "
    "compare.json)\n"
    "      --json                print run.json (compare: compare.json) on standard output instead of the "
    "table\n"
    "  -q, --quiet               no progress line\n"
    "  -h, --help\n";

static bool wrong(const struct replay_options *options, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool wrong(const struct replay_options *options, const char *format, ...)
{
	char message[512];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	complain(options->command, "%s", message);
	return false;
}

static bool choose(const struct replay_options *options, const char *name, const char *text,
		   const char *const *words, unsigned *choice)
{
	char list[256] = "";

	for (unsigned i = 0; words[i]; i++) {
		size_t length = strlen(list);

		if (strcmp(words[i], text) == 0) {
			*choice = i;
			return true;
		}
		(void)snprintf(list + length, sizeof(list) - length, "%s%s", i ? ", " : "", words[i]);
	}
	return wrong(options, "--%s takes one of %s, not '%s'", name, list, text);
}

static bool number(const struct replay_options *options, const char *name, const char *text, double most,
		   double *value)
{
	char *end;

	errno = 0;
	*value = strtod(text, &end);
	if (end == text || *end || errno || !isfinite(*value) || *value < 0 || *value > most)
		return wrong(options, "--%s takes a number from 0 to %.0f, not '%s'", name, most, text);
	return true;
}

static bool whole(const struct replay_options *options, const char *name, const char *text, double most,
		  uint64_t *value)
{
	double read;

	if (!number(options, name, text, most, &read))
		return false;
	if (read != floor(read))
		return wrong(options, "--%s takes a whole number, not '%s'", name, text);
	*value = (uint64_t)read;
	return true;
}

static bool memory_size(struct replay_options *options, const char *text)
{
	char *end;

	errno = 0;
	unsigned long long value = strtoull(text, &end, 10);
	const char *units = "KMGT", *unit = *end ? strchr(units, *end) : NULL;
	unsigned shift = unit ? 10u * (unsigned)(unit - units + 1) : 0;

	if (end == text || errno || (*end && (!unit || end[1])) || value == 0 || value >> (48 - shift))
		return wrong(options, "--memory takes a size such as 8G, not '%s'", text);
	options->memory_bytes = (uint64_t)value << shift;
	return true;
}

static bool what_to_measure(struct replay_options *options, const char *text)
{
	static const char *const words[] = {"throughput", "latency", "memory", "model", "verify", NULL};
	char copy[256], *rest = NULL;

	options->measurement.what = 0;
	(void)snprintf(copy, sizeof(copy), "%s", text);
	for (char *word = strtok_r(copy, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
		unsigned choice;

		if (!choose(options, "measure", word, words, &choice))
			return false;
		options->measurement.what |= 1u << choice;
	}
	return options->measurement.what || wrong(options, "--measure takes a list of things to measure");
}

static bool add_target(struct replay_options *options, const char *text)
{
	if (options->target_count == MEASUREMENT_MAX_TARGETS)
		return wrong(options, "at most %u targets", MEASUREMENT_MAX_TARGETS);
	options->targets[options->target_count++] = text;
	return true;
}

static bool add_setting(struct replay_options *options, char *text)
{
	if (!strchr(text, '=') || strchr(text, ','))
		return wrong(options, "--set takes KEY=VALUE, not '%s'", text);
	if (options->setting_count == sizeof(options->settings) / sizeof(options->settings[0]))
		return wrong(options, "too many --set");
	options->settings[options->setting_count++] = text;
	return true;
}

static bool take_choice(struct replay_options *options, int option, const char *text)
{
	static const char *const modes[] = {"single", "baton", "parallel", NULL};
	static const char *const paces[] = {"full", "recorded", NULL};
	static const char *const touches[] = {"none", "first", "pages", "all", "recorded", NULL};
	static const char *const pages[] = {"system", "off", "never", "madvise", "always", NULL};
	static const char *const addresses[] = {"free", "forced", NULL}, *const backings[] = {"none", "real",
											      NULL};
	static const char *const physical[] = {"forced", "free", NULL};
	struct measurement_options *measurement = &options->measurement;
	unsigned choice = 0;
	bool ok;

	switch (option) {
	case 'm':
		ok = choose(options, "mode", text, modes, &choice);
		options->mode_given = true;
		options->mode = (enum replay_mode)choice;
		return ok;
	case OPTION_PACE:
		ok = choose(options, "pace", text, paces, &choice);
		measurement->pace = (enum replay_pace)choice;
		return ok;
	case OPTION_TOUCH:
		ok = choose(options, "touch", text, touches, &choice);
		measurement->touch = (enum replay_touch)choice;
		return ok;
	case OPTION_THP:
		ok = choose(options, "thp", text, pages, &choice);
		measurement->thp_disable = choice == 1 || choice == 2;
		options->huge_pages = choice == 1 ? "never" : choice > 1 ? pages[choice] : NULL;
		return ok;
	case OPTION_ADDRESSES:
		ok = choose(options, "addresses", text, addresses, &choice);
		options->addresses_forced = choice == 1;
		return ok;
	case OPTION_PHYSICAL:
		ok = choose(options, "physical", text, physical, &choice);
		options->physical = !ok ? PHYSICAL_NONE : choice == 1 ? PHYSICAL_FREE : PHYSICAL_FORCED;
		return ok && (strcmp(options->command, "replay") == 0 ||
			      wrong(options, "--physical belongs to `faultline replay`"));
	default:
		ok = choose(options, "backing", text, backings, &choice);
		options->backing_real = choice == 1;
		return ok;
	}
}

static bool take_number(struct replay_options *options, int option, const char *text)
{
	struct measurement_options *measurement = &options->measurement;
	uint64_t value = 0;
	double seconds;
	bool ok;

	switch (option) {
	case 'p':
		ok = whole(options, "process", text, UINT32_MAX - 1, &value);
		options->process = (uint32_t)value;
		return ok;
	case OPTION_ROUNDS:
		ok = whole(options, "rounds", text, MEASUREMENT_MAX_ROUNDS, &value) &&
		     (value > 0 ||
		      wrong(options, "--rounds is at least 1; use --measure to leave the speed out"));
		measurement->rounds = (unsigned)value;
		return ok;
	case OPTION_MEMORY_ROUNDS:
		ok = whole(options, "memory-rounds", text, MEASUREMENT_MAX_ROUNDS, &value) &&
		     (value > 0 ||
		      wrong(options, "--memory-rounds is at least 1; use --measure to leave the memory out"));
		measurement->memory_rounds = (unsigned)value;
		return ok;
	case OPTION_SAMPLES:
		ok = whole(options, "samples", text, 100000, &value);
		measurement->samples = (unsigned)value;
		return ok;
	case OPTION_DRAIN:
		ok = number(options, "drain", text, 86400, &seconds);
		measurement->drain_ns = ok ? (uint64_t)(seconds * 1e9) : 0;
		options->drain_given = true;
		return ok;
	case OPTION_CPUS:
		ok = whole(options, "cpus", text, CPU_MAX, &value) &&
		     (value > 0 || wrong(options, "--cpus is at least 1"));
		options->processors = (unsigned)value;
		return ok;
	case OPTION_SEED:
		ok = whole(options, "seed", text, 9007199254740992.0, &value);
		measurement->seed = value;
		return ok;
	default:
		ok = whole(options, "watchdog", text, 86400, &value) &&
		     (value > 0 || wrong(options, "--watchdog is at least 1"));
		measurement->watchdog_s = (unsigned)value;
		return ok;
	}
}

static bool how_often_to_check(struct replay_options *options, const char *text)
{
	options->check = REPLAY_CHECK_SAMPLES;
	if (!text)
		return true;
	if (strcmp(text, "every") == 0) {
		options->check = 1;
		return true;
	}
	return whole(options, "check", text, 1e15, &options->check) &&
	       (options->check > 0 || wrong(options, "--check=N is at least 1"));
}

static bool take(struct replay_options *options, int option, char *text)
{
	switch (option) {
	case 't':
		return add_target(options, text);
	case 'o':
		options->output = text;
		return true;
	case 'q':
		options->quiet = true;
		return true;
	case OPTION_WITHOUT_ALLOCATOR:
		options->without_allocator = true;
		return true;
	case OPTION_PLACEMENTS:
		options->placements = text;
		return true;
	case OPTION_SYSTEM:
		options->system = text;
		return policy_find(text) ||
		       wrong(options, "--system: there is no policy '%s'; `faultline policies` lists them",
			     text);
	case OPTION_MMU:
		return mmu_choice_add(&options->mmu, options->command, text);
	case OPTION_SET:
		return add_setting(options, text);
	case OPTION_MEASURE:
		return what_to_measure(options, text);
	case OPTION_MEMORY:
		return memory_size(options, text);
	case OPTION_VERIFY:
		options->measurement.what |= MEASURE_VERIFY;
		return true;
	case OPTION_CHECK:
		return how_often_to_check(options, text);
	case OPTION_LIVE:
		options->live = true;
		return strcmp(options->command, "compare") == 0 ||
		       wrong(options, "--live belongs to `faultline compare`");
	case OPTION_AGAINST:
		options->against = text;
		return strcmp(options->command, "compare") == 0 ||
		       wrong(options, "--against belongs to `faultline compare`");
	case OPTION_JSON:
		options->json = true;
		return true;
	case 'm':
	case OPTION_PACE:
	case OPTION_TOUCH:
	case OPTION_THP:
	case OPTION_ADDRESSES:
	case OPTION_PHYSICAL:
	case OPTION_BACKING:
		return take_choice(options, option, text);
	default:
		return take_number(options, option, text);
	}
}

/* --- Kernel recordings -------------------------------------------------------------------------------------------------- */

static const char *const of_heaps[] = {
    "mode",
    "process",
    "touch",
    "pace",
    "rounds",
    "memory-rounds",
    "drain",
    "thp",
    "measure",
    "verify",
    "backing",
    "memory",
    "mmu",
    "placements",
    "system",
    "addresses",
    "without-allocator",
    "cpus",
    "seed",
    "watchdog",
};

static const char *long_name(int option)
{
	const struct option *at = long_options;

	while (at->name && at->val != option)
		at++;
	return at->name;
}

static void note_option(struct replay_options *options, int option)
{
	const char *name = long_name(option);

	for (size_t i = 0; name && !options->heap_option && i < sizeof(of_heaps) / sizeof(of_heaps[0]); i++) {
		if (strcmp(of_heaps[i], name) == 0)
			options->heap_option = name;
	}
}

bool replay_options_go_with_pages(const struct replay_options *options, const char *trace)
{
	if (!options->heap_option)
		return true;
	if (options->mmu.count > 0)
		return wrong(options, "%s: goes without --mmu: a kernel recording has no loads and stores",
			     trace);
	return wrong(
	    options,
	    "%s: goes without --%s: a kernel recording is replayed on the machine that was recorded, and "
	    "its pages have no heap calls, threads or times to measure",
	    trace, options->heap_option);
}

/* ------------------------------------------------------------------------------------------------------------------------ */

const struct measurement_options replay_options_usual = {
    .what = MEASURE_THROUGHPUT | MEASURE_LATENCY | MEASURE_MEMORY | MEASURE_MODEL,
    .touch = TOUCH_PAGES,
    .rounds = 7,
    .memory_rounds = 7,
    .samples = 200,
    .seed = 1,
    .watchdog_s = 60,
};

static void set_defaults(struct replay_options *options, const char *command)
{
	memset(options, 0, sizeof(*options));
	options->command = command;
	options->process = PLAN_PROCESS_LARGEST;
	options->measurement = replay_options_usual;
}

bool replay_options_parse(struct replay_options *options, int argc, char **argv, int *status)
{
	bool compare = strcmp(argv[0], "compare") == 0;
	int option;

	set_defaults(options, argv[0]);
	*status = EXIT_USAGE;
	optind = 0;
	while ((option = getopt_long(argc, argv, "t:m:p:o:qh", long_options, NULL)) != -1) {
		if (option == 'h') {
			(void)fputs(compare ? usage_compare : usage_replay, stdout);
			(void)fputs(help_text, stdout);
			*status = EXIT_DONE;
			return false;
		}
		if (option == '?' || !take(options, option, optarg)) {
			(void)fprintf(stderr, "Try 'faultline %s --help'.\n", argv[0]);
			return false;
		}
		note_option(options, option);
	}
	if (options->measurement.pace == PACE_RECORDED && !options->drain_given)
		options->measurement.drain_ns = UINT64_C(10000000000);
	if (options->measurement.touch == TOUCH_RECORDED)
		return wrong(
		    options,
		    "--touch recorded needs a trace with recorded accesses, and heap traces have none; "
		    "use none, first, pages or all");
	options->measurement.progress = !options->quiet && isatty(STDERR_FILENO);
	return true;
}

void replay_options_destroy(struct replay_options *options)
{
	mmu_choice_destroy(&options->mmu);
}
