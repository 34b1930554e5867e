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

static enum trace_status read_all(struct flt_reader *reader, struct census *census, struct flt_hash *hash,
				  struct trace_error *error)
{
	struct event event;
	enum trace_status status = flt_reader_seek(reader, 0, error);

	while (status == TRACE_OK) {
		status = flt_reader_next(reader, &event, error);
		if (status == TRACE_OK)
			status = census_add(census, &event, error);
		if (status == TRACE_OK)
			flt_hash_event(hash, &event);
	}
	return status == TRACE_END ? TRACE_OK : status;
}

static enum trace_status read_accesses(struct flt_reader *reader, struct flt_access_tally *tally,
				       struct flt_hash *hash, struct trace_error *error)
{
	struct access_batch batch;
	enum trace_status status = flt_reader_seek_accesses(reader, 0, error);

	while (status == TRACE_OK) {
		status = flt_reader_accesses(reader, &batch, error);
		if (status == TRACE_OK) {
			flt_access_count(&batch, tally);
			status = flt_hash_accesses(hash, &batch, error);
		}
	}
	return status == TRACE_END ? TRACE_OK : status;
}

enum trace_status flt_verify(struct flt_reader *reader, struct trace_error *error)
{
	struct flt_summary found = {0};
	struct flt_access_tally tally = {0};
	struct census census;
	struct flt_hash hash;
	enum trace_status status = flt_hash_start(&hash, error);

	if (status != TRACE_OK)
		return status;
	census_start(&census);
	census.kernel.recorder = flt_tables_process_with(flt_reader_tables(reader),
							 flt_reader_summary(reader)->description.recorder);
	status = read_all(reader, &census, &hash, error);
	if (status == TRACE_OK)
		status = read_accesses(reader, &tally, &hash, error);
	flt_summary_of_census(&found, &census);
	flt_summary_of_accesses(&found, &tally);
	flt_hash_finish(&hash, flt_reader_tables(reader), found.hash);
	if (status == TRACE_OK)
		status = compare_counts(flt_reader_summary(reader), &found, error);
	census_end(&census);
	return trace_fail_in(error, status, flt_reader_name(reader));
}
