#include "config.h"

#include "traces/import/perf_script_record.h"

#include <string.h>
#include <sys/mman.h>

#define HIGHEST_ID (UINT64_C(1) << 22)

/* "502/502" or "502:502" */
static bool parse_ids(struct scan *scan, char between, uint32_t *process_id, uint32_t *thread_id)
{
	uint64_t process, thread;

	if (!scan_decimal(scan, &process) || !scan_character(scan, between) || !scan_decimal(scan, &thread) ||
	    process > HIGHEST_ID || thread > HIGHEST_ID)
		return false;
	*process_id = (uint32_t)process;
	*thread_id = (uint32_t)thread;
	return true;
}

static bool parse_birth_or_end(struct scan scan, struct perf_task *task)
{
	return scan_character(&scan, '(') && parse_ids(&scan, ':', &task->process_id, &task->thread_id) &&
	       scan_literal(&scan, "):(") &&
	       parse_ids(&scan, ':', &task->parent_process_id, &task->parent_thread_id) &&
	       scan_character(&scan, ')');
}

/* The name may hold anything; the ids are behind its last colon. */
static bool parse_exec(struct scan scan, struct perf_task *task)
{
	const char *colon;

	if (!scan_literal(&scan, " exec: "))
		return false;
	colon = memrchr(scan.at, ':', (size_t)(scan.end - scan.at));
	if (!colon)
		return false;
	scan.at = colon + 1;
	return parse_ids(&scan, '/', &task->process_id, &task->thread_id);
}

static bool parse_hexadecimal(struct scan *scan, uint64_t *value)
{
	*value = 0;
	return (scan_literal(scan, "0x") && scan_hexadecimal(scan, value)) || scan_character(scan, '0');
}

/* "r-xp" of an MMAP2; "x" or "r" of an MMAP */
static bool parse_rights(struct scan *scan, struct perf_task *task)
{
	const char *word;
	size_t length;

	if (!scan_word(scan, &word, &length) || (length != 4 && length != 1))
		return false;
	task->protection = word[0] == 'r' || length == 1 ? (uint32_t)PROT_READ : 0u;
	task->protection |= length == 4 && word[1] == 'w' ? (uint32_t)PROT_WRITE : 0u;
	task->protection |= word[length == 4 ? 2 : 0] == 'x' ? (uint32_t)PROT_EXEC : 0u;
	task->flags = length == 4 && word[3] == 's' ? MAP_SHARED : MAP_PRIVATE;
	return true;
}

static bool parse_mapping(struct scan scan, struct perf_task *task)
{
	const char *behind;

	if (!scan_character(&scan, ' ') || !parse_ids(&scan, '/', &task->process_id, &task->thread_id) ||
	    !scan_literal(&scan, ": [") || !parse_hexadecimal(&scan, &task->address) ||
	    !scan_character(&scan, '(') || !parse_hexadecimal(&scan, &task->length) ||
	    !scan_literal(&scan, ") @ ") || !parse_hexadecimal(&scan, &task->offset))
		return false;
	behind = memmem(scan.at, (size_t)(scan.end - scan.at), "]: ", 3);
	if (!behind)
		return false;
	scan.at = behind + 3;
	if (!parse_rights(&scan, task))
		return false;
	scan_blanks(&scan);
	task->path = scan;
	return true;
}

bool perf_script_record_is(struct scan text)
{
	return scan_literal(&text, "PERF_RECORD_");
}

bool perf_script_record_parse(struct scan text, struct perf_task *task)
{
	*task = (struct perf_task){.kind = PERF_TASK_EXEC};
	if (!scan_literal(&text, "PERF_RECORD_"))
		return false;
	if (scan_literal(&text, "COMM"))
		return parse_exec(text, task);
	if (scan_literal(&text, "MMAP2") || scan_literal(&text, "MMAP")) {
		task->kind = PERF_TASK_MAP;
		return parse_mapping(text, task);
	}
	task->kind = PERF_TASK_FORK;
	if (scan_literal(&text, "FORK"))
		return parse_birth_or_end(text, task);
	task->kind = PERF_TASK_EXIT;
	return scan_literal(&text, "EXIT") && parse_birth_or_end(text, task);
}
