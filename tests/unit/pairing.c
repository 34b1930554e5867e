#include "config.h"

#include "bench/fidelity/pairing.h"
#include "bench/fidelity/prediction.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define PAGE UINT64_C(4096)
#define ANONYMOUS (MAP_PRIVATE | MAP_ANONYMOUS)
#define WRITABLE (PROT_READ | PROT_WRITE)

/* Two small recordings of one program: what the kernel would say of it, and what the emulator would. */
static const char maps[] = "00400000-00402000 r-xp 00000000 fe:00 11  /bin/x\n"
			   "00402000-00403000 rw-p 00002000 fe:00 11  /bin/x\n"
			   "00403000-00404000 rw-p 00000000 00:00 0\n"
			   "7ffff7ff0000-7ffff7ff2000 r-xp 00000000 fe:00 12  /lib/ld.so\n"
			   "7ffffffde000-7ffffffff000 rw-p 00000000 00:00 0  [stack]\n";
static const char pages[] = "402000-403000 p\n7fffffffe000-7ffffffff000 p\n";

static struct trace_error error;

#define OK(status) assert_int_equal(status, TRACE_OK)

static struct flt_writer *begin(char *path)
{
	const struct flt_description description = {.source = "test"};
	struct flt_writer *writer;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	(void)close(fd);
	OK(flt_writer_create(&writer, path, &description, &error));
	return writer;
}

static void put(struct flt_writer *writer, uint8_t kind, struct event_call call)
{
	const struct event event = {.kind = kind, .call = call};

	OK(flt_writer_add(writer, &event, &error));
}

static void put_snapshot(struct flt_writer *writer, const char *name, const char *text)
{
	const struct event_snapshot snapshot = {.name = name, .bytes = text, .length = strlen(text)};
	struct event event = {.kind = EVENT_SNAPSHOT};
	uint32_t number;

	OK(flt_writer_snapshot(writer, &snapshot, &number, &error));
	event.count = number;
	OK(flt_writer_add(writer, &event, &error));
}

static void write_native(char *path)
{
	struct flt_writer *writer = begin(path);

	put(writer, EVENT_THREAD_START, (struct event_call){0});
	put(writer, EVENT_EXEC, (struct event_call){0});
	put_snapshot(writer, "maps", maps);
	put_snapshot(writer, "pages", pages);
	put(writer, EVENT_MMAP,
	    (struct event_call){
		.length = 3 * PAGE, .protection = WRITABLE, .flags = ANONYMOUS, .result = 0x7ffff7fe0000});
	put(writer, EVENT_BRK, (struct event_call){.result = 0x404000});
	put(writer, EVENT_BRK, (struct event_call){.address = 0x406000, .result = 0x406000});
	put(writer, EVENT_MMAP,
	    (struct event_call){
		.length = PAGE, .protection = PROT_READ, .flags = ANONYMOUS, .result = 0x7ffff7fdf000});
	put(writer, EVENT_EXIT, (struct event_call){0});
	OK(flt_writer_finish(writer, &error));
}

static uint32_t put_region(struct flt_writer *writer, struct event_region region)
{
	uint32_t number;

	OK(flt_writer_region(writer, &region, &number, &error));
	return number;
}

static uint32_t put_file(struct flt_writer *writer, const char *path)
{
	const struct event_file file = {.path = path, .device = 1, .inode = 11, .bytes = 3 * PAGE};
	uint32_t number;

	OK(flt_writer_file(writer, &file, &number, &error));
	return number;
}

enum region {
	REGION_TEXT = 1,
	REGION_BSS,
	REGION_MAPPED,
	REGION_HEAP,
};

/* The same calls in another order (the small mapping first), at other addresses; then one reference to each place. */
static void write_emulated(char *path)
{
	struct flt_writer *writer = begin(path);
	uint32_t file = 0;
	const struct access accesses[] = {
	    {.base = REGION_TEXT, .offset = 0x10, .size = 16, .kind = ACCESS_FETCH, .place = ACCESS_REGION},
	    {.base = REGION_BSS, .offset = 0x20, .size = 8, .kind = ACCESS_STORE, .place = ACCESS_REGION},
	    {.base = REGION_MAPPED,
	     .offset = 2 * PAGE,
	     .size = 8,
	     .kind = ACCESS_STORE,
	     .place = ACCESS_REGION},
	    {.base = REGION_HEAP, .offset = PAGE, .size = 8, .kind = ACCESS_STORE, .place = ACCESS_REGION},
	    {.base = 0, .offset = -(uint64_t)64, .size = 8, .kind = ACCESS_STORE, .place = ACCESS_STACK},
	    {.base = REGION_HEAP, .offset = 5 * PAGE, .size = 8, .kind = ACCESS_LOAD, .place = ACCESS_REGION},
	};

	put(writer, EVENT_THREAD_START, (struct event_call){0});
	file = put_file(writer, "/bin/x");
	assert_int_equal(put_region(writer, (struct event_region){.address = 0x4000000000,
								  .length = 2 * PAGE,
								  .event = UINT64_MAX,
								  .file = file,
								  .kind = EVENT_REGION_FILE}),
			 REGION_TEXT);
	assert_int_equal(put_region(writer, (struct event_region){.address = 0x4000002000,
								  .length = PAGE,
								  .event = UINT64_MAX,
								  .kind = EVENT_REGION_ANONYMOUS}),
			 REGION_BSS);
	put(writer, EVENT_BRK, (struct event_call){.result = 0x4000004000});
	put(writer, EVENT_MMAP,
	    (struct event_call){
		.length = 3 * PAGE, .protection = WRITABLE, .flags = ANONYMOUS, .result = 0x4000800000});
	assert_int_equal(put_region(writer, (struct event_region){.address = 0x4000800000,
								  .length = 3 * PAGE,
								  .event = 2,
								  .kind = EVENT_REGION_ANONYMOUS}),
			 REGION_MAPPED);
	put(writer, EVENT_BRK, (struct event_call){.address = 0x4000006000, .result = 0x4000006000});
	assert_int_equal(put_region(writer, (struct event_region){.address = 0x4000004000,
								  .length = 2 * PAGE,
								  .event = 3,
								  .kind = EVENT_REGION_BREAK}),
			 REGION_HEAP);
	OK(flt_writer_accesses(writer, 0, accesses, sizeof(accesses) / sizeof(accesses[0]), &error));
	put(writer, EVENT_EXIT, (struct event_call){0});
	OK(flt_writer_finish(writer, &error));
}

struct rig {
	char native_path[40], emulated_path[40];
	struct recording native, emulated;
	struct pairing pairing;
};

static int make(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	(void)snprintf(rig->native_path, sizeof(rig->native_path), "native.XXXXXX");
	(void)snprintf(rig->emulated_path, sizeof(rig->emulated_path), "emulated.XXXXXX");
	write_native(rig->native_path);
	write_emulated(rig->emulated_path);
	OK(recording_open(&rig->native, rig->native_path, &error));
	OK(recording_open(&rig->emulated, rig->emulated_path, &error));
	OK(pairing_create(&rig->pairing, &rig->native, &rig->emulated, &error));
	*state = rig;
	return 0;
}

static int drop(void **state)
{
	struct rig *rig = *state;

	pairing_destroy(&rig->pairing);
	recording_close(&rig->emulated);
	recording_close(&rig->native);
	(void)unlink(rig->native_path);
	(void)unlink(rig->emulated_path);
	free(rig);
	return 0;
}

static void test_calls(void **state)
{
	const struct pairing *pairing = &((struct rig *)*state)->pairing;

	/* The native mapping is at 4 and the breaks at 5 and 6; 7 is a call that the emulated one does not have. */
	assert_int_equal(pairing->event[0], PAIRING_NONE);
	assert_int_equal(pairing->event[1], 5);
	assert_int_equal(pairing->event[2], 4);
	assert_int_equal(pairing->event[3], 6);
	assert_int_equal(pairing->event[4], 8);
	assert_int_equal(pairing->paired, 4);
	assert_int_equal(pairing->native_alone, 1);
	assert_int_equal(pairing->emulated_alone, 0);
	assert_int_equal(pairing->stack_end, 0x7ffffffff000);
	assert_int_equal(pairing->break_start, 0x404000);
}

static uint64_t address(const struct pairing *pairing, uint32_t place, uint64_t base, uint32_t *bytes)
{
	const struct access_context context = {.place = place, .base = base};
	struct pairing_place found;

	if (!pairing_address(pairing, &context, &found))
		return 0;
	*bytes = found.bytes;
	return found.address;
}

static void test_places(void **state)
{
	struct pairing *pairing = &((struct rig *)*state)->pairing;
	uint32_t bytes = 0;

	assert_int_equal(address(pairing, ACCESS_REGION, REGION_TEXT, &bytes), 0x400000);
	assert_int_equal(bytes, ACCESS_WINDOW_BYTES);
	assert_int_equal(address(pairing, ACCESS_REGION, REGION_BSS, &bytes), 0x402000);
	assert_int_equal(address(pairing, ACCESS_STACK, 0, &bytes), 0x7ffffffff000);
	/* What calls make is not there before them. */
	assert_int_equal(address(pairing, ACCESS_REGION, REGION_MAPPED, &bytes), 0);
	for (uint64_t i = 0; i < 5; i++)
		pairing_apply(pairing, i);
	assert_int_equal(address(pairing, ACCESS_REGION, REGION_MAPPED, &bytes), 0x7ffff7fe0000);
	assert_int_equal(address(pairing, ACCESS_REGION, REGION_HEAP, &bytes), 0x404000);
	assert_int_equal(bytes, 2 * PAGE);
	assert_int_equal(address(pairing, ACCESS_OBJECT, 1, &bytes), 0);
	assert_int_equal(address(pairing, ACCESS_REGION, 99, &bytes), 0);
}

/* The references run in the native address space: what exec touched makes no fault, what lies behind the heap is left out. */
static void test_prediction(void **state)
{
	struct rig *rig = *state;
	const struct prediction_options options = {.policy = policy_find("linux"),
						   .addresses = SPACES_FORCED};
	struct prediction prediction;

	OK(prediction_make(&prediction, &rig->pairing, &options, &error));
	assert_true(prediction.process[0].is_complete);
	assert_int_equal(prediction.references, 5);
	assert_int_equal(prediction.unplaced, 1);
	assert_int_equal(prediction.unmapped, 0);
	assert_int_equal(prediction.calls_moved, 0);
	/* text, mapping and heap; bss and stack were touched by exec */
	assert_int_equal(prediction.process[0].minor.user, 3);
	assert_int_equal(prediction.process[0].minor.kernel + prediction.process[0].minor.calls, 0);
	assert_int_equal(prediction.process[0].figures.anonymous_pages, 4);
	prediction_destroy(&prediction);
}

static void test_without_maps(void **state)
{
	struct rig *rig = *state;
	struct pairing pairing;

	assert_int_equal(pairing_create(&pairing, &rig->emulated, &rig->emulated, &error), TRACE_BAD_INPUT);
	assert_non_null(strstr(error.message, "no maps from its exec"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_calls, make, drop),
	    cmocka_unit_test_setup_teardown(test_places, make, drop),
	    cmocka_unit_test_setup_teardown(test_prediction, make, drop),
	    cmocka_unit_test_setup_teardown(test_without_maps, make, drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
