/* figures.h: what the kernel counted about one process, read from the snapshots of its recording (record --mm).
 *
 *   stat           minor and major faults: those of instructions, of the kernel's copies, and of MAP_POPULATE, mlock and
 *                  MADV_POPULATE_* (what getrusage tells)
 *   smaps_rollup   resident and huge pages
 *   status         pages of page tables, without the root
 *
 * Faults are counted from exec on, where the kernel does not begin anew: `began` is what was there then.
 */
#ifndef FAULTLINE_BENCH_FIDELITY_FIGURES_H
#define FAULTLINE_BENCH_FIDELITY_FIGURES_H

#include <stdbool.h>
#include <stdint.h>

struct figures {
	uint64_t minor, major;	 /* faults */
	uint64_t resident_pages; /* 4 KiB pages, as all below */
	uint64_t anonymous_pages, file_pages, shared_memory_pages;
	uint64_t table_pages;
	uint64_t huge_pages; /* 4 KiB pages in anonymous huge pages */
};

/* The number behind "NAME:" in a text of /proc, in the unit given there. False: it is not in the text. */
bool figures_find(const char *text, const char *name, uint64_t *value);

/* Field `number` (from 1, as proc(5) counts) of the text of /proc/PID/stat. False: it has no such field. */
bool figures_stat(const char *text, unsigned number, uint64_t *value);

/* Takes what the snapshot `name` says of the figures; the others keep their values. False: it does not say what it should. */
bool figures_take(struct figures *figures, const char *name, const char *text);

#endif
