/* maps.h: the text of /proc/PID/maps, line by line.
 *
 *   7f21c8000000-7f21c8021000 rw-p 00000000 00:00 0                          [heap]
 *   start        end          rights offset device inode                     path or name
 *
 * The text comes from a trace and may be anything: a line that is not of this form ends it.
 */
#ifndef FAULTLINE_BENCH_SPACES_MAPS_H
#define FAULTLINE_BENCH_SPACES_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct maps_line {
	uint64_t start, end;
	bool may_read, may_write, may_execute, is_shared;
	uint64_t offset;	/* in the file, bytes */
	uint64_t device, inode; /* as st_dev has them; inode 0: no file */
	const char *name;	/* path or "[heap]" ..., not terminated; NULL: none */
	size_t name_length;
};

struct maps {
	const char *at, *end;
};

/* Reads `length` bytes of text, which must stay. */
struct maps maps_of(const void *text, size_t length);

/* The next line; false behind the last, or where the text is not of the form. */
bool maps_next(struct maps *maps, struct maps_line *line);

/* The line's name is this one. */
bool maps_is_named(const struct maps_line *line, const char *name);

#endif
