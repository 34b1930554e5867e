#include "config.h"

#include "traces/flt_tables.h"

#include "traces/flt_varint.h"
#include "traces/grown_array.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(element) ((element)->number = 0)
#include <uthash.h>

struct flt_stack_entry {
	UT_hash_handle hh;
	uint32_t number; /* 0 when the index had no memory for it */
	uint64_t address[];
};

static enum trace_status no_memory(struct trace_error *error)
{
	return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for the tables of a trace");
}

static void free_index(struct flt_tables *tables)
{
	struct flt_stack_entry *entry = tables->stack_index;

	HASH_CLEAR(hh, tables->stack_index);
	while (entry) {
		struct flt_stack_entry *next = entry->hh.next;

		free(entry);
		entry = next;
	}
}

static void discard(const char *text)
{
	free((void *)(uintptr_t)text);
}

void flt_tables_free(struct flt_tables *tables)
{
	for (uint32_t i = 0; i < tables->threads; i++)
		discard(tables->thread[i].name);
	for (uint32_t i = 0; i < tables->processes; i++)
		discard(tables->process[i].command);
	for (uint32_t i = 0; i < tables->warnings; i++)
		discard(tables->warning[i].what);
	for (unsigned i = 0; i < 4; i++)
		free(tables->pending[i].bytes);
	free_index(tables);
	flt_places_free(&tables->places);
	flt_names_free(&tables->names);
	free(tables->thread);
	free(tables->process);
	free(tables->warning);
	free(tables->address);
	free(tables->stack_end);
	*tables = (struct flt_tables){0};
}

struct flt_known flt_tables_known(const struct flt_tables *tables)
{
	return (struct flt_known){
	    .thread = tables->thread,
	    .threads = tables->threads,
	    .processes = tables->processes,
	    .files = tables->places.files,
	    .gfps = tables->names.names[EVENT_NAMES_GFP],
	    .caches = tables->names.names[EVENT_NAMES_CACHE],
	};
}

uint32_t flt_tables_process_with(const struct flt_tables *tables, uint64_t os_id)
{
	for (uint32_t i = 0; os_id && i < tables->processes; i++) {
		if (tables->process[i].os_id == os_id)
			return i + 1;
	}
	return 0;
}

static char *copy_text(const char *text)
{
	return strndup(text ? text : "", FLT_TABLES_MAX_TEXT_BYTES);
}

static bool put_thread(struct flt_bytes *bytes, uint32_t number, const struct flt_thread *thread)
{
	uint8_t *out = flt_entry_reserve(bytes, 4, strlen(thread->name));

	if (!out)
		return false;
	out = flt_varint_put(out, number);
	out = flt_varint_put(out, thread->process);
	out = flt_varint_put(out, thread->os_id);
	flt_entry_finish(bytes, flt_entry_put_text(out, thread->name));
	return true;
}

static bool put_process(struct flt_bytes *bytes, uint32_t number, const struct flt_process *process)
{
	uint8_t *out = flt_entry_reserve(bytes, 4, strlen(process->command));

	if (!out)
		return false;
	out = flt_varint_put(out, number);
	out = flt_varint_put(out, process->parent);
	out = flt_varint_put(out, process->os_id);
	flt_entry_finish(bytes, flt_entry_put_text(out, process->command));
	return true;
}

static bool put_warning(struct flt_bytes *bytes, const struct flt_warning *warning)
{
	uint8_t *out = flt_entry_reserve(bytes, 2, strlen(warning->what));

	if (!out)
		return false;
	out = flt_entry_put_text(out, warning->what);
	flt_entry_finish(bytes, flt_varint_put(out, warning->count));
	return true;
}

static enum trace_status out_of_order(const char *what, uint32_t number, uint32_t next,
				      struct trace_error *error)
{
	return trace_fail(error, TRACE_BAD_INPUT,
			  "%s %" PRIu32 " is named, the next new one must be %" PRIu32, what, number, next);
}

enum trace_status flt_tables_thread(struct flt_tables *tables, uint32_t number,
				    const struct flt_thread *thread, struct trace_error *error)
{
	if (number > tables->threads || number >= EVENT_MAX_THREADS)
		return out_of_order("thread", number, tables->threads, error);
	struct flt_thread *larger =
	    grown_array(tables->thread, number, &tables->thread_capacity, sizeof(*tables->thread));
	struct flt_thread copy = {thread->process, thread->os_id, copy_text(thread->name)};

	if (larger)
		tables->thread = larger;
	if (!larger || !copy.name || !put_thread(&tables->pending[FLT_TABLES_THREADS - 1], number, &copy)) {
		discard(copy.name);
		return no_memory(error);
	}
	if (number < tables->threads)
		discard(tables->thread[number].name);
	else
		tables->threads++;
	tables->thread[number] = copy;
	return TRACE_OK;
}

enum trace_status flt_tables_process(struct flt_tables *tables, uint32_t number,
				     const struct flt_process *process, struct trace_error *error)
{
	if (number > tables->processes || number >= EVENT_MAX_PROCESSES)
		return out_of_order("process", number, tables->processes, error);
	struct flt_process *larger =
	    grown_array(tables->process, number, &tables->process_capacity, sizeof(*tables->process));
	struct flt_process copy = {process->parent, process->os_id, copy_text(process->command)};

	if (larger)
		tables->process = larger;
	if (!larger || !copy.command ||
	    !put_process(&tables->pending[FLT_TABLES_PROCESSES - 1], number, &copy)) {
		discard(copy.command);
		return no_memory(error);
	}
	if (number < tables->processes)
		discard(tables->process[number].command);
	else
		tables->processes++;
	tables->process[number] = copy;
	return TRACE_OK;
}

enum trace_status flt_tables_warn(struct flt_tables *tables, const char *what, uint64_t count,
				  struct trace_error *error)
{
	for (uint32_t i = 0; i < tables->warnings; i++) {
		if (strncmp(tables->warning[i].what, what, FLT_TABLES_MAX_TEXT_BYTES) == 0) {
			tables->warning[i].count += count;
			return TRACE_OK;
		}
	}
	if (tables->warnings == FLT_TABLES_MAX_WARNINGS)
		return trace_fail(error, TRACE_UNSUPPORTED, "a trace has more than %u kinds of warnings",
				  FLT_TABLES_MAX_WARNINGS);
	struct flt_warning *larger = grown_array(tables->warning, tables->warnings, &tables->warning_capacity,
						 sizeof(*tables->warning));

	if (!larger)
		return no_memory(error);
	tables->warning = larger;
	tables->warning[tables->warnings] = (struct flt_warning){copy_text(what), count};
	if (!tables->warning[tables->warnings].what)
		return no_memory(error);
	tables->warnings++;
	return TRACE_OK;
}

static bool append_addresses(struct flt_tables *tables, const struct flt_stack *stack)
{
	size_t *ends = grown_array(tables->stack_end, tables->stacks, &tables->stack_capacity,
				   sizeof(*tables->stack_end));
	const size_t wanted = tables->addresses + stack->depth;

	if (!ends)
		return false;
	tables->stack_end = ends;
	if (wanted > tables->address_capacity) {
		uint64_t *larger = realloc(tables->address, wanted * 2 * sizeof(*larger));

		if (!larger)
			return false;
		tables->address = larger;
		tables->address_capacity = wanted * 2;
	}
	if (stack->depth)
		memcpy(tables->address + tables->addresses, stack->address,
		       stack->depth * sizeof(*stack->address));
	tables->addresses = wanted;
	tables->stack_end[tables->stacks++] = wanted;
	return true;
}

static bool put_stack(struct flt_tables *tables, const struct flt_stack *stack)
{
	struct flt_bytes *bytes = &tables->pending[FLT_TABLES_STACKS - 1];
	uint8_t *out = flt_entry_reserve(bytes, stack->depth + 1, 0);
	/* A column begins at address 0; within it differences go on from stack to stack. */
	uint64_t previous = bytes->values && tables->addresses ? tables->address[tables->addresses - 1] : 0;

	if (!out)
		return false;
	out = flt_varint_put(out, stack->depth);
	for (size_t i = 0; i < stack->depth; i++) {
		out = flt_varint_put(out, flt_zigzag(stack->address[i] - previous));
		previous = stack->address[i];
	}
	flt_entry_finish(bytes, out);
	return true;
}

enum trace_status flt_tables_stack(struct flt_tables *tables, const struct flt_stack *stack, uint32_t *number,
				   struct trace_error *error)
{
	struct flt_stack cut = *stack;
	struct flt_stack_entry *entry;

	cut.depth = cut.depth > FLT_TABLES_MAX_DEPTH ? FLT_TABLES_MAX_DEPTH : cut.depth;
	const size_t bytes = cut.depth * sizeof(*cut.address);

	*number = 0;
	if (!cut.depth)
		return TRACE_OK;
	HASH_FIND(hh, tables->stack_index, cut.address, bytes, entry);
	if (entry) {
		*number = entry->number;
		return TRACE_OK;
	}
	entry = calloc(1, sizeof(*entry) + bytes);
	if (!entry)
		return no_memory(error);
	entry->number = tables->stacks + 1;
	memcpy(entry->address, cut.address, bytes);
	HASH_ADD_KEYPTR(hh, tables->stack_index, entry->address, bytes, entry);
	if (!entry->number) {
		free(entry);
		return no_memory(error);
	}
	*number = entry->number;
	return put_stack(tables, &cut) && append_addresses(tables, &cut) ? TRACE_OK : no_memory(error);
}

bool flt_tables_have_pending(const struct flt_tables *tables)
{
	for (unsigned i = 0; i < 4; i++) {
		if (tables->pending[i].used)
			return true;
	}
	return flt_places_have_pending(&tables->places) || tables->names.pending.used;
}

enum trace_status flt_tables_write_pending(struct flt_tables *tables, struct flt_section_writer *writer,
					   struct trace_error *error)
{
	flt_section_begin(writer, FLT_TAG_TABLES);
	flt_section_field(writer, tables->stacks_written);
	enum trace_status status = TRACE_OK;

	for (unsigned i = 0; i < 4; i++) {
		struct flt_bytes *pending = &tables->pending[i];
		const struct flt_column_bytes bytes = {pending->bytes, pending->used, pending->values};

		status = flt_section_column(writer, (uint16_t)(i + 1), &bytes, error);
		if (status != TRACE_OK)
			return status;
		pending->used = 0;
		pending->values = 0;
	}
	tables->stacks_written = tables->stacks;
	const bool has_names = flt_names_count(&tables->names) != 0;

	status = flt_places_write_pending(&tables->places, has_names, writer, error);
	return status == TRACE_OK && has_names ? flt_names_write_pending(&tables->names, writer, error)
					       : status;
}

static bool put_all(const struct flt_tables *tables, struct flt_bytes *threads, struct flt_bytes *processes,
		    struct flt_bytes *warnings)
{
	for (uint32_t i = 0; i < tables->threads; i++) {
		if (!put_thread(threads, i, &tables->thread[i]))
			return false;
	}
	for (uint32_t i = 0; i < tables->processes; i++) {
		if (!put_process(processes, i, &tables->process[i]))
			return false;
	}
	for (uint32_t i = 0; i < tables->warnings; i++) {
		if (!put_warning(warnings, &tables->warning[i]))
			return false;
	}
	return true;
}

enum trace_status flt_tables_write(const struct flt_tables *tables, struct flt_section_writer *writer,
				   struct trace_error *error)
{
	struct flt_bytes all[3] = {{0}};
	enum trace_status status = TRACE_OK;

	if (!put_all(tables, &all[0], &all[1], &all[2]))
		status = no_memory(error);
	for (unsigned i = 0; i < 3; i++) {
		const struct flt_column_bytes bytes = {all[i].bytes, all[i].used, all[i].values};

		if (status == TRACE_OK)
			status = flt_section_column(writer, (uint16_t)(i + 1), &bytes, error);
		free(all[i].bytes);
	}
	if (status == TRACE_OK)
		status = flt_places_write(&tables->places, writer, error);
	return status == TRACE_OK ? flt_names_write(&tables->names, writer, error) : status;
}
