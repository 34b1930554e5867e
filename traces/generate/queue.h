/* queue.h: messages from producers to consumers.
 *
 * A bounded queue of `capacity` messages: producers allocate, consumers free, so every free is of another
 * thread's block. Runs of 1 to `burst` moves in one direction keep the queue between empty and full. Which
 * producer and which consumer is drawn at random; sizes are uniform between min_bytes and max_bytes. The
 * queue is empty at the end.
 */
#ifndef FAULTLINE_TRACES_GENERATE_QUEUE_H
#define FAULTLINE_TRACES_GENERATE_QUEUE_H

#include "traces/generate/workload.h"

extern const struct workload queue_workload;

#endif
