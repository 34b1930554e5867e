#include "config.h"

#include "traces/event.h"

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
};

const char *event_kind_name(unsigned kind)
{
	return kind < EVENT_KINDS && kind_names[kind] ? kind_names[kind] : "unknown";
}

static const uint8_t kind_carries[EVENT_KINDS] = {
    [EVENT_MALLOC] = EVENT_CREATES | EVENT_HAS_SIZE,
    [EVENT_CALLOC] = EVENT_CREATES | EVENT_HAS_SIZE | EVENT_HAS_COUNT,
    [EVENT_REALLOC] = EVENT_CREATES | EVENT_RELEASES | EVENT_HAS_SIZE,
    [EVENT_MEMALIGN] = EVENT_CREATES | EVENT_HAS_SIZE | EVENT_HAS_ALIGNMENT,
    [EVENT_FREE] = EVENT_RELEASES,
    [EVENT_FREE_SIZED] = EVENT_RELEASES | EVENT_HAS_SIZE | EVENT_HAS_ALIGNMENT,
    [EVENT_FORK] = EVENT_HAS_COUNT,
    [EVENT_EXIT] = EVENT_HAS_SIZE,
    [EVENT_MARKER] = EVENT_HAS_SIZE,
};

unsigned event_kind_carries(unsigned kind)
{
	return kind < EVENT_KINDS ? kind_carries[kind] : 0;
}
