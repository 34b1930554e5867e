#include "config.h"

#include "traces/event.h"

#include <string.h>

static const char *const kind_names[EVENT_KINDS] = {
    [EVENT_MALLOC] = "malloc",
    [EVENT_CALLOC] = "calloc",
    [EVENT_REALLOC] = "realloc",
    [EVENT_MEMALIGN] = "memalign",
    [EVENT_FREE] = "free",
    [EVENT_FREE_SIZED] = "free_sized",
    [EVENT_THREAD_START] = "thread_start",
    [EVENT_THREAD_EXIT] = "thread_exit",
    [EVENT_FORK] = "fork",
    [EVENT_EXEC] = "exec",
    [EVENT_EXIT] = "exit",
    [EVENT_MARKER] = "marker",
    [EVENT_VFORK] = "vfork",
    [EVENT_CLONE] = "clone",
    [EVENT_ALLOCATOR_ENTER] = "allocator_enter",
    [EVENT_ALLOCATOR_EXIT] = "allocator_exit",
    [EVENT_SWITCH] = "switch",
    [EVENT_SNAPSHOT] = "snapshot",
    [EVENT_MMAP] = "mmap",
    [EVENT_MUNMAP] = "munmap",
    [EVENT_MREMAP] = "mremap",
    [EVENT_BRK] = "brk",
    [EVENT_MPROTECT] = "mprotect",
    [EVENT_PKEY_MPROTECT] = "pkey_mprotect",
    [EVENT_MADVISE] = "madvise",
    [EVENT_MLOCK] = "mlock",
    [EVENT_MLOCK2] = "mlock2",
    [EVENT_MUNLOCK] = "munlock",
    [EVENT_MLOCKALL] = "mlockall",
    [EVENT_MUNLOCKALL] = "munlockall",
    [EVENT_MSYNC] = "msync",
    [EVENT_MINCORE] = "mincore",
    [EVENT_REMAP_FILE_PAGES] = "remap_file_pages",
    [EVENT_SHMGET] = "shmget",
    [EVENT_SHMAT] = "shmat",
    [EVENT_SHMDT] = "shmdt",
    [EVENT_SHMCTL] = "shmctl",
    [EVENT_FTRUNCATE] = "ftruncate",
    [EVENT_PRCTL] = "prctl",
    [EVENT_FAULT] = "fault",
    [EVENT_PAGE_ALLOC] = "page_alloc",
    [EVENT_PAGE_FREE] = "page_free",
    [EVENT_PAGE_FREE_BATCHED] = "page_free_batched",
    [EVENT_ZONE_LOCKED] = "zone_locked",
    [EVENT_PCPU_DRAIN] = "pcpu_drain",
    [EVENT_EXTFRAG] = "extfrag",
    [EVENT_KMEM_ALLOC] = "kmem_alloc",
    [EVENT_KMEM_FREE] = "kmem_free",
    [EVENT_VMALLOC] = "vmalloc",
    [EVENT_VFREE] = "vfree",
    [EVENT_VMAP_PURGE] = "vmap_purge",
    [EVENT_ZONE_GROW] = "zone_grow",
    [EVENT_RECLAIM_BEGIN] = "reclaim_begin",
    [EVENT_RECLAIM_END] = "reclaim_end",
    [EVENT_KSWAPD_WAKE] = "kswapd_wake",
    [EVENT_KSWAPD_SLEEP] = "kswapd_sleep",
    [EVENT_COMPACT_BEGIN] = "compact_begin",
    [EVENT_COMPACT_END] = "compact_end",
    [EVENT_MIGRATE] = "migrate",
};

bool event_kind_is_known(unsigned kind)
{
	return kind < EVENT_KINDS && kind_names[kind];
}

unsigned event_kind_find(const char *name)
{
	for (unsigned kind = 0; kind < EVENT_KINDS; kind++) {
		if (kind_names[kind] && strcmp(kind_names[kind], name) == 0)
			return kind;
	}
	return 0;
}

const char *event_kind_name(unsigned kind)
{
	return event_kind_is_known(kind) ? kind_names[kind] : "unknown";
}

#define RANGE (EVENT_HAS_ADDRESS | EVENT_HAS_LENGTH | EVENT_HAS_RESULT)

static const uint16_t kind_carries[EVENT_KINDS] = {
    [EVENT_MALLOC] = EVENT_CREATES | EVENT_HAS_SIZE,
    [EVENT_CALLOC] = EVENT_CREATES | EVENT_HAS_SIZE | EVENT_HAS_COUNT,
    [EVENT_REALLOC] = EVENT_CREATES | EVENT_RELEASES | EVENT_HAS_SIZE,
    [EVENT_MEMALIGN] = EVENT_CREATES | EVENT_HAS_SIZE | EVENT_HAS_ALIGNMENT,
    [EVENT_FREE] = EVENT_RELEASES,
    [EVENT_FREE_SIZED] = EVENT_RELEASES | EVENT_HAS_SIZE | EVENT_HAS_ALIGNMENT,
    [EVENT_FORK] = EVENT_HAS_COUNT | EVENT_HAS_CHILD,
    [EVENT_EXEC] = EVENT_HAS_FILE | EVENT_HAS_RESULT,
    [EVENT_EXIT] = EVENT_HAS_SIZE,
    [EVENT_MARKER] = EVENT_HAS_SIZE,
    [EVENT_VFORK] = EVENT_HAS_COUNT | EVENT_HAS_CHILD,
    [EVENT_CLONE] = EVENT_HAS_COUNT | EVENT_HAS_CHILD | EVENT_HAS_FLAGS | EVENT_HAS_RESULT,
    [EVENT_SWITCH] = EVENT_HAS_COUNT,
    [EVENT_SNAPSHOT] = EVENT_HAS_COUNT,
    [EVENT_MMAP] = RANGE | EVENT_HAS_OFFSET | EVENT_HAS_PROTECTION | EVENT_HAS_FLAGS | EVENT_HAS_FILE,
    [EVENT_MUNMAP] = RANGE,
    [EVENT_MREMAP] = RANGE | EVENT_HAS_NEW_LENGTH | EVENT_HAS_NEW_ADDRESS | EVENT_HAS_FLAGS,
    [EVENT_BRK] = EVENT_HAS_ADDRESS | EVENT_HAS_RESULT,
    [EVENT_MPROTECT] = RANGE | EVENT_HAS_PROTECTION,
    [EVENT_PKEY_MPROTECT] = RANGE | EVENT_HAS_PROTECTION | EVENT_HAS_FLAGS,
    [EVENT_MADVISE] = RANGE | EVENT_HAS_FLAGS,
    [EVENT_MLOCK] = RANGE,
    [EVENT_MLOCK2] = RANGE | EVENT_HAS_FLAGS,
    [EVENT_MUNLOCK] = RANGE,
    [EVENT_MLOCKALL] = EVENT_HAS_FLAGS | EVENT_HAS_RESULT,
    [EVENT_MUNLOCKALL] = EVENT_HAS_RESULT,
    [EVENT_MSYNC] = RANGE | EVENT_HAS_FLAGS,
    [EVENT_MINCORE] = RANGE,
    [EVENT_REMAP_FILE_PAGES] = RANGE | EVENT_HAS_OFFSET | EVENT_HAS_PROTECTION | EVENT_HAS_FLAGS,
    [EVENT_SHMGET] = RANGE | EVENT_HAS_FLAGS,
    [EVENT_SHMAT] =
	EVENT_HAS_ADDRESS | EVENT_HAS_NEW_LENGTH | EVENT_HAS_FLAGS | EVENT_HAS_FILE | EVENT_HAS_RESULT,
    [EVENT_SHMDT] = EVENT_HAS_ADDRESS | EVENT_HAS_RESULT,
    [EVENT_SHMCTL] = EVENT_HAS_NEW_LENGTH | EVENT_HAS_FLAGS | EVENT_HAS_RESULT,
    [EVENT_FTRUNCATE] = EVENT_HAS_LENGTH | EVENT_HAS_FILE | EVENT_HAS_RESULT,
    [EVENT_PRCTL] = RANGE | EVENT_HAS_NEW_LENGTH | EVENT_HAS_NEW_ADDRESS | EVENT_HAS_FLAGS,
    [EVENT_FAULT] = EVENT_HAS_ADDRESS | EVENT_HAS_FLAGS,
    [EVENT_PAGE_ALLOC] = EVENT_HAS_KERNEL,
    [EVENT_PAGE_FREE] = EVENT_HAS_KERNEL,
    [EVENT_PAGE_FREE_BATCHED] = EVENT_HAS_KERNEL,
    [EVENT_ZONE_LOCKED] = EVENT_HAS_KERNEL,
    [EVENT_PCPU_DRAIN] = EVENT_HAS_KERNEL,
    [EVENT_EXTFRAG] = EVENT_HAS_KERNEL,
    [EVENT_KMEM_ALLOC] = EVENT_HAS_KERNEL,
    [EVENT_KMEM_FREE] = EVENT_HAS_KERNEL,
    [EVENT_VMALLOC] = EVENT_HAS_KERNEL,
    [EVENT_VFREE] = EVENT_HAS_KERNEL,
    [EVENT_VMAP_PURGE] = EVENT_HAS_KERNEL | EVENT_HAS_COUNT,
    [EVENT_ZONE_GROW] = EVENT_HAS_KERNEL | EVENT_HAS_COUNT,
    [EVENT_RECLAIM_BEGIN] = EVENT_HAS_KERNEL,
    [EVENT_RECLAIM_END] = EVENT_HAS_KERNEL | EVENT_HAS_COUNT,
    [EVENT_KSWAPD_WAKE] = EVENT_HAS_KERNEL,
    [EVENT_KSWAPD_SLEEP] = EVENT_HAS_KERNEL,
    [EVENT_COMPACT_BEGIN] = EVENT_HAS_KERNEL,
    [EVENT_COMPACT_END] = EVENT_HAS_KERNEL,
    [EVENT_MIGRATE] = EVENT_HAS_KERNEL | EVENT_HAS_COUNT,
};

unsigned event_kind_carries(unsigned kind)
{
	return kind < EVENT_KINDS ? kind_carries[kind] : 0;
}

#define PAGE (EVENT_KERNEL_HAS_FRAME | EVENT_KERNEL_HAS_ORDER)
#define TYPED (PAGE | EVENT_KERNEL_HAS_MIGRATE_TYPE)
#define SCANNER (EVENT_KERNEL_HAS_FRAME | EVENT_KERNEL_HAS_PAGES | EVENT_KERNEL_HAS_FLAGS)

static const uint16_t kernel_carries[EVENT_KINDS - EVENT_PAGE_ALLOC] = {
    [0] = TYPED | EVENT_KERNEL_HAS_GFP | EVENT_KERNEL_MAY_FAIL,
    [EVENT_PAGE_FREE - EVENT_PAGE_ALLOC] = PAGE,
    [EVENT_PAGE_FREE_BATCHED - EVENT_PAGE_ALLOC] = EVENT_KERNEL_HAS_FRAME,
    [EVENT_ZONE_LOCKED - EVENT_PAGE_ALLOC] = TYPED | EVENT_KERNEL_HAS_FLAGS,
    [EVENT_PCPU_DRAIN - EVENT_PAGE_ALLOC] = TYPED,
    [EVENT_EXTFRAG - EVENT_PAGE_ALLOC] = TYPED | EVENT_KERNEL_HAS_FALLBACK | EVENT_KERNEL_HAS_FLAGS,
    [EVENT_KMEM_ALLOC - EVENT_PAGE_ALLOC] = EVENT_KERNEL_HAS_ADDRESS | EVENT_KERNEL_HAS_BYTES |
					    EVENT_KERNEL_HAS_GRANTED | EVENT_KERNEL_HAS_GFP |
					    EVENT_KERNEL_HAS_CACHE | EVENT_KERNEL_MAY_FAIL,
    [EVENT_KMEM_FREE - EVENT_PAGE_ALLOC] = EVENT_KERNEL_HAS_ADDRESS | EVENT_KERNEL_HAS_CACHE,
    [EVENT_VMALLOC - EVENT_PAGE_ALLOC] =
	EVENT_KERNEL_HAS_ADDRESS | EVENT_KERNEL_HAS_BYTES | EVENT_KERNEL_HAS_ORDER | EVENT_KERNEL_MAY_FAIL,
    [EVENT_VFREE - EVENT_PAGE_ALLOC] = EVENT_KERNEL_HAS_ADDRESS,
    [EVENT_VMAP_PURGE - EVENT_PAGE_ALLOC] = EVENT_KERNEL_HAS_ADDRESS | EVENT_KERNEL_HAS_BYTES,
    [EVENT_ZONE_GROW - EVENT_PAGE_ALLOC] = EVENT_KERNEL_HAS_NODE | EVENT_KERNEL_HAS_CODE,
    [EVENT_RECLAIM_BEGIN - EVENT_PAGE_ALLOC] = EVENT_KERNEL_HAS_ORDER | EVENT_KERNEL_HAS_GFP,
    [EVENT_KSWAPD_WAKE - EVENT_PAGE_ALLOC] = EVENT_KERNEL_HAS_NODE | EVENT_KERNEL_HAS_ORDER,
    [EVENT_KSWAPD_SLEEP - EVENT_PAGE_ALLOC] = EVENT_KERNEL_HAS_NODE,
    [EVENT_COMPACT_BEGIN - EVENT_PAGE_ALLOC] = SCANNER,
    [EVENT_COMPACT_END - EVENT_PAGE_ALLOC] = SCANNER | EVENT_KERNEL_HAS_CODE,
    [EVENT_MIGRATE - EVENT_PAGE_ALLOC] = EVENT_KERNEL_HAS_PAGES | EVENT_KERNEL_HAS_CODE,
};

unsigned event_kernel_carries(unsigned kind)
{
	return kind >= EVENT_PAGE_ALLOC && kind < EVENT_KINDS ? kernel_carries[kind - EVENT_PAGE_ALLOC] : 0;
}

static unsigned kernel_fields(const struct event_kernel *kernel)
{
	unsigned has = 0;

	has |= kernel->frame ? EVENT_KERNEL_HAS_FRAME : 0;
	has |= kernel->pages ? EVENT_KERNEL_HAS_PAGES : 0;
	has |= kernel->address ? EVENT_KERNEL_HAS_ADDRESS : 0;
	has |= kernel->bytes ? EVENT_KERNEL_HAS_BYTES : 0;
	has |= kernel->granted ? EVENT_KERNEL_HAS_GRANTED : 0;
	has |= kernel->gfp ? EVENT_KERNEL_HAS_GFP : 0;
	has |= kernel->cache ? EVENT_KERNEL_HAS_CACHE : 0;
	has |= kernel->node ? EVENT_KERNEL_HAS_NODE : 0;
	has |= kernel->order ? EVENT_KERNEL_HAS_ORDER : 0;
	has |= kernel->migrate_type ? EVENT_KERNEL_HAS_MIGRATE_TYPE : 0;
	has |= kernel->fallback_order || kernel->fallback_type ? EVENT_KERNEL_HAS_FALLBACK : 0;
	has |= kernel->flags ? EVENT_KERNEL_HAS_FLAGS : 0;
	has |= kernel->code ? EVENT_KERNEL_HAS_CODE : 0;
	return has;
}

bool event_has_kernel(const struct event *event)
{
	const struct event_kernel *kernel = &event->kernel;

	return (kernel->frame | kernel->pages | kernel->address | kernel->bytes | kernel->granted |
		kernel->gfp | kernel->cache | kernel->node | kernel->order | kernel->migrate_type |
		kernel->fallback_order | kernel->fallback_type | kernel->flags | kernel->code) != 0;
}

const char *event_kernel_fault(const struct event *event)
{
	const struct event_kernel *kernel = &event->kernel;
	const unsigned carries = event_kernel_carries(event->kind);

	if (kernel_fields(kernel) & ~carries)
		return "carries a number of the kernel's that its kind does not have";
	if ((event->flags & EVENT_FAILED) && (kernel->frame || kernel->address))
		return "is marked as failed, but has a page or an address";
	if (kernel->frame >= EVENT_MAX_FRAMES || kernel->pages >= EVENT_MAX_FRAMES)
		return "has a page frame number that is too high";
	if (kernel->order >= EVENT_MAX_ORDERS || kernel->fallback_order >= EVENT_MAX_ORDERS)
		return "has an order that is too high";
	if (kernel->migrate_type >= EVENT_MAX_MIGRATE_TYPES ||
	    kernel->fallback_type >= EVENT_MAX_MIGRATE_TYPES)
		return "has a migrate type that is too high";
	if (kernel->gfp >= EVENT_MAX_NAMES || kernel->cache >= EVENT_MAX_NAMES)
		return "has the number of a name that is too high";
	if (kernel->node >= EVENT_MAX_NODES)
		return "has a node number that is too high";
	if (kernel->flags & ~(EVENT_KERNEL_REFILL | EVENT_KERNEL_OWNERSHIP | EVENT_KERNEL_SYNC))
		return "has an unknown flag of the kernel's";
	if (event->kind == EVENT_ZONE_GROW && kernel->code >= EVENT_ZONES)
		return "has an unknown zone";
	return NULL;
}

static const char *const zone_names[EVENT_ZONES] = {
    [EVENT_ZONE_DMA] = "DMA",	      [EVENT_ZONE_DMA32] = "DMA32",	[EVENT_ZONE_NORMAL] = "Normal",
    [EVENT_ZONE_HIGHMEM] = "HighMem", [EVENT_ZONE_MOVABLE] = "Movable", [EVENT_ZONE_DEVICE] = "Device",
};

const char *event_zone_name(unsigned zone)
{
	return zone < EVENT_ZONES ? zone_names[zone] : "unknown";
}

#define CLONE_VM_FLAG 0x100u /* the kernel's CLONE_VM */

bool event_makes_child(const struct event *event)
{
	return (event_kind_carries(event->kind) & EVENT_HAS_CHILD) && !(event->flags & EVENT_FAILED);
}

bool event_copies_memory(const struct event *event)
{
	return event_makes_child(event) && event->kind != EVENT_VFORK && !(event->call.flags & CLONE_VM_FLAG);
}

bool event_has_call(const struct event *event)
{
	const struct event_call *call = &event->call;

	return (call->address | call->length | call->new_length | call->new_address | call->offset |
		call->result | call->protection | call->flags | call->file) != 0;
}

bool event_call_fits(const struct event *event)
{
	const struct event_call *call = &event->call;
	unsigned has = 0;

	has |= call->address ? EVENT_HAS_ADDRESS : 0;
	has |= call->length ? EVENT_HAS_LENGTH : 0;
	has |= call->new_length ? EVENT_HAS_NEW_LENGTH : 0;
	has |= call->new_address ? EVENT_HAS_NEW_ADDRESS : 0;
	has |= call->offset ? EVENT_HAS_OFFSET : 0;
	has |= call->result ? EVENT_HAS_RESULT : 0;
	has |= call->protection ? EVENT_HAS_PROTECTION : 0;
	has |= call->flags ? EVENT_HAS_FLAGS : 0;
	has |= call->file ? EVENT_HAS_FILE : 0;
	return !(has & ~event_kind_carries(event->kind));
}

static const char *const region_names[EVENT_REGION_KINDS] = {
    [EVENT_REGION_OTHER] = "other",	    [EVENT_REGION_FILE] = "file",
    [EVENT_REGION_ANONYMOUS] = "anonymous", [EVENT_REGION_BREAK] = "break",
    [EVENT_REGION_STACK] = "stack",	    [EVENT_REGION_TLS] = "tls",
    [EVENT_REGION_GLOBALS] = "globals",	    [EVENT_REGION_SHARED] = "shared",
    [EVENT_REGION_KERNEL] = "kernel",
};

const char *event_region_kind_name(unsigned kind)
{
	return region_names[kind < EVENT_REGION_KINDS ? kind : EVENT_REGION_OTHER];
}
