/* view.h: the files of /proc that can be shown of a simulated machine, by name. */
#ifndef FAULTLINE_BENCH_PROC_VIEW_H
#define FAULTLINE_BENCH_PROC_VIEW_H

#include "bench/proc/machine.h"
#include "bench/proc/process.h"

enum proc_view_kind {
	PROC_VIEW_PROCESS, /* text of a process */
	PROC_VIEW_PAGEMAP, /* of a range of its addresses */
	PROC_VIEW_MEM,
	PROC_VIEW_MACHINE, /* text of a whole machine */
};

struct proc_view {
	const char *name;
	const char *help; /* one line, no full stop */
	enum proc_view_kind kind;
	void (*print)(const struct proc_process *process, FILE *out);	      /* of PROC_VIEW_PROCESS */
	void (*print_machine)(const struct proc_machine *machine, FILE *out); /* of PROC_VIEW_MACHINE */
};

/* The view with that name; NULL: there is none. */
const struct proc_view *proc_view_find(const char *name);

/* The index-th; NULL past the last. */
const struct proc_view *proc_view_at(size_t index);

#endif
