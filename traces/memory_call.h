/* memory_call.h: the system calls that change or ask about an address space, as events.
 *
 * One table for the recorders, which meet calls by number, and the importers, which meet them by name: it says where each
 * argument goes in struct event_call.
 *
 *   mmap(addr, length, prot, flags, fd, offset)  ──▶  address length protection flags file offset
 */
#ifndef FAULTLINE_TRACES_MEMORY_CALL_H
#define FAULTLINE_TRACES_MEMORY_CALL_H

#include "traces/event.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEMORY_CALL_ARGUMENTS 6u

/* Where an argument goes. */
enum memory_field {
	FIELD_NONE,
	FIELD_ADDRESS,
	FIELD_LENGTH,
	FIELD_NEW_LENGTH,
	FIELD_NEW_ADDRESS,
	FIELD_OFFSET,
	FIELD_PROTECTION,
	FIELD_FLAGS,
	FIELD_DESCRIPTOR, /* a file descriptor */
	FIELD_KEY,	  /* 32 bits into address */
	FIELD_IDENTIFIER, /* 32 bits into new_length */
};

struct memory_call {
	const char *name;
	long number;			      /* of this machine; -1 = it has none */
	uint8_t kind;			      /* enum event_kind */
	uint8_t arguments;		      /* how many it takes */
	uint8_t field[MEMORY_CALL_ARGUMENTS]; /* enum memory_field */
};

/* The call number `index`, NULL behind the last. */
const struct memory_call *memory_call_at(size_t index);

/* NULL when there is none. */
const struct memory_call *memory_call_by_number(uint64_t number);
const struct memory_call *memory_call_by_name(const char *name, size_t length);

/* Which argument is the descriptor of the file that the call works on, -1 = none (anonymous memory). */
int memory_call_descriptor(const struct memory_call *call, const uint64_t *argument);

/* Is it an event with these arguments? (prctl only for options that concern memory.) */
bool memory_call_concerns(const struct memory_call *call, const uint64_t *argument);

/* Makes the event of a call: kind, flags and event->call but its file; the rest of *event is set to 0. `result` is what the
 * kernel returned: -1 to -4095 is an errno. */
void memory_call_event(const struct memory_call *call, const uint64_t *argument, int64_t result,
		       struct event *event);

/* Does the call give up addresses that others may get before it returns? Its place in the order is then its beginning. */
bool memory_call_releases(const struct memory_call *call);

#endif
