/* recorded_series.h: a recorded machine as its own snapshots say it was, as the series that a simulated one has: the recording beside the
 * policies.
 *
 *   buddyinfo, zoneinfo  ...  events  ...  buddyinfo, zoneinfo      a set of snapshots before, and one after, unless the recording is cut
 *   frames (parts)                         frames (parts)
 *         sample 0, moment 0                     sample 1, moment 1, and the map at the end
 */
#ifndef FAULTLINE_BENCH_PHYSICAL_RECORDED_SERIES_H
#define FAULTLINE_BENCH_PHYSICAL_RECORDED_SERIES_H

#include "bench/physical/memory_outcome.h"
#include "bench/physical/memory_series.h"
#include "traces/flt.h"

/* Reads the snapshots, and goes back to the first event; the series has no samples and no moments where there are none. TRACE_BAD_INPUT when
 * a snapshot makes no sense, TRACE_NO_MEMORY. Nothing is left to be destroyed unless TRACE_OK. */
enum trace_status recorded_series_read(struct memory_series *series, struct flt_reader *reader,
				       struct trace_error *error) TRACE_MUST_USE;

/* How the machine's memory ended, as far as the snapshots tell; the load is left as it is. */
void recorded_series_outcome(const struct memory_series *series, struct memory_outcome *outcome);

#endif
