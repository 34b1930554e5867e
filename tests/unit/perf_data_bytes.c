#include "config.h"

#include "tests/unit/perf_data_bytes.h"

#include <stdlib.h>
#include <string.h>

#define ATTRS ((size_t)5)
#define ATTR_BYTES 64u
#define HEADER_BYTES 104u
/* IDENTIFIER, IP, TID, TIME, ADDR, CPU, PERIOD; the tracepoints' with RAW */
#define SAMPLE_TYPE (1u << 16 | 1u << 8 | 1u << 7 | 0xfu)
#define WITH_RAW (1u << 10)

struct out {
	uint8_t *bytes;
	size_t used;
};

static void put(struct out *out, uint64_t word, unsigned bytes)
{
	if (out->used + bytes > PERF_DATA_BYTES_MAX)
		abort();
	for (; bytes > 0; bytes--, word >>= 8)
		out->bytes[out->used++] = (uint8_t)word;
}

static void put_text(struct out *out, const char *text, size_t length)
{
	if (out->used + length > PERF_DATA_BYTES_MAX)
		abort();
	memcpy(out->bytes + out->used, text, length);
	out->used += length;
}

static void set(struct out *out, size_t at, uint64_t word)
{
	struct out there = {out->bytes, at};

	put(&there, word, 8);
}

/* Software page faults, and the tracepoints 77 to 80. Event number i has the id 1000 + i. */
static void put_attr(struct out *out, unsigned index)
{
	put(out, index == 0 ? 1 : 2, 4);
	put(out, ATTR_BYTES, 4);
	put(out, index == 0 ? 2 : 76 + index, 8);
	put(out, 1, 8);
	put(out, SAMPLE_TYPE | (index == 0 ? 0 : WITH_RAW), 8);
	put(out, 0, 8);
	put(out, UINT64_C(1) << 18, 8);
	put(out, 0, 8);
	put(out, 0, 8);
}

#define COMMON                                                                                               \
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"                               \
	"\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n"                               \
	"\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n"                       \
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"

static const char fault_format[] =
    "name: page_fault_user\nID: 77\nformat:\n" COMMON
    "\tfield:unsigned long address;\toffset:8;\tsize:8;\tsigned:0;\n"
    "\tfield:unsigned long ip;\toffset:16;\tsize:8;\tsigned:0;\n"
    "\tfield:unsigned long error_code;\toffset:24;\tsize:8;\tsigned:0;\n\n"
    "print fmt: \"address=%ps ip=%ps error_code=0x%lx\", (void *)REC->address, (void *)REC->ip, "
    "REC->error_code\n";
static const char enter_format[] = "name: sys_enter_mmap\nID: 78\nformat:\n" COMMON
				   "\tfield:int __syscall_nr;\toffset:8;\tsize:4;\tsigned:1;\n"
				   "\tfield:unsigned long addr;\toffset:16;\tsize:8;\tsigned:0;\n"
				   "\tfield:unsigned long len;\toffset:24;\tsize:8;\tsigned:0;\n"
				   "\tfield:unsigned long prot;\toffset:32;\tsize:8;\tsigned:0;\n"
				   "\tfield:unsigned long flags;\toffset:40;\tsize:8;\tsigned:0;\n"
				   "\tfield:unsigned long fd;\toffset:48;\tsize:8;\tsigned:0;\n"
				   "\tfield:unsigned long off;\toffset:56;\tsize:8;\tsigned:0;\n\n"
				   "print fmt: \"addr: 0x%08lx\", ((unsigned long)(REC->addr))\n";
static const char exit_format[] = "name: sys_exit_mmap\nID: 79\nformat:\n" COMMON
				  "\tfield:int __syscall_nr;\toffset:8;\tsize:4;\tsigned:1;\n"
				  "\tfield:long ret;\toffset:16;\tsize:8;\tsigned:1;\n\n"
				  "print fmt: \"0x%lx\", REC->ret\n";

static const char page_format[] = "name: mm_page_alloc\nID: 80\nformat:\n" COMMON
				  "\tfield:unsigned long pfn;\toffset:8;\tsize:8;\tsigned:0;\n"
				  "\tfield:unsigned int order;\toffset:16;\tsize:4;\tsigned:0;\n"
				  "\tfield:unsigned long gfp_flags;\toffset:24;\tsize:8;\tsigned:0;\n"
				  "\tfield:int migratetype;\toffset:32;\tsize:4;\tsigned:1;\n\n"
				  "print fmt: \"%s\", (REC->gfp_flags) ? __print_flags(REC->gfp_flags, "
				  "\"|\", {(unsigned long)(((( gfp_t)((((1UL))) "
				  "<< (6))) | (( gfp_t)128u))), \"GFP_TWO\"} ) : \"none\"\n";

static void put_format(struct out *out, const char *text)
{
	put(out, strlen(text), 8);
	put_text(out, text, strlen(text));
}

static void put_formats(struct out *out)
{
	static const uint8_t magic[] = {23, 8, 68, 't', 'r', 'a', 'c', 'i', 'n', 'g'};

	put_text(out, (const char *)magic, sizeof(magic));
	put_text(out, "0.6", sizeof("0.6"));
	put(out, 0, 1);
	put(out, 8, 1);
	put(out, 4096, 4);
	put_text(out, "header_page", sizeof("header_page"));
	put(out, 0, 8);
	put_text(out, "header_event", sizeof("header_event"));
	put(out, 0, 8);
	put(out, 0, 4);
	put(out, 3, 4);
	put_text(out, "kmem", sizeof("kmem"));
	put(out, 1, 4);
	put_format(out, page_format);
	put_text(out, "exceptions", sizeof("exceptions"));
	put(out, 1, 4);
	put_format(out, fault_format);
	put_text(out, "syscalls", sizeof("syscalls"));
	put(out, 2, 4);
	put_format(out, enter_format);
	put_format(out, exit_format);
}

struct sampled {
	unsigned event;
	uint32_t thread;
	uint64_t time, address;
	unsigned values; /* of raw data, behind the common fields */
	uint64_t value[7];
};

static void put_sample(struct out *out, const struct sampled *sample)
{
	const size_t start = out->used;

	put(out, 9, 4);
	put(out, 1, 2);
	put(out, 0, 2);
	put(out, 1000 + sample->event, 8);
	put(out, 0x401000, 8);
	put(out, sample->thread == 502 ? 502 : 500, 4);
	put(out, sample->thread, 4);
	put(out, sample->time, 8);
	put(out, sample->address, 8);
	put(out, 0, 8);
	put(out, 1, 8);
	if (sample->event != 0) {
		put(out, 8 + 8 * sample->values, 4);
		put(out, 76 + sample->event, 8);
		for (unsigned i = 0; i < sample->values; i++)
			put(out, sample->value[i], 8);
		put(out, 0, 4);
	}
	out->bytes[start + 6] = (uint8_t)(out->used - start);
}

/* Not in order of time: first one processor's, then the other's. */
static const struct sampled samples[] = {
    {0, 500, 1005, 0x7000, 0, {0}},
    {2, 501, 1020, 0, 7, {9, 0, 8192, 3, 0x22, UINT64_MAX, 0}},
    {3, 501, 1030, 0, 2, {9, 0x7f0000000000}},
    {3, 501, 1031, 0, 2, {9, 0x7f0000000000}},
    {1, 500, 1004, 0, 3, {0x7000, 0x401000, 6}},
    {1, 501, 1040, 0, 3, {0x7f0000000ff8, 0x401000, 4}},
    {2, 500, 1050, 0, 7, {9, 1, 0, 3, 0x22, UINT64_MAX, 0}},
    {3, 500, 1060, 0, 2, {9, (uint64_t)-22}},
    {4, UINT32_MAX, 1070, 0, 4, {0x115d14, 3, 0x1c0, 1}},
    {2, 502, 1070, 0, 7, {9, 0, 4096, 5, 2, 3, 8192}},
    {3, 502, 1080, 0, 2, {9, 0x7f0000001000}},
};

#define SAMPLES (sizeof(samples) / sizeof(samples[0]))

static void put_record(struct out *out, uint32_t type, uint16_t flags, size_t bytes)
{
	put(out, type, 4);
	put(out, flags, 2);
	put(out, 8 + bytes, 2);
}

static void put_ids(struct out *out, uint32_t one, uint32_t other)
{
	put(out, one, 4);
	put(out, other, 4);
}

/* TID, TIME, CPU, IDENTIFIER */
static void put_identity(struct out *out, uint32_t thread, uint64_t time)
{
	put_ids(out, 500, thread);
	put(out, time, 8);
	put(out, 0, 8);
	put(out, 1000, 8);
}

static void put_birth_or_end(struct out *out, uint32_t type, const uint32_t ids[4], uint64_t time)
{
	put_record(out, type, 0, 24 + 32);
	put_ids(out, ids[0], ids[1]);
	put_ids(out, ids[2], ids[3]);
	put(out, time, 8);
	put_identity(out, ids[2], time);
}

static void put_mapping(struct out *out, uint32_t process, uint64_t address, const char *path, uint64_t time)
{
	const size_t filled = (strlen(path) + 8) / 8 * 8;

	put_record(out, 10, 0, 64 + filled + 32);
	put_ids(out, process, process);
	put(out, address, 8);
	put(out, 4096, 8);
	put(out, 8192, 8);
	for (unsigned i = 0; i < 3; i++)
		put(out, 9, 8); /* device, inode, generation */
	put_ids(out, 5, 2);
	put_text(out, path, strlen(path));
	for (size_t i = strlen(path); i < filled; i++)
		put(out, 0, 1);
	put_identity(out, process, time);
}

/* Process 502 is born, executes, maps a file and ends; what was there before has no time. */
static void put_tasks(struct out *out)
{
	static const uint32_t thread[] = {500, 500, 503, 500}, child[] = {502, 500, 502, 500};

	put_mapping(out, 500, 0x400000, "/usr/bin/before", 0);
	put_birth_or_end(out, 7, thread, 1061);
	put_birth_or_end(out, 7, child, 1061);
	put_record(out, 3, 1u << 13, 8 + 8 + 32);
	put_ids(out, 502, 502);
	put_text(out, "child\0\0\0", 8);
	put_identity(out, 502, 1062);
	put_mapping(out, 502, 0x7ffc0000, "[stack]", 1063);
	put_mapping(out, 502, 0x401000, "/usr/bin/child", 1064);
	put_mapping(out, 502, 0x7fff1000, "[vdso]", 1065);
	put_mapping(out, 502, 0x7f0000001000, "/lib/library.so", 1075);
	put_mapping(out, 502, 0x7f0000002000, "/outside/of/calls", 1085);
	put_birth_or_end(out, 4, child, 1090);
}

static void put_samples(struct out *out)
{
	put_tasks(out);
	for (size_t i = 0; i < SAMPLES; i++)
		put_sample(out, &samples[i]);
	put(out, 68, 4); /* a round ends */
	put(out, 0, 2);
	put(out, 8, 2);
}

static size_t through_pipe(struct out *out)
{
	size_t announced;

	put(out, 16, 8);
	for (unsigned i = 0; i < ATTRS; i++) {
		put_record(out, 64, 0, ATTR_BYTES + 8);
		put_attr(out, i);
		put(out, 1000 + i, 8);
	}
	put_record(out, 66, 0, 4);
	announced = out->used;
	put(out, 0, 4);
	put_formats(out);
	struct out there = {out->bytes, announced};
	put(&there, out->used - announced - 4, 4);
	while ((out->used - announced - 4) % 8 != 0)
		put(out, 0, 1);
	put_samples(out);
	return out->used;
}

size_t perf_data_bytes(uint8_t bytes[PERF_DATA_BYTES_MAX], bool pipe)
{
	struct out out = {bytes, 0};
	size_t data, features;

	memset(bytes, 0, PERF_DATA_BYTES_MAX);
	put_text(&out, "PERFILE2", 8);
	if (pipe)
		return through_pipe(&out);
	out.used = HEADER_BYTES;
	for (unsigned i = 0; i < ATTRS; i++)
		put(&out, 1000 + i, 8);
	for (unsigned i = 0; i < ATTRS; i++) {
		put_attr(&out, i);
		put(&out, HEADER_BYTES + (size_t)8 * i, 8);
		put(&out, 8, 8);
	}
	data = out.used;
	put_samples(&out);
	features = out.used;
	put(&out, features + 16, 8);
	put(&out, 0, 8);
	put_formats(&out);
	set(&out, features + 8, out.used - features - 16);
	set(&out, 8, HEADER_BYTES);
	set(&out, 16, ATTR_BYTES + 16);
	set(&out, 24, HEADER_BYTES + 8 * ATTRS);
	set(&out, 32, ATTRS * (ATTR_BYTES + 16));
	set(&out, 40, data);
	set(&out, 48, features - data);
	set(&out, 72, 2); /* feature 1 */
	return out.used;
}
