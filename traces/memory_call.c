#include "config.h"

#include "traces/memory_call.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#ifdef SYS_shmget
#define SHARED_NUMBER(name) SYS_##name
#else
#define SHARED_NUMBER(name) (-1)
#endif

#define OPTION_SET_MM 35u
#define OPTION_SET_THP_DISABLE 41u
#define OPTION_SET_VMA 0x53564d41u
#define REMAP_FIXED 2u
#define LOWEST_ERRNO (-(int64_t)EVENT_MAX_ERRNO)

#define A FIELD_ADDRESS
#define L FIELD_LENGTH
#define F FIELD_FLAGS
#define P FIELD_PROTECTION
#define O FIELD_OFFSET
#define D FIELD_DESCRIPTOR
#define I FIELD_IDENTIFIER

static const struct memory_call calls[] = {
    {"mmap", SYS_mmap, EVENT_MMAP, 6, {A, L, P, F, D, O}},
    {"munmap", SYS_munmap, EVENT_MUNMAP, 2, {A, L}},
    {"mremap", SYS_mremap, EVENT_MREMAP, 5, {A, L, FIELD_NEW_LENGTH, F, FIELD_NEW_ADDRESS}},
    {"brk", SYS_brk, EVENT_BRK, 1, {A}},
    {"mprotect", SYS_mprotect, EVENT_MPROTECT, 3, {A, L, P}},
    {"pkey_mprotect", SYS_pkey_mprotect, EVENT_PKEY_MPROTECT, 4, {A, L, P, F}},
    {"madvise", SYS_madvise, EVENT_MADVISE, 3, {A, L, F}},
    {"mlock", SYS_mlock, EVENT_MLOCK, 2, {A, L}},
    {"mlock2", SYS_mlock2, EVENT_MLOCK2, 3, {A, L, F}},
    {"munlock", SYS_munlock, EVENT_MUNLOCK, 2, {A, L}},
    {"mlockall", SYS_mlockall, EVENT_MLOCKALL, 1, {F}},
    {"munlockall", SYS_munlockall, EVENT_MUNLOCKALL, 0, {FIELD_NONE}},
    {"msync", SYS_msync, EVENT_MSYNC, 3, {A, L, F}},
    {"mincore", SYS_mincore, EVENT_MINCORE, 3, {A, L}},
    {"remap_file_pages", SYS_remap_file_pages, EVENT_REMAP_FILE_PAGES, 5, {A, L, P, O, F}},
    {"shmget", SHARED_NUMBER(shmget), EVENT_SHMGET, 3, {FIELD_KEY, L, F}},
    {"shmat", SHARED_NUMBER(shmat), EVENT_SHMAT, 3, {I, A, F}},
    {"shmdt", SHARED_NUMBER(shmdt), EVENT_SHMDT, 1, {A}},
    {"shmctl", SHARED_NUMBER(shmctl), EVENT_SHMCTL, 3, {I, F}},
    {"ftruncate", SYS_ftruncate, EVENT_FTRUNCATE, 2, {D, L}},
    {"prctl", SYS_prctl, EVENT_PRCTL, 5, {F, A, L, FIELD_NEW_LENGTH, FIELD_NEW_ADDRESS}},
};

#define CALLS (sizeof(calls) / sizeof(calls[0]))

const struct memory_call *memory_call_at(size_t index)
{
	return index < CALLS ? &calls[index] : NULL;
}

const struct memory_call *memory_call_by_number(uint64_t number)
{
	for (size_t i = 0; i < CALLS; i++) {
		if (calls[i].number >= 0 && (uint64_t)calls[i].number == number)
			return &calls[i];
	}
	return NULL;
}

const struct memory_call *memory_call_by_name(const char *name, size_t length)
{
	for (size_t i = 0; i < CALLS; i++) {
		if (strlen(calls[i].name) == length && memcmp(calls[i].name, name, length) == 0)
			return &calls[i];
	}
	return NULL;
}

int memory_call_descriptor(const struct memory_call *call, const uint64_t *argument)
{
	if (call->kind == EVENT_MMAP && (argument[3] & MAP_ANONYMOUS) != 0)
		return -1;
	for (int i = 0; i < (int)MEMORY_CALL_ARGUMENTS; i++) {
		if (call->field[i] == FIELD_DESCRIPTOR)
			return i;
	}
	return -1;
}

bool memory_call_concerns(const struct memory_call *call, const uint64_t *argument)
{
	const uint32_t option = (uint32_t)argument[0];

	return call->kind != EVENT_PRCTL || option == OPTION_SET_MM || option == OPTION_SET_THP_DISABLE ||
	       option == OPTION_SET_VMA;
}

static void set_field(struct event_call *call, enum memory_field field, uint64_t value)
{
	switch (field) {
	case FIELD_KEY:
		call->address = (uint32_t)value;
		break;
	case FIELD_ADDRESS:
		call->address = value;
		break;
	case FIELD_LENGTH:
		call->length = value;
		break;
	case FIELD_IDENTIFIER:
		call->new_length = (uint32_t)value;
		break;
	case FIELD_NEW_LENGTH:
		call->new_length = value;
		break;
	case FIELD_NEW_ADDRESS:
		call->new_address = value;
		break;
	case FIELD_OFFSET:
		call->offset = value;
		break;
	case FIELD_PROTECTION:
		call->protection = (uint32_t)value;
		break;
	case FIELD_FLAGS:
		call->flags = (uint32_t)value;
		break;
	default:
		break;
	}
}

void memory_call_event(const struct memory_call *call, const uint64_t *argument, int64_t result,
		       struct event *event)
{
	const bool failed = result < 0 && result >= LOWEST_ERRNO && call->kind != EVENT_BRK;

	*event = (struct event){.kind = call->kind};
	for (size_t i = 0; i < call->arguments; i++)
		set_field(&event->call, call->field[i], argument[i]);
	if (call->kind == EVENT_MREMAP && (event->call.flags & REMAP_FIXED) == 0)
		event->call.new_address = 0;
	event->flags = failed ? EVENT_FAILED : 0;
	event->call.result = failed ? (uint64_t)-result : (uint64_t)result;
}

bool memory_call_releases(const struct memory_call *call)
{
	return call->kind == EVENT_MUNMAP || call->kind == EVENT_SHMDT;
}
