/* placement_code.h: the bytes of a placement's records (placement.h), for its writer and its reader. */
#ifndef FAULTLINE_BENCH_PLACEMENT_PLACEMENT_CODE_H
#define FAULTLINE_BENCH_PLACEMENT_PLACEMENT_CODE_H

#include "bench/placement/mapped.h"
#include "bench/placement/placement.h"

#define PLACEMENT_MAGIC "FLPLACE\n"
#define PLACEMENT_MAGIC_BYTES 8u

/* Bytes of a chunk before compression, at most, and what a chunk's head takes. */
#define PLACEMENT_CHUNK_BYTES ((size_t)1 << 18)
#define PLACEMENT_CHUNK_HEAD_BYTES 8u

/* The longest record: the word before it, a kind and eight fields. */
#define PLACEMENT_RECORD_BYTES ((size_t)100)

/* What a record is told relative to. Zeroed at the beginning of a take. */
struct placement_code {
	uint64_t event, object, address;
};

/* Writes a record, whose event is not before the last one's, and returns the byte behind it. */
uint8_t *placement_code_put(struct placement_code *code, uint8_t *out, const struct placement_record *record);

/* Reads one between *in and `end`; NULL, or what is wrong with it (I4 but for the trace's events, I5, and the kinds of I6). */
const char *placement_code_get(struct placement_code *code, const uint8_t **in, const uint8_t *end,
			       struct placement_record *record);

/* What a take has come to, to prove I4 to I7. Zeroed at its beginning. */
struct placement_state {
	struct mapped mapped;
	uint64_t event;
	uint64_t blocks, calls;
};

/* NULL, or what is wrong with the record: I4 to I7. */
const char *placement_state_apply(struct placement_state *state, const struct placement_record *record,
				  uint64_t events, bool *no_memory);

#endif
