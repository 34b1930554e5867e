#include "config.h"

#include "bench/physical/kmem_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const prefixes[KMALLOC_TYPES] = {
    [KMALLOC_NORMAL] = "kmalloc-",
    [KMALLOC_RECLAIMABLE] = "kmalloc-rcl-",
    [KMALLOC_DMA] = "dma-kmalloc-",
    [KMALLOC_CGROUP] = "kmalloc-cg-",
};

/* The place of a size class in the table; KMEM_NAMES_CLASSES: it is none of kmalloc's. */
static unsigned class_of(uint64_t bytes)
{
	if (bytes == 96 || bytes == 192)
		return bytes == 96 ? 0 : 1;
	if (bytes < 8 || bytes > KMALLOC_CACHE_MAX || !is_power_of_two(bytes))
		return KMEM_NAMES_CLASSES;
	return (unsigned)__builtin_ctzll(bytes);
}

static uint32_t bytes_of(unsigned class)
{
	return class < 2 ? 96u << class : 1u << class;
}

static void find_kmalloc(struct kmem_names *names, const struct slabinfo_text *info)
{
	char name[SLABINFO_NAME_BYTES];

	for (unsigned type = 0; type < KMALLOC_TYPES; type++) {
		for (unsigned class = 0; class < KMEM_NAMES_CLASSES; class ++) {
			uint32_t bytes = bytes_of(class);
			bool in_kib = bytes >= 1024;

			(void)snprintf(name, sizeof(name), "%s%u%s", prefixes[type],
				       in_kib ? bytes / 1024 : bytes, in_kib ? "k" : "");
			uint32_t row = class == 2 ? SLABINFO_NO_ROW : slabinfo_text_find(info, name);

			names->kmalloc[type][class] = row;
			if (row != SLABINFO_NO_ROW)
				names->is_kmalloc[row] = true;
		}
	}
	/* A kernel without memory cgroups has no caches for them: they are the normal ones. */
	for (unsigned class = 0; class < KMEM_NAMES_CLASSES; class ++) {
		for (unsigned type = 0; type < KMALLOC_TYPES; type++) {
			if (names->kmalloc[type][class] == SLABINFO_NO_ROW)
				names->kmalloc[type][class] = names->kmalloc[KMALLOC_NORMAL][class];
		}
	}
}

/* "GFP_KERNEL|__GFP_ACCOUNT" */
static unsigned flags_of(const char *text)
{
	unsigned flags = 0;

	while (*text) {
		size_t length = strcspn(text, "|");

		flags |= gfp_flags_of_name(text, length);
		text += length + (text[length] == '|');
	}
	return flags;
}

enum trace_status kmem_names_create(struct kmem_names *names, const struct flt_summary *trace,
				    const struct slabinfo_text *info, struct trace_error *error)
{
	*names = (struct kmem_names){.caches = trace->names[EVENT_NAMES_CACHE],
				     .gfps = trace->names[EVENT_NAMES_GFP]};
	names->row = calloc(names->caches + 1, sizeof(*names->row));
	names->flags = calloc(names->gfps + 1, sizeof(*names->flags));
	names->is_kmalloc = calloc(info->rows + 1, sizeof(*names->is_kmalloc));
	if (!names->row || !names->flags || !names->is_kmalloc) {
		kmem_names_destroy(names);
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for the names of caches");
	}
	for (uint32_t i = 0; i < names->caches; i++)
		names->row[i] = slabinfo_text_find(info, trace->name[EVENT_NAMES_CACHE][i]);
	for (uint32_t i = 0; i < names->gfps; i++)
		names->flags[i] = flags_of(trace->name[EVENT_NAMES_GFP][i]);
	find_kmalloc(names, info);
	return TRACE_OK;
}

void kmem_names_destroy(struct kmem_names *names)
{
	free(names->row);
	free(names->flags);
	free(names->is_kmalloc);
	*names = (struct kmem_names){0};
}

static unsigned gfp_flags_of(const struct kmem_names *names, const struct event *event)
{
	uint32_t number = event->kernel.gfp;

	return number > 0 && number <= names->gfps ? names->flags[number - 1] : 0;
}

uint32_t kmem_names_row(const struct kmem_names *names, const struct event *event)
{
	uint32_t cache = event->kernel.cache;

	if (cache > 0)
		return cache <= names->caches ? names->row[cache - 1] : SLABINFO_NO_ROW;
	unsigned class =
	    event->kind == EVENT_KMEM_ALLOC ? class_of(event->kernel.granted) : KMEM_NAMES_CLASSES;

	return class < KMEM_NAMES_CLASSES ? names->kmalloc[kmalloc_type(gfp_flags_of(names, event))][class]
					  : SLABINFO_NO_ROW;
}

bool kmem_names_is_large(const struct event *event)
{
	return event->kind == EVENT_KMEM_ALLOC && event->kernel.cache == 0 &&
	       event->kernel.granted > KMALLOC_CACHE_MAX;
}

struct gfp kmem_names_gfp(const struct kmem_names *names, const struct event *event, int cpu)
{
	/* What may be done to get memory; where it comes from is the cache's business. */
	unsigned kept = GFP_RECLAIM | GFP_IO | GFP_FS | GFP_HIGH;

	return (struct gfp){.flags = gfp_flags_of(names, event) & kept, .cpu = cpu};
}
