/* doctor.h: what of Faultline works on this machine, found by trying or by reading what the system says of itself.
 *
 * Each examination fills one line: what was looked at, whether it serves, and what was found, with the remedy where there
 * is one. Nothing is changed, nothing is left behind.
 */
#ifndef FAULTLINE_BENCH_DOCTOR_H
#define FAULTLINE_BENCH_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>

#define DOCTOR_TEXT_BYTES 512
#define DOCTOR_MAX_FINDINGS 40

enum doctor_mark {
	DOCTOR_GOOD,
	DOCTOR_LIMITED, /* works, with something less or something to know */
	DOCTOR_MISSING, /* an optional part that is not there */
	DOCTOR_BAD,	/* something that Faultline cannot do without */
};

struct doctor_finding {
	const char *group; /* "recorders", "allocators", ... */
	char what[64];
	enum doctor_mark mark;
	char text[DOCTOR_TEXT_BYTES];
};

struct doctor {
	struct doctor_finding finding[DOCTOR_MAX_FINDINGS];
	size_t findings;
};

/* Adds a finding. */
void doctor_find(struct doctor *doctor, const char *group, const char *what, enum doctor_mark mark,
		 const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Adds what the recorders of system calls and page faults may do here (doctor_recorders.c), by trying it. */
void doctor_examine_kernel_recorders(struct doctor *doctor);

/* Adds whether accesses can be recorded (doctor_accesses.c), by running a program in the emulator with our plugin. */
void doctor_examine_access_recorder(struct doctor *doctor);

/* Fills in everything. */
void doctor_examine(struct doctor *doctor);

/* Is there a finding DOCTOR_BAD? */
bool doctor_is_bad(const struct doctor *doctor);

/* "good", "limited", "missing" or "bad". */
const char *doctor_mark_name(enum doctor_mark mark);

#endif
