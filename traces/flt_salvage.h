/* flt_salvage.h: what the footer would have said, found again in a file that lost it.
 *
 * The file was cut (a killed writer, a full disk) or its footer is damaged. Everything up to the last whole and sound
 * section before the damage is read once: the index, the tables, the counts and the hash of those events.
 */
#ifndef FAULTLINE_TRACES_FLT_SALVAGE_H
#define FAULTLINE_TRACES_FLT_SALVAGE_H

#include "traces/flt.h"
#include "traces/flt_footer.h"
#include "traces/flt_column.h"
#include "traces/flt_section.h"
#include "traces/flt_tables.h"

struct flt_salvage {
	struct flt_column_reader *reader;
	struct flt_tables *tables;
	struct flt_index *index; /* empty; its end is where the first section begins */
	struct flt_summary *summary;
};

/* Fills tables, index and summary. Fails when the system does (TRACE_IO, TRACE_NO_MEMORY), or
 * with TRACE_BAD_INPUT when a sound block has events that no writer may write. */
enum trace_status flt_salvage(const struct flt_salvage *salvage, struct trace_error *error) TRACE_MUST_USE;

#endif
