/* recorded_series.h: the frames of a recorded machine as its own snapshots say them, as the series that a simulated one has: the recording
 * beside the policies.
 *
 *   frames (parts)  ...  events  ...  frames (parts)        a set of snapshots before, and one after, unless the recording is cut
 *         moment 0                         moment 1, and the map at the end
 */
#ifndef FAULTLINE_BENCH_PHYSICAL_RECORDED_SERIES_H
#define FAULTLINE_BENCH_PHYSICAL_RECORDED_SERIES_H

#include "bench/physical/memory_series.h"
#include "traces/flt.h"

/* Reads the snapshots; the series has no moments where there are none. TRACE_BAD_INPUT when a snapshot makes no sense, TRACE_NO_MEMORY.
 * Nothing is left to be destroyed unless TRACE_OK. */
enum trace_status recorded_series_read(struct memory_series *series, struct flt_reader *reader,
				       struct trace_error *error) TRACE_MUST_USE;

#endif
