/* fault_pair.h: the two events that one page fault makes, put together.
 *
 * The processor's reason (the tracepoint) comes first, the software event of the same thread and address follows. A
 * reason that no software event follows is a fault by itself; many files have but one of both.
 */
#ifndef FAULTLINE_TRACES_IMPORT_FAULT_PAIR_H
#define FAULTLINE_TRACES_IMPORT_FAULT_PAIR_H

#include "traces/event.h"
#include "traces/import/importer.h"

#include <stdbool.h>
#include <stdint.h>

#define FAULT_PAIR_THREADS 256u

/* Bits of the error code that x86 processors give with a page fault. */
#define FAULT_CODE_PRESENT 1u
#define FAULT_CODE_WRITE 2u
#define FAULT_CODE_USER 4u
#define FAULT_CODE_FETCH 16u

/* A fault as one event of a file tells it. */
struct fault_half {
	uint64_t process_id, thread_id; /* process_id 0 = not known */
	uint64_t time_ns;
	uint64_t address;
	uint32_t flags; /* EVENT_FAULT_* */
};

/* Reasons that wait for their software event. A thread has its place by its id; one that takes another's place makes that
 * one go out by itself. */
struct fault_pair {
	struct fault_half waiting[FAULT_PAIR_THREADS];
	bool waits[FAULT_PAIR_THREADS];
};

/* The flags of an error code. */
uint32_t fault_code_flags(uint64_t code);

/* Takes one half; gives out what is complete. */
enum trace_status fault_pair_put(struct fault_pair *pair, struct importer *importer,
				 const struct fault_half *half) TRACE_MUST_USE;

/* At the end of the file: gives out what still waits, by time. */
enum trace_status fault_pair_finish(struct fault_pair *pair, struct importer *importer) TRACE_MUST_USE;

#endif
