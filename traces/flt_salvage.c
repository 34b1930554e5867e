#include "config.h"

#include "traces/flt_salvage.h"

#include "traces/census.h"
#include "traces/flt_access.h"
#include "traces/flt_block.h"
#include "traces/flt_hash.h"

#include <stdbool.h>
#include <string.h>

struct rescue {
	const struct flt_salvage *salvage;
	struct flt_block block;
	struct census census;
	struct flt_hash hash;
	struct flt_access_block accesses;
	struct flt_access_tally tally;
	bool
	    impossible; /* a sound block held an event that breaks the rules: this is no damage but a bad writer */
};

static enum trace_status count_block(struct rescue *rescue, struct trace_error *error)
{
	struct event event;

	for (size_t i = 0; i < rescue->block.events; i++) {
		flt_block_event(&rescue->block, i, &event);
		enum trace_status status = census_add(&rescue->census, &event, error);

		rescue->impossible = status != TRACE_OK;
		if (status != TRACE_OK)
			return status;
		flt_hash_event(&rescue->hash, &event);
	}
	return TRACE_OK;
}

static enum trace_status take_block(struct rescue *rescue, const struct flt_section *section,
				    struct trace_error *error)
{
	const struct flt_known known = flt_tables_known(rescue->salvage->tables);
	enum trace_status status =
	    flt_block_decode(&rescue->block, rescue->salvage->reader, section, FLT_ALL, &known, error);

	if (status != TRACE_OK)
		return status;
	if (rescue->block.first != rescue->census.events || rescue->block.objects != rescue->census.objects)
		return TRACE_BAD_INPUT;
	return count_block(rescue, error);
}

/* Events that references name may stand behind them: of objects only the bound is checked. */
static enum trace_status take_accesses(struct rescue *rescue, const struct flt_section *section,
				       struct trace_error *error)
{
	const struct flt_tables *tables = rescue->salvage->tables;
	const struct flt_access_known known = {.objects = EVENT_MAX_OBJECTS,
					       .thread = tables->thread,
					       .threads = tables->threads,
					       .processes = tables->processes,
					       .regions = tables->places.regions};
	enum trace_status status =
	    flt_access_decode(&rescue->accesses, rescue->salvage->reader, section, &known, error);

	if (status != TRACE_OK)
		return status;
	flt_access_count(&rescue->accesses.batch, &rescue->tally);
	return flt_hash_accesses(&rescue->hash, &rescue->accesses.batch, error);
}

static enum trace_status take_section(struct rescue *rescue, const struct flt_section *section,
				      struct trace_error *error)
{
	const struct flt_salvage *salvage = rescue->salvage;
	const enum flt_index_code code = flt_index_code_of(section->tag);
	enum trace_status status = TRACE_OK;
	uint32_t events = 0;

	if (memcmp(section->tag, FLT_TAG_FOOTER, sizeof(section->tag)) == 0)
		return TRACE_END;
	if (code == FLT_INDEX_TABLES) {
		status = flt_tables_read(salvage->tables, salvage->reader, section, error);
		rescue->census.kernel.recorder =
		    flt_tables_process_with(salvage->tables, salvage->summary->description.recorder);
		if (status == TRACE_OK)
			status = flt_tables_read_stacks(salvage->tables, salvage->reader, section, error);
		if (status == TRACE_OK)
			status = flt_places_read_snapshots(&salvage->tables->places, salvage->reader, section,
							   error);
	} else if (code == FLT_INDEX_BLOCK) {
		status = take_block(rescue, section, error);
		events = (uint32_t)rescue->block.events;
	} else if (code == FLT_INDEX_ACCESS) {
		status = take_accesses(rescue, section, error);
	}
	if (status != TRACE_OK)
		return status;
	return flt_index_add(salvage->index, code, flt_section_end(section) - salvage->index->end, events,
			     error);
}

static enum trace_status take_all(struct rescue *rescue, struct trace_error *error)
{
	enum trace_status status;

	do {
		struct flt_section section;

		status = flt_section_read(&section, rescue->salvage->reader->input,
					  rescue->salvage->index->end, error);
		if (status == TRACE_OK)
			status = take_section(rescue, &section, error);
	} while (status == TRACE_OK);
	return status == TRACE_IO || status == TRACE_NO_MEMORY || rescue->impossible ? status : TRACE_OK;
}

enum trace_status flt_salvage(const struct flt_salvage *salvage, struct trace_error *error)
{
	struct rescue rescue = {.salvage = salvage};
	enum trace_status status = flt_hash_start(&rescue.hash, error);

	if (status != TRACE_OK)
		return status;
	census_start(&rescue.census);
	status = take_all(&rescue, error);
	flt_summary_of_census(salvage->summary, &rescue.census);
	flt_summary_of_accesses(salvage->summary, &rescue.tally);
	flt_hash_finish(&rescue.hash, salvage->tables, salvage->summary->hash);
	salvage->summary->truncated = true;
	flt_block_free(&rescue.block);
	flt_access_free(&rescue.accesses);
	rescue.census.kernel = (struct kernel_tally){0}; /* the summary's now */
	census_end(&rescue.census);
	return status;
}
