#include "config.h"

#include "bench/physical/free_replay.h"

#include "bench/physical/kmem_table.h"
#include "bench/physical/physical_directory.h"
#include "bench/physical/slab_series.h"
#include "engine/base/check.h"
#include "engine/policy_memory.h"

#include <inttypes.h>
#include <stdlib.h>

/* --- Figures ------------------------------------------------------------------------------------------------------------ */

static json_t *ratio_json(struct ratio ratio)
{
	return ratio_exists(ratio) ? json_real(ratio_value(ratio)) : json_null();
}

static json_t *zone_json(const struct memory_series *series, const struct memory_series_zone *zone)
{
	json_t *blocks = json_array(), *unusable = json_array(), *external = json_array();

	for (unsigned order = 0; order < series->orders; order++) {
		(void)json_array_append_new(blocks, json_integer((json_int_t)zone->free.blocks[order]));
		(void)json_array_append_new(unusable, ratio_json(fragmentation_unusable(&zone->free, order)));
		(void)json_array_append_new(external, ratio_json(fragmentation_external(&zone->free, order)));
	}
	return json_pack("{s:i, s:s, s:o, s:o, s:o, s:o}", "node", (int)zone->node, "name", zone->name,
			 "free_blocks", blocks, "unusable_free_index", unusable, "extfrag_index", external,
			 "free_huge_over_optimal", ratio_json(fragmentation_huge_over_optimal(&zone->free)));
}

static uint64_t peak_bytes(const struct memory_series *series)
{
	uint64_t peak = 0;

	for (size_t i = 0; i < series->samples; i++)
		peak = series->sample[i].used_pages > peak ? series->sample[i].used_pages : peak;
	return peak * PAGE_BYTES;
}

static json_t *memory_json(const struct memory_series *series)
{
	json_t *zones = json_array();

	for (unsigned i = 0; i < series->zones; i++)
		(void)json_array_append_new(zones, zone_json(series, &series->zone[i]));
	return json_pack("{s:I, s:o}", "frames_peak_bytes", (json_int_t)peak_bytes(series), "zones", zones);
}

struct count {
	const char *name, *what;
	uint64_t value;
};

#define COUNTS 8u

static void list_counts(const struct free_pass *pass, struct count counts[COUNTS])
{
	const struct free_pass_counts *from = &pass->counts;
	const struct count all[COUNTS] = {
	    {"allocations", "allocations", from->allocations},
	    {"frees", "frees", from->frees},
	    {"refused", "allocations that the machine served and the policy did not", from->refused},
	    {"served", "allocations that the machine refused and the policy served", from->served},
	    {"unseen_allocations", "frees of what nothing had allocated, left out", from->unseen_allocations},
	    {"unseen_frees", "blocks freed before they were allocated anew", from->unseen_frees},
	    {"parts", "frees of a part of a block", from->parts},
	    {"other_zones", "allocations in another zone than on the machine", from->other_zones},
	};

	for (unsigned i = 0; i < COUNTS; i++)
		counts[i] = all[i];
}

static json_t *physical_json(const struct free_pass *pass, const struct memory_outcome *outcome,
			     const struct kmem_pass *slabs)
{
	struct count counts[COUNTS];
	json_t *json = json_object();

	list_counts(pass, counts);
	for (unsigned i = 0; i < COUNTS; i++)
		(void)json_object_set_new(json, counts[i].name, json_integer((json_int_t)counts[i].value));
	(void)json_object_set_new(json, "prediction",
				  pass->prediction.is_made ? free_prediction_json(&pass->prediction)
							   : json_null());
	(void)json_object_set_new(json, "outcome", memory_outcome_json(outcome));
	(void)json_object_set_new(json, "slabs", slabs ? kmem_table_json(slabs) : json_null());
	return json;
}

static json_t *policy_json(const struct free_replay_options *options)
{
	json_t *json = json_object();
	const struct policy_key *key;
	char buffer[POLICY_VALUE_BYTES];

	(void)json_object_set_new(json, "name", json_string(options->policy_name));
	for (size_t i = 0; (key = policy_key_at(i)); i++)
		(void)json_object_set_new(json, key->name,
					  key->words
					      ? json_string(policy_value_text(options->policy, key, buffer))
					      : json_integer(policy_value(options->policy, key)));
	return json;
}

static void print_table(const struct free_pass *pass, const struct free_replay_options *options, FILE *out)
{
	struct count counts[COUNTS];

	(void)fprintf(out, "pages placed by %s\n", options->target);
	list_counts(pass, counts);
	for (unsigned i = 0; i < COUNTS; i++) {
		if (i < 2 || counts[i].value > 0)
			(void)fprintf(out, "%12" PRIu64 "  %s\n", counts[i].value, counts[i].what);
	}
	if (pass->prediction.is_made)
		free_prediction_print(&pass->prediction, out);
	else
		(void)fputs("the recording has no free blocks at its end to compare with\n", out);
}

/* --- Going -------------------------------------------------------------------------------------------------------------- */

/* A replay, as its parts need it. */
struct job {
	struct flt_reader *reader;
	const struct free_replay_options *options;
	struct memory_shape shape;
	struct physical_run run;
	struct physical_directory directory; /* with options->directory */
	struct kmem_pass *slabs; /* after all events; NULL: the recording does not tell of caches */
	struct memory_outcome outcome;
};

static void prove(const struct free_pass *pass)
{
	const char *broken = free_pass_check(pass);

	CHECK(broken == NULL, broken);
}

/* The events before `to`, with checks on the way. */
static enum trace_status advance(struct free_pass *pass, uint64_t to, uint64_t checks,
				 struct trace_error *error)
{
	enum trace_status status = TRACE_OK;

	while (status == TRACE_OK && checks > 0 && pass->position < to && to - pass->position > checks) {
		const uint64_t next = pass->position + checks;

		status = free_pass_advance(pass, next, error);
		if (status != TRACE_OK || pass->position < next)
			return status;
		prove(pass);
	}
	return status == TRACE_OK ? free_pass_advance(pass, to, error) : status;
}

/* Samples until the end of what is compared; the events after it are gone through, too. */
static enum trace_status go(struct free_pass *pass, struct memory_series *series, struct job *job,
			    struct trace_error *error)
{
	enum trace_status status = TRACE_OK;
	uint64_t event;

	while (status == TRACE_OK && memory_series_next(series, &event)) {
		status = advance(pass, event, job->options->checks, error);
		if (status == TRACE_OK)
			status = memory_series_take(series, &pass->memory, error);
		if (status == TRACE_OK && job->options->checks > 0)
			prove(pass);
	}
	if (status != TRACE_OK)
		return status;
	memory_outcome_take(&job->outcome, &pass->memory);
	job->outcome.load = pass->counts.load;
	return advance(pass, UINT64_MAX, job->options->checks, error);
}

static bool write_latency(const void *context, FILE *file)
{
	page_latency_write(context, file);
	return true;
}

static bool write_outcome(const void *context, FILE *file)
{
	memory_outcome_write(context, file);
	return true;
}

static bool write_slabs(const void *context, FILE *file)
{
	const struct kmem_pass *slabs = context;

	return slab_series_write(&slabs->memory, file);
}

/* The clock around every call is a pass of its own. */
static enum trace_status measure(const struct job *job, struct page_latency *latency,
				 struct trace_error *error)
{
	struct free_pass *pass;
	enum trace_status status = flt_reader_seek(job->reader, 0, error);

	if (status == TRACE_OK)
		status = free_pass_create(&pass, &job->shape, job->reader, error);
	if (status != TRACE_OK)
		return status;
	page_latency_create(latency);
	pass->latency = latency;
	status = free_pass_advance(pass, UINT64_MAX, error);
	free_pass_destroy(pass);
	return status;
}

static enum trace_status add_latency(const struct job *job, struct trace_error *error)
{
	struct page_latency *latency = malloc(sizeof(*latency));
	const struct physical_rows rows = {"page_latency.tsv", write_latency, latency};

	if (!latency)
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for latencies");
	enum trace_status status = measure(job, latency, error);

	if (status == TRACE_OK)
		status = physical_directory_add(&job->directory, &rows, error);
	free(latency);
	return status;
}

static enum trace_status tell(const struct job *job, const struct free_pass *pass,
			      const struct memory_series *series, json_t **json, struct trace_error *error)
{
	const struct free_replay_options *options = job->options;
	const struct physical_rows rows = {"outcome.tsv", write_outcome, &job->outcome};
	enum trace_status status = TRACE_OK;

	*json = physical_run_json(&job->run, policy_json(options), memory_json(series),
				  physical_json(pass, &job->outcome, job->slabs));
	if (!*json)
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for run.json");
	if (options->directory)
		status = physical_directory_series(&job->directory, series, error);
	if (options->directory && status == TRACE_OK)
		status = physical_directory_add(&job->directory, &rows, error);
	if (status != TRACE_OK || !options->print)
		return status;
	print_table(pass, options, options->print);
	if (job->slabs) {
		(void)fputc('\n', options->print);
		kmem_table_print(job->slabs, options->print);
	}
	return TRACE_OK;
}

static enum trace_status replay(struct job *job, json_t **json, struct trace_error *error)
{
	struct memory_series series = {0};
	struct free_pass *pass;
	enum trace_status status = free_pass_create(&pass, &job->shape, job->reader, error);

	if (status != TRACE_OK)
		return status;
	pass->checks_events = job->options->checks > 0;
	status = memory_series_create(&series, pass->position, pass->state.end, job->options->samples, error);
	if (status == TRACE_OK)
		status = go(pass, &series, job, error);
	if (status == TRACE_OK)
		status = tell(job, pass, &series, json, error);
	memory_series_destroy(&series);
	free_pass_destroy(pass);
	return status;
}

/* A recording without slab events or slabinfo is none of an error. */
static enum trace_status replay_slabs(struct job *job, struct trace_error *error)
{
	struct kmem_pass *slabs = malloc(sizeof(*slabs));

	if (!slabs)
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for slab caches");
	enum trace_status status = kmem_pass_create(slabs, job->options->policy, job->reader, error);

	if (status != TRACE_OK) {
		free(slabs);
		return status == TRACE_UNSUPPORTED ? TRACE_OK : status;
	}
	job->slabs = slabs;
	uint64_t checks = job->options->checks;

	if (checks == UINT64_MAX)
		checks = flt_reader_summary(job->reader)->events / FREE_REPLAY_CHECKS + 1;
	return kmem_pass_run(slabs, job->reader, checks, error);
}

/* Pages cannot be placed, as `error` says; slabs can. */
static enum trace_status tell_slabs(const struct job *job, json_t **json, struct trace_error *error)
{
	json_t *physical = json_pack("{s:o}", "slabs", kmem_table_json(job->slabs));
	FILE *out = job->options->print;

	*json = physical_run_json(&job->run, policy_json(job->options), NULL, physical);
	if (!*json)
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for run.json");
	if (out) {
		(void)fprintf(out, "pages are not placed: %s\n\n", error->message);
		kmem_table_print(job->slabs, out);
	}
	return TRACE_OK;
}

static void drop_slabs(struct job *job)
{
	if (job->slabs)
		kmem_pass_destroy(job->slabs);
	free(job->slabs);
}

/* What the directory has besides run.json and the series of pages. */
static enum trace_status add_series(const struct job *job, struct trace_error *error)
{
	const struct physical_rows rows = {"slabs.tsv", write_slabs, job->slabs};
	enum trace_status status = add_latency(job, error);

	return status == TRACE_OK && job->slabs ? physical_directory_add(&job->directory, &rows, error)
						: status;
}

static enum trace_status replay_all(struct job *job, json_t **json, struct trace_error *error)
{
	enum trace_status status = replay_slabs(job, error);

	if (status == TRACE_OK)
		status = flt_reader_seek(job->reader, 0, error);
	if (status == TRACE_OK)
		status = replay(job, json, error);
	if (status == TRACE_UNSUPPORTED && job->slabs && job->options->slabs_alone)
		status = tell_slabs(job, json, error);
	if (status == TRACE_OK && job->options->directory)
		status = add_series(job, error);
	return status;
}

enum trace_status free_replay(struct flt_reader *reader, const struct free_replay_options *options,
			      json_t **json, struct trace_error *error)
{
	struct job job = {.reader = reader,
			  .options = options,
			  .shape = policy_memory_shape(options->policy),
			  .run = {.trace = flt_reader_summary(reader),
				  .path = options->path,
				  .target = options->target,
				  .policy = options->policy_name,
				  .mode = "free"}};
	enum trace_status status = TRACE_OK;

	*json = NULL;
	if (options->directory)
		status = physical_directory_begin(&job.directory, &job.run, options->directory, error);
	if (status != TRACE_OK)
		return status;
	status = replay_all(&job, json, error);
	if (options->directory && status == TRACE_OK)
		status = physical_directory_end(&job.directory, *json, error);
	else if (options->directory)
		physical_directory_abandon(&job.directory);
	if (status != TRACE_OK) {
		json_decref(*json);
		*json = NULL;
	}
	drop_slabs(&job);
	return status;
}
