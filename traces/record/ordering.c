#include "config.h"

#include "traces/record/ordering.h"

#include <limits.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static uint32_t *entry_of(const struct ordering *ordering, uint64_t order)
{
	return &ordering->window[order & (ORDERING_WINDOW - 1)];
}

static struct arena_record *record_at(const struct ordering *ordering, uint64_t place)
{
	return &ordering->arena.records[place];
}

static uint64_t place_of(uint32_t chunk, uint32_t index)
{
	return (uint64_t)chunk * ARENA_CHUNK_RECORDS + index;
}

enum trace_status ordering_create(struct ordering *ordering, const struct arena *arena,
				  struct trace_error *error)
{
	*ordering =
	    (struct ordering){.arena = *arena, .base = ARENA_FIRST_ORDER, .chunk_limit = arena->chunk_count};
	ordering->reader = calloc(arena->chunk_count, sizeof(*ordering->reader));
	ordering->window = calloc(ORDERING_WINDOW, sizeof(*ordering->window));
	if (ordering->reader && ordering->window)
		return TRACE_OK;
	ordering_destroy(ordering);
	return trace_fail(error, TRACE_NO_MEMORY, "not enough memory to put the records in order");
}

void ordering_destroy(struct ordering *ordering)
{
	free(ordering->reader);
	free(ordering->window);
	ordering->reader = NULL;
	ordering->window = NULL;
}

void ordering_free_chunk(const struct arena *arena, uint32_t index)
{
	struct arena_control *control = arena->control;
	struct arena_chunk *chunk = &arena->chunks[index];
	uint64_t top = atomic_load(&control->free_top);

	atomic_store(&chunk->state, ARENA_CHUNK_FREE);
	do {
		atomic_store(&chunk->next, (uint32_t)top);
	} while (!atomic_compare_exchange_weak(&control->free_top, &top, ((top >> 32) + 1) << 32 | index));
	atomic_fetch_add(&control->free_count, 1);
	if (atomic_load(&control->chunk_waiters) != 0) {
		atomic_fetch_add(&control->chunks_bell, 1);
		(void)syscall(SYS_futex, &control->chunks_bell, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
	}
}

static void open_reader(struct ordering *ordering, uint32_t index)
{
	const struct arena_chunk *chunk = &ordering->arena.chunks[index];

	ordering->reader[index] = (struct chunk_reader){
	    .process_serial = chunk->process_serial,
	    .thread_serial = chunk->thread_serial,
	    .first_order = chunk->first_order,
	    .process_slot = chunk->process_slot % ARENA_PROCESSES,
	    .thread_id = chunk->thread_id,
	    .open = true,
	};
}

/* Gives the chunk back when its owner has left it and every record of it was taken. */
static void release_if_done(struct ordering *ordering, uint32_t index)
{
	struct chunk_reader *reader = &ordering->reader[index];
	struct arena_chunk *chunk = &ordering->arena.chunks[index];

	if (!reader->open || reader->pending != 0)
		return;
	if (!reader->gone && atomic_load_explicit(&chunk->state, memory_order_acquire) != ARENA_CHUNK_CLOSED)
		return;
	if (reader->read < ARENA_CHUNK_RECORDS && reader->read < atomic_load(&chunk->reserved))
		return;
	*reader = (struct chunk_reader){0};
	ordering_free_chunk(&ordering->arena, index);
}

/* Enters the chunk's next record. False: there is none to enter now. */
static bool enter_next(struct ordering *ordering, uint32_t index)
{
	struct chunk_reader *reader = &ordering->reader[index];
	uint64_t place = place_of(index, reader->read);
	uint64_t order =
	    atomic_load_explicit(&record_at(ordering, place)->order_kind, memory_order_acquire) >> 8;
	uint32_t *entry;

	if (order < reader->first_order) {
		if (reader->gone) {
			reader->read++;
			return true;
		}
		ordering->unwritten = true;
		return false;
	}
	if (order >= ordering->base && order - ordering->base >= ORDERING_WINDOW)
		return false;
	entry = entry_of(ordering, order);
	reader->read++;
	if (order < ordering->base || *entry != 0) {
		ordering->damaged++;
		return true;
	}
	*entry = (uint32_t)place + 1;
	reader->pending++;
	return true;
}

static void scan_chunk(struct ordering *ordering, uint32_t index)
{
	struct arena_chunk *chunk = &ordering->arena.chunks[index];
	struct chunk_reader *reader = &ordering->reader[index];
	uint32_t reserved;

	if (!reader->open) {
		uint32_t state = atomic_load_explicit(&chunk->state, memory_order_acquire);
		if (state != ARENA_CHUNK_OWNED && state != ARENA_CHUNK_CLOSED)
			return;
		open_reader(ordering, index);
	}
	reserved = atomic_load_explicit(&chunk->reserved, memory_order_acquire);
	if (reserved > ARENA_CHUNK_RECORDS)
		reserved = ARENA_CHUNK_RECORDS;
	while (reader->read < reserved && enter_next(ordering, index))
		continue;
	release_if_done(ordering, index);
}

void ordering_scan(struct ordering *ordering)
{
	ordering->unwritten = false;
	for (uint32_t i = 0; i < ordering->chunk_limit; i++)
		scan_chunk(ordering, i);
}

bool ordering_peek(const struct ordering *ordering, struct ordered_record *record)
{
	uint32_t entry = *entry_of(ordering, ordering->base);
	const struct chunk_reader *reader;
	const struct arena_record *source;

	if (entry == 0)
		return false;
	reader = &ordering->reader[(entry - 1) / ARENA_CHUNK_RECORDS];
	source = record_at(ordering, entry - 1);
	*record = (struct ordered_record){
	    .order = ordering->base,
	    .tsc = source->tsc,
	    .address = source->address,
	    .size = source->size,
	    .process_serial = reader->process_serial,
	    .thread_serial = reader->thread_serial,
	    .process_slot = reader->process_slot,
	    .thread_id = reader->thread_id,
	    .kind = (uint8_t)(atomic_load_explicit(&record_at(ordering, entry - 1)->order_kind,
						   memory_order_relaxed) &
			      0xff),
	};
	return true;
}

void ordering_take(struct ordering *ordering)
{
	uint32_t *entry = entry_of(ordering, ordering->base);
	uint32_t chunk = (*entry - 1) / ARENA_CHUNK_RECORDS;

	*entry = 0;
	ordering->base++;
	if (--ordering->reader[chunk].pending == 0)
		release_if_done(ordering, chunk);
}

/* The lowest number that some chunk holds beyond the window; `limit` if there is none below it. */
static uint64_t lowest_beyond(const struct ordering *ordering, uint64_t limit)
{
	for (uint32_t i = 0; i < ordering->chunk_limit; i++) {
		const struct chunk_reader *reader = &ordering->reader[i];
		uint64_t order;
		if (!reader->open || reader->read >= ARENA_CHUNK_RECORDS ||
		    reader->read >= atomic_load(&ordering->arena.chunks[i].reserved))
			continue;
		order = atomic_load(&record_at(ordering, place_of(i, reader->read))->order_kind) >> 8;
		if (order >= reader->first_order && order > ordering->base && order < limit)
			limit = order;
	}
	return limit;
}

void ordering_skip(struct ordering *ordering, uint64_t limit)
{
	uint64_t next = ordering->base;
	uint64_t end = ordering->base + ORDERING_WINDOW;

	while (next < end && next < limit && *entry_of(ordering, next) == 0)
		next++;
	if (next == end)
		next = lowest_beyond(ordering, limit > next ? limit : next);
	ordering->lost += next - ordering->base;
	ordering->base = next;
}

void ordering_process_gone(struct ordering *ordering, uint64_t process_serial)
{
	for (uint32_t i = 0; i < ordering->chunk_limit; i++) {
		if (ordering->reader[i].open && ordering->reader[i].process_serial == process_serial) {
			ordering->reader[i].gone = true;
			scan_chunk(ordering, i);
		}
	}
}

void ordering_thread_gone(struct ordering *ordering, uint64_t thread_serial)
{
	for (uint32_t i = 0; i < ordering->chunk_limit; i++) {
		if (ordering->reader[i].open && ordering->reader[i].thread_serial == thread_serial) {
			ordering->reader[i].gone = true;
			scan_chunk(ordering, i);
		}
	}
}

bool ordering_process_busy(const struct ordering *ordering, uint64_t process_serial)
{
	for (uint32_t i = 0; i < ordering->chunk_limit; i++) {
		if (ordering->reader[i].open && ordering->reader[i].process_serial == process_serial)
			return true;
	}
	return false;
}

bool ordering_thread_busy(const struct ordering *ordering, uint64_t thread_serial)
{
	for (uint32_t i = 0; i < ordering->chunk_limit; i++) {
		if (ordering->reader[i].open && ordering->reader[i].thread_serial == thread_serial)
			return true;
	}
	return false;
}

const char *ordering_check(const struct ordering *ordering)
{
	uint64_t pending = 0, entered = 0;

	for (uint32_t i = 0; i < ordering->chunk_limit; i++) {
		const struct chunk_reader *reader = &ordering->reader[i];
		if (reader->read > ARENA_CHUNK_RECORDS || reader->pending > reader->read)
			return "I1: reader.read <= ARENA_CHUNK_RECORDS; reader.pending = its records in the "
			       "window";
		if (!reader->open && reader->pending != 0)
			return "I3: a chunk whose reader is not open has nothing in the window";
		pending += reader->pending;
	}
	for (uint32_t i = 0; i < ORDERING_WINDOW; i++) {
		uint32_t entry = ordering->window[i];
		if (entry == 0)
			continue;
		entered++;
		if ((entry - 1) / ARENA_CHUNK_RECORDS >= ordering->arena.chunk_count ||
		    !ordering->reader[(entry - 1) / ARENA_CHUNK_RECORDS].open ||
		    (entry - 1) % ARENA_CHUNK_RECORDS >=
			ordering->reader[(entry - 1) / ARENA_CHUNK_RECORDS].read)
			return "I2: a window entry belongs to an open reader, and its place is below that "
			       "reader's `read`";
	}
	if (entered != pending)
		return "I1: reader.read <= ARENA_CHUNK_RECORDS; reader.pending = its records in the window";
	return NULL;
}
