#include "config.h"

#include "bench/spaces/maps.h"
#include "bench/spaces/spaces.h"
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Events and references with any numbers, in any order, on a small machine: nothing may crash or hang, and the engine's
 * invariants hold. The tables of the trace (processes, threads, files, regions, snapshots) are the same for all inputs and
 * as odd as tables can be. */

#define SEEDS 2u
#define SEED_STEPS 24u
#define STEPS_MAX 200u
#define PROCESSES 4u
#define THREADS 8u
#define FILES 3u
#define REGIONS 9u
#define BASE UINT64_C(0x7f0000000000)

static const char odd_maps[] = "400000-402000 r-xp 00000000 00:00 1 /bin/x\n"
			       "401000-403000 rw-p 00001000 00:00 1 /bin/x\n"
			       "7ff000000001-7ff000003000 rw-p 00000000 00:00 0\n"
			       "7ff000010000-7ff000000000 rw-p 00000000 00:00 0\n"
			       "600000-640000 rw-s 00000000 00:00 0 [heap]\n"
			       "7fff00000000-7fff00021000 rw-p 00000000 00:00 0 [stack]\n"
			       "7fff00030000-7fff00031000 r-xp 00000000 00:00 0 [vdso]\n"
			       "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]\n"
			       "nonsense";

struct fuzz_step {
	uint8_t kind; /* of what is done */
	uint8_t who;  /* thread; the upper bits choose how numbers are taken */
	uint16_t small;
	uint32_t pages;
	uint64_t address;
};

/* --- The trace ---------------------------------------------------------------------------------------------------------- */

static void demand(enum trace_status status)
{
	if (status != TRACE_OK)
		abort();
}

static void write_regions(struct event_sink *sink)
{
	static const uint64_t range[REGIONS][2] = {
	    {0x400000, 0x2000},		{0x401000, 0x2000}, {BASE, 1 << 20}, {BASE + 5, 4097},
	    {UINT64_MAX - 100, 50},	{0, UINT64_MAX},    {1, 1},	     {BASE << 8, 4096},
	    {BASE + (8 << 20), 8 << 20}};

	for (uint32_t i = 0; i < REGIONS; i++) {
		struct event_region region = {.address = range[i][0],
					      .length = range[i][1],
					      .event = i % 4 == 3 ? i : UINT64_MAX,
					      .process = i % 2,
					      .thread = i % THREADS,
					      .file = i % (FILES + 1),
					      .protection = i % 8,
					      .flags = i % 3 ? MAP_PRIVATE : MAP_SHARED,
					      .kind = i % EVENT_REGION_KINDS};
		uint32_t number;

		demand(sink->region(sink, &region, &number, NULL));
	}
}

static void write_tables(struct event_sink *sink)
{
	static const char *const paths[FILES] = {"/bin/x", "/memfd:x", "/etc/y"};
	struct event_snapshot snapshots[2] = {
	    {.name = "maps", .bytes = odd_maps, .length = sizeof(odd_maps) - 1},
	    {.name = "limits", .bytes = "Max stack size 99", .length = 17}};
	uint32_t number;

	for (uint32_t i = 0; i < PROCESSES; i++)
		demand(sink->process(sink, i, 0, i, "x", NULL));
	for (uint32_t i = 0; i < THREADS; i++)
		demand(sink->thread(sink, i, i % PROCESSES, i, NULL, NULL));
	for (uint32_t i = 0; i < FILES; i++) {
		struct event_file file = {.path = paths[i], .inode = i + 1, .bytes = UINT64_C(10000) * i};

		demand(sink->file(sink, &file, &number, NULL));
	}
	for (uint32_t i = 0; i < 2; i++)
		demand(sink->snapshot(sink, &snapshots[i], &number, NULL));
	write_regions(sink);
}

static struct flt_reader *make_trace(void)
{
	const struct flt_description description = {.source = "fuzz"};
	const struct event event = {.kind = EVENT_MALLOC, .object = 1, .size = 1};
	char path[] = "/tmp/faultline-fuzz.XXXXXX";
	int descriptor = mkstemp(path);
	struct flt_writer *writer;
	struct flt_reader *reader;

	if (descriptor < 0)
		abort();
	(void)close(descriptor);
	demand(flt_writer_create(&writer, path, &description, NULL));
	write_tables(flt_writer_sink(writer));
	demand(flt_writer_add(writer, &event, NULL));
	demand(flt_writer_finish(writer, NULL));
	demand(flt_reader_open(&reader, path, NULL));
	(void)unlink(path);
	return reader;
}

/* --- Steps ---------------------------------------------------------------------------------------------------------------- */

static uint64_t address_of(const struct fuzz_step *step)
{
	if (step->who & 0x80)
		return step->address;
	return BASE + (step->address % 3000 << PAGE_SHIFT);
}

static uint64_t length_of(const struct fuzz_step *step)
{
	if (step->who & 0x40)
		return (uint64_t)step->pages << (step->small % 33);
	return (uint64_t)(1 + step->pages % 700) << PAGE_SHIFT;
}

static void fill_call(struct event *event, const struct fuzz_step *step)
{
	event->call = (struct event_call){.address = address_of(step),
					  .length = length_of(step),
					  .new_length = (uint64_t)step->small << PAGE_SHIFT,
					  .new_address = step->address << 3,
					  .offset = step->who & 0x20 ? step->address
								     : (uint64_t)step->small << PAGE_SHIFT,
					  .result = step->who & 0x10 ? step->address : address_of(step),
					  .protection = step->small & 7,
					  .flags = step->small,
					  .file = step->pages % (FILES + 2)};
	if (event->kind == EVENT_MMAP)
		event->call.flags = (uint32_t)step->small << 4 | (step->small & 8 ? MAP_SHARED : MAP_PRIVATE);
	if (event->kind == EVENT_PRCTL && step->small % 2)
		event->call.flags = 41;
}

static enum trace_status do_event(struct spaces *spaces, const struct fuzz_step *step, uint64_t position)
{
	static const uint8_t others[] = {EVENT_MALLOC, EVENT_FREE,    EVENT_FORK,  EVENT_EXEC,
					 EVENT_EXIT,   EVENT_VFORK,   EVENT_CLONE, EVENT_ALLOCATOR_ENTER,
					 EVENT_SWITCH, EVENT_SNAPSHOT};
	uint8_t choice = step->kind % (sizeof(others) + EVENT_PRCTL - EVENT_MMAP + 1);
	struct event event = {.thread = step->who % (THREADS + 1),
			      .process = step->who % (THREADS + 1) % PROCESSES,
			      .flags = step->small % 7 == 0 ? EVENT_FAILED : 0,
			      .object = step->pages % 100,
			      .size = step->small,
			      .count = step->pages % 5,
			      .kind = EVENT_MMAP + choice};

	if (choice > EVENT_PRCTL - EVENT_MMAP)
		event.kind = others[choice - (EVENT_PRCTL - EVENT_MMAP + 1)];
	else
		fill_call(&event, step);
	return spaces_event(spaces, &event, position, NULL);
}

/* A batch of a few references with one context. */
static enum trace_status do_references(struct spaces *spaces, const struct fuzz_step *step, uint64_t position)
{
	enum { COUNT = 24 };
	static const uint16_t context[COUNT];
	uint16_t offset[COUNT];
	uint8_t shape[COUNT];
	struct access_run run = {
	    .position = position, .thread = step->who % (THREADS + 1), .count = COUNT, .contexts = 1};
	struct access_context where = {.process = step->small % (PROCESSES + 1),
				       .place = step->kind % ACCESS_PLACES,
				       .base = step->pages % 12,
				       .start = step->address & ~(uint64_t)0xffff};
	const struct access_shape shapes[4] = {
	    {8, ACCESS_LOAD}, {64, ACCESS_STORE}, {65535, ACCESS_STORE | ACCESS_KERNEL}, {15, ACCESS_FETCH}};
	struct access_batch batch = {.first = position * COUNT,
				     .count = COUNT,
				     .context = context,
				     .offset = offset,
				     .shape = shape,
				     .run = &run,
				     .contexts_table = &where,
				     .shapes_table = shapes,
				     .runs = 1,
				     .contexts = 1,
				     .shapes = 4};
	struct spaces_stretch stretch = {.batch = &batch, .count = COUNT};

	if (where.place >= ACCESS_ALLOCATOR) {
		where.base = 0;
		if (!(step->who & 0x80))
			where.start = address_of(step) & ~(uint64_t)0xffff;
	}
	for (unsigned i = 0; i < COUNT; i++) {
		offset[i] = (uint16_t)(step->pages * (i + 1) + i * 2777);
		shape[i] = (uint8_t)((step->small >> i % 12) % 4);
	}
	return spaces_references(spaces, &stretch, NULL);
}

struct stub {
	struct placer placer;
	uint64_t next;
};

static enum trace_status place(struct placer *placer, struct spaces *spaces, const struct event *event,
			       uint64_t position, struct trace_error *error)
{
	struct stub *stub = (struct stub *)placer;

	(void)position;
	struct placed placed = {stub->next, event->size};

	stub->next += event->size * 3;
	if (event->kind == EVENT_MALLOC)
		return spaces_put_block(spaces, event->object, placed, error);
	return TRACE_OK;
}

static enum trace_status start(struct placer *placer, struct spaces *spaces, uint32_t process,
			       struct trace_error *error)
{
	struct event map = {
	    .kind = EVENT_MMAP,
	    .process = process,
	    .call = {.length = 1 << 20, .protection = 3, .flags = MAP_PRIVATE | MAP_ANONYMOUS}};

	(void)error;
	((struct stub *)placer)->next = spaces_call(spaces, process, &map).value;
	return TRACE_OK;
}

static void read_maps(const uint8_t *data, size_t size)
{
	struct maps maps = maps_of(data, size);
	struct maps_line line;

	while (maps_next(&maps, &line))
		if (line.name && line.name + line.name_length > (const char *)data + size)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct flt_reader *reader;
	struct stub stub = {.placer = {.place = place, .start = start}};
	struct policy policy = *policy_find("linux");
	struct spaces *spaces;
	struct fuzz_step step;

	if (!reader)
		reader = make_trace();
	if (size == 0)
		return 0;
	read_maps(data, size);
	policy.thp = data[0] % 3;
	policy.paging = data[0] >> 5 & 1;
	struct spaces_options options = {
	    .reader = reader,
	    .platform = {.policy = &policy, .memory_bytes = 64 << 20, .processors = 1 + (data[0] >> 6)},
	    .addresses = data[0] >> 2 & 1 ? SPACES_FREE : SPACES_FORCED,
	    .process = data[0] >> 3 & 1 ? 1 : SPACES_ALL_PROCESSES,
	    .placer = data[0] >> 3 & 1 ? &stub.placer : NULL,
	    .files_are_absent = data[0] >> 4 & 1};

	demand(spaces_create(&spaces, &options, NULL));
	for (size_t at = 1, i = 0; at + sizeof(step) <= size && i < STEPS_MAX; at += sizeof(step), i++) {
		memcpy(&step, data + at, sizeof(step));
		enum trace_status status =
		    step.small >> 14 == 3 ? do_references(spaces, &step, i) : do_event(spaces, &step, i);

		if (status == TRACE_NO_MEMORY) /* the machine is small */
			break;
		demand(status);
		if (i % 32 == 31 && spaces_check(spaces))
			abort();
	}
	if (spaces_check(spaces))
		abort();
	spaces_destroy(spaces);
	return 0;
}

size_t fuzz_seed(unsigned index, uint8_t *bytes)
{
	static const uint8_t firsts[SEEDS] = {0x41, 0x1e};
	uint64_t random = index + 1;
	size_t size = 1;

	if (index >= SEEDS)
		return 0;
	bytes[0] = firsts[index];
	for (unsigned i = 0; i < SEED_STEPS; i++, size += sizeof(struct fuzz_step)) {
		struct fuzz_step step;

		random = random * 6364136223846793005u + 1442695040888963407u;
		step.kind = (uint8_t)(random >> 33);
		step.who = (uint8_t)(random >> 41 & (i % 5 ? 0x07 : 0xf7));
		step.small = (uint16_t)(random >> 45);
		step.pages = (uint32_t)(random >> 20);
		step.address = random >> 7;
		if (i % 4 == 0)
			step.kind = 0;
		if (i % 4 == 0)
			step.small = (uint16_t)((step.small & 0x3fff) | (MAP_ANONYMOUS >> 4));
		if (i % 4 == 2)
			step.small |= 0xc000;
		memcpy(bytes + size, &step, sizeof(step));
	}
	return size;
}
