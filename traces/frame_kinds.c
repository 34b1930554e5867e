#include "config.h"

#include "traces/frame_kinds.h"

#include "traces/flt_varint.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define HEADER_BYTES 96u

/* Bits of /proc/kpageflags (Documentation/admin-guide/mm/pagemap.rst). */
#define FLAG_SLAB (UINT64_C(1) << 7)
#define FLAG_BUDDY (UINT64_C(1) << 10)
#define FLAG_MAPPED (UINT64_C(1) << 11)
#define FLAG_ANONYMOUS (UINT64_C(1) << 12)
#define FLAG_SWAP_BACKED (UINT64_C(1) << 14)
#define FLAG_TAIL (UINT64_C(1) << 16)
#define FLAG_HUGETLB (UINT64_C(1) << 17)
#define FLAG_POISONED (UINT64_C(1) << 19)
#define FLAG_NO_PAGE (UINT64_C(1) << 20)
#define FLAG_MERGED (UINT64_C(1) << 21)
#define FLAG_TRANSPARENT_HUGE (UINT64_C(1) << 22)
#define FLAG_OFFLINE (UINT64_C(1) << 23)
#define FLAG_ZERO (UINT64_C(1) << 24)
#define FLAG_PAGE_TABLE (UINT64_C(1) << 26)
#define FLAG_RESERVED (UINT64_C(1) << 32)
#define FLAG_LRU (UINT64_C(1) << 5)
#define FLAG_UNEVICTABLE (UINT64_C(1) << 18)

static const char *const names[FRAME_KINDS] = {
    [FRAME_HOLE] = "hole",	     [FRAME_FREE] = "free",	   [FRAME_OTHER] = "other",
    [FRAME_SLAB] = "slab",	     [FRAME_PAGE_TABLE] = "table", [FRAME_ANONYMOUS] = "anonymous",
    [FRAME_FILE] = "file",	     [FRAME_HUGE] = "huge",	   [FRAME_HUGETLB] = "hugetlb",
    [FRAME_UNMOVABLE] = "unmovable", [FRAME_ZERO] = "zero",	   [FRAME_MERGED] = "merged",
};

const char *frame_kind_name(unsigned kind)
{
	return kind < FRAME_KINDS ? names[kind] : "unknown";
}

unsigned frame_value(uint64_t flags)
{
	static const struct {
		uint64_t flag;
		unsigned kind;
	} kinds[] = {
	    {FLAG_NO_PAGE, FRAME_HOLE},
	    {FLAG_BUDDY, FRAME_FREE},
	    {FLAG_SLAB, FRAME_SLAB},
	    {FLAG_PAGE_TABLE, FRAME_PAGE_TABLE},
	    {FLAG_POISONED | FLAG_OFFLINE, FRAME_UNMOVABLE},
	    {FLAG_ZERO, FRAME_ZERO},
	    {FLAG_MERGED, FRAME_MERGED},
	    {FLAG_HUGETLB, FRAME_HUGETLB},
	    {FLAG_RESERVED, FRAME_UNMOVABLE},
	};
	unsigned value = FRAME_OTHER;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!(flags & kinds[i].flag))
			continue;
		value = kinds[i].kind;
		break;
	}
	if (value == FRAME_OTHER && (flags & FLAG_ANONYMOUS))
		value = flags & FLAG_TRANSPARENT_HUGE ? FRAME_HUGE : FRAME_ANONYMOUS;
	else if (value == FRAME_OTHER && (flags & (FLAG_LRU | FLAG_UNEVICTABLE | FLAG_SWAP_BACKED)))
		value = FRAME_FILE;
	return value | (flags & FLAG_MAPPED ? FRAME_MAPPED : 0) | (flags & FLAG_TAIL ? FRAME_TAIL : 0);
}

/* --- Writing ---------------------------------------------------------------------------------------------------------- */

void frame_writer_start(struct frame_writer *writer, uint8_t *bytes, size_t capacity)
{
	*writer = (struct frame_writer){.bytes = bytes, .used = HEADER_BYTES, .capacity = capacity};
	writer->full = capacity < HEADER_BYTES;
}

static void end_run(struct frame_writer *writer)
{
	if (!writer->run || writer->full)
		return;
	if (writer->capacity - writer->used < FLT_VARINT_BYTES) {
		writer->full = true;
		return;
	}
	const uint8_t *end =
	    flt_varint_put(writer->bytes + writer->used, writer->value + FRAME_VALUES * (writer->run - 1));

	writer->used = (size_t)(end - writer->bytes);
}

void frame_writer_add(struct frame_writer *writer, unsigned value)
{
	if (writer->run && writer->value == value) {
		writer->run++;
		return;
	}
	end_run(writer);
	writer->value = value;
	writer->run = 1;
}

void frame_writer_finish(struct frame_writer *writer)
{
	end_run(writer);
	writer->run = 0;
}

/* Blanks before the line break make it as long as the room that was left for it. */
void frame_writer_header(struct frame_writer *writer, uint64_t first, uint64_t frames,
			 const uint64_t time_ns[2])
{
	char line[HEADER_BYTES + 1];
	int length;

	if (writer->capacity < HEADER_BYTES)
		return;
	length = snprintf(line, sizeof(line), "%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64, first, frames,
			  time_ns[0], time_ns[1]);
	memset(writer->bytes, ' ', HEADER_BYTES);
	memcpy(writer->bytes, line, (size_t)length);
	writer->bytes[HEADER_BYTES - 1] = '\n';
}

/* --- Reading ---------------------------------------------------------------------------------------------------------- */

static bool take_number(struct frame_reader *reader, uint64_t *number)
{
	const uint8_t *start = reader->in;

	*number = 0;
	for (; reader->in < reader->end && *reader->in >= '0' && *reader->in <= '9'; reader->in++) {
		if (*number > (UINT64_MAX - 9) / 10)
			return false;
		*number = *number * 10 + (uint64_t)(*reader->in - '0');
	}
	if (reader->in == start)
		return false;
	while (reader->in < reader->end && *reader->in == ' ')
		reader->in++;
	return true;
}

bool frame_reader_start(struct frame_reader *reader, const void *bytes, size_t length)
{
	*reader = (struct frame_reader){.in = bytes, .end = (const uint8_t *)bytes + length};
	return length != 0 && take_number(reader, &reader->first) && take_number(reader, &reader->frames) &&
	       take_number(reader, &reader->begin_ns) && take_number(reader, &reader->end_ns) &&
	       reader->in < reader->end && *reader->in++ == '\n' && reader->frames <= FRAME_KINDS_SPAN &&
	       reader->first <= UINT64_MAX - reader->frames;
}

bool frame_reader_next(struct frame_reader *reader, struct frame_run *run)
{
	uint64_t number;

	if (reader->told == reader->frames || !flt_varint_get(&reader->in, reader->end, &number))
		return false;
	*run = (struct frame_run){.first = reader->first + reader->told,
				  .frames = number / FRAME_VALUES + 1,
				  .value = (unsigned)(number % FRAME_VALUES)};
	if (run->frames > reader->frames - reader->told || (run->value & 0x0fu) >= FRAME_KINDS)
		return false;
	reader->told += run->frames;
	return true;
}
