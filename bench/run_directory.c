#include "config.h"

#include "bench/run_directory.h"

#include "bench/latency.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* One series: its file's name, its columns, who writes its rows. */
struct series {
	const char *name;
	const char *columns;
	void (*write)(const struct run *run, FILE *file);
	bool (*exists)(const struct run *run);
	bool speed; /* measured in the speed mode */
};

void run_directory_name(const char *text, char *name, size_t bytes)
{
	size_t length = 0;

	for (; text[length] && length + 1 < bytes; length++) {
		unsigned char letter = (unsigned char)text[length];
		bool plain = (isascii(letter) && isalnum(letter)) || letter == '_' || letter == '-' ||
			     (letter == '.' && length > 0);

		name[length] = '_';
		if (plain)
			name[length] = text[length];
	}
	name[length] = '\0';
}

static void write_number(FILE *file, double value, char after)
{
	if (isfinite(value))
		(void)fprintf(file, "%.6g%c", value, after);
	else
		(void)fprintf(file, "?%c", after);
}

/* --- Series ------------------------------------------------------------------------------------------------------------- */

static bool has_throughput(const struct run *run)
{
	return run->measurement->rounds > 0;
}

static void write_throughput(const struct run *run, FILE *file)
{
	const struct measurement *measurement = run->measurement;

	for (unsigned round = 0; round < measurement->rounds; round++) {
		(void)fprintf(file, "%u\t", round + 1);
		write_number(file, measurement->gross_ns[round], '\t');
		write_number(file, measurement->null_ns[round], '\t');
		write_number(file, measurement->net_ns[round], '\t');
		write_number(file, measurement_rate(measurement->gross_ns[round]), '\n');
	}
}

static bool has_latency(const struct run *run)
{
	return run->measurement->latency != NULL;
}

static void write_latency_kind(const struct session_reply *reply, enum latency_kind kind, FILE *file)
{
	/* Even steps in -log10(1 - quantile), ten per decade, with the round percentiles among them. */
	for (unsigned i = 1; i <= 60; i++) {
		double quantile = 1 - pow(10, -(double)i / 10);
		struct latency latency = latency_quantile(reply, kind, quantile);

		if (i == 3) /* 0.4988 */
			latency = latency_quantile(reply, kind, quantile = 0.5);
		if (!latency.exists)
			break;
		(void)fprintf(file, "%s\t%.7g\t%.1f\t%d\t%" PRIu64 "\n", latency_kind_name(kind), quantile,
			      latency.ns, latency.below_resolution, reply->latency[kind].samples);
	}
}

static void write_latency(const struct run *run, FILE *file)
{
	for (unsigned kind = 0; kind < LATENCY_KINDS; kind++)
		write_latency_kind(run->measurement->latency, (enum latency_kind)kind, file);
}

static bool has_timeline(const struct run *run)
{
	return run->measurement->timeline.count > 0;
}

static void write_bytes(FILE *file, bool known, uint64_t bytes)
{
	if (known)
		(void)fprintf(file, "%" PRIu64 "\t", bytes);
	else
		(void)fputs("?\t", file);
}

static void write_timeline(const struct run *run, FILE *file)
{
	bool footprint = run->measurement->target->kind != TARGET_NULL;

	for (size_t i = 0; i < run->measurement->timeline.count; i++) {
		const struct timeline_sample *sample = &run->measurement->timeline.sample[i];

		(void)fprintf(file, "%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t", sample->event,
			      sample->time_ns, sample->live_bytes, sample->live_objects);
		write_bytes(file, sample->granted_bytes > 0, sample->granted_bytes);
		write_bytes(file, footprint, sample->footprint_bytes);
		write_bytes(file, footprint, sample->lazyfree_bytes);
		write_bytes(file, footprint, sample->anon_huge_bytes);
		write_number(file, timeline_internal_fragmentation(sample), '\t');
		write_number(file, footprint ? timeline_footprint_over_live(sample) : NAN, '\n');
	}
}

static bool always(const struct run *run)
{
	(void)run;
	return true;
}

static void write_sizes(const struct run *run, FILE *file)
{
	for (unsigned bin = 0; bin < PLAN_SIZE_BINS; bin++) {
		if (run->totals->size_count[bin])
			(void)fprintf(file, "%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\n",
				      plan_size_low(bin), plan_size_high(bin), run->totals->size_count[bin],
				      run->totals->size_bytes[bin]);
	}
}

static void write_lifetimes(const struct run *run, FILE *file)
{
	for (unsigned bin = 0; bin < PLAN_LIFETIME_BINS; bin++) {
		if (run->totals->lifetime_count[bin])
			(void)fprintf(file, "%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\n", UINT64_C(1) << bin,
				      (UINT64_C(2) << bin) - 1, run->totals->lifetime_count[bin]);
	}
}

static bool has_model(const struct run *run)
{
	return run->model != NULL;
}

static void write_model(const struct run *run, FILE *file)
{
	model_write_samples(run->model, file);
}

static void write_buddy(const struct run *run, FILE *file)
{
	model_write_buddy(run->model, file);
}

static void write_page_sizes(const struct run *run, FILE *file)
{
	model_write_page_sizes(run->model, file);
}

static bool has_mmu(const struct run *run)
{
	return run->mmu != NULL;
}

static bool has_tlb_sizes(const struct run *run)
{
	return run->mmu && mmu_series_has_sizes(run->mmu);
}

static bool has_space(const struct run *run)
{
	return run->space != NULL;
}

static void write_tlb(const struct run *run, FILE *file)
{
	mmu_series_write_tlb(run->mmu, file);
}

static void write_faults(const struct run *run, FILE *file)
{
	mmu_series_write_faults(run->mmu, file);
}

static void write_pages(const struct run *run, FILE *file)
{
	mmu_series_write_pages(run->mmu, file);
}

static void write_walks(const struct run *run, FILE *file)
{
	mmu_series_write_walks(run->mmu, file);
}

static void write_tlb_sizes(const struct run *run, FILE *file)
{
	mmu_series_write_sizes(run->mmu, file);
}

static void write_space(const struct run *run, FILE *file)
{
	space_map_write_mappings(run->space, file);
}

static void write_residency(const struct run *run, FILE *file)
{
	space_map_write_residency(run->space, file);
}

static void write_space_image(const struct run *run, FILE *file)
{
	space_map_write_image(run->space, file);
}

static void write_space_rows(const struct run *run, FILE *file)
{
	space_map_write_rows(run->space, file);
}

static const struct series series[] = {
    {"throughput.tsv", "round\tgross_ns_per_event\tnull_ns_per_event\tnet_ns_per_event\tevents_per_s\n",
     write_throughput, has_throughput, true},
    {"latency.tsv", "operation\tquantile\tlatency_ns\tbelow_resolution\tsamples\n", write_latency,
     has_latency, true},
    {"timeline.tsv",
     "event\ttime_ns\tlive_bytes\tlive_objects\tgranted_bytes\tfootprint_bytes\tlazyfree_bytes\tanon_huge_"
     "bytes\t"
     "internal_fragmentation\tfootprint_over_live\n",
     write_timeline, has_timeline, false},
    {"sizes.tsv", "size_low_bytes\tsize_high_bytes\tallocations\tbytes\n", write_sizes, always, false},
    {"lifetimes.tsv", "events_low\tevents_high\tobjects\n", write_lifetimes, always, false},
    {"model.tsv", NULL, write_model, has_model, false},
    {"buddy.tsv", NULL, write_buddy, has_model, false},
    {"page_sizes.tsv", NULL, write_page_sizes, has_model, false},
    {"tlb.tsv", NULL, write_tlb, has_mmu, false},
    {"faults.tsv", NULL, write_faults, has_mmu, false},
    {"pages.tsv", NULL, write_pages, has_mmu, false},
    {"walks.tsv", NULL, write_walks, has_mmu, false},
    {"tlb_sizes.tsv", NULL, write_tlb_sizes, has_tlb_sizes, false},
    {"space.tsv", NULL, write_space, has_space, false},
    {"residency.tsv", NULL, write_residency, has_space, false},
    {"space_image.tsv", NULL, write_space_image, has_space, false},
    {"space_rows.tsv", NULL, write_space_rows, has_space, false},
};

static const char placement_name[] = "placement.bin";

static void write_header(const struct run *run, const struct series *one, FILE *file)
{
	char policy[256] = "?";

	if (run->measurement->target->kind == TARGET_ENGINE)
		target_policy(run->measurement->target, policy, sizeof(policy));
	(void)fprintf(file,
		      "# faultline %s\n# trace: %s\n# hash: %s\n# target: %s\n# policy: %s\n# seed: %" PRIu64
		      "\n# mode: %s\n# command: %s\n",
		      PACKAGE_VERSION, run->trace_path ? run->trace_path : "?",
		      run->trace_path ? run->trace->hash : "?", run->measurement->target->name, policy,
		      run->options->seed,
		      run_mode_name(one->speed ? run->options->speed_mode : run->options->memory_mode),
		      run->command);
	if (one->columns)
		(void)fprintf(file, "# %s", one->columns);
}

/* --- Files -------------------------------------------------------------------------------------------------------------- */

static bool refuse(struct trace_error *error, const char *what, const char *path)
{
	(void)trace_fail(error, TRACE_IO, "cannot %s %s: %s", what, path, strerror(errno));
	return false;
}

static bool write_series(const struct run *run, const struct whole_directory *whole, const struct series *one,
			 struct trace_error *error)
{
	FILE *file = whole_directory_file(whole, one->name, error);

	if (!file)
		return false;
	write_header(run, one, file);
	one->write(run, file);
	return whole_directory_close(file, one->name, error);
}

static bool dump_json(const json_t *json, FILE *file)
{
	return json_dumpf(json, file, JSON_INDENT(2) | JSON_REAL_PRECISION(15)) == 0 &&
	       fputc('\n', file) != EOF;
}

bool run_directory_put_json(const struct whole_directory *whole, const json_t *json,
			    struct trace_error *error)
{
	static const char name[] = "run.json";
	FILE *file = whole_directory_file(whole, name, error);

	if (!file)
		return false;
	const bool is_dumped = dump_json(json, file);

	return whole_directory_close(file, name, error) && (is_dumped || refuse(error, "write", name));
}

static bool write_run_json(const struct run *run, const struct whole_directory *whole,
			   struct trace_error *error)
{
	json_t *json = run_json(run);
	const bool is_written = json && run_directory_put_json(whole, json, error);

	if (!json)
		(void)trace_fail(error, TRACE_NO_MEMORY, "not enough memory for run.json");
	json_decref(json);
	return is_written;
}

static bool write_placement(const struct run *run, const struct whole_directory *whole,
			    struct trace_error *error)
{
	FILE *file = whole_directory_file(whole, placement_name, error);

	if (!file)
		return false;
	(void)fwrite(run->placement->file, 1, run->placement->bytes, file);
	return whole_directory_close(file, placement_name, error);
}

static bool write_files(const struct run *run, const struct whole_directory *whole, struct trace_error *error)
{
	if (run->placement && !write_placement(run, whole, error))
		return false;
	for (size_t i = 0; i < sizeof(series) / sizeof(series[0]); i++) {
		if (series[i].exists(run) && !write_series(run, whole, &series[i], error))
			return false;
	}
	return write_run_json(run, whole, error);
}

bool run_directory_write(const struct run *run, const char *path, struct trace_error *error)
{
	struct whole_directory whole;

	if (!whole_directory_begin(&whole, path, error))
		return false;
	if (write_files(run, &whole, error))
		return whole_directory_end(&whole, error);
	whole_directory_abandon(&whole);
	return false;
}

bool run_directory_write_json(const json_t *json, const char *path, struct trace_error *error)
{
	char beside[PATH_MAX];
	mode_t mask = umask(0);

	(void)umask(mask);
	if (snprintf(beside, sizeof(beside), "%s.XXXXXX", path) >= (int)sizeof(beside))
		return refuse(error, "create", path);
	int descriptor = mkostemp(beside, O_CLOEXEC);
	FILE *file = descriptor < 0 ? NULL : fdopen(descriptor, "w");

	if (!file) {
		(void)refuse(error, "create", path);
		if (descriptor >= 0 && close(descriptor) == 0)
			(void)unlink(beside);
		return false;
	}
	bool ok = fchmod(descriptor, 0666 & ~mask) == 0 && dump_json(json, file);

	ok = whole_directory_close(file, path, error) && ok && rename(beside, path) == 0;
	if (!ok) {
		(void)unlink(beside);
		return refuse(error, "write", path);
	}
	return true;
}
