/* memory_series.h: what a machine's free memory and its frames look like while a recording of it is replayed, as series of a run
 * directory.
 *
 *   buddy.tsv         event order0 ... orderN                                     free blocks of all zones, at each sample
 *   model.tsv         event - - frames_bytes - - unusable_free_index_order9 extfrag_index_order9 free_huge_over_optimal
 *                                                                                 as a replay of heap calls has it: the rest is `?`
 *   orders.tsv        zone order free_blocks unusable_free_index extfrag_index    at the end; zone `all` are all of them
 *   frame_map.tsv     row column use share                                        at the end (frame_map.h)
 *   frame_strip.tsv   moment event row column use share                           the same, coarser, at some moments from the first on
 *
 * The caller tells when: memory_series_next() names the event before which the next sample is due.
 */
#ifndef FAULTLINE_BENCH_PHYSICAL_MEMORY_SERIES_H
#define FAULTLINE_BENCH_PHYSICAL_MEMORY_SERIES_H

#include "bench/physical/frame_map.h"
#include "engine/phys/fragmentation.h"

#define MEMORY_SERIES_SIDE 256u	     /* of the map at the end, in cells */
#define MEMORY_SERIES_STRIP_SIDE 64u /* of those on the way */
#define MEMORY_SERIES_MOMENTS 8u     /* of the strip, at most */

#define MEMORY_SERIES_UNKNOWN UINT64_MAX

struct memory_sample {
	uint64_t event;
	uint64_t used_pages; /* managed, and not in a zone's keeper; or MEMORY_SERIES_UNKNOWN */
	struct free_blocks free;
};

struct memory_moment {
	uint64_t event;
	struct frame_map map;
};

struct memory_series_zone {
	const char *name;
	unsigned node;
	struct free_blocks free;
};

struct memory_series {
	uint64_t first, end; /* events of the replay: first .. end-1 */
	unsigned wanted;     /* samples, those at the beginning and the end included */
	unsigned orders;     /* that are told apart */
	size_t samples, moments;
	struct memory_sample *sample; /* [wanted] */
	struct memory_moment moment[MEMORY_SERIES_MOMENTS];
	struct frame_map map; /* at the last sample */
	unsigned zones;
	struct memory_series_zone zone[MEMORY_ZONES]; /* likewise */
};

/* Nothing yet, of a replay of the events first .. end-1 (first <= end), for at least two samples. TRACE_NO_MEMORY. */
enum trace_status memory_series_create(struct memory_series *series, uint64_t first, uint64_t end,
				       unsigned samples, struct trace_error *error) TRACE_MUST_USE;
void memory_series_destroy(struct memory_series *series);

/* The event before which the next sample is due; false: there was one at the end. */
bool memory_series_next(const struct memory_series *series, uint64_t *event);

/* Takes the sample that is due. TRACE_NO_MEMORY. O(frames). */
enum trace_status memory_series_take(struct memory_series *series, const struct memory *memory,
				     struct trace_error *error) TRACE_MUST_USE;

/* Writes the files of which it has something into a directory that is there; each begins with `header`, whole lines of `#`. TRACE_IO. */
enum trace_status memory_series_write(const struct memory_series *series, const char *directory,
				      const char *header, struct trace_error *error) TRACE_MUST_USE;

#endif
