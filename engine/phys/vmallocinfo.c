#include "config.h"

#include "engine/phys/vmallocinfo.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

/* Pointers to pages that fit in a page: the array of more is itself memory of vmalloc's ("vpages"). */
#define PAGES_OF_AN_ARRAY (PAGE_BYTES / sizeof(void *))

bool vmallocinfo_next(const struct vmap_space *space, uint64_t address, struct vmallocinfo *info)
{
	const struct vmap_area *area = vmap_tree_find(&space->busy, address);

	if (area && area->start < address)
		area = vmap_tree_find(&space->busy, area->end);
	if (!area)
		return false;
	*info = (struct vmallocinfo){.start = area->start,
				     .end = area->end,
				     .pages = area->flags & VM_ALLOC ? area->pages : 0,
				     .physical = area->physical,
				     .caller = area->caller,
				     .flags = area->flags};
	return true;
}

bool vmallocinfo_unpurged(const struct vmap_space *space, uint64_t n, struct vmallocinfo *info)
{
	const struct list *link = space->lazy.next;

	while (n-- > 0 && link != &space->lazy)
		link = link->next;
	if (link == &space->lazy)
		return false;
	const struct vmap_area *area = list_entry_const(link, struct vmap_area, link);

	*info = (struct vmallocinfo){.start = area->start, .end = area->end};
	return true;
}

struct line {
	char *text;
	size_t length;
};

__attribute__((format(printf, 2, 3))) static void add(struct line *line, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	int length =
	    vsnprintf(line->text + line->length, VMALLOCINFO_LINE_BYTES - line->length, format, arguments);

	va_end(arguments);
	line->length += length > 0 ? (size_t)length : 0;
}

static void add_kinds(struct line *line, unsigned flags)
{
	static const struct {
		unsigned flag;
		const char *word;
	} kinds[] = {{VM_IOREMAP, "ioremap"}, {VM_SPARSE, "sparse"}, {VM_ALLOC, "vmalloc"},
		     {VM_MAP, "vmap"},	      {VM_USERMAP, "user"},  {VM_DMA_COHERENT, "dma-coherent"}};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (flags & kinds[i].flag)
			add(line, " %s", kinds[i].word);
	}
}

size_t vmallocinfo_line(const struct vmallocinfo *info, const char *caller, char *buffer)
{
	struct line line = {buffer, 0};

	add(&line, "0x%016" PRIx64 "-0x%016" PRIx64 " %7" PRIu64, info->start, info->end,
	    info->end - info->start);
	if (info->flags == 0) {
		add(&line, " unpurged vm_area\n");
		return line.length;
	}
	if (caller)
		add(&line, " %.128s", caller);
	if (info->pages > 0)
		add(&line, " pages=%" PRIu64, info->pages);
	if (info->physical > 0)
		add(&line, " phys=0x%016" PRIx64, info->physical);
	add_kinds(&line, info->flags);
	if (info->pages > PAGES_OF_AN_ARRAY)
		add(&line, " vpages");
	if (info->pages > 0)
		add(&line, " N0=%" PRIu64, info->pages);
	add(&line, "\n");
	return line.length;
}
