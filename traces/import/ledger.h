/* ledger.h: turns calls that name addresses into events that name objects.
 *
 *   malloc(32) = 0x40 ──▶ ┌────────────┐ ──▶ malloc  object 7  size 32
 *   free(0x40)        ──▶ │ 0x40 -> 7  │ ──▶ free    object 7
 *   free(0x99)        ──▶ └────────────┘ ──▶ free    object 8, foreign     + warning
 *
 * Every importer writes its calls here, and the rules of event.h are kept in this one place: ids in order of
 * birth, realloc from old to new, failed calls, blocks born before the recording. What a recording got wrong
 * is repaired and counted:
 *
 *   an address handed out while still live   its free is missing: the thread that got it frees it first
 *   a free or realloc of an unknown address  the block was born before the recording: foreign
 *   an alignment that is no power of two     rounded up, as glibc's memalign does
 *   more live bytes than 2^62                cannot have succeeded: kept as a failed call
 *   a calloc whose product overflows, but that returned a block: the same
 */
#ifndef FAULTLINE_TRACES_IMPORT_LEDGER_H
#define FAULTLINE_TRACES_IMPORT_LEDGER_H

#include "traces/event.h"
#include "traces/import/address_map.h"
#include "traces/import/roster.h"
#include "traces/import/warnings.h"

#include <stdint.h>

#define LEDGER_MAX_LIVE_BYTES (UINT64_C(1) << 62)

/* One call as the foreign file tells it. Addresses may be any numbers that name blocks; 0 is NULL. */
struct heap_call {
	enum event_kind kind; /* malloc, calloc, realloc, memalign or free */
	struct roster_place place;
	uint64_t address;     /* the result; for free, what is freed */
	uint64_t old_address; /* realloc */
	uint64_t size;	      /* requested bytes; for calloc, bytes of one element */
	uint64_t count;	      /* calloc: elements */
	uint64_t alignment;   /* memalign */
	uint64_t time_ns;     /* since the start of the recording */
};

struct ledger {
	struct event_sink *sink;
	struct warnings *warnings;
	struct address_map live;
	uint64_t objects;	  /* ids given so far */
	uint64_t events;	  /* handed to the sink so far */
	uint64_t peak_live_bytes; /* highest live.live_bytes after an event */
};

/* An empty ledger that writes to `sink`. `seed` is for address_map.h. False when there is no memory. */
bool ledger_create(struct ledger *ledger, struct event_sink *sink, struct warnings *warnings,
		   uint64_t seed) TRACE_MUST_USE;
void ledger_destroy(struct ledger *ledger);

/* Books one call. TRACE_OK, TRACE_BAD_INPUT (a strict import met its first warning, or the trace's bounds are
 * reached), TRACE_NO_MEMORY, or what the sink says. */
enum trace_status ledger_book(struct ledger *ledger, const struct heap_call *call,
			      struct trace_error *error) TRACE_MUST_USE;

/* Books the end of a thread. */
enum trace_status ledger_end_thread(struct ledger *ledger, const struct roster_place *place, uint64_t time_ns,
				    struct trace_error *error) TRACE_MUST_USE;

/* Whether the block is live. */
bool ledger_is_live(const struct ledger *ledger, uint32_t process, uint64_t address);

#endif
