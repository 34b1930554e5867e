/* zoneinfo_text.h: /proc/zoneinfo: what zones a machine has, what they keep, and the page sets of its processors.
 *
 *   Node 0, zone   Normal
 *     pages free     2234136
 *           boost    0                 since 5.14
 *           min      14273             ... low, high, promo (since 6.5)
 *           spanned  5505024           ... present, managed, cma
 *           protection: (0, 0, 0, 0, 0)
 *     pagesets
 *       cpu: 0
 *                 count:    27437      ... high, batch; high_min and high_max since 6.7
 *     start_pfn:           1048576
 *
 * Zones without memory, and those of devices, are left out. What a kernel does not tell is 0 (promo: high).
 */
#ifndef FAULTLINE_BENCH_PHYSICAL_ZONEINFO_TEXT_H
#define FAULTLINE_BENCH_PHYSICAL_ZONEINFO_TEXT_H

#include "bench/physical/proc_text.h"

#define ZONEINFO_CPUS 1024u
#define ZONEINFO_PROTECTIONS 16u

/* A processor's page set, in pages. */
struct zoneinfo_set {
	uint32_t count, high, batch, high_min, high_max;
};

/* In pages. */
struct zoneinfo_zone {
	struct proc_zone zone;
	uint64_t free, boost;
	uint64_t watermark[WATERMARKS]; /* the boost in them, as the kernel prints them */
	uint64_t first;			/* frame */
	uint64_t spanned, present, managed;
	uint64_t protection[ZONEINFO_PROTECTIONS]; /* the kernel's order of its zones */
	unsigned protections;
	struct zoneinfo_set set[ZONEINFO_CPUS];
};

struct zoneinfo {
	unsigned zones; /* at least 1 */
	unsigned cpus;	/* that have page sets */
	struct zoneinfo_zone zone[MEMORY_ZONES];
};

/* Large: not for the stack. TRACE_BAD_INPUT when the text is no zoneinfo, or describes no machine: of every zone managed <= present <=
 * spanned, and boost <= min <= low <= high <= promo. */
enum trace_status zoneinfo_parse(struct zoneinfo *zoneinfo, const struct event_snapshot *snapshot,
				 struct trace_error *error) TRACE_MUST_USE;

/* The zone, or NULL. */
const struct zoneinfo_zone *zoneinfo_find(const struct zoneinfo *zoneinfo, const struct proc_zone *zone);

#endif
