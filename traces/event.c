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
};

unsigned event_kind_carries(unsigned kind)
{
	return kind < EVENT_KINDS ? kind_carries[kind] : 0;
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
