/* timeline.h: memory over the events of one pass.
 *
 * A sample is taken at chunk ends: at equal distances, at the live peak, and at the end. Footprint is the resident set less the
 * baseline; it may not be negative.
 */
#ifndef FAULTLINE_BENCH_TIMELINE_H
#define FAULTLINE_BENCH_TIMELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct timeline_sample {
	uint64_t event;	     /* number of the last event replayed */
	uint64_t time_ns;    /* since the pass began */
	uint64_t live_bytes; /* requested and not freed */
	uint64_t live_objects;
	uint64_t granted_bytes;	  /* usable sizes of the live blocks; 0 = not known */
	uint64_t footprint_bytes; /* resident set less baseline */
	uint64_t lazyfree_bytes;  /* part of it that the kernel may take back */
	uint64_t anon_huge_bytes; /* part of it in huge pages */
};

struct timeline {
	struct timeline_sample *sample;
	size_t count, capacity;
};

/* Appends a copy. False when there is no memory. A zeroed timeline is empty. */
bool timeline_add(struct timeline *timeline, const struct timeline_sample *sample);

/* Largest footprint of all samples, 0 without samples. */
uint64_t timeline_footprint_peak(const struct timeline *timeline);

/* 1 - requested / granted; NaN when nothing is granted. */
double timeline_internal_fragmentation(const struct timeline_sample *sample);

/* footprint / live; NaN when nothing is live. */
double timeline_footprint_over_live(const struct timeline_sample *sample);

void timeline_destroy(struct timeline *timeline);

#endif
