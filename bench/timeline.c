#include "config.h"

#include "bench/timeline.h"
#include "traces/grown_array.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool timeline_add(struct timeline *timeline, const struct timeline_sample *sample)
{
	struct timeline_sample *larger =
	    grown_array(timeline->sample, timeline->count, &timeline->capacity, sizeof(*larger));

	if (!larger)
		return false;
	timeline->sample = larger;
	timeline->sample[timeline->count++] = *sample;
	return true;
}

uint64_t timeline_footprint_peak(const struct timeline *timeline)
{
	uint64_t peak = 0;

	for (size_t i = 0; i < timeline->count; i++) {
		if (timeline->sample[i].footprint_bytes > peak)
			peak = timeline->sample[i].footprint_bytes;
	}
	return peak;
}

double timeline_internal_fragmentation(const struct timeline_sample *sample)
{
	return sample->granted_bytes ? 1 - (double)sample->live_bytes / (double)sample->granted_bytes : NAN;
}

double timeline_footprint_over_live(const struct timeline_sample *sample)
{
	return sample->live_bytes ? (double)sample->footprint_bytes / (double)sample->live_bytes : NAN;
}

void timeline_destroy(struct timeline *timeline)
{
	free(timeline->sample);
	memset(timeline, 0, sizeof(*timeline));
}
