#include "config.h"

#include "bench/physical/frame_books.h"
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EVENT_BYTES 4
#define FRAMES 1024u /* few, so that events meet */

/* Whatever a recording says, the books keep their invariants. First byte: how many of the next are a snapshot; the rest are events. */
static void keep(struct frame_books *books, const uint8_t *data, size_t size)
{
	static const enum event_kind kinds[] = {EVENT_PAGE_ALLOC,  EVENT_PAGE_FREE,  EVENT_PAGE_FREE_BATCHED,
						EVENT_ZONE_LOCKED, EVENT_PCPU_DRAIN, EVENT_MIGRATE};
	struct trace_error error;

	for (size_t at = 0; at + EVENT_BYTES <= size; at += EVENT_BYTES) {
		struct event event = {.kind = kinds[data[at] % (sizeof(kinds) / sizeof(kinds[0]))],
				      .flags = data[at] & 0x80 ? EVENT_FAILED : 0,
				      .time_ns = at};

		event.kernel.order = data[at + 1];
		event.kernel.frame = (data[at + 2] | (unsigned)data[at + 3] << 8) % FRAMES;
		books->withheld += data[at] >> 6 == 1;
		if (frame_books_event(books, &event, &error) == TRACE_NO_MEMORY)
			return;
	}
}

static void judge(const struct frame_books *books)
{
	const char *broken = frame_books_check(books);

	if (broken || frame_books_unexplained(books) > frame_books_judged(books)) {
		(void)fprintf(stderr, "%s\n", broken ? broken : "more is unexplained than judged");
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t length = size ? data[0] : 0;
	struct books_agreement agreement = {0};
	struct frame_books *books;
	struct event_snapshot part;
	struct trace_error error;

	if (size < 1 + length)
		return 0;
	part = (struct event_snapshot){FRAME_KINDS_SNAPSHOT, data + 1, length};
	books = frame_books_create(length % 2 != 0, size / 2);
	if (!books)
		return 0;
	if (frame_books_begin(books, &part, &error) != TRACE_NO_MEMORY) {
		keep(books, data + 1 + length, size - 1 - length);
		judge(books);
		if (frame_books_compare(books, &part, &agreement, &error) == TRACE_OK &&
		    agreement.only_books + agreement.only_machine > agreement.frames)
			abort();
	}
	frame_books_destroy(books);
	return 0;
}

/* Seed 0: frames of every kind, then blocks that split, join and meet. Seed 1: events alone. */
size_t fuzz_seed(unsigned index, uint8_t *bytes)
{
	static const uint64_t times[2] = {0, 1};
	static const uint8_t events[] = {0, 3, 0,  0, 1, 1, 4,	0, 1, 1, 0, 0, 0, 0, 16, 0,
					 0, 0, 17, 0, 1, 1, 16, 0, 3, 2, 8, 0, 0, 2, 8,	 0,
					 4, 2, 8,  0, 2, 0, 8,	0, 5, 0, 0, 0, 1, 0, 24, 0};
	struct frame_writer writer;
	size_t length = 0;

	if (index > 1)
		return 0;
	if (index == 0) {
		frame_writer_start(&writer, bytes + 1, UINT8_MAX);
		frame_writer_header(&writer, 0, 64, times);
		for (unsigned frame = 0; frame < 64; frame++)
			frame_writer_add(&writer, frame / 4 % 16);
		frame_writer_finish(&writer);
		length = writer.used;
	}
	bytes[0] = (uint8_t)length;
	memcpy(bytes + 1 + length, events, sizeof(events));
	return 1 + length + sizeof(events);
}
