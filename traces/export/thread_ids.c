#include "config.h"

#include "traces/export/thread_ids.h"

#include <stdlib.h>

#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(element) ((element)->given = false)
#include <uthash.h>

struct thread_ids_entry {
	UT_hash_handle hh;
	uint64_t id;
	bool given;
};

bool thread_ids_start(struct thread_ids *ids, const struct flt_summary *summary)
{
	*ids = (struct thread_ids){.summary = summary, .known = true};
	ids->entry = calloc(summary->threads + (size_t)1, sizeof(*ids->entry));
	for (uint32_t i = 0; i < summary->threads; i++) {
		const uint64_t id = summary->thread[i].os_id;

		ids->known &= id != 0;
		if (id >= ids->above)
			ids->above = id + 1;
	}
	return ids->entry != NULL;
}

void thread_ids_end(struct thread_ids *ids)
{
	HASH_CLEAR(hh, ids->living);
	free(ids->entry);
	*ids = (struct thread_ids){0};
}

bool thread_ids_of(struct thread_ids *ids, uint32_t thread, uint64_t *id)
{
	struct thread_ids_entry *entry = &ids->entry[thread], *taken;

	if (!entry->given) {
		entry->given = true;
		entry->id = ids->known ? ids->summary->thread[thread].os_id : thread + UINT64_C(1);
		HASH_FIND(hh, ids->living, &entry->id, sizeof(entry->id), taken);
		if (taken)
			entry->id = ids->above + thread;
		HASH_ADD(hh, ids->living, id, sizeof(entry->id), entry);
	}
	*id = entry->id;
	return entry->given;
}

void thread_ids_release(struct thread_ids *ids, uint32_t thread)
{
	struct thread_ids_entry *entry = &ids->entry[thread];

	if (entry->given)
		HASH_DEL(ids->living, entry);
	entry->given = false;
}
