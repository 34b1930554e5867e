#include "config.h"

#include "bench/physical/forced_pass.h"

#include "bench/physical/frame_sets.h"
#include "bench/physical/kernel_recording.h"
#include "engine/base/check.h"

#include <inttypes.h>

static enum trace_status begin(void *context, const struct event_snapshot *part, struct trace_error *error)
{
	const struct forced_pass *pass = context;

	return frame_books_begin(pass->books, part, error);
}

static enum trace_status compare(void *context, const struct event_snapshot *part, struct trace_error *error)
{
	struct forced_pass *pass = context;

	return frame_books_compare(pass->books, part, &pass->agreement, error);
}

static void prove(const struct forced_pass *pass)
{
	const char *broken = frame_books_check(pass->books);

	CHECK(broken == NULL, broken);
}

static enum trace_status keep(struct forced_pass *pass, struct flt_reader *reader, struct trace_error *error)
{
	enum trace_status status;
	struct event event;

	for (uint64_t position = 0; (status = flt_reader_next(reader, &event, error)) == TRACE_OK;
	     position++) {
		if (event.kind == EVENT_PAGE_ALLOC)
			outcome_load_count(&pass->load, event.kernel.order, event.flags & EVENT_FAILED);
		withheld_event(&pass->withheld, &event);
		pass->books->withheld = pass->withheld.changes;
		status = frame_books_event(pass->books, &event, error);
		if (status == TRACE_BAD_INPUT) {
			const struct trace_error found = *error;

			return trace_fail(error, status, "event %" PRIu64 ": %s", position, found.message);
		}
		if (status != TRACE_OK)
			return status;
		if (pass->checks > 0 && (position + 1) % pass->checks == 0)
			prove(pass);
	}
	if (pass->checks > 0)
		prove(pass);
	return status == TRACE_END ? TRACE_OK : status;
}

static enum trace_status go_through(struct forced_pass *pass, struct flt_reader *reader,
				    const struct frame_sets *sets, struct trace_error *error)
{
	const struct frame_visitor before = {begin, pass}, after = {compare, pass};
	enum trace_status status = frame_set_visit(&sets->set[0], reader, &before, error);

	pass->has_before = sets->count > 0;
	pass->has_after = sets->count > 1 && !pass->is_cut;
	pass->in_use_before = pass->books->in_use;
	if (status == TRACE_OK)
		status = keep(pass, reader, error);
	if (status == TRACE_OK && pass->has_after)
		status = frame_set_visit(&sets->set[1], reader, &after, error);
	return status;
}

enum trace_status forced_pass_run(struct forced_pass *pass, struct flt_reader *reader, uint64_t checks,
				  struct trace_error *error)
{
	const struct flt_summary *summary = flt_reader_summary(reader);
	enum trace_status status;
	struct frame_sets sets;

	*pass = (struct forced_pass){.checks = checks,
				     .lost = flt_summary_warned(summary, EVENT_LOST_WARNING),
				     .is_cut = flt_summary_warned(summary, EVENT_CUT_WARNING) > 0};
	status = kernel_recording_need_pages(reader, error);
	if (status != TRACE_OK)
		return status;
	status = frame_sets_find(&sets, reader, error);
	if (status == TRACE_OK)
		status = withheld_find(&pass->withheld, reader, error);
	if (status == TRACE_OK) {
		pass->books =
		    frame_books_create(pass->lost > 0, sets.count > 1 ? sets.set[1].begin_ns : UINT64_MAX);
		if (!pass->books)
			return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for the books");
		status = go_through(pass, reader, &sets, error);
	}
	return status == TRACE_OK ? status : trace_fail_in(error, status, flt_reader_name(reader));
}

void forced_pass_destroy(struct forced_pass *pass)
{
	frame_books_destroy(pass->books);
	pass->books = NULL;
	withheld_destroy(&pass->withheld);
}

/* --- Words and figures -------------------------------------------------------------------------------------------------------- */

static const char *const event_names[BOOKS_EVENTS] = {
    [BOOKS_PAGE_ALLOC] = "page_alloc",
    [BOOKS_PAGE_FREE] = "page_free",
    [BOOKS_PAGE_FREE_BATCHED] = "page_free_batched",
    [BOOKS_ZONE_LOCKED] = "zone_locked",
    [BOOKS_PCPU_DRAIN] = "pcpu_drain",
};

static double share(uint64_t part, uint64_t whole)
{
	return whole ? (double)part / (double)whole : 0;
}

static void print_causes(const struct frame_books *books, FILE *out)
{
	(void)fprintf(out, "%-12s", "events");
	for (unsigned event = 0; event < BOOKS_EVENTS; event++)
		(void)fprintf(out, " %17s", event_names[event]);
	(void)fputc('\n', out);
	for (unsigned cause = 0; cause < BOOKS_CAUSES; cause++) {
		(void)fprintf(out, "%-12s", books_cause_name((enum books_cause)cause));
		for (unsigned event = 0; event < BOOKS_EVENTS; event++)
			(void)fprintf(out, " %17" PRIu64, books->count[event][cause]);
		(void)fputc('\n', out);
	}
}

void forced_pass_print(const struct forced_pass *pass, FILE *out)
{
	const struct books_agreement *agreement = &pass->agreement;
	uint64_t judged = frame_books_judged(pass->books);
	uint64_t unexplained = frame_books_unexplained(pass->books);

	print_causes(pass->books, out);
	(void)fprintf(out,
		      "\n%" PRIu64 " of %" PRIu64 " judged events have no explanation (%.4f %%); %" PRIu64
		      " were lost\n",
		      unexplained, judged, 100 * share(unexplained, judged), pass->lost);
	if (!pass->has_before)
		(void)fputs("no snapshot of the frames: the first event of each frame fits, whatever it is\n",
			    out);
	if (pass->is_cut)
		(void)fputs(
		    "the recorder's memory was used up before the snapshot at the end: it is not compared\n",
		    out);
	if (pass->has_after)
		(void)fprintf(out,
			      "%" PRIu64 " frames compared with the snapshot at the end: %" PRIu64
			      " in use in the books alone, %" PRIu64 " on the machine alone (%.4f %%)\n",
			      agreement->frames, agreement->only_books, agreement->only_machine,
			      100 *
				  share(agreement->only_books + agreement->only_machine, agreement->frames));
}

static json_t *events_json(const struct frame_books *books)
{
	json_t *events = json_object();

	for (unsigned event = 0; event < BOOKS_EVENTS; event++) {
		json_t *causes = json_object();

		for (unsigned cause = 0; cause < BOOKS_CAUSES; cause++)
			(void)json_object_set_new(causes, books_cause_name((enum books_cause)cause),
						  json_integer((json_int_t)books->count[event][cause]));
		(void)json_object_set_new(events, event_names[event], causes);
	}
	return events;
}

static json_t *frames_json(const struct forced_pass *pass)
{
	const struct books_agreement *agreement = &pass->agreement;
	json_t *compared = pass->has_after ? json_integer((json_int_t)agreement->frames) : json_null();

	return json_pack("{s:o, s:I, s:o, s:o, s:o}", "in_use_before",
			 pass->has_before ? json_integer((json_int_t)pass->in_use_before) : json_null(),
			 "in_use_after", (json_int_t)pass->books->in_use, "compared", compared, "only_books",
			 pass->has_after ? json_integer((json_int_t)agreement->only_books) : json_null(),
			 "only_machine",
			 pass->has_after ? json_integer((json_int_t)agreement->only_machine) : json_null());
}

json_t *forced_pass_json(const struct forced_pass *pass)
{
	uint64_t judged = frame_books_judged(pass->books);
	uint64_t unexplained = frame_books_unexplained(pass->books);

	return json_pack("{s:s, s:I, s:I, s:f, s:I, s:o, s:o}", "placement", "forced", "judged",
			 (json_int_t)judged, "unexplained", (json_int_t)unexplained, "unexplained_share",
			 share(unexplained, judged), "lost", (json_int_t)pass->lost, "events",
			 events_json(pass->books), "frames", frames_json(pass));
}
