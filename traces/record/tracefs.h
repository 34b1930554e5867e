/* tracefs.h: the kernel's tracepoints as its tracefs describes them.
 *
 * Where tracefs is not mounted, a mount of its own is made that no path leads to and that ends with this process.
 */
#ifndef FAULTLINE_TRACES_RECORD_TRACEFS_H
#define FAULTLINE_TRACES_RECORD_TRACEFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tracefs {
	int directory; /* of its root, -1 = it cannot be had */
	int reason;    /* errno then */
};

/* A field of a tracepoint's record. */
struct tracepoint_field {
	uint32_t offset; /* bytes from the start of the record */
	uint32_t size;	 /* bytes; 0 = there is no such field */
};

void tracefs_open(struct tracefs *tracefs);
void tracefs_close(struct tracefs *tracefs);

/* The number of a tracepoint such as "raw_syscalls/sys_enter", UINT64_MAX if there is none that this process may know. */
uint64_t tracepoint_number(const struct tracefs *tracefs, const char *name);

/* Finds a field in the text of a tracepoint's format file; `format` ends in NUL. False: there is no such line. */
bool tracepoint_field_find(const char *format, const char *name, struct tracepoint_field *field);

/* The text of a tracepoint's format file; NULL when it cannot be read. Owned by the caller. */
char *tracepoint_format(const struct tracefs *tracefs, const char *name);

/* The value of an unsigned field of 1, 2, 4 or 8 bytes of this machine; 0 where it does not lie in the record. */
uint64_t tracepoint_value(const struct tracepoint_field *field, const unsigned char *record, size_t bytes);

#endif
