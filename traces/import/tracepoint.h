/* tracepoint.h: what the fields of a tracepoint's raw data are.
 *
 * The kernel describes every tracepoint in text ("field:unsigned long address; offset:8; size:8; signed:0;"), and perf.data has
 * the descriptions of those it recorded. Of the few that importers want, this keeps where the fields lie:
 *
 *   exceptions:page_fault_user, page_fault_kernel      address, ip, error_code
 *   syscalls:sys_enter_NAME, raw_syscalls:sys_enter    the call's number, up to 6 arguments
 *   syscalls:sys_exit_NAME, raw_syscalls:sys_exit      the call's number, its result
 *   those of kernel_tracepoint.h                       its fields, in their order; what the bits of gfp_flags are called
 *
 * The text is parsed by libtraceevent; without it (another file of this name) no tracepoint is known.
 */
#ifndef FAULTLINE_TRACES_IMPORT_TRACEPOINT_H
#define FAULTLINE_TRACES_IMPORT_TRACEPOINT_H

#include "traces/import/gfp_names.h"
#include "traces/import/kernel_tracepoint.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tracepoint_kind {
	TRACEPOINT_FAULT,  /* value: address, instruction, error code */
	TRACEPOINT_ENTER,  /* value: number, arguments */
	TRACEPOINT_EXIT,   /* value: number, result */
	TRACEPOINT_KERNEL, /* value: as `kernel` lists them */
};

#define TRACEPOINT_VALUES 7u

struct tracepoint_place {
	uint16_t offset;
	uint8_t bytes; /* 1, 2, 4 or 8; 0: there is no such field, its value is 0 */
	bool is_signed;
};

struct tracepoint {
	uint64_t id;
	enum tracepoint_kind kind;
	const struct kernel_tracepoint *kernel; /* else NULL */
	struct tracepoint_place thread;		/* the system's number of the thread, whatever the event */
	unsigned fields;
	struct tracepoint_place field[TRACEPOINT_VALUES];
	uint16_t array; /* of an array of 64-bit arguments: where it begins; 0 = there is none */
};

struct tracepoints {
	struct tracepoint *tracepoint;
	size_t count, capacity;
	struct gfp_names gfp; /* of the first description that has them */
};

/* Whether descriptions can be parsed at all. */
bool tracepoints_are_known(void);

/* Adds what the description, a text of `length` bytes, says, if its system and name are wanted. False: no memory, or the text
 * makes no sense. */
bool tracepoints_add(struct tracepoints *tracepoints, const char *system, const char *text, size_t length);
void tracepoints_free(struct tracepoints *tracepoints);

/* NULL: it is not one of the wanted. */
const struct tracepoint *tracepoints_find(const struct tracepoints *tracepoints, uint64_t id);

/* The values of one event. False: its raw data is too short. */
bool tracepoint_read(const struct tracepoint *tracepoint, const uint8_t *raw, size_t bytes,
		     uint64_t value[TRACEPOINT_VALUES]);

/* The numbers of one event of TRACEPOINT_KERNEL, and its cache's name, which lies in `raw` and ends in NUL, or NULL. False: its raw data
 * is too short. */
bool tracepoint_read_kernel(const struct tracepoint *tracepoint, const uint8_t *raw, size_t bytes,
			    uint64_t value[KERNEL_NUMBERS], const char **name);

/* The thread's number; 0 where its field is not known. */
uint32_t tracepoint_thread(const struct tracepoint *tracepoint, const uint8_t *raw, size_t bytes);

/* Adds a description: for the two files that can or cannot parse them. False: no memory. */
bool tracepoints_keep(struct tracepoints *tracepoints, const struct tracepoint *tracepoint);

#endif
