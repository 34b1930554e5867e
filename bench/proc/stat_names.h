/* stat_names.h: the names of the numbers that a kernel keeps per zone, per node and for the whole machine, in its order.
 *
 *   /proc/vmstat      zone, NUMA, node, the rest         a line each
 *   /proc/zoneinfo    node, behind "per-node stats"; zone and NUMA, behind each zone's "protection"
 *
 * Which there are is a matter of the kernel's version and configuration: a recorded text of the file says it, without one they are
 * those of Linux 6.18 (mm/vmstat.c: vmstat_text).
 */
#ifndef FAULTLINE_BENCH_PROC_STAT_NAMES_H
#define FAULTLINE_BENCH_PROC_STAT_NAMES_H

#include <stdbool.h>
#include <stddef.h>

enum stat_part {
	STAT_ZONE, /* the numbers of a zone, and those of NUMA */
	STAT_NODE,
	STAT_ALL, /* all that are in vmstat */
};

struct stat_names {
	enum stat_part part;
	const char *text; /* what is left of a recorded text; NULL: none was recorded */
	size_t next;	  /* without a text: in the list */
};

struct stat_name {
	const char *text;
	size_t length;
	const char *value; /* as it was recorded; NULL: it was not */
	size_t value_length;
};

/* `recorded` is a text of vmstat for STAT_ALL, else of zoneinfo; it must stay. NULL: none. */
void stat_names_begin(struct stat_names *names, enum stat_part part, const char *recorded);

/* The next name; false behind the last. */
bool stat_names_next(struct stat_names *names, struct stat_name *name);

#endif
