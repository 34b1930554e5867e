#include "config.h"

#include "bench/proc/view.h"

#include "bench/proc/buddyinfo.h"
#include "bench/proc/extfrag_index.h"
#include "bench/proc/iomem.h"
#include "bench/proc/maps.h"
#include "bench/proc/meminfo.h"
#include "bench/proc/pagetypeinfo.h"
#include "bench/proc/slabinfo.h"
#include "bench/proc/smaps.h"
#include "bench/proc/smaps_rollup.h"
#include "bench/proc/stat.h"
#include "bench/proc/statm.h"
#include "bench/proc/status.h"
#include "bench/proc/unusable_index.h"
#include "bench/proc/vmallocinfo.h"
#include "bench/proc/vmstat.h"
#include "bench/proc/zoneinfo.h"

#include <string.h>

static const struct proc_view views[] = {
    {"maps", "mappings, a line each", PROC_VIEW_PROCESS, proc_maps, NULL},
    {"smaps", "mappings with what is resident of each", PROC_VIEW_PROCESS, proc_smaps, NULL},
    {"smaps_rollup", "the same, summed up", PROC_VIEW_PROCESS, proc_smaps_rollup, NULL},
    {"status", "memory, threads and identity in words", PROC_VIEW_PROCESS, proc_status, NULL},
    {"statm", "seven numbers of pages", PROC_VIEW_PROCESS, proc_statm, NULL},
    {"stat", "52 fields in a line", PROC_VIEW_PROCESS, proc_stat, NULL},
    {"pagemap", "the frame behind each page, a word each", PROC_VIEW_PAGEMAP, NULL, NULL},
    {"mem", "what its memory holds at an address", PROC_VIEW_MEM, NULL, NULL},
    {"buddyinfo", "free blocks of each order", PROC_VIEW_MACHINE, NULL, proc_buddyinfo},
    {"pagetypeinfo", "the same by migrate type, and pageblocks", PROC_VIEW_MACHINE, NULL, proc_pagetypeinfo},
    {"zoneinfo", "zones, watermarks, page sets", PROC_VIEW_MACHINE, NULL, proc_zoneinfo},
    {"vmstat", "numbers of the machine, a line each", PROC_VIEW_MACHINE, NULL, proc_vmstat},
    {"meminfo", "where the memory went", PROC_VIEW_MACHINE, NULL, proc_meminfo},
    {"slabinfo", "caches of the kernel's objects", PROC_VIEW_MACHINE, NULL, proc_slabinfo},
    {"vmallocinfo", "areas of vmalloc", PROC_VIEW_MACHINE, NULL, proc_vmallocinfo},
    {"iomem", "where memory lies", PROC_VIEW_MACHINE, NULL, proc_iomem},
    {"extfrag_index", "why a request of each order would fail", PROC_VIEW_MACHINE, NULL, proc_extfrag_index},
    {"unusable_index", "free memory that an order cannot use", PROC_VIEW_MACHINE, NULL, proc_unusable_index},
};

const struct proc_view *proc_view_at(size_t index)
{
	return index < sizeof(views) / sizeof(views[0]) ? &views[index] : NULL;
}

const struct proc_view *proc_view_find(const char *name)
{
	const struct proc_view *view;

	for (size_t i = 0; (view = proc_view_at(i)); i++) {
		if (strcmp(view->name, name) == 0)
			return view;
	}
	return NULL;
}
