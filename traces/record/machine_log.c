#include "config.h"

#include "traces/record/machine_log.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define WIDE 0x80u /* kind: all fields follow as they are */
#define RECORD_WORDS_MAX 10u
#define END_WORD 0u /* kind 0: the rest of the chunk is empty */
#define KERNEL_WORDS (sizeof(struct event_kernel) / 8)

_Static_assert(sizeof(struct event_kernel) % 8 == 0, "event_kernel is made of words");
_Static_assert(MACHINE_NAME < WIDE, "a kind has seven bits");

/* A page event in a word: frame 38 bits, order 6, migrate type 4, flags 3, failed 1, gfp 12. */
#define FRAME_BITS 38
#define ORDER_SHIFT FRAME_BITS
#define TYPE_SHIFT (ORDER_SHIFT + 6)
#define FLAGS_SHIFT (TYPE_SHIFT + 4)
#define FAILED_SHIFT (FLAGS_SHIFT + 3)
#define GFP_SHIFT (FAILED_SHIFT + 1)

bool machine_log_create(struct machine_log *log, uint64_t bytes, size_t processors)
{
	const uint64_t chunks = bytes / (MACHINE_CHUNK_WORDS * sizeof(uint64_t));
	void *words;

	*log = (struct machine_log){.lanes = processors};
	log->chunks = (uint32_t)(chunks < processors + 1     ? processors + 1
				 : chunks < MACHINE_NO_CHUNK ? chunks
							     : MACHINE_NO_CHUNK - 1);
	words = mmap(NULL, (size_t)log->chunks * MACHINE_CHUNK_WORDS * sizeof(uint64_t),
		     PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	log->words = words == MAP_FAILED ? NULL : words;
	log->next = calloc(log->chunks, sizeof(*log->next));
	log->lane = calloc(processors, sizeof(*log->lane));
	if (!log->words || !log->next || !log->lane) {
		machine_log_destroy(log);
		return false;
	}
	memset(log->next, 0xff, log->chunks * sizeof(*log->next));
	for (size_t i = 0; i < processors; i++)
		log->lane[i] = (struct machine_lane){MACHINE_NO_CHUNK, MACHINE_NO_CHUNK, 0};
	return true;
}

void machine_log_destroy(struct machine_log *log)
{
	if (log->words)
		(void)munmap(log->words, (size_t)log->chunks * MACHINE_CHUNK_WORDS * sizeof(uint64_t));
	free(log->next);
	free(log->lane);
	*log = (struct machine_log){0};
}

bool machine_log_has_room(const struct machine_log *log)
{
	return log->used + log->chunks / 16 < log->chunks;
}

/* --- Packing ------------------------------------------------------------------------------------------------------------ */

static bool is_page(unsigned kind)
{
	return kind >= EVENT_PAGE_ALLOC && kind <= EVENT_PCPU_DRAIN;
}

/* Whether the record's own short form holds all of it. */
static bool is_short(const struct machine_record *record)
{
	const struct event_kernel *kernel = &record->kernel;

	if (is_page(record->kind))
		return kernel->frame >> FRAME_BITS == 0 && kernel->gfp >> 12 == 0;
	if (record->kind == EVENT_KMEM_ALLOC)
		return kernel->bytes >> 24 == 0 && kernel->granted >> 24 == 0 && kernel->gfp >> 16 == 0 &&
		       !record->flags;
	return record->kind == EVENT_KMEM_FREE || record->kind == EVENT_SWITCH || record->kind > EVENT_KINDS;
}

static uint64_t pack_page(const struct machine_record *record)
{
	const struct event_kernel *kernel = &record->kernel;

	return kernel->frame | (uint64_t)kernel->order << ORDER_SHIFT |
	       (uint64_t)kernel->migrate_type << TYPE_SHIFT | (uint64_t)kernel->flags << FLAGS_SHIFT |
	       (uint64_t)(record->flags != 0) << FAILED_SHIFT | (uint64_t)kernel->gfp << GFP_SHIFT;
}

static unsigned pack_wide(const struct machine_record *record, uint64_t *words)
{
	words[0] = record->count << 1 | (record->flags != 0);
	memcpy(words + 1, &record->kernel, sizeof(record->kernel));
	return 1 + KERNEL_WORDS;
}

/* Returns the words of the payload. */
static unsigned pack(const struct machine_record *record, uint64_t *words)
{
	const struct event_kernel *kernel = &record->kernel;

	if (!is_short(record))
		return pack_wide(record, words);
	switch (record->kind) {
	case EVENT_SWITCH:
		return 0;
	case EVENT_KMEM_ALLOC:
		words[0] = kernel->address;
		words[1] = kernel->bytes | kernel->granted << 24 | (uint64_t)kernel->gfp << 48;
		words[2] = kernel->cache;
		return 3;
	case EVENT_KMEM_FREE:
		words[0] = kernel->address;
		words[1] = kernel->cache;
		return 2;
	case MACHINE_BIRTH:
		words[0] = record->parent_id;
		return 1;
	case MACHINE_NAME:
		memcpy(words, record->name, MACHINE_NAME_BYTES);
		return MACHINE_NAME_BYTES / 8;
	default:
		words[0] = pack_page(record);
		return 1;
	}
}

static void unpack_page(uint64_t word, struct machine_record *record)
{
	struct event_kernel *kernel = &record->kernel;

	kernel->frame = word & ((UINT64_C(1) << FRAME_BITS) - 1);
	kernel->order = word >> ORDER_SHIFT & 63;
	kernel->migrate_type = word >> TYPE_SHIFT & 15;
	kernel->flags = word >> FLAGS_SHIFT & 7;
	record->flags = word >> FAILED_SHIFT & 1 ? EVENT_FAILED : 0;
	kernel->gfp = (uint32_t)(word >> GFP_SHIFT);
}

static unsigned unpack_wide(const uint64_t *words, struct machine_record *record)
{
	record->count = words[0] >> 1;
	record->flags = words[0] & 1 ? EVENT_FAILED : 0;
	memcpy(&record->kernel, words + 1, sizeof(record->kernel));
	return 1 + KERNEL_WORDS;
}

static unsigned unpack(const uint64_t *words, struct machine_record *record)
{
	struct event_kernel *kernel = &record->kernel;

	switch (record->kind) {
	case EVENT_SWITCH:
		return 0;
	case EVENT_KMEM_ALLOC:
		kernel->address = words[0];
		kernel->bytes = words[1] & 0xffffff;
		kernel->granted = words[1] >> 24 & 0xffffff;
		kernel->gfp = (uint32_t)(words[1] >> 48);
		kernel->cache = (uint32_t)words[2];
		return 3;
	case EVENT_KMEM_FREE:
		kernel->address = words[0];
		kernel->cache = (uint32_t)words[1];
		return 2;
	case MACHINE_BIRTH:
		record->parent_id = (uint32_t)words[0];
		return 1;
	case MACHINE_NAME:
		memcpy(record->name, words, MACHINE_NAME_BYTES);
		record->name[MACHINE_NAME_BYTES - 1] = '\0';
		return MACHINE_NAME_BYTES / 8;
	default:
		unpack_page(words[0], record);
		return 1;
	}
}

/* --- Chunks ------------------------------------------------------------------------------------------------------------- */

static bool next_chunk(struct machine_log *log, struct machine_lane *lane)
{
	if (log->used == log->chunks)
		return false;
	if (lane->last == MACHINE_NO_CHUNK)
		lane->first = log->used;
	else
		log->next[lane->last] = log->used;
	lane->last = log->used++;
	lane->fill = 0;
	return true;
}

bool machine_log_put(struct machine_log *log, const struct machine_record *record)
{
	struct machine_lane *lane = &log->lane[record->cpu];
	uint64_t *words;

	if (lane->last == MACHINE_NO_CHUNK || lane->fill + RECORD_WORDS_MAX > MACHINE_CHUNK_WORDS) {
		if (!next_chunk(log, lane)) {
			log->dropped++;
			return false;
		}
	}
	words = log->words + (size_t)lane->last * MACHINE_CHUNK_WORDS + lane->fill;
	words[0] = record->time_ns << 8 | record->kind | (is_short(record) ? 0 : WIDE);
	words[1] = (uint64_t)record->process_id << 32 | record->thread_id;
	lane->fill += 2 + pack(record, words + 2);
	if (lane->fill < MACHINE_CHUNK_WORDS)
		log->words[(size_t)lane->last * MACHINE_CHUNK_WORDS + lane->fill] = END_WORD;
	return true;
}

void machine_cursor_start(struct machine_cursor *cursor, const struct machine_log *log, uint32_t cpu)
{
	*cursor = (struct machine_cursor){log, cpu, log->lane[cpu].first, 0};
}

bool machine_cursor_next(struct machine_cursor *cursor, struct machine_record *record)
{
	const uint64_t *words;

	if (cursor->chunk == MACHINE_NO_CHUNK)
		return false;
	words = cursor->log->words + (size_t)cursor->chunk * MACHINE_CHUNK_WORDS + cursor->at;
	if (cursor->at == MACHINE_CHUNK_WORDS || words[0] == END_WORD) {
		cursor->chunk = cursor->log->next[cursor->chunk];
		cursor->at = 0;
		return machine_cursor_next(cursor, record);
	}
	*record = (struct machine_record){.time_ns = words[0] >> 8,
					  .kind = words[0] & (WIDE - 1),
					  .cpu = cursor->cpu,
					  .process_id = (uint32_t)(words[1] >> 32),
					  .thread_id = (uint32_t)words[1]};
	cursor->at += 2 + (words[0] & WIDE ? unpack_wide(words + 2, record) : unpack(words + 2, record));
	return true;
}

const char *machine_log_check(const struct machine_log *log)
{
	uint32_t found = 0;

	if (log->used > log->chunks)
		return "I1: more chunks are used than there are";
	for (size_t i = 0; i < log->lanes; i++) {
		const struct machine_lane *lane = &log->lane[i];
		uint32_t last = MACHINE_NO_CHUNK;

		for (uint32_t chunk = lane->first; chunk != MACHINE_NO_CHUNK; chunk = log->next[chunk]) {
			last = chunk;
			if (chunk >= log->used || ++found > log->used)
				return "I1: a list of chunks has one that is not used, or another list's";
		}
		if (last != lane->last || lane->fill > MACHINE_CHUNK_WORDS)
			return "I2: a processor's list does not end with its last chunk, or that is overfull";
	}
	return found == log->used ? NULL : "I1: a used chunk is in no list";
}
