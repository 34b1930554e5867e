/* proc_text.h: a text of /proc as a recording keeps it, gone through line by line and word by word.
 *
 *   Node 0, zone   Normal   1304    624 ...        a line; its words are separated by blanks
 *
 * What is wrong is told with the text's name and its line, so that whoever reads it finds the place with `faultline cat --snapshot`.
 */
#ifndef FAULTLINE_BENCH_PHYSICAL_PROC_TEXT_H
#define FAULTLINE_BENCH_PHYSICAL_PROC_TEXT_H

#include "engine/phys/memory_description.h"
#include "traces/error.h"
#include "traces/event.h"

struct proc_text {
	const char *name;	     /* "zoneinfo" */
	const char *next, *end;	     /* the lines not reached yet */
	const char *word, *line_end; /* what is left of the line at hand */
	unsigned line;		     /* its number, from 1 */
};

/* Which zone a line is about. */
struct proc_zone {
	unsigned node;	     /* below MEMORY_NODES */
	enum zone_kind kind; /* ZONE_KINDS: memory of a device, which no page allocator hands out */
};

/* Before the first line. The snapshot's bytes stay there. */
void proc_text_start(struct proc_text *text, const struct event_snapshot *snapshot);

/* Goes to the next line; false after the last. */
bool proc_text_line(struct proc_text *text);

/* Takes the next word of the line; false, and *length 0, after the last. */
bool proc_text_word(struct proc_text *text, const char **word, size_t *length);

/* Takes the next word if it is this one. */
bool proc_text_take(struct proc_text *text, const char *word);

/* Takes the next word if it is a decimal number that 64 bits hold; `ends` are characters that may stand behind it, "" none. */
bool proc_text_number(struct proc_text *text, uint64_t *number, const char *ends);

/* Takes "Node N, zone NAME", with an optional comma behind the name, if the line begins so. TRACE_BAD_INPUT when it does, but not with a
 * node and a zone that can be; *is_zone says whether it did. */
enum trace_status proc_text_zone(struct proc_text *text, struct proc_zone *zone, bool *is_zone,
				 struct trace_error *error) TRACE_MUST_USE;

/* "TEXT, line N: ...". Returns TRACE_BAD_INPUT. */
enum trace_status proc_text_fail(const struct proc_text *text, struct trace_error *error, const char *format,
				 ...) __attribute__((format(printf, 3, 4)));

#endif
