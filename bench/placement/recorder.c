#include "config.h"

#include "bench/placement/recorder.h"

#include "bench/replay/feed.h"
#include "traces/memory_call.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Which of the numbers of /proc/PID/stat is start_brk. */
#define STAT_START_BREAK 47

static enum trace_status no_memory(struct trace_error *error)
{
	return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for the placement");
}

/* --- What was mapped at the start ----------------------------------------------------------------------------------------- */

static bool add_piece(struct placement_recorder *recorder, const struct recorder_piece *piece)
{
	struct recorder_piece *larger =
	    realloc(recorder->piece, (recorder->pieces + 1) * sizeof(recorder->piece[0]));

	if (!larger)
		return false;
	recorder->piece = larger;
	recorder->piece[recorder->pieces++] = *piece;
	return true;
}

/* A mapping that an allocator may have blocks in: private memory (the child's own is shared), or the writable data of a library. */
static bool may_hold_blocks(const char *rights, const char *name)
{
	if (rights[3] != 'p')
		return false;
	return name[0] == '\0' || strncmp(name, "[anon", 5) == 0 || (name[0] == '/' && rights[1] == 'w');
}

/* What a mapping's "VmFlags:" say besides its rights. */
static void set_flags(struct recorder_piece *piece, const char *line)
{
	piece->flags = strstr(line, " nr") ? MAP_NORESERVE : 0u;
	piece->advice = strstr(line, " hg") ? MADV_HUGEPAGE : strstr(line, " nh") ? MADV_NOHUGEPAGE : 0u;
}

/* What the lines read so far have come to. */
struct reading {
	struct placement_recorder *recorder;
	struct recorder_piece piece; /* the last mapping's */
	bool is_wanted, is_heap;
	struct recorder_piece heap;
};

/* The last mapping is read to its end. */
static bool end_piece(struct reading *reading)
{
	bool is_wanted = reading->is_wanted;

	reading->is_wanted = false;
	if (reading->is_heap) {
		reading->is_heap = false;
		reading->heap.end = reading->piece.end;
		reading->heap.advice = reading->piece.advice;
	}
	return !is_wanted || add_piece(reading->recorder, &reading->piece);
}

/* "START-END RIGHTS OFFSET DEVICE INODE [NAME]"; false when the line is another one. */
static bool read_mapping(const char *line, struct recorder_piece *piece, const char **rights,
			 const char **name)
{
	char *end;

	piece->start = strtoull(line, &end, 16);
	if (end == line || *end != '-')
		return false;
	piece->end = strtoull(end + 1, &end, 16);
	if (end[0] != ' ' || strlen(end) < 5)
		return false;
	*rights = end + 1;
	piece->protection = ((*rights)[0] == 'r' ? PROT_READ : 0u) | ((*rights)[1] == 'w' ? PROT_WRITE : 0u) |
			    ((*rights)[2] == 'x' ? PROT_EXEC : 0u);
	*name = *rights;
	for (unsigned field = 0; field < 4; field++) {
		*name += strcspn(*name, " ");
		*name += strspn(*name, " ");
	}
	return true;
}

static bool read_line(struct reading *reading, const char *text, size_t length)
{
	struct recorder_piece piece = {.start = 0};
	const char *rights, *name;
	char line[160];

	(void)snprintf(line, sizeof(line), "%.*s", (int)length, text);
	if (strncmp(line, "VmFlags:", 8) == 0) {
		set_flags(&reading->piece, line);
		return true;
	}
	if (!read_mapping(line, &piece, &rights, &name))
		return true;
	if (!end_piece(reading))
		return false;
	reading->piece = piece;
	reading->is_heap = strncmp(name, "[heap]", 6) == 0;
	reading->is_wanted = may_hold_blocks(rights, name);
	return true;
}

enum trace_status placement_recorder_maps(struct placement_recorder *recorder, const char *maps,
					  uint64_t break_start, struct trace_error *error)
{
	struct reading reading = {.recorder = recorder,
				  .heap = {.start = break_start, .end = break_start, .is_break = true}};

	for (const char *line = maps; *line;) {
		size_t length = strcspn(line, "\n");

		if (!read_line(&reading, line, length))
			return no_memory(error);
		line += length + (line[length] == '\n');
	}
	return end_piece(&reading) && add_piece(recorder, &reading.heap) ? TRACE_OK : no_memory(error);
}

/* The whole of a file of /proc, terminated; NULL when it cannot be read. */
static char *whole_text(pid_t process, const char *name)
{
	char path[64], *text = NULL;
	size_t bytes = 0;
	int letter;

	(void)snprintf(path, sizeof(path), "/proc/%ld/%s", (long)process, name);
	FILE *in = fopen(path, "re");
	FILE *out = in ? open_memstream(&text, &bytes) : NULL;

	while (out && (letter = getc(in)) != EOF)
		(void)putc(letter, out);
	if (in)
		(void)fclose(in);
	if (out && fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

/* 0 when it is not told. */
static uint64_t break_start_of(const char *stat)
{
	const char *at = strrchr(stat, ')');

	for (int field = 2; at && field < STAT_START_BREAK; field++) {
		at = strchr(at, ' ');
		at = at ? at + 1 : NULL;
	}
	return at ? strtoull(at, NULL, 10) : 0;
}

enum trace_status placement_recorder_start(struct placement_recorder *recorder, pid_t child,
					   struct trace_error *error)
{
	char *maps = whole_text(child, "smaps"), *stat = whole_text(child, "stat");
	uint64_t break_start = stat ? break_start_of(stat) : 0;
	enum trace_status status = placement_writer_begin(recorder->writer, error);

	if (status == TRACE_OK && maps && break_start != 0)
		status = placement_recorder_maps(recorder, maps, break_start, error);
	else if (status == TRACE_OK)
		status = trace_fail(error, TRACE_IO,
				    "no placement: /proc/%ld/smaps and stat do not tell what is mapped",
				    (long)child);
	free(maps);
	free(stat);
	return status;
}

void placement_recorder_clear(struct placement_recorder *recorder)
{
	free(recorder->piece);
	mapped_clear(&recorder->mapped);
	*recorder = (struct placement_recorder){.writer = recorder->writer};
}

/* --- Records ------------------------------------------------------------------------------------------------------------ */

static enum trace_status put(struct placement_recorder *recorder, const struct placement_record *record,
			     struct trace_error *error)
{
	bool lacks_memory = false;
	const char *wrong = NULL;

	if (record->kind == PLACEMENT_CALL)
		wrong = mapped_apply(&recorder->mapped, record->call_kind, &record->call, &lacks_memory);
	if (lacks_memory)
		return no_memory(error);
	if (wrong)
		return trace_fail(error, TRACE_UNSUPPORTED,
				  "event %" PRIu64 ": the allocator called %s(0x%" PRIx64 ", %" PRIu64
				  "), which cannot be followed: %s",
				  record->event, event_kind_name(record->call_kind), record->call.address,
				  record->call.length, wrong);
	recorder->event = record->event;
	return placement_writer_add(recorder->writer, record, error);
}

static enum trace_status tell_break(struct placement_recorder *recorder, const struct recorder_piece *piece,
				    uint64_t event, struct trace_error *error)
{
	struct placement_record record = {.event = event, .kind = PLACEMENT_CALL, .call_kind = EVENT_BRK};
	enum trace_status status;

	record.call.result = piece->start;
	status = put(recorder, &record, error);
	if (status != TRACE_OK || piece->end == piece->start)
		return status;
	record.call.address = record.call.result = piece->end;
	return put(recorder, &record, error);
}

static enum trace_status tell_piece(struct placement_recorder *recorder, struct recorder_piece *piece,
				    uint64_t event, struct trace_error *error)
{
	struct placement_record record = {.event = event, .kind = PLACEMENT_CALL, .call_kind = EVENT_MMAP};

	piece->is_told = true;
	if (piece->is_break)
		return tell_break(recorder, piece, event, error);
	record.call.address = record.call.result = piece->start;
	record.call.length = piece->end - piece->start;
	record.call.protection = piece->protection;
	record.call.flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | piece->flags;
	return put(recorder, &record, error);
}

/* The piece, and what it was advised. */
static enum trace_status tell_whole(struct placement_recorder *recorder, struct recorder_piece *piece,
				    uint64_t event, struct trace_error *error)
{
	struct placement_record record = {.event = event, .kind = PLACEMENT_CALL, .call_kind = EVENT_MADVISE};
	enum trace_status status = tell_piece(recorder, piece, event, error);

	if (status != TRACE_OK || piece->advice == 0 || piece->start == piece->end)
		return status;
	record.call.address = piece->start;
	record.call.length = piece->end - piece->start;
	record.call.flags = piece->advice;
	return put(recorder, &record, error);
}

/* Tells the pieces of the start that [start, end) reaches into. */
static enum trace_status tell_around(struct placement_recorder *recorder, uint64_t event, struct range range,
				     struct trace_error *error)
{
	for (size_t i = 0; i < recorder->pieces; i++) {
		struct recorder_piece *piece = &recorder->piece[i];
		enum trace_status status;

		if (piece->is_told || piece->start >= range.end || piece->end <= range.start)
			continue;
		status = tell_whole(recorder, piece, event, error);
		if (status != TRACE_OK)
			return status;
	}
	return TRACE_OK;
}

enum trace_status placement_recorder_block(struct placement_recorder *recorder,
					   const struct placement_record *block, struct trace_error *error)
{
	struct range range = {.start = block->address, .end = block->address + 1};
	enum trace_status status;

	if (!mapped_holds_block(&recorder->mapped, block->address, block->bytes)) {
		range.end = block->address + (block->bytes ? block->bytes : 1);
		status = tell_around(recorder, block->event, range, error);
		if (status != TRACE_OK)
			return status;
	}
	if (!mapped_holds_block(&recorder->mapped, block->address, block->bytes))
		return trace_fail(error, TRACE_UNSUPPORTED,
				  "event %" PRIu64 ": the block at 0x%" PRIx64 " of %" PRIu64
				  " bytes lies in nothing that the allocator was seen to map",
				  block->event, block->address, block->bytes);
	return put(recorder, block, error);
}

/* The heap of brk: where it begins is told before its first move. */
static enum trace_status put_break(struct placement_recorder *recorder, const struct placement_record *record,
				   struct trace_error *error)
{
	for (size_t i = 0; i < recorder->pieces; i++) {
		struct recorder_piece *piece = &recorder->piece[i];
		enum trace_status status;

		if (!piece->is_break || piece->is_told)
			continue;
		status = tell_whole(recorder, piece, record->event, error);
		if (status != TRACE_OK)
			return status;
	}
	/* A question, or a refusal. */
	if (record->call.address == 0 || record->call.result != record->call.address)
		return TRACE_OK;
	return put(recorder, record, error);
}

enum trace_status placement_recorder_call(struct placement_recorder *recorder, uint64_t event,
					  const struct session_call *call, struct trace_error *error)
{
	const struct memory_call *known = memory_call_by_number(call->number);
	struct placement_record record = {.event = event, .kind = PLACEMENT_CALL};
	enum trace_status status;
	struct event made;

	if (!known)
		return trace_fail(error, TRACE_UNSUPPORTED, "an unknown memory system call, number %" PRIu64,
				  call->number);
	memory_call_event(known, call->argument, call->result, &made);
	record.call_kind = made.kind;
	record.call = made.call;
	if (made.flags & EVENT_FAILED || memory_call_descriptor(known, call->argument) >= 0)
		return TRACE_OK;
	if (made.kind == EVENT_BRK)
		return put_break(recorder, &record, error);
	struct range subject = mapped_subject(&recorder->mapped, made.kind, &made.call);

	if (subject.start == subject.end)
		return TRACE_OK;
	status = tell_around(recorder, event, subject, error);
	if (status != TRACE_OK)
		return status;
	if (made.kind != EVENT_MMAP && !range_set_meets(&recorder->mapped.now, subject.start, subject.end))
		return TRACE_OK;
	return put(recorder, &record, error);
}

/* --- A chunk ------------------------------------------------------------------------------------------------------------ */

/* The session_calls that are new, `count` of them, to be freed. */
static enum trace_status read_calls(struct placement_recorder *recorder, const struct session *session,
				    int descriptor, struct session_call **calls, uint64_t *count,
				    struct trace_error *error)
{
	uint64_t written = atomic_load_explicit(&session->chunk.calls, memory_order_acquire);
	off_t at = (off_t)(session->bytes + recorder->calls * sizeof(**calls));

	*count = written - recorder->calls;
	*calls = NULL;
	if (*count == 0)
		return TRACE_OK;
	size_t bytes = *count * sizeof(**calls);

	*calls = malloc(bytes);
	if (!*calls)
		return no_memory(error);
	for (size_t done = 0; done < bytes;) {
		ssize_t got = pread(descriptor, (char *)*calls + done, bytes - done, at + (off_t)done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return trace_fail(error, TRACE_IO, "cannot read the allocator's memory system calls");
		done += (size_t)got;
	}
	/* What has been read need not stay in memory. */
	(void)fallocate(descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, (off_t)bytes);
	recorder->calls = written;
	/* A thread of the allocator's own may have called between two chunks, with the operation before. */
	for (uint64_t i = *count - 1; i-- > 0;) {
		if ((*calls)[i].operation > (*calls)[i + 1].operation)
			(*calls)[i].operation = (*calls)[i + 1].operation;
	}
	return TRACE_OK;
}

static enum trace_status merge(struct placement_recorder *recorder, const struct feed *feed,
			       const struct session_call *calls, uint64_t count, struct trace_error *error)
{
	const struct session_place *places = session_places(feed->session);
	enum trace_status status = TRACE_OK;
	uint64_t done = 0;

	for (uint64_t i = 0; i < feed->count && status == TRACE_OK; i++) {
		bool is_last = i + 1 == feed->count;

		while (status == TRACE_OK && done < count && (calls[done].operation <= i || is_last))
			status = placement_recorder_call(recorder, feed->event[i], &calls[done++], error);
		if (status != TRACE_OK || places[i].address == 0 || feed->object[i] == 0)
			continue;
		const struct placement_record block = {.event = feed->event[i],
						       .kind = PLACEMENT_BLOCK,
						       .object = feed->object[i],
						       .address = places[i].address,
						       .bytes = places[i].bytes};

		status = placement_recorder_block(recorder, &block, error);
	}
	return status;
}

enum trace_status placement_recorder_chunk(struct placement_recorder *recorder, const struct feed *feed,
					   int descriptor, struct trace_error *error)
{
	struct session_call *calls;
	uint64_t count;
	enum trace_status status = read_calls(recorder, feed->session, descriptor, &calls, &count, error);

	if (status == TRACE_OK)
		status = merge(recorder, feed, calls, count, error);
	free(calls);
	memset(session_places(feed->session), 0, feed->count * sizeof(struct session_place));
	return status;
}
