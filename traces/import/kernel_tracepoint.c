#include "config.h"

#include "traces/import/kernel_tracepoint.h"

#include <string.h>

#define FRAME_FIELD                                                                                          \
	{                                                                                                    \
		"pfn", "pfn", KERNEL_FRAME, true                                                             \
	}
#define ORDER_FIELD                                                                                          \
	{                                                                                                    \
		"order", "order", KERNEL_ORDER, true                                                         \
	}
#define TYPE_FIELD                                                                                           \
	{                                                                                                    \
		"migratetype", "migratetype", KERNEL_MIGRATE_TYPE, true                                      \
	}
#define GFP_FIELD                                                                                            \
	{                                                                                                    \
		"gfp_flags", NULL, KERNEL_GFP, false                                                         \
	}
#define NAME_FIELD                                                                                           \
	{                                                                                                    \
		"name", NULL, KERNEL_NAME, false                                                             \
	}
#define POINTER_FIELD                                                                                        \
	{                                                                                                    \
		"ptr", "ptr", KERNEL_ADDRESS, true                                                           \
	}
#define OBJECT_FIELDS                                                                                        \
	POINTER_FIELD, {"bytes_req", "bytes_req", KERNEL_BYTES, true},                                       \
	    {"bytes_alloc", "bytes_alloc", KERNEL_GRANTED, true}, GFP_FIELD, NAME_FIELD
#define SCANNER_FIELDS                                                                                       \
	{"migrate_pfn", "migrate_pfn", KERNEL_FRAME, true},                                                  \
	    {"free_pfn", "free_pfn", KERNEL_FREE_FRAME, true},                                               \
	{                                                                                                    \
		"sync", NULL, KERNEL_FLAG, false                                                             \
	}

/* The most frequent ones first. */
static const struct kernel_tracepoint tracepoints[] = {
    {"kmem", "mm_page_alloc", EVENT_PAGE_ALLOC, {FRAME_FIELD, ORDER_FIELD, TYPE_FIELD, GFP_FIELD}},
    {"kmem", "mm_page_free", EVENT_PAGE_FREE, {FRAME_FIELD, ORDER_FIELD}},
    {"kmem", "kmem_cache_alloc", EVENT_KMEM_ALLOC, {OBJECT_FIELDS}},
    {"kmem", "kmem_cache_free", EVENT_KMEM_FREE, {POINTER_FIELD, NAME_FIELD}},
    {"kmem", "kmalloc", EVENT_KMEM_ALLOC, {OBJECT_FIELDS}},
    {"kmem", "kfree", EVENT_KMEM_FREE, {POINTER_FIELD}},
    {"kmem", "mm_page_free_batched", EVENT_PAGE_FREE_BATCHED, {FRAME_FIELD}},
    {"kmem",
     "mm_page_alloc_zone_locked",
     EVENT_ZONE_LOCKED,
     {FRAME_FIELD, ORDER_FIELD, TYPE_FIELD, {"percpu_refill", "percpu_refill", KERNEL_FLAG, false}}},
    {"kmem", "mm_page_pcpu_drain", EVENT_PCPU_DRAIN, {FRAME_FIELD, ORDER_FIELD, TYPE_FIELD}},
    {"sched", "sched_switch", EVENT_SWITCH, {{"next_pid", "next_pid", KERNEL_NEXT, true}}},
    {"kmem",
     "mm_page_alloc_extfrag",
     EVENT_EXTFRAG,
     {FRAME_FIELD,
      {"alloc_order", "alloc_order", KERNEL_ORDER, true},
      {"fallback_order", "fallback_order", KERNEL_FALLBACK_ORDER, true},
      {"alloc_migratetype", "alloc_migratetype", KERNEL_MIGRATE_TYPE, true},
      {"fallback_migratetype", "fallback_migratetype", KERNEL_FALLBACK_TYPE, true},
      {"change_ownership", "change_ownership", KERNEL_FLAG, false}}},
    {"kmem", "kmalloc_node", EVENT_KMEM_ALLOC, {OBJECT_FIELDS}},
    {"kmem", "kmem_cache_alloc_node", EVENT_KMEM_ALLOC, {OBJECT_FIELDS}},
    {"vmalloc",
     "alloc_vmap_area",
     EVENT_VMALLOC,
     {{"addr", "va_start:", KERNEL_ADDRESS, true},
      {"size", "size", KERNEL_BYTES, true},
      {"align", "align", KERNEL_ALIGNMENT, false},
      {"failed", "failed", KERNEL_FAILED, false}}},
    {"vmalloc", "free_vmap_area_noflush", EVENT_VFREE, {{"va_start", "va_start", KERNEL_ADDRESS, true}}},
    {"vmalloc",
     "purge_vmap_area_lazy",
     EVENT_VMAP_PURGE,
     {{"start", "start", KERNEL_ADDRESS, true},
      {"end", "end", KERNEL_END, true},
      {"npurged", "num_purged", KERNEL_COUNT, false}}},
    {"vmscan", "mm_vmscan_direct_reclaim_begin", EVENT_RECLAIM_BEGIN, {ORDER_FIELD, GFP_FIELD}},
    {"vmscan",
     "mm_vmscan_direct_reclaim_end",
     EVENT_RECLAIM_END,
     {{"nr_reclaimed", "nr_reclaimed", KERNEL_COUNT, true}}},
    {"vmscan", "mm_vmscan_kswapd_wake", EVENT_KSWAPD_WAKE, {{"nid", "nid", KERNEL_NODE, true}, ORDER_FIELD}},
    {"vmscan", "mm_vmscan_kswapd_sleep", EVENT_KSWAPD_SLEEP, {{"nid", "nid", KERNEL_NODE, true}}},
    {"compaction", "mm_compaction_begin", EVENT_COMPACT_BEGIN, {SCANNER_FIELDS}},
    {"compaction",
     "mm_compaction_end",
     EVENT_COMPACT_END,
     {SCANNER_FIELDS, {"status", NULL, KERNEL_CODE, false}}},
    {"migrate",
     "mm_migrate_pages",
     EVENT_MIGRATE,
     {{"succeeded", "nr_succeeded", KERNEL_COUNT, true},
      {"failed", "nr_failed", KERNEL_PAGES, true},
      {"reason", NULL, KERNEL_CODE, false}}},
};

#define TRACEPOINTS (sizeof(tracepoints) / sizeof(tracepoints[0]))

const struct kernel_tracepoint *kernel_tracepoint_at(size_t index)
{
	return index < TRACEPOINTS ? &tracepoints[index] : NULL;
}

static bool is_word(const char *word, const char *text, size_t length)
{
	return strlen(word) == length && memcmp(word, text, length) == 0;
}

const struct kernel_tracepoint *kernel_tracepoint_find(const char *system, size_t system_length,
						       const char *name, size_t name_length)
{
	for (size_t i = 0; i < TRACEPOINTS; i++) {
		if (is_word(tracepoints[i].name, name, name_length) &&
		    (!system || is_word(tracepoints[i].system, system, system_length)))
			return &tracepoints[i];
	}
	return NULL;
}

/* --- Events ------------------------------------------------------------------------------------------------------------ */

/* A number that is too large for its field stays too large. */
static uint8_t byte_of(uint64_t value)
{
	return value < UINT8_MAX ? (uint8_t)value : UINT8_MAX;
}

static void fill_page(const uint64_t value[KERNEL_NUMBERS], struct event *event)
{
	struct event_kernel *kernel = &event->kernel;

	kernel->frame = value[KERNEL_FRAME];
	kernel->order = byte_of(value[KERNEL_ORDER]);
	kernel->migrate_type = byte_of(value[KERNEL_MIGRATE_TYPE]);
	kernel->fallback_order = byte_of(value[KERNEL_FALLBACK_ORDER]);
	kernel->fallback_type = byte_of(value[KERNEL_FALLBACK_TYPE]);
	/* The kernel says "no page" by a frame number of -1, perf's text by one of 0. */
	if (event->kind == EVENT_PAGE_ALLOC && (kernel->frame == UINT64_MAX || kernel->frame == 0)) {
		kernel->frame = 0;
		event->flags = EVENT_FAILED;
	}
	if (event->kind == EVENT_ZONE_LOCKED && value[KERNEL_FLAG])
		kernel->flags = EVENT_KERNEL_REFILL;
	if (event->kind == EVENT_EXTFRAG && value[KERNEL_FLAG])
		kernel->flags = EVENT_KERNEL_OWNERSHIP;
}

static void fill_object(const uint64_t value[KERNEL_NUMBERS], struct event *event)
{
	event->kernel.address = value[KERNEL_ADDRESS];
	if (event->kind == EVENT_KMEM_FREE)
		return;
	event->kernel.bytes = value[KERNEL_BYTES];
	event->kernel.granted = value[KERNEL_GRANTED];
	event->flags = value[KERNEL_ADDRESS] ? 0 : EVENT_FAILED;
}

static void fill_area(const uint64_t value[KERNEL_NUMBERS], struct event *event)
{
	event->kernel.address = value[KERNEL_ADDRESS];
	if (event->kind == EVENT_VMAP_PURGE) {
		event->kernel.bytes = value[KERNEL_END] - value[KERNEL_ADDRESS];
		event->count = value[KERNEL_COUNT];
	}
	if (event->kind != EVENT_VMALLOC)
		return;
	event->kernel.bytes = value[KERNEL_BYTES];
	if (value[KERNEL_ALIGNMENT])
		event->kernel.order = (uint8_t)__builtin_ctzll(value[KERNEL_ALIGNMENT]);
	if (value[KERNEL_FAILED]) {
		event->kernel.address = 0;
		event->flags = EVENT_FAILED;
	}
}

static void fill_scan(const uint64_t value[KERNEL_NUMBERS], struct event *event)
{
	const uint64_t from = value[KERNEL_FRAME], to = value[KERNEL_FREE_FRAME];

	event->kernel.frame = from;
	event->kernel.pages = to > from ? to - from : 0;
	event->kernel.flags = value[KERNEL_FLAG] ? EVENT_KERNEL_SYNC : 0;
	if (event->kind == EVENT_COMPACT_END)
		event->kernel.code = byte_of(value[KERNEL_CODE]);
}

static void fill_rest(const uint64_t value[KERNEL_NUMBERS], struct event *event)
{
	struct event_kernel *kernel = &event->kernel;
	const unsigned carries = event_kernel_carries(event->kind);

	if (carries & EVENT_KERNEL_HAS_NODE)
		kernel->node = value[KERNEL_NODE] < UINT16_MAX ? (uint16_t)value[KERNEL_NODE] : UINT16_MAX;
	if (carries & EVENT_KERNEL_HAS_ORDER)
		kernel->order = byte_of(value[KERNEL_ORDER]);
	if (carries & EVENT_KERNEL_HAS_PAGES)
		kernel->pages = value[KERNEL_PAGES];
	if (carries & EVENT_KERNEL_HAS_CODE)
		kernel->code = byte_of(value[KERNEL_CODE]);
	if (event_kind_carries(event->kind) & EVENT_HAS_COUNT)
		event->count = value[KERNEL_COUNT];
}

bool kernel_tracepoint_event(const struct kernel_tracepoint *tracepoint, const uint64_t value[KERNEL_NUMBERS],
			     struct event *event)
{
	event->kind = tracepoint->kind;
	switch (tracepoint->kind) {
	case EVENT_SWITCH:
		return true;
	case EVENT_PAGE_ALLOC:
	case EVENT_PAGE_FREE:
	case EVENT_PAGE_FREE_BATCHED:
	case EVENT_ZONE_LOCKED:
	case EVENT_PCPU_DRAIN:
	case EVENT_EXTFRAG:
		fill_page(value, event);
		break;
	case EVENT_KMEM_ALLOC:
	case EVENT_KMEM_FREE:
		fill_object(value, event);
		break;
	case EVENT_VMALLOC:
	case EVENT_VFREE:
	case EVENT_VMAP_PURGE:
		fill_area(value, event);
		break;
	case EVENT_COMPACT_BEGIN:
	case EVENT_COMPACT_END:
		fill_scan(value, event);
		break;
	default:
		fill_rest(value, event);
		break;
	}
	return event_kernel_fault(event) == NULL;
}
