/* fidelity: one program, recorded natively and under the emulator, against the model.
 *
 *   fidelity [--details] --name NAME --thp never|madvise|always NATIVE.flt EMULATED.flt
 *
 * NATIVE.flt is of `record --mm --faults`, EMULATED.flt of `record --accesses=all --no-heap`, of the same command. Prints one
 * line of tab-separated values per process (`fidelity --columns`: what they are) and leaves with 0 when all are within the
 * bounds, 3 when one is not, 1 when it could not compare, 2 for wrong usage. */
#include "config.h"

#include "bench/fidelity/prediction.h"

#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAULTS_BOUND 0.03
#define FAULTS_LEAST 2 /* of a process with so few that 3 % are less */
#define PAGES_BOUND 0.01

enum exit_status {
	EXIT_WITHIN = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_OUTSIDE = 3,
};

static const char columns[] = "# program, thp, process (of the recording), what (rusage: minor faults of "
			      "getrusage; perf: of perf's page-faults; user: of "
			      "them those of\n"
			      "# instructions; resident, tables, huge: 4 KiB pages; forced, free: mappings "
			      "equal to those recorded), kernel (what it "
			      "counted), model,\n"
			      "# deviation (model / kernel - 1), baseline (rusage, perf and user: the "
			      "recorded faults counted), verdict\n"
			      "# program\tthp\tprocess\twhat\tkernel\tmodel\tdeviation\tbaseline\tverdict\n";

struct options {
	const char *name, *thp;
	bool details;
};

struct comparison {
	const struct options *options;
	struct recording native, emulated;
	struct pairing pairing;
	struct prediction forced, free; /* with the kernel's addresses, and with ours */
	bool is_outside;
};

/* --- What the kernel counted -------------------------------------------------------------------------------------------------- */

/* Of the process from its exec, or birth, on. False: a snapshot is missing. */
static bool read_figures(const struct recording *native, uint32_t process, struct figures *figures)
{
	static const char *const names[] = {"stat", "smaps_rollup", "status"};
	char *first = process == 0 ? recording_first(native, process, "stat") : NULL;
	struct figures began = {0};
	bool done = process != 0 || (first && figures_take(&began, "stat", first));

	for (size_t i = 0; done && i < sizeof(names) / sizeof(names[0]); i++) {
		char *text = recording_last(native, process, names[i]);
		done = text && figures_take(figures, names[i], text);
		free(text);
	}
	free(first);
	figures->minor -= began.minor;
	figures->major -= began.major;
	return done;
}

/* The recorded minor faults since the process's exec: of instructions, and of the kernel's copies. */
static struct prediction_faults count_recorded(const struct recording *native, uint32_t process)
{
	struct prediction_faults faults = {0};

	for (uint64_t i = recording_begin(native, process); i < native->events; i++) {
		const struct event *event = &native->event[i];
		if (event->process != process || event->kind != EVENT_FAULT ||
		    event->call.flags & EVENT_FAULT_MAJOR)
			continue;
		if (event->call.flags & EVENT_FAULT_KERNEL)
			faults.kernel++;
		else
			faults.user++;
	}
	return faults;
}

/* --- Lines -------------------------------------------------------------------------------------------------------------------- */

enum bound {
	BOUND_FAULTS, /* within 3 %, or 2 faults */
	BOUND_PAGES,  /* within 1 % or one page */
	BOUND_EQUAL,
	BOUND_NONE,
};

struct line {
	const char *what;
	uint64_t kernel, model;
	const uint64_t *baseline; /* NULL: there is none */
	uint32_t process;
	enum bound bound;
};

static bool is_within(const struct line *line)
{
	double off = fabs((double)line->model - (double)line->kernel);

	switch (line->bound) {
	case BOUND_FAULTS:
		return off <= FAULTS_LEAST || off <= FAULTS_BOUND * (double)line->kernel;
	case BOUND_PAGES:
		return off <= 1 || off <= PAGES_BOUND * (double)line->kernel;
	case BOUND_EQUAL:
		return line->model == line->kernel;
	default:
		return true;
	}
}

static void print(struct comparison *comparison, const struct line *line)
{
	bool within = is_within(line);

	(void)printf("%s\t%s\t%" PRIu32 "\t%s\t%" PRIu64 "\t%" PRIu64 "\t", comparison->options->name,
		     comparison->options->thp, line->process, line->what, line->kernel, line->model);
	if (line->kernel != 0)
		(void)printf("%+.2f%%\t", 100 * ((double)line->model / (double)line->kernel - 1));
	else
		(void)printf("?\t");
	if (line->baseline)
		(void)printf("%" PRIu64 "\t", *line->baseline);
	else
		(void)printf("?\t");
	(void)puts(line->bound == BOUND_NONE ? "-" : within ? "within" : "OUTSIDE");
	comparison->is_outside |= !within;
}

static void print_process(struct comparison *comparison, uint32_t process, const struct figures *kernel)
{
	const struct predicted_process *predicted = &comparison->forced.process[process];
	const struct figures *model = &predicted->figures;
	const struct prediction_faults *minor = &predicted->minor;
	const struct listing *forced = &predicted->listing,
			     *free = &comparison->free.process[process].listing;
	struct prediction_faults recorded = count_recorded(&comparison->native, process);
	uint64_t both = recorded.user + recorded.kernel;
	/* Without privileges perf does not tell of the kernel's faults. */
	enum bound both_bound = recorded.kernel == 0 && minor->kernel != 0 ? BOUND_NONE : BOUND_FAULTS;
	const struct line lines[] = {
	    {"rusage", kernel->minor, model->minor, &both, process, BOUND_FAULTS},
	    {"perf", both, minor->user + minor->kernel, &both, process, both_bound},
	    {"user", recorded.user, minor->user, &recorded.user, process, BOUND_FAULTS},
	    {"resident", kernel->resident_pages, model->resident_pages, NULL, process, BOUND_PAGES},
	    {"tables", kernel->table_pages, model->table_pages, NULL, process, BOUND_PAGES},
	    {"huge", kernel->huge_pages, model->huge_pages, NULL, process, BOUND_EQUAL},
	    {"forced", forced->recorded, forced->equal, NULL, process, BOUND_EQUAL},
	    {"free", free->recorded, free->equal, NULL, process, BOUND_NONE},
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		print(comparison, &lines[i]);
}

static void print_details(const struct comparison *comparison)
{
	const struct pairing *pairing = &comparison->pairing;
	const struct prediction *prediction = &comparison->forced;

	(void)fprintf(stderr,
		      "%s: %" PRIu64 " calls in both, %" PRIu64 " native alone, %" PRIu64
		      " emulated alone; %" PRIu64 " references, %" PRIu64 " without a place, %" PRIu64
		      " places not mapped; %" PRIu64 " calls at other addresses\n",
		      comparison->options->name, pairing->paired, pairing->native_alone,
		      pairing->emulated_alone, prediction->references, prediction->unplaced,
		      prediction->unmapped, prediction->calls_moved);
}

/* --- All ---------------------------------------------------------------------------------------------------------------------- */

/* A run of its own, for a pairing follows one. The last one's stays. */
static enum trace_status predict_at(struct comparison *comparison, const struct policy *policy,
				    enum spaces_addresses addresses, struct trace_error *error)
{
	bool is_forced = addresses == SPACES_FORCED;
	const struct prediction_options options = {
	    .policy = policy,
	    .addresses = addresses,
	    .differences = is_forced && comparison->options->details ? stderr : NULL};
	enum trace_status status;

	pairing_destroy(&comparison->pairing);
	status = pairing_create(&comparison->pairing, &comparison->native, &comparison->emulated, error);
	if (status != TRACE_OK)
		return status;
	return prediction_make(is_forced ? &comparison->forced : &comparison->free, &comparison->pairing,
			       &options, error);
}

static enum trace_status predict(struct comparison *comparison, struct trace_error *error)
{
	struct policy policy = *policy_find("linux");
	char thp[32];
	enum trace_status status;

	(void)snprintf(thp, sizeof(thp), "thp=%s", comparison->options->thp);
	if (policy_set(&policy, thp) != STATUS_OK)
		return trace_fail(error, TRACE_BAD_INPUT, "%s is no setting of transparent huge pages",
				  comparison->options->thp);
	status = predict_at(comparison, &policy, SPACES_FREE, error);
	return status == TRACE_OK ? predict_at(comparison, &policy, SPACES_FORCED, error) : status;
}

static enum trace_status compare(struct comparison *comparison, struct trace_error *error)
{
	enum trace_status status = predict(comparison, error);

	for (uint32_t i = 0; status == TRACE_OK && i < comparison->forced.processes; i++) {
		struct figures kernel = {0};
		if (!comparison->forced.process[i].is_complete)
			continue;
		if (!read_figures(&comparison->native, i, &kernel))
			return trace_fail(error, TRACE_BAD_INPUT,
					  "%s has not all figures of process %" PRIu32
					  " at its end; record it with --mm",
					  flt_reader_name(comparison->native.reader), i);
		print_process(comparison, i, &kernel);
	}
	if (status == TRACE_OK && comparison->options->details)
		print_details(comparison);
	return status;
}

static int compare_files(const struct options *options, const char *native, const char *emulated)
{
	struct comparison comparison = {.options = options};
	struct trace_error error = {""};
	enum trace_status status = recording_open(&comparison.native, native, &error);

	if (status == TRACE_OK)
		status = recording_open(&comparison.emulated, emulated, &error);
	if (status == TRACE_OK)
		status = compare(&comparison, &error);
	prediction_destroy(&comparison.forced);
	prediction_destroy(&comparison.free);
	pairing_destroy(&comparison.pairing);
	recording_close(&comparison.emulated);
	recording_close(&comparison.native);
	if (status == TRACE_OK)
		return comparison.is_outside ? EXIT_OUTSIDE : EXIT_WITHIN;
	(void)fprintf(stderr, "fidelity: %s: %s\n", options->name, error.message);
	return EXIT_FAILED;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {{"name", required_argument, NULL, 'n'},
					      {"thp", required_argument, NULL, 't'},
					      {"details", no_argument, NULL, 'd'},
					      {"columns", no_argument, NULL, 'c'},
					      {NULL, 0, NULL, 0}};
	struct options options = {.name = "?", .thp = "madvise"};
	int option;

	while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (option == 'n')
			options.name = optarg;
		else if (option == 't')
			options.thp = optarg;
		else if (option == 'd')
			options.details = true;
		else if (option == 'c')
			return fputs(columns, stdout) < 0 ? EXIT_FAILED : EXIT_WITHIN;
		else
			return EXIT_USAGE;
	}
	if (argc - optind != 2) {
		(void)fputs("Usage: fidelity [--details] --name NAME --thp MODE NATIVE.flt EMULATED.flt\n"
			    "       fidelity --columns\n",
			    stderr);
		return EXIT_USAGE;
	}
	return compare_files(&options, argv[optind], argv[optind + 1]);
}
