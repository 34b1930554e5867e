/* slab_survey.h: what a whole recording tells of the slabs that a machine had at its beginning.
 *
 * /proc/slabinfo says how many slabs and objects each cache has, not which slots of a slab are in use. The events do, for every
 * slot that they name: what happens first to it says what it was.
 *
 *   event       1    2    3    4                    at the beginning
 *   slot 0      free                                  in use
 *   slot 1           alloc     free                   free
 *   slot 2                                            not known
 *
 * A slab that the recording allocates (a page_alloc of its frames) was not there at the beginning. A free by kfree does not say which
 * cache it is of: the slab's other events do; where there are none, the largest cache of kmalloc's whose slots begin at all the
 * addresses that were freed in it.
 *
 * Addresses are of the kernel's direct map, whose base is a multiple of 1 GiB: the one with which they lie in frames that were slabs'
 * when the machine's frames were looked at. Where the recording has no such look, the base is that of x86-64 without randomisation.
 */
#ifndef FAULTLINE_BENCH_PHYSICAL_SLAB_SURVEY_H
#define FAULTLINE_BENCH_PHYSICAL_SLAB_SURVEY_H

#include "bench/physical/kmem_names.h"
#include "bench/physical/slab_places.h"

/* What was in a slot of a place at the beginning: the object of slab_places.h. */
enum slab_survey_slot {
	SLAB_SURVEY_UNKNOWN,
	SLAB_SURVEY_LIVE,
	SLAB_SURVEY_FREE,
};

/* What is to be surveyed. */
struct slab_survey {
	struct flt_reader *reader;
	uint64_t begin,
	    end; /* positions of the events: from that of the first slabinfo to that of the second */
	const struct slabinfo_text *info;
	const struct kmem_names *names;
	struct slab_places *places;

	/* What is found beside the places. */
	uint64_t guessed;      /* frees whose cache was found by their addresses alone */
	uint64_t unattributed; /* frees whose cache nothing tells */
};

/* Creates the places and puts those in that were there at the beginning; what they hold is an enum slab_survey_slot. Reads the
 * whole trace, and goes back to its beginning. TRACE_UNSUPPORTED when the addresses are not those of frames. */
enum trace_status slab_survey_run(struct slab_survey *survey, struct trace_error *error) TRACE_MUST_USE;

#endif
