/* system_call.h: one system call as strace prints it, taken apart.
 *
 *   mmap(NULL, 46615, PROT_READ, MAP_PRIVATE, 3</etc/ld.so.cache>, 0) = 0x7f73dcd97000 <0.000054>
 *   name argument 0 ...                       argument 4 with a path     result
 *
 * Arguments are kept as text and read on demand: a number (decimal, 0x, octal), names joined by |, a comment after them.
 * Commas and brackets inside quoted strings, structures and paths do not separate.
 */
#ifndef FAULTLINE_TRACES_IMPORT_SYSTEM_CALL_H
#define FAULTLINE_TRACES_IMPORT_SYSTEM_CALL_H

#include "traces/import/scan.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SYSTEM_CALL_ARGUMENTS 8u

struct system_call {
	struct scan name;
	struct scan argument[SYSTEM_CALL_ARGUMENTS];
	size_t arguments;
	bool returned;	/* false: "= ?" */
	int64_t result; /* -1 to -4095: an errno */
};

/* Takes a whole call apart: "name(arguments) = result". False: it is none. */
bool system_call_parse(struct scan text, struct system_call *call);

/* The value of an argument. False: it is no number, or has a name that is not known. */
bool system_call_value(struct scan argument, uint64_t *value);

/* The path behind a descriptor ("3</path>"), or in quotes ("\"/path\""). False: there is none. */
bool system_call_path(struct scan argument, struct scan *path);

/* In "{flags=A|B, child_tid=...}" or "child_stack=NULL, flags=A|B": the value of the member `name` of any argument. */
bool system_call_member(const struct system_call *call, const char *name, uint64_t *value);

#endif
