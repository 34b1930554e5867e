/* death_queue.h: the live blocks of a generator, the one that dies next first.
 *
 * A binary heap over (time, object); equal times are ordered by object, so that the order never depends on
 * how the heap came to be.
 *
 *            0                 slot i's children are slots 2i + 1 and 2i + 2
 *          1   2
 *         3 4 5 6
 *
 * Invariants (death_queue_check):
 *   I1: entries <= capacity
 *   I2: no slot is later than one of its children
 */
#ifndef FAULTLINE_TRACES_GENERATE_DEATH_QUEUE_H
#define FAULTLINE_TRACES_GENERATE_DEATH_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct death {
	uint64_t time_ns;
	uint64_t object;
	uint32_t thread; /* that will free it */
};

struct death_queue {
	struct death *slot;
	size_t entries, capacity;
};

/* An empty queue: all zero. */
void death_queue_destroy(struct death_queue *queue);

/* False when there is no memory; the queue is then as before. */
bool death_queue_add(struct death_queue *queue, const struct death *death)
    __attribute__((warn_unused_result));

/* The next to die, NULL when the queue is empty; valid until the next change. */
const struct death *death_queue_first(const struct death_queue *queue);

/* Removes the first of a queue that is not empty. */
void death_queue_remove_first(struct death_queue *queue);

/* NULL, or the text of the first invariant that does not hold. */
const char *death_queue_check(const struct death_queue *queue);

#endif
