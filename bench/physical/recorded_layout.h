/* recorded_layout.h: where a recorded machine had memory at one of its sets of snapshots, and which of it its kernel had not initialised.
 *
 *   iomem      | System RAM |  hole  | System RAM                        |
 *   zoneinfo   |  zone, managed pages ...            present - managed   |   of which boot reserved some, and the rest is late
 *   frames     | free, files ...    | reserved | ... |  other other other|   late is the end of a zone, which nothing is known of
 *
 * A kernel that initialises memory late does so from the beginning of a zone to its end. Its snapshot calls what it has not come to,
 * and a hole that has page descriptors, neither free nor anybody's.
 */
#ifndef FAULTLINE_BENCH_PHYSICAL_RECORDED_LAYOUT_H
#define FAULTLINE_BENCH_PHYSICAL_RECORDED_LAYOUT_H

#include "bench/physical/frame_map.h"
#include "bench/physical/frame_sets.h"
#include "bench/physical/recorded_text.h"

struct recorded_layout {
	bool is_known; /* the set has iomem and zoneinfo */
	struct memblock_list present, late;
};

/* Reads the set, whose snapshots of frames are `frames`. TRACE_BAD_INPUT when a text makes no sense, TRACE_NO_MEMORY. */
enum trace_status recorded_layout_read(struct recorded_layout *layout, struct flt_reader *reader,
				       enum recorded_set set, const struct frame_set *frames,
				       struct trace_error *error) TRACE_MUST_USE;

/* As a map takes it: it lies in the layout. */
struct frame_layout recorded_layout_of_frames(const struct recorded_layout *layout);

#endif
