#include "config.h"

#include "bench/proc/slabinfo.h"

#include "engine/phys/slabinfo.h"

void proc_slabinfo(const struct proc_machine *machine, FILE *out)
{
	(void)fputs(slabinfo_header(), out);
	if (!machine->kernel)
		return;
	const struct list *caches = &machine->kernel->slabs.caches;

	for (const struct list *link = caches->next; link != caches; link = link->next) {
		char text[SLABINFO_LINE_BYTES];
		struct slabinfo info;

		slabinfo_of(list_entry_const(link, struct kmem_cache, link), &info);
		(void)fwrite(text, 1, slabinfo_line(&info, text), out);
	}
}
