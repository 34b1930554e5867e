#include "config.h"

#include "traces/import/roster.h"

#include <stdlib.h>

struct roster_key {
	uint64_t id;	  /* the operating system's */
	uint64_t process; /* dense number; 0 in the table of processes */
};

/* A multiplicative hash (Knuth, "Sorting and Searching", 6.4) of both halves. */
static unsigned roster_hash(const struct roster_key *key)
{
	uint64_t mixed =
	    (key->id * UINT64_C(0x9e3779b97f4a7c15) + key->process) * UINT64_C(0xbf58476d1ce4e5b9);

	return (unsigned)(mixed >> 32);
}

#define HASH_FUNCTION(key, length, hash) ((hash) = roster_hash((const struct roster_key *)(key)))
#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(member) ((member)->number = UINT32_MAX)
#include <uthash.h>

struct roster_member {
	struct roster_key key;
	uint64_t id;
	uint32_t number;
	uint32_t process;
	UT_hash_handle hh;
};

void roster_create(struct roster *roster, struct event_sink *sink)
{
	*roster = (struct roster){.sink = sink};
}

static void table_clear(struct roster_member **table)
{
	struct roster_member *member = *table;

	HASH_CLEAR(hh, *table);
	while (member) {
		struct roster_member *next = member->hh.next;

		free(member);
		member = next;
	}
}

void roster_destroy(struct roster *roster)
{
	table_clear(&roster->thread_table);
	table_clear(&roster->process_table);
}

static struct roster_member *table_find(struct roster_member *table, const struct roster_key *key)
{
	struct roster_member *member;

	HASH_FIND(hh, table, key, sizeof(*key), member);
	return member;
}

static struct roster_member *table_add(struct roster_member **table, const struct roster_key *key,
				       uint32_t number)
{
	struct roster_member *member = calloc(1, sizeof(*member));

	if (!member)
		return NULL;
	member->key = *key;
	member->id = key->id;
	member->number = number;
	member->process = (uint32_t)key->process;
	HASH_ADD(hh, *table, key, sizeof(member->key), member);
	if (member->number != number) {
		free(member);
		return NULL;
	}
	return member;
}

static enum trace_status add_process(struct roster *roster, uint64_t id, const char *command,
				     struct trace_error *error)
{
	struct roster_key key = {.id = id};
	uint32_t number = roster->processes;

	if (number == EVENT_MAX_PROCESSES)
		return trace_fail(error, TRACE_BAD_INPUT,
				  "the file names more than %u processes, the most that a trace can hold",
				  EVENT_MAX_PROCESSES);
	if (!table_add(&roster->process_table, &key, number))
		return trace_fail(error, TRACE_NO_MEMORY, "no memory for process %llu",
				  (unsigned long long)id);
	roster->processes++;
	if (!roster->sink->process)
		return TRACE_OK;
	return roster->sink->process(roster->sink, number, number, id, command, error);
}

static enum trace_status find_process(struct roster *roster, uint64_t id, uint32_t *number,
				      struct trace_error *error)
{
	struct roster_key key = {.id = id};
	const struct roster_member *member = table_find(roster->process_table, &key);
	enum trace_status status = TRACE_OK;

	*number = member ? member->number : roster->processes;
	if (!member)
		status = add_process(roster, id, NULL, error);
	return status;
}

static enum trace_status add_thread(struct roster *roster, const struct roster_key *key,
				    struct trace_error *error)
{
	uint32_t number = roster->threads;
	struct roster_member *member;

	if (number == EVENT_MAX_THREADS)
		return trace_fail(error, TRACE_BAD_INPUT,
				  "the file names more than %u threads, the most that a trace can hold",
				  EVENT_MAX_THREADS);
	member = table_add(&roster->thread_table, key, number);
	if (!member)
		return trace_fail(error, TRACE_NO_MEMORY, "no memory for thread %llu",
				  (unsigned long long)key->id);
	roster->threads++;
	roster->last = member;
	if (!roster->sink->thread)
		return TRACE_OK;
	return roster->sink->thread(roster->sink, number, (uint32_t)key->process, key->id, NULL, error);
}

enum trace_status roster_find(struct roster *roster, uint64_t process_id, uint64_t thread_id,
			      struct roster_place *place, struct trace_error *error)
{
	struct roster_key key = {.id = thread_id};
	enum trace_status status;
	uint32_t process;

	if (!roster->last || roster->last->id != thread_id || roster->last_process_id != process_id) {
		status = find_process(roster, process_id, &process, error);
		if (status != TRACE_OK)
			return status;
		key.process = process;
		roster->last = table_find(roster->thread_table, &key);
		roster->last_process_id = process_id;
		if (!roster->last) {
			status = add_thread(roster, &key, error);
			if (status != TRACE_OK || !roster->last)
				return status;
		}
	}
	*place = (struct roster_place){roster->last->process, roster->last->number};
	return TRACE_OK;
}

enum trace_status roster_name_process(struct roster *roster, uint64_t process_id, const char *command,
				      struct trace_error *error)
{
	struct roster_key key = {.id = process_id};

	if (table_find(roster->process_table, &key))
		return TRACE_OK;
	return add_process(roster, process_id, command, error);
}

void roster_end_thread(struct roster *roster, uint32_t process, uint64_t thread_id)
{
	struct roster_key key = {.id = thread_id, .process = process};
	struct roster_member *member = table_find(roster->thread_table, &key);

	roster->last = NULL;
	if (!member)
		return;
	HASH_DEL(roster->thread_table, member);
	free(member);
}

enum trace_status roster_fork(struct roster *roster, uint32_t parent, uint64_t process_id, uint32_t *process,
			      bool *is_new, struct trace_error *error)
{
	struct roster_key key = {.id = process_id};
	const struct roster_member *member = table_find(roster->process_table, &key);
	enum trace_status status;

	*is_new = member == NULL;
	*process = member ? member->number : roster->processes;
	if (member)
		return TRACE_OK;
	status = add_process(roster, process_id, NULL, error);
	if (status != TRACE_OK || !roster->sink->process)
		return status;
	return roster->sink->process(roster->sink, *process, parent, process_id, NULL, error);
}

void roster_end_process(struct roster *roster, uint64_t process_id)
{
	struct roster_key key = {.id = process_id};
	struct roster_member *member = table_find(roster->process_table, &key);

	roster->last = NULL;
	if (!member)
		return;
	HASH_DEL(roster->process_table, member);
	free(member);
}
