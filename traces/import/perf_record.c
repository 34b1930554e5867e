#include "config.h"

#include "traces/import/perf_record.h"

#include <string.h>
#include <sys/mman.h>

#define FORK_BYTES 24u
#define COMM_BYTES 8u
#define MMAP_BYTES 32u
#define MMAP2_BYTES 64u
#define COMM_IS_EXEC (1u << 13)
#define MMAP_IS_DATA (1u << 13)
#define HIGHEST_ID (1u << 22)

/* The bytes of the identity behind its time, and with it. */
static size_t identity_bytes(const struct perf_attr *attr, bool with_time)
{
	const uint64_t type = attr->sample_type;
	unsigned words = 0;

	for (uint64_t bits = type & PERF_IDENTITY_AFTER_TIME; bits != 0; bits &= bits - 1)
		words++;
	if (with_time)
		words += (type & PERF_SAMPLE_HAS_TIME ? 1u : 0u) + (type & PERF_SAMPLE_HAS_TID ? 1u : 0u);
	return (size_t)words * 8;
}

/* False: there is none. */
static bool find_time(const struct perf_attr *attr, const struct perf_record *record, size_t least,
		      uint64_t *time)
{
	const size_t after = identity_bytes(attr, false);

	*time = 0;
	if (!attr->has_identity || !(attr->sample_type & PERF_SAMPLE_HAS_TIME) ||
	    record->length < least + identity_bytes(attr, true))
		return false;
	*time = perf_word(record->bytes + record->length - after - 8, 8);
	return *time != 0;
}

static bool parse_birth_or_end(const struct perf_record *record, struct perf_task *task)
{
	const uint8_t *bytes = record->bytes;

	if (record->length < FORK_BYTES)
		return false;
	task->kind = record->type == PERF_RECORD_OF_FORK ? PERF_TASK_FORK : PERF_TASK_EXIT;
	task->parent_process_id = (uint32_t)perf_word(bytes + 4, 4);
	task->thread_id = (uint32_t)perf_word(bytes + 8, 4);
	task->parent_thread_id = (uint32_t)perf_word(bytes + 12, 4);
	task->time_ns = perf_word(bytes + 16, 8);
	return task->time_ns != 0;
}

static bool parse_mapping(const struct perf_attr *attr, const struct perf_record *record,
			  struct perf_task *task)
{
	const bool is_long = record->type == PERF_RECORD_OF_MMAP2;
	const size_t head = is_long ? MMAP2_BYTES : MMAP_BYTES;
	const uint8_t *bytes = record->bytes;
	const char *path = (const char *)bytes + head;

	if (!find_time(attr, record, head + 8, &task->time_ns))
		return false;
	task->kind = PERF_TASK_MAP;
	task->address = perf_word(bytes + 8, 8);
	task->length = perf_word(bytes + 16, 8);
	task->offset = perf_word(bytes + 24, 8);
	task->protection = PROT_READ | (record->flags & MMAP_IS_DATA ? 0u : (uint32_t)PROT_EXEC);
	task->flags = MAP_PRIVATE;
	if (is_long) {
		task->protection = (uint32_t)perf_word(bytes + 56, 4);
		task->flags = (uint32_t)perf_word(bytes + 60, 4);
	}
	task->path = scan_text(path, strnlen(path, record->length - head - identity_bytes(attr, true)));
	return true;
}

bool perf_task_of_record(const struct perf_attr *attr, const struct perf_record *record,
			 struct perf_task *task)
{
	bool is_sound = false;

	*task = (struct perf_task){.kind = PERF_TASK_EXEC};
	if (record->length < COMM_BYTES)
		return false;
	task->process_id = (uint32_t)perf_word(record->bytes, 4);
	task->thread_id = (uint32_t)perf_word(record->bytes + 4, 4);
	switch (record->type) {
	case PERF_RECORD_OF_FORK:
	case PERF_RECORD_OF_EXIT:
		is_sound = parse_birth_or_end(record, task);
		break;
	case PERF_RECORD_OF_MMAP:
	case PERF_RECORD_OF_MMAP2:
		is_sound = parse_mapping(attr, record, task);
		break;
	case PERF_RECORD_OF_COMM:
		is_sound =
		    record->flags & COMM_IS_EXEC && find_time(attr, record, COMM_BYTES, &task->time_ns);
		break;
	default:
		break;
	}
	return is_sound && task->process_id <= HIGHEST_ID && task->thread_id <= HIGHEST_ID &&
	       task->parent_process_id <= HIGHEST_ID && task->parent_thread_id <= HIGHEST_ID;
}
