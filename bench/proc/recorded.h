/* recorded.h: what the recording said of a process in texts of its /proc directory: single fields of stat, lines of status.
 *
 * The texts come from a trace and may be anything: what is not there, or longer than its room, is not known. Control characters other
 * than the tabs and spaces of the form end a field.
 */
#ifndef FAULTLINE_BENCH_PROC_RECORDED_H
#define FAULTLINE_BENCH_PROC_RECORDED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define RECORDED_FIELD_BYTES 32u /* of a number, with its end */

/* Field `number` of /proc/PID/stat, from 3 (the state) on, as it is written. False: the text has none. */
bool recorded_stat_field(const char *stat, unsigned number, char field[RECORDED_FIELD_BYTES]);

/* The same as a number. */
bool recorded_stat_number(const char *stat, unsigned number, uint64_t *value);

/* The program's name: what stands between the first and the last bracket of stat, cut to `bytes` with its end. */
bool recorded_stat_name(const char *stat, char *name, size_t bytes);

/* The next line of a text of status: its name's and its whole length without the newline. False behind the last one. */
struct recorded_line {
	const char *text;
	size_t name_length, length;
};
bool recorded_next_line(const char **at, struct recorded_line *line);

/* Prints what was recorded, with `?` for control characters other than tabs: they are somebody else's, and the terminal the user's. */
void recorded_print(const char *text, size_t length, FILE *out);

#endif
