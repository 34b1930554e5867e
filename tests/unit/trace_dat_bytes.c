#include "config.h"

#include "tests/unit/trace_dat_bytes.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#define PAGE_BYTES 256u

struct out {
	uint8_t *bytes;
	size_t used;
};

static void put(struct out *out, uint64_t word, unsigned bytes)
{
	if (out->used + bytes > TRACE_DAT_BYTES_MAX)
		abort();
	for (; bytes > 0; bytes--, word >>= 8)
		out->bytes[out->used++] = (uint8_t)word;
}

static void put_bytes(struct out *out, const void *bytes, size_t count)
{
	if (out->used + count > TRACE_DAT_BYTES_MAX)
		abort();
	memcpy(out->bytes + out->used, bytes, count);
	out->used += count;
}

static void set(struct out *out, size_t at, uint64_t word)
{
	struct out there = {out->bytes, at};

	put(&there, word, 8);
}

static const char page_free[] = "name: mm_page_free\nID: 300\nformat:\n"
				"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
				"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"
				"\tfield:unsigned long pfn;\toffset:8;\tsize:8;\tsigned:0;\n"
				"\tfield:unsigned int order;\toffset:16;\tsize:4;\tsigned:0;\n\n"
				"print fmt: \"order=%d\", REC->order\n";

static void put_formats(struct out *out)
{
	put(out, 1, 4);
	put_bytes(out, "kmem", sizeof("kmem"));
	put(out, 1, 4);
	put(out, strlen(page_free), 8);
	put_bytes(out, page_free, strlen(page_free));
}

static void put_free(struct out *out, uint32_t thread, uint64_t frame)
{
	put(out, 300, 4);
	put(out, thread, 4);
	put(out, frame, 8);
	put(out, 2, 4);
}

/* Of processor 0: at 1000, at 1030, one whose length is told by itself, and another's kind; then padding to the end. */
static void put_page_0(struct out *out)
{
	const size_t start = out->used;

	put(out, 1000, 8);
	put(out, 4 + 20 + 4 + 20 + 8 + 20 + 4 + 8 + 8, 8);
	put(out, 5, 4);
	put_free(out, 40, 0x10);
	put(out, 5 | 30 << 5, 4);
	put_free(out, 41, 0x11);
	put(out, 0 | 5 << 5, 4);
	put(out, 24, 4);
	put_free(out, 40, 0x12);
	put(out, 2 | 1 << 5, 4);
	put(out, 301, 8);
	put(out, 29, 4);
	put(out, 0, 4);
	out->used = start + PAGE_BYTES;
}

/* Of processor 1, after lost ones: at 1010, and 2^27 later. */
static void put_page_1(struct out *out)
{
	const size_t start = out->used;

	put(out, 1010, 8);
	put(out, (4 + 20 + 8 + 4 + 20) | UINT64_C(1) << 31, 8);
	put(out, 5, 4);
	put_free(out, 40, 0x20);
	put(out, 30, 4);
	put(out, 1, 4);
	put(out, 5, 4);
	put_free(out, 40, 0x21);
	out->used = start + PAGE_BYTES;
}

static void put_head(struct out *out, const char *version)
{
	static const uint8_t magic[] = {0x17, 0x08, 0x44, 't', 'r', 'a', 'c', 'i', 'n', 'g'};

	put_bytes(out, magic, sizeof(magic));
	put_bytes(out, version, 2);
	put(out, 0, 1);
	put(out, 8, 1);
	put(out, PAGE_BYTES, 4);
}

static void version_6(struct out *out)
{
	size_t places;

	put_bytes(out, "header_page", sizeof("header_page"));
	put(out, 3, 8);
	put_bytes(out, "abc", 3);
	put_bytes(out, "header_event", sizeof("header_event"));
	put(out, 0, 8);
	put(out, 1, 4); /* ftrace's own formats */
	put(out, 2, 8);
	put(out, 0, 2);
	put_formats(out);
	put(out, 3, 4); /* kallsyms, printk, tasks */
	put_bytes(out, "sym", 3);
	put(out, 0, 4);
	put(out, 0, 8);
	put(out, 2, 4);
	put_bytes(out, "options  ", sizeof("options  "));
	put(out, 4, 2);
	put(out, 5, 4);
	put_bytes(out, "clock", 5);
	put(out, 0, 2);
	put_bytes(out, "flyrecord", sizeof("flyrecord"));
	places = out->used;
	out->used += 32;
	out->used = (out->used + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
	set(out, places, out->used);
	set(out, places + 8, PAGE_BYTES);
	put_page_0(out);
	set(out, places + 16, out->used);
	set(out, places + 24, PAGE_BYTES);
	put_page_1(out);
}

/* Begins a section; its length is set when it ends. */
static size_t put_section(struct out *out, unsigned id, bool packed)
{
	put(out, id, 2);
	put(out, packed, 2);
	put(out, 0, 4);
	put(out, 0, 8);
	return out->used;
}

static void end_section(struct out *out, size_t start)
{
	set(out, start - 8, out->used - start);
}

/* What was put since `start` becomes a chunk. */
static void pack(struct out *out, size_t start)
{
	uint8_t packed[TRACE_DAT_BYTES_MAX];
	const size_t meant = out->used - start;
	const size_t stored = ZSTD_compress(packed, sizeof(packed), out->bytes + start, meant, 1);

	if (ZSTD_isError(stored))
		abort();
	memset(out->bytes + start, 0, meant);
	out->used = start;
	put(out, stored, 4);
	put(out, meant, 4);
	put_bytes(out, packed, stored);
}

static void put_cpu(struct out *out, void (*page)(struct out *), bool packed)
{
	size_t start;

	if (packed)
		put(out, 1, 4);
	start = out->used;
	page(out);
	if (packed)
		pack(out, start);
}

static void version_7(struct out *out, bool packed, unsigned processors)
{
	size_t first, formats, options, cpu[2], next;

	put_bytes(out, packed ? "zstd" : "none", 5);
	put_bytes(out, packed ? "1.5.4" : "", packed ? 6 : 1);
	first = out->used;
	put(out, 0, 8);
	formats = out->used;
	options = put_section(out, 18, packed);
	put_formats(out);
	if (packed)
		pack(out, options);
	end_section(out, options);
	cpu[0] = out->used;
	put_cpu(out, put_page_0, packed);
	cpu[1] = out->used;
	put_cpu(out, put_page_1, packed);
	set(out, first, out->used);
	options = put_section(out, 0, false);
	put(out, 18, 2);
	put(out, 8, 4);
	put(out, formats, 8);
	put(out, 0, 2);
	put(out, 8, 4);
	next = out->used;
	put(out, 0, 8);
	end_section(out, options);
	set(out, next, out->used);
	options = put_section(out, 0, false);
	put(out, 3, 2);
	put(out, 8 + 1 + 6 + 8 + 20 * processors, 4);
	put(out, cpu[0], 8);
	put(out, 0, 1);
	put_bytes(out, "local", 6);
	put(out, PAGE_BYTES, 4);
	put(out, processors, 4);
	for (unsigned i = 0; i < processors; i++) {
		put(out, i, 4);
		put(out, cpu[i % 2], 8);
		put(out, PAGE_BYTES, 8);
	}
	put(out, 0, 2);
	put(out, 8, 4);
	put(out, 0, 8);
	end_section(out, options);
}

size_t trace_dat_bytes(uint8_t bytes[TRACE_DAT_BYTES_MAX], enum trace_dat_variant variant)
{
	struct out out = {bytes, 0};

	memset(bytes, 0, TRACE_DAT_BYTES_MAX);
	put_head(&out, variant == TRACE_DAT_6 ? "6" : "7");
	if (variant == TRACE_DAT_6)
		version_6(&out);
	else
		version_7(&out, variant == TRACE_DAT_7_ZSTD, variant == TRACE_DAT_7_AGAIN ? 320 : 2);
	return out.used;
}
