/* machine_sets.h: the page sets of a recorded machine's processors at the start (machine_state.h): how many pages they hold, how many they
 * may, and what they remember of the last requests (engine/phys/pcp.h).
 *
 *   first event ...... zoneinfo is read ...... start ...... last event
 *       |                     |                  |
 *       |  free_count, alloc_factor              |   lists that are refilled have run empty
 *       |                     |  count, high     |   the first tick after which a set shrank
 *
 * zoneinfo tells the sizes, and is read some events before the start: what these did to them is done here, too. The counters of requests
 * cannot be read anywhere; they forget fast, so the events since the beginning of the recording make them up, but for one: pages freed
 * since the last allocation are taken to be all that the set held, as of a zone that nobody allocates from. A list of a set is refilled when
 * it is empty: all that lay in one that is refilled later has an event before its first refill.
 *
 * Each second a worker of the kernel makes the sets shrink, all processors at nearly the same time, which is known by a worker's first
 * drain: the *tick*.
 *
 * Invariants, proved by machine_sets_check():
 *   I1: of a set that is known, high_min <= high_max, 1 <= batch <= MACHINE_SETS_BATCH_MAX
 *   I2: alloc_factor <= PCP_BATCH_SCALE_MAX
 */
#ifndef FAULTLINE_BENCH_PHYSICAL_MACHINE_SETS_H
#define FAULTLINE_BENCH_PHYSICAL_MACHINE_SETS_H

#include "bench/physical/zoneinfo_text.h"
#include "engine/phys/pcp.h"

#define MACHINE_SETS_BATCH_MAX (1u << 20) /* pages: larger ones are no kernel's */
#define MACHINE_SETS_TICK_NS UINT64_C(1000000000)

struct machine_set {
	struct pcp pcp;	    /* without blocks */
	bool is_known;	    /* zoneinfo told figures that a set may have */
	bool has_shrunk;    /* a tick came between zoneinfo and the start */
	uint16_t ran_empty; /* bit i: list i was refilled after the start */
};

/* What a processor does at the moment. */
struct machine_set_step {
	bool is_worker; /* a worker of the kernel was switched to, and did nothing yet */
	bool refills;	/* a list of these three */
	unsigned zone;	/* of zoneinfo */
	unsigned index; /* of the list */
};

struct machine_sets {
	const struct zoneinfo *zoneinfo; /* the caller's, who keeps it as long */
	struct machine_set *set;	 /* [zone * zoneinfo->cpus + processor] */
	struct machine_set_step *step;	 /* [processor] */
	uint64_t told_ns;		 /* when zoneinfo was read; UINT64_MAX: not yet */
	uint64_t tick_ns;		 /* of the first tick that was seen; UINT64_MAX: none was */
};

/* TRACE_NO_MEMORY. */
enum trace_status machine_sets_create(struct machine_sets *sets, const struct zoneinfo *zoneinfo,
				      struct trace_error *error) TRACE_MUST_USE;
void machine_sets_destroy(struct machine_sets *sets);

/* zoneinfo was read at this time. */
void machine_sets_told(struct machine_sets *sets, uint64_t time_ns);

/* Take an event in, before or after the start, of a thread with this name (or NULL) on the processor `cpu`. */
void machine_sets_before(struct machine_sets *sets, const struct event *event, unsigned cpu,
			 const char *thread);
void machine_sets_after(struct machine_sets *sets, const struct event *event, unsigned cpu,
			const char *thread);

/* After the last event: ticks that nobody saw, because no set was so full that it had to shrink, are made up for, if one came between
 * zoneinfo and the start. */
void machine_sets_finish(struct machine_sets *sets, uint64_t start_ns);

/* Of a zone of zoneinfo, told by its pointer; NULL: it is not known. */
const struct machine_set *machine_sets_find(const struct machine_sets *sets, const struct zoneinfo_zone *zone,
					    unsigned cpu);

/* The first tick after this time, by the one that was seen; without one, the next full second. UINT64_MAX: time ends before. */
uint64_t machine_sets_next_tick(const struct machine_sets *sets, uint64_t time_ns);

/* NULL, or the text of the first invariant that does not hold. */
const char *machine_sets_check(const struct machine_sets *sets);

#endif
