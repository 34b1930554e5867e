#include "config.h"

#include "bench/online.h"

#include "traces/flt_access.h"
#include "traces/flt_register.h"

#include <stdlib.h>
#include <string.h>

struct online {
	struct event_sink sink;
	struct flt_register known;
	struct flt_access_block block;
	size_t done_runs;	       /* of the block: carried out */
	struct flt_access_tally tally; /* of the blocks before */
	struct flt_summary summary;
	struct mmu_pass_live *live; /* NULL: the pass has ended */
};

static struct online *online_of(struct event_sink *sink)
{
	return (struct online *)sink;
}

/* --- Tables ------------------------------------------------------------------------------------------------------------- */

static void sum_up(struct online *online)
{
	const struct census *census = &online->known.census;
	const struct flt_tables *tables = &online->known.tables;
	struct flt_summary *summary = &online->summary;

	summary->events = census->events;
	summary->objects = census->objects;
	summary->thread = tables->thread;
	summary->threads = tables->threads;
	summary->process = tables->process;
	summary->processes = tables->processes;
	summary->file = tables->places.file;
	summary->files = tables->places.files;
	summary->region = tables->places.region;
	summary->regions = tables->places.regions;
}

/* The address spaces know what the tables do. */
static enum trace_status grow(struct online *online, struct trace_error *error)
{
	sum_up(online);
	return spaces_grow(mmu_pass_spaces(online->live), &online->summary, error);
}

static bool has_grown(const struct online *online)
{
	return online->summary.threads != online->known.tables.threads ||
	       online->summary.processes != online->known.tables.processes;
}

static enum trace_status put_process(struct event_sink *sink, uint32_t process, uint32_t parent,
				     uint64_t os_id, const char *command, struct trace_error *error)
{
	struct online *online = online_of(sink);
	const struct flt_process entry = {parent, os_id, command};
	enum trace_status status = flt_register_process(&online->known, process, &entry, error);

	return status == TRACE_OK ? grow(online, error) : status;
}

static enum trace_status put_thread(struct event_sink *sink, uint32_t thread, uint32_t process,
				    uint64_t os_id, const char *name, struct trace_error *error)
{
	struct online *online = online_of(sink);
	const struct flt_thread entry = {process, os_id, name};
	enum trace_status status = flt_register_thread(&online->known, thread, &entry, error);

	return status == TRACE_OK ? grow(online, error) : status;
}

static enum trace_status put_file(struct event_sink *sink, const struct event_file *file, uint32_t *number,
				  struct trace_error *error)
{
	struct online *online = online_of(sink);
	enum trace_status status = flt_places_file(&online->known.tables.places, file, number, error);

	return status == TRACE_OK ? grow(online, error) : status;
}

static enum trace_status put_region(struct event_sink *sink, const struct event_region *region,
				    uint32_t *number, struct trace_error *error)
{
	struct online *online = online_of(sink);
	enum trace_status status = flt_register_region(&online->known, region, number, error);

	return status == TRACE_OK ? grow(online, error) : status;
}

/* --- References and events -------------------------------------------------------------------------------------------------- */

/* Carries out the runs of the block that have not been. */
static enum trace_status catch_up(struct online *online, struct trace_error *error)
{
	const struct access_batch *batch = &online->block.batch;
	enum trace_status status = TRACE_OK;

	for (; online->done_runs < batch->runs && status == TRACE_OK; online->done_runs++) {
		const struct access_run *run = &batch->run[online->done_runs];
		const struct spaces_stretch stretch = {
		    .batch = batch, .run = online->done_runs, .first = run->first, .count = run->count};

		status = spaces_next_references(mmu_pass_spaces(online->live), &stretch, error);
	}
	return status;
}

static enum trace_status put_event(struct event_sink *sink, const struct event *event,
				   struct trace_error *error)
{
	struct online *online = online_of(sink);
	enum trace_status status = catch_up(online, error);

	if (status == TRACE_OK)
		status = flt_register_event(&online->known, event, error);
	if (status == TRACE_OK && has_grown(online))
		status = grow(online, error);
	if (status == TRACE_OK)
		status = spaces_next_event(mmu_pass_spaces(online->live), event, error);
	return status;
}

static enum trace_status next_block(struct online *online, struct trace_error *error)
{
	enum trace_status status = catch_up(online, error);

	flt_access_count(&online->block.batch, &online->tally);
	flt_access_clear(&online->block);
	online->done_runs = 0;
	return status;
}

static enum trace_status put_accesses(struct event_sink *sink, uint32_t thread, const struct access *access,
				      size_t count, struct trace_error *error)
{
	struct online *online = online_of(sink);
	struct flt_access_origin origin;
	enum trace_status status = flt_register_origin(&online->known, thread, &origin, error);

	while (status == TRACE_OK && count > 0) {
		size_t taken = 0;

		status = flt_access_append(&online->block, &origin, access, count, &taken, error);
		access += taken;
		count -= taken;
		if (status == TRACE_OK && count > 0)
			status = next_block(online, error);
	}
	return status;
}

static enum trace_status give_room(void *context, uint32_t thread, struct flt_access_room *room,
				   struct trace_error *error)
{
	struct online *online = context;
	struct flt_access_origin origin;
	enum trace_status status = flt_register_origin(&online->known, thread, &origin, error);

	if (status == TRACE_OK && flt_access_is_full(&online->block))
		status = next_block(online, error);
	return status == TRACE_OK ? flt_access_open(&online->block, &origin, room, error) : status;
}

static enum trace_status put_skipped(void *context, uint32_t thread, uint64_t count,
				     struct trace_error *error)
{
	struct online *online = context;
	struct flt_access_origin origin;
	enum trace_status status = flt_register_origin(&online->known, thread, &origin, error);

	return status == TRACE_OK ? flt_access_skipped(&online->block, thread, count, error) : status;
}

/* --- Life --------------------------------------------------------------------------------------------------------------- */

enum trace_status online_create(struct online **online, const struct mmu_pass_options *options,
				struct trace_error *error)
{
	struct online *made = calloc(1, sizeof(*made));
	enum trace_status status;

	*online = NULL;
	if (!made)
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for the MMUs");
	made->sink = (struct event_sink){.put = put_event,
					 .thread = put_thread,
					 .process = put_process,
					 .file = put_file,
					 .region = put_region,
					 .accesses = put_accesses};
	flt_register_start(&made->known, true);
	sum_up(made);
	status = mmu_pass_begin(&made->live, options, &made->summary, error);
	if (status == TRACE_OK)
		*online = made;
	else
		online_destroy(made);
	return status;
}

struct access_output online_output(struct online *online)
{
	return (struct access_output){
	    .sink = &online->sink, .skipped = put_skipped, .room = give_room, .context = online};
}

enum trace_status online_finish(struct online *online, struct mmu_pass **pass, struct trace_error *error)
{
	struct mmu_pass_live *live = online->live;
	enum trace_status status = next_block(online, error);

	*pass = NULL;
	if (status != TRACE_OK)
		return status;
	online->live = NULL;
	return mmu_pass_end(live, pass, error);
}

const struct flt_summary *online_summary(struct online *online)
{
	struct flt_summary *summary = &online->summary;
	const struct flt_access_tally *tally = &online->tally;

	sum_up(online);
	memcpy(summary->kinds, online->known.census.kinds, sizeof(summary->kinds));
	memcpy(summary->access_kinds, tally->kinds, sizeof(summary->access_kinds));
	memcpy(summary->access_places, tally->places, sizeof(summary->access_places));
	summary->accesses = tally->accesses;
	summary->duration_ns = online->known.census.duration_ns;
	return summary;
}

void online_destroy(struct online *online)
{
	if (!online)
		return;
	mmu_pass_abandon(online->live);
	flt_access_free(&online->block);
	flt_register_end(&online->known);
	free(online);
}
