#include "config.h"

#include "traces/record/preload/stacks.h"

#include <sys/mman.h>

#define UNW_LOCAL_ONLY
#include <libunwind.h>

#define STACKS_DEPTH 64
#define STACKS_OWN_FRAMES 2 /* stacks_write and the wrapper */
#define STACKS_SLOTS 16384u /* power of two; 256 KiB per thread, touched as needed */
#define STACKS_PROBES 16u

/* Which stacks this thread has defined: open addressing by a 64-bit hash of the addresses. Two different stacks with
 * one hash would be merged (one in 2^64 per pair). Overfull, the table forgets a slot and defines that stack again. */
struct stacks_slot {
	uint64_t hash; /* 0 = empty */
	uint64_t id;
};

struct stacks_table {
	uint64_t defined;
	struct stacks_slot slot[STACKS_SLOTS];
};

static struct stacks_table *table_of(struct recording_thread *thread)
{
	if (!thread->stacks) {
		void *memory = mmap(NULL, sizeof(struct stacks_table), PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		thread->stacks = memory == MAP_FAILED ? NULL : memory;
	}
	return thread->stacks;
}

static uint64_t hash_of(void *const *frames, int depth)
{
	uint64_t hash = UINT64_C(0x9e3779b97f4a7c15);

	for (int i = 0; i < depth; i++) {
		hash = (hash ^ (uintptr_t)frames[i]) * UINT64_C(0xff51afd7ed558ccd);
		hash ^= hash >> 32;
	}
	return hash ? hash : 1;
}

/* The slot of `hash`: where it is, else where it may be put. */
static struct stacks_slot *slot_of(struct stacks_table *table, uint64_t hash)
{
	for (unsigned i = 0; i < STACKS_PROBES; i++) {
		struct stacks_slot *slot = &table->slot[(hash + i) & (STACKS_SLOTS - 1)];
		if (slot->hash == hash || slot->hash == 0)
			return slot;
	}
	return &table->slot[hash & (STACKS_SLOTS - 1)];
}

static void define(struct recording_thread *thread, void *const *frames, int depth, uint64_t id)
{
	for (int i = 0; i < depth; i += 3) {
		uint64_t word[3] = {0};
		for (int j = 0; j < 3 && i + j < depth; j++)
			word[j] = (uintptr_t)frames[i + j];
		recording_write_words(thread, ARENA_FRAMES, word);
	}
	recording_write(thread, ARENA_STACK_DEFINE, (uint64_t)depth, id);
}

bool stacks_write(struct recording_thread *thread)
{
	void *frames[STACKS_DEPTH + STACKS_OWN_FRAMES];
	struct stacks_table *table = table_of(thread);
	struct stacks_slot *slot;
	uintptr_t outer = thread->inside;
	uint64_t hash;
	int depth;

	if (!table)
		return false;
	thread->inside = (uintptr_t)__builtin_frame_address(0);
	depth = unw_backtrace(frames, STACKS_DEPTH + STACKS_OWN_FRAMES) - STACKS_OWN_FRAMES;
	thread->inside = outer;
	if (depth <= 0)
		return false;
	hash = hash_of(frames + STACKS_OWN_FRAMES, depth);
	slot = slot_of(table, hash);
	if (slot->hash != hash) {
		*slot = (struct stacks_slot){.hash = hash, .id = ++table->defined};
		define(thread, frames + STACKS_OWN_FRAMES, depth, slot->id);
	}
	recording_write(thread, ARENA_STACK, 0, slot->id);
	return true;
}

void stacks_thread_end(struct recording_thread *thread)
{
	if (thread->stacks)
		(void)munmap(thread->stacks, sizeof(struct stacks_table));
	thread->stacks = NULL;
}
