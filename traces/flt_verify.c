#include "config.h"

#include "traces/flt_verify.h"

#include "traces/census.h"
#include "traces/flt_access.h"
#include "traces/flt_footer.h"
#include "traces/flt_hash.h"

#include <inttypes.h>
#include <string.h>

struct count {
	const char *name;
	uint64_t footer, events;
};

static enum trace_status compare_counts(const struct flt_summary *footer, const struct flt_summary *found,
					struct trace_error *error)
{
	const struct count counts[] = {
	    {"events", footer->events, found->events},
	    {"objects", footer->objects, found->objects},
	    {"peak live bytes", footer->live_peak_bytes, found->live_peak_bytes},
	    {"peak live objects", footer->live_peak_objects, found->live_peak_objects},
	    {"live bytes at the end", footer->live_end_bytes, found->live_end_bytes},
	    {"live objects at the end", footer->live_end_objects, found->live_end_objects},
	    {"bytes left at exit", footer->left_at_exit_bytes, found->left_at_exit_bytes},
	    {"objects left at exit", footer->left_at_exit_objects, found->left_at_exit_objects},
	    {"cross-thread frees", footer->cross_thread_frees, found->cross_thread_frees},
	    {"cross-thread reallocs", footer->cross_thread_reallocs, found->cross_thread_reallocs},
	    {"frees of NULL", footer->null_frees, found->null_frees},
	    {"failed calls", footer->failed, found->failed},
	    {"foreign objects", footer->foreign, found->foreign},
	    {"requested bytes", footer->requested_bytes, found->requested_bytes},
	    {"nanoseconds of duration", footer->duration_ns, found->duration_ns},
	    {"references", footer->accesses, found->accesses},
	};

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		if (counts[i].footer != counts[i].events)
			return trace_fail(error, TRACE_BAD_INPUT,
					  "the footer counts %" PRIu64 " %s, the events make %" PRIu64,
					  counts[i].footer, counts[i].name, counts[i].events);
	}
	if (memcmp(footer->kinds, found->kinds, sizeof(footer->kinds)) != 0)
		return trace_fail(error, TRACE_BAD_INPUT,
				  "the footer's counts per kind are not those of the events");
	if (memcmp(footer->sizes, found->sizes, sizeof(footer->sizes)) != 0 ||
	    memcmp(footer->sizes_bytes, found->sizes_bytes, sizeof(footer->sizes_bytes)) != 0)
		return trace_fail(error, TRACE_BAD_INPUT,
				  "the footer's counts per size are not those of the events");
	if (memcmp(footer->access_kinds, found->access_kinds, sizeof(footer->access_kinds)) != 0 ||
	    memcmp(footer->access_places, found->access_places, sizeof(footer->access_places)) != 0)
		return trace_fail(error, TRACE_BAD_INPUT,
				  "the footer's counts of references are not those of the blocks");
	if (!kernel_tally_equal(&footer->kernel, &found->kernel))
		return trace_fail(error, TRACE_BAD_INPUT,
				  "the footer's counts of pages and caches are not those of the events");
	if (strcmp(footer->hash, found->hash) != 0)
		return trace_fail(error, TRACE_BAD_INPUT, "the footer's hash is %s, the events have %s",
				  footer->hash, found->hash);
	return TRACE_OK;
}

/* A trace on its way through the books. */
struct verification {
	struct flt_reader *reader;
	struct census census;
	struct flt_hash hash;
	struct flt_access_tally tally;
};

/* Events until `position` of them are counted; TRACE_END when there are fewer. */
static enum trace_status read_events(struct verification *verification, uint64_t position,
				     struct trace_error *error)
{
	struct census *census = &verification->census;
	enum trace_status status = TRACE_OK;
	struct event event;

	while (status == TRACE_OK && census->events < position) {
		status = flt_reader_next(verification->reader, &event, error);
		if (status == TRACE_OK)
			status = census_add(census, &event, error);
		if (status == TRACE_OK)
			flt_hash_event(&verification->hash, &event);
	}
	return status;
}

/* The run's new contexts, from `first` on, name objects that the events before it made. */
static enum trace_status check_objects(const struct census *census, const struct access_batch *batch,
				       const struct access_run *run, size_t first, struct trace_error *error)
{
	for (size_t i = first; i < run->contexts; i++) {
		const struct access_context *context = &batch->contexts_table[i];

		if (context->place == ACCESS_OBJECT && context->base > census->objects)
			return trace_fail(error, TRACE_BAD_INPUT,
					  "a reference before event %" PRIu64 " names object %" PRIu64
					  ", but there are %" PRIu64 " by then",
					  run->position, context->base, census->objects);
	}
	return TRACE_OK;
}

/* The runs of a batch, and the events before each. */
static enum trace_status read_runs(struct verification *verification, const struct access_batch *batch,
				   struct trace_error *error)
{
	enum trace_status status = TRACE_OK;
	size_t contexts = 0;

	for (size_t i = 0; i < batch->runs && status == TRACE_OK; i++) {
		const struct access_run *run = &batch->run[i];

		status = read_events(verification, run->position, error);
		if (status == TRACE_END)
			status = trace_fail(error, TRACE_BAD_INPUT,
					    "references stand after %" PRIu64
					    " events, of which there are %" PRIu64,
					    run->position, verification->census.events);
		if (status == TRACE_OK)
			status = check_objects(&verification->census, batch, run, contexts, error);
		contexts = run->contexts;
	}
	return status;
}

static enum trace_status read_all(struct verification *verification, struct trace_error *error)
{
	struct flt_reader *reader = verification->reader;
	enum trace_status status = flt_reader_seek(reader, 0, error);
	struct access_batch batch;

	if (status == TRACE_OK)
		status = flt_reader_seek_accesses(reader, 0, error);
	while (status == TRACE_OK) {
		status = flt_reader_accesses(reader, &batch, error);
		if (status == TRACE_OK)
			status = read_runs(verification, &batch, error);
		if (status == TRACE_OK) {
			flt_access_count(&batch, &verification->tally);
			status = flt_hash_accesses(&verification->hash, &batch, error);
		}
	}
	if (status == TRACE_END)
		status = read_events(verification, UINT64_MAX, error);
	return status == TRACE_END ? TRACE_OK : status;
}

enum trace_status flt_verify(struct flt_reader *reader, struct trace_error *error)
{
	struct verification verification = {.reader = reader};
	struct flt_summary found = {0};
	enum trace_status status = flt_hash_start(&verification.hash, error);

	if (status != TRACE_OK)
		return status;
	census_start(&verification.census);
	verification.census.kernel.recorder = flt_tables_process_with(
	    flt_reader_tables(reader), flt_reader_summary(reader)->description.recorder);
	status = read_all(&verification, error);
	flt_summary_of_census(&found, &verification.census);
	flt_summary_of_accesses(&found, &verification.tally);
	flt_hash_finish(&verification.hash, flt_reader_tables(reader), found.hash);
	if (status == TRACE_OK)
		status = compare_counts(flt_reader_summary(reader), &found, error);
	census_end(&verification.census);
	return trace_fail_in(error, status, flt_reader_name(reader));
}
