#include "config.h"

#include "tests/unit/small_arena.h"

#include <stdlib.h>

void small_arena_create(struct small_arena *small, uint32_t chunks)
{
	small->memory = aligned_alloc(4096, (arena_bytes(chunks) + 4095) & ~UINT64_C(4095));
	if (!small->memory)
		abort();
	for (uint64_t i = 0; i < arena_bytes(chunks); i++)
		((char *)small->memory)[i] = 0;
	small->arena = arena_view(small->memory, chunks);
	small->arena.control->chunk_count = chunks;
	atomic_store(&small->arena.control->free_top, ARENA_NONE);
	atomic_store(&small->arena.control->order, ARENA_FIRST_ORDER);
}

void small_arena_destroy(struct small_arena *small)
{
	free(small->memory);
	small->memory = NULL;
}

struct arena_process *small_arena_process(struct small_arena *small, uint32_t slot, uint64_t serial,
					  uint32_t process_id)
{
	struct arena_process *process = &small->arena.processes[slot];

	process->serial = serial;
	process->process_id = process_id;
	atomic_store(&process->state, ARENA_PROCESS_LIVE);
	return process;
}

void small_arena_own(struct small_arena *small, uint32_t chunk, uint64_t process, uint64_t thread)
{
	struct arena_chunk *header = &small->arena.chunks[chunk];

	header->process_slot = (uint32_t)process - 1;
	header->process_serial = process;
	header->thread_serial = thread;
	header->thread_id = (uint32_t)(1000 + thread);
	header->first_order = atomic_load(&small->arena.control->order);
	atomic_store(&header->reserved, 0);
	atomic_store(&header->state, ARENA_CHUNK_OWNED);
}

void small_arena_reserve(struct small_arena *small, uint32_t chunk)
{
	atomic_fetch_add(&small->arena.chunks[chunk].reserved, 1);
}

void small_arena_write(struct small_arena *small, uint32_t chunk, uint64_t order, struct small_record content)
{
	uint32_t place = atomic_fetch_add(&small->arena.chunks[chunk].reserved, 1);
	struct arena_record *record = &small->arena.records[(uint64_t)chunk * ARENA_CHUNK_RECORDS + place];

	record->tsc = order * 1000;
	record->address = (content.address & ARENA_ADDRESS_MASK) | content.info << ARENA_INFO_SHIFT;
	record->size = content.size;
	atomic_store(&record->order_kind, order << 8 | content.kind);
	if (atomic_load(&small->arena.control->order) <= order)
		atomic_store(&small->arena.control->order, order + 1);
}
