/* model.h: runs random operations on a structure and on a naive oracle, and shrinks a failure.
 *
 * A run is a list of random numbers; the test turns each into one operation that is valid in the state it
 * finds, does it on both sides, and compares. When a run fails, halves, quarters, eighths ... of the list are
 * left out as long as it still fails; what remains is printed with the seed. FAULTLINE_TEST_SEED in the
 * environment replays one seed.
 */
#ifndef FAULTLINE_TESTS_UNIT_MODEL_H
#define FAULTLINE_TESTS_UNIT_MODEL_H

#include <stddef.h>
#include <stdint.h>

/* Does the operations on fresh structures; returns NULL, or what was wrong (static text). `context` is the
 * caller's. */
typedef const char *model_run(const void *context, const uint64_t *operations, size_t count);

struct model {
	const char *name;
	model_run *run;
	const void *context;
	size_t operations; /* per round */
	unsigned rounds;   /* seeds 1 .. rounds */
};

/* Fails the running cmocka test when a round fails. */
void model_test(const struct model *model);

#endif
