/* access_tee.h: one recording of references for two receivers: what comes in goes to the first and then to the second.
 *
 * Both number files and regions by themselves, in the same order and so alike.
 */
#ifndef FAULTLINE_TRACES_RECORD_ACCESS_TEE_H
#define FAULTLINE_TRACES_RECORD_ACCESS_TEE_H

#include "traces/record/access_output.h"

struct access_tee {
	struct event_sink sink;
	struct access_output output[2];
};

/* What the tee does as a receiver, as long as it and both others stay. An error of either ends the recording; TRACE_UNSUPPORTED when
 * they do not number alike. */
struct access_output access_tee(struct access_tee *tee, const struct access_output *first,
				const struct access_output *second);

#endif
