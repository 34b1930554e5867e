/* Rebuilds the address spaces of a trace from its events and compares them with the recorded maps: for record_mm.sh.
 *
 * At exec the maps of the program are loaded, every call is applied, and the maps at the end must have the same pages
 * with the same rights. The stack, which grows by itself, is left out. Prints one line per process and each difference. */
#include "config.h"

#include "traces/flt.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE UINT64_C(4096)
#define PROCESSES 4096u
#define NO_RIGHTS_AT_ALL (-1)

struct piece {
	uint64_t start, end;
	int rights; /* PROT_* */
};

struct space {
	struct piece *piece;
	size_t pieces;
	uint64_t stack_start, stack_end, break_start, break_end;
	bool awaits_maps, known;
	unsigned shared_with; /* process whose space this is */
};

static struct space space[PROCESSES];

static uint64_t up(uint64_t bytes)
{
	return (bytes + PAGE - 1) & ~(PAGE - 1);
}

static void append(struct space *s, uint64_t start, uint64_t end, int rights)
{
	struct piece *last = s->pieces ? &s->piece[s->pieces - 1] : NULL;

	if (start >= end || rights == NO_RIGHTS_AT_ALL)
		return;
	if (last && last->end == start && last->rights == rights) {
		last->end = end;
		return;
	}
	s->piece = realloc(s->piece, (s->pieces + 1) * sizeof(*s->piece));
	if (!s->piece)
		abort();
	s->piece[s->pieces++] = (struct piece){start, end, rights};
}

/* From start to end the rights are these; only where something is, with `existing`. */
static void set(struct space *s, uint64_t start, uint64_t end, int rights, bool existing)
{
	struct space result = {0};
	bool done = existing;

	for (size_t i = 0; i < s->pieces; i++) {
		struct piece p = s->piece[i];
		uint64_t from = p.start > start ? p.start : start, to = p.end < end ? p.end : end;
		append(&result, p.start, p.end < start ? p.end : start, p.rights);
		if (!done && p.end > start) {
			append(&result, start, end, rights);
			done = true;
		}
		if (existing)
			append(&result, from, to, rights);
		append(&result, p.start > end ? p.start : end, p.end, p.rights);
	}
	if (!done)
		append(&result, start, end, rights);
	free(s->piece);
	s->piece = result.piece;
	s->pieces = result.pieces;
}

static int rights_at(const struct space *s, uint64_t address)
{
	for (size_t i = 0; i < s->pieces; i++) {
		if (s->piece[i].start <= address && address < s->piece[i].end)
			return s->piece[i].rights;
	}
	return NO_RIGHTS_AT_ALL;
}

static void load(struct space *s, const struct event_snapshot *snapshot)
{
	char *text = strndup(snapshot->bytes, snapshot->length), *rest = NULL;

	free(s->piece);
	*s = (struct space){.known = true, .shared_with = s->shared_with};
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char *rights;
		uint64_t start = strtoull(line, &rights, 16), end = strtoull(rights + 1, &rights, 16);
		if (strlen(rights++) < 5)
			abort();
		if (strstr(line, "[stack]")) {
			s->stack_start = start;
			s->stack_end = end;
		} else {
			append(s, start, end,
			       (rights[0] == 'r' ? PROT_READ : 0) | (rights[1] == 'w' ? PROT_WRITE : 0) |
				   (rights[2] == 'x' ? PROT_EXEC : 0));
		}
	}
	free(text);
}

static void move(struct space *s, const struct event_call *call)
{
	int rights = rights_at(s, call->address);

	set(s, call->address, call->address + up(call->length), NO_RIGHTS_AT_ALL, false);
	set(s, call->result, call->result + up(call->new_length), rights, false);
}

static void move_break(struct space *s, uint64_t result)
{
	uint64_t end = up(result);

	if (s->break_end == 0)
		s->break_start = s->break_end = end;
	if (end > s->break_end)
		set(s, s->break_end, end, PROT_READ | PROT_WRITE, false);
	else
		set(s, end, s->break_end, NO_RIGHTS_AT_ALL, false);
	s->break_end = end;
}

static void apply(struct space *s, const struct event *event)
{
	const struct event_call *call = &event->call;

	if (event->flags & EVENT_FAILED)
		return;
	if (event->kind == EVENT_MMAP)
		set(s, call->result, call->result + up(call->length), (int)call->protection, false);
	else if (event->kind == EVENT_MUNMAP)
		set(s, call->address, call->address + up(call->length), NO_RIGHTS_AT_ALL, false);
	else if (event->kind == EVENT_MPROTECT)
		set(s, call->address, call->address + up(call->length), (int)call->protection & 7, true);
	else if (event->kind == EVENT_MREMAP)
		move(s, call);
	else if (event->kind == EVENT_BRK)
		move_break(s, call->result);
}

static bool compare(unsigned process, const struct space *ours, const struct space *theirs)
{
	size_t i = 0;

	while (i < ours->pieces && i < theirs->pieces &&
	       memcmp(&ours->piece[i].start, &theirs->piece[i].start, 16) == 0 &&
	       ours->piece[i].rights == theirs->piece[i].rights)
		i++;
	if (i == ours->pieces && i == theirs->pieces) {
		(void)printf("process %u equal %zu\n", process, i);
		return true;
	}
	(void)printf(
	    "process %u differs: events %" PRIx64 "-%" PRIx64 " %d, maps %" PRIx64 "-%" PRIx64 " %d\n",
	    process, i < ours->pieces ? ours->piece[i].start : 0, i < ours->pieces ? ours->piece[i].end : 0,
	    i < ours->pieces ? ours->piece[i].rights : 0, i < theirs->pieces ? theirs->piece[i].start : 0,
	    i < theirs->pieces ? theirs->piece[i].end : 0, i < theirs->pieces ? theirs->piece[i].rights : 0);
	return false;
}

static void copy(struct space *child, const struct space *parent)
{
	*child = *parent;
	child->piece = malloc((parent->pieces + 1) * sizeof(*child->piece));
	if (!child->piece)
		abort();
	memcpy(child->piece, parent->piece, parent->pieces * sizeof(*child->piece));
}

static bool take_maps(const struct event_snapshot *snapshot, unsigned process)
{
	struct space theirs = {0};
	bool equal;

	if (strcmp(snapshot->name, "maps") != 0)
		return true;
	if (space[process].awaits_maps) {
		load(&space[process], snapshot);
		space[process].shared_with = process;
		return true;
	}
	load(&theirs, snapshot);
	equal = compare(process, &space[space[process].shared_with], &theirs);
	free(theirs.piece);
	return equal;
}

static bool take(struct flt_reader *reader, const struct event *event)
{
	struct event_snapshot snapshot;
	struct trace_error error;

	if (event->process >= PROCESSES || event->count >= PROCESSES)
		return true;
	if (event->kind == EVENT_EXEC && !(event->flags & EVENT_FAILED)) {
		space[event->process].awaits_maps = true;
	} else if (event->kind == EVENT_FORK) {
		copy(&space[event->count], &space[space[event->process].shared_with]);
		space[event->count].shared_with = (unsigned)event->count;
	} else if (event->kind == EVENT_VFORK) {
		space[event->count].shared_with = space[event->process].shared_with;
	} else if (event->kind == EVENT_SNAPSHOT) {
		return flt_reader_snapshot(reader, (uint32_t)event->count, &snapshot, &error) == TRACE_OK &&
		       take_maps(&snapshot, event->process);
	} else {
		apply(&space[space[event->process].shared_with], event);
	}
	return true;
}

int main(int argc, char **argv)
{
	struct flt_reader *reader;
	struct trace_error error;
	struct event event;
	bool equal = true;

	if (argc != 2 || flt_reader_open(&reader, argv[1], &error) != TRACE_OK)
		return 2;
	while (flt_reader_next(reader, &event, &error) == TRACE_OK)
		equal = take(reader, &event) && equal;
	flt_reader_close(reader);
	return equal ? 0 : 1;
}
