#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/physical/kmem_table.h"
#include "engine/base/random.h"
#include "engine/phys/slabinfo.h"
#include "tests/unit/written_trace.h"
#include "traces/frame_kinds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BASE UINT64_C(0xffff888000000000)
#define FRAMES 65536u
#define HEAD                                                                                                 \
	"slabinfo - version: 2.1\n"                                                                          \
	"# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables\n"
#define TAIL " : tunables 0 0 0 : slabdata 0 "

/* --- A recording, written by hand --------------------------------------------------------------------------------- */

struct rig {
	struct written_trace trace;
	struct flt_reader *reader;
	struct kmem_pass pass;
	struct policy policy;
};

static void put(struct rig *rig, struct event event)
{
	written_event(&rig->trace, event);
}

static uint32_t name(struct rig *rig, enum event_names table, const char *text)
{
	uint32_t number = 0;

	assert_int_equal(rig->trace.sink->name(rig->trace.sink, table, text, &number, &rig->trace.error),
			 TRACE_OK);
	return number;
}

static void snapshot(struct rig *rig, const char *text)
{
	written_snapshot(&rig->trace, "slabinfo", text, (struct event){0});
}

static void start(struct rig *rig, const char *slabinfo)
{
	struct event_sink *sink;

	*rig = (struct rig){.policy = *policy_find("linux")};
	written_trace_begin(&rig->trace);
	sink = rig->trace.sink;
	assert_int_equal(sink->process(sink, 0, 0, 1, "p", &rig->trace.error), TRACE_OK);
	assert_int_equal(sink->thread(sink, 0, 0, 1, "t", &rig->trace.error), TRACE_OK);
	put(rig, (struct event){.kind = EVENT_SWITCH, .count = 0});
	written_frames(&rig->trace, 0, FRAMES, FRAME_SLAB);
	if (slabinfo)
		snapshot(rig, slabinfo);
}

static struct event allocation(struct rig *rig, const char *cache, uint64_t address, const char *gfp)
{
	struct event event = {.kind = EVENT_KMEM_ALLOC, .kernel = {.address = address, .bytes = 64}};

	event.kernel.cache = cache ? name(rig, EVENT_NAMES_CACHE, cache) : 0;
	event.kernel.gfp = name(rig, EVENT_NAMES_GFP, gfp);
	event.kernel.granted = 64;
	return event;
}

static void alloc(struct rig *rig, const char *cache, uint64_t address)
{
	put(rig, allocation(rig, cache, address, "GFP_KERNEL"));
}

static void release(struct rig *rig, const char *cache, uint64_t address)
{
	struct event event = {.kind = EVENT_KMEM_FREE, .kernel.address = address};

	event.kernel.cache = cache ? name(rig, EVENT_NAMES_CACHE, cache) : 0;
	put(rig, event);
}

static void page(struct rig *rig, enum event_kind kind, uint64_t frame)
{
	put(rig, (struct event){.kind = kind, .kernel.frame = frame});
}

static enum trace_status run(struct rig *rig)
{
	enum trace_status status;

	rig->reader = written_trace_open(&rig->trace);
	status = kmem_pass_create(&rig->pass, &rig->policy, rig->reader, &rig->trace.error);
	if (status == TRACE_OK)
		status = kmem_pass_run(&rig->pass, rig->reader, 1, &rig->trace.error);
	return status;
}

static void stop(struct rig *rig)
{
	kmem_pass_destroy(&rig->pass);
	flt_reader_close(rig->reader);
}

static struct kmem_figure figure_of(const struct rig *rig, const char *cache)
{
	return kmem_table_figure(&rig->pass, slabinfo_text_find(&rig->pass.before, cache));
}

/* Address of a slot of 64 bytes of the slab in a frame. */
static uint64_t at(uint64_t frame, unsigned slot)
{
	return BASE + frame * 4096 + (uint64_t)slot * 64;
}

/* --- What the pass makes of it ------------------------------------------------------------------------------------ */

/* Two slabs of 64 objects; slot 0 of frame 9 is freed, slot 1 taken: one was live, one free. */
static void begins_as_slabinfo_says(void **state)
{
	struct rig rig;

	(void)state;
	start(&rig, HEAD "cell 127 128 64 64 1" TAIL "2 0\n");
	release(&rig, "cell", at(9, 0));
	alloc(&rig, "cell", at(9, 1));
	snapshot(&rig, HEAD "cell 127 128 64 64 1" TAIL "2 0\n");
	assert_int_equal(run(&rig), TRACE_OK);
	struct kmem_figure figure = figure_of(&rig, "cell");

	assert_int_equal(figure.model_slabs, 2);
	assert_int_equal(figure.model_objects, 128);
	assert_true(figure.is_big);
	assert_int_equal(kmem_cache_live_objects(rig.pass.cache[0]), 127);
	assert_int_equal(rig.pass.counts.allocs, 1);
	assert_int_equal(rig.pass.counts.frees, 1);
	assert_int_equal(rig.pass.counts.unborn, 0);
	assert_null(kernel_memory_check(&rig.pass.memory));
	assert_null(slab_places_check(&rig.pass.places, &rig.pass.before));
	stop(&rig);
}

/* Events before the first slabinfo are in it already, those after the second are not. */
static void keeps_to_its_part_of_the_recording(void **state)
{
	struct rig rig;

	(void)state;
	start(&rig, NULL);
	alloc(&rig, "cell", at(9, 0));
	snapshot(&rig, HEAD "cell 0 0 64 64 1" TAIL "0 0\n");
	alloc(&rig, "cell", at(9, 1));
	snapshot(&rig, HEAD "cell 64 64 64 64 1" TAIL "1 0\n");
	alloc(&rig, "cell", at(9, 2));
	assert_int_equal(run(&rig), TRACE_OK);
	assert_int_equal(rig.pass.counts.allocs, 1);
	stop(&rig);
}

static void infers_frees_that_are_not_told(void **state)
{
	struct rig rig;

	(void)state;
	start(&rig, HEAD "cell 0 0 64 64 1" TAIL "0 0\nother 0 0 64 64 1" TAIL "0 0\n");
	alloc(&rig, "cell", at(9, 0));
	alloc(&rig, "cell", at(9, 1));
	alloc(&rig, "cell", at(9, 0));	 /* reused */
	page(&rig, EVENT_PAGE_FREE, 9);	 /* ends two */
	release(&rig, "cell", at(9, 1)); /* unborn */
	alloc(&rig, "cell", at(10, 0));
	alloc(&rig, "other", at(10, 1)); /* the slab is another cache's: ends one */
	alloc(&rig, "stranger", at(11, 1));
	put(&rig, (struct event){.kind = EVENT_KMEM_ALLOC,
				 .kernel = {.address = at(12, 0), .bytes = 9000, .granted = 16384}});
	assert_int_equal(run(&rig), TRACE_OK);
	assert_int_equal(rig.pass.counts.allocs, 5);
	assert_int_equal(rig.pass.counts.reused, 1);
	assert_int_equal(rig.pass.counts.ended, 3);
	assert_int_equal(rig.pass.counts.unborn, 1);
	assert_int_equal(rig.pass.counts.unattributed, 1);
	assert_int_equal(rig.pass.counts.large, 1);
	assert_int_equal(kmem_cache_live_objects(rig.pass.cache[0]), 0);
	assert_int_equal(kmem_cache_live_objects(rig.pass.cache[1]), 1);
	assert_false(rig.pass.has_after);
	stop(&rig);
}

/* kmalloc's cache is told by what it grants and the flags, a kfree's by the slab, or by its other slots' addresses. */
static void finds_caches_that_events_do_not_name(void **state)
{
	struct rig rig;
	struct event charged;

	(void)state;
	start(&rig, HEAD "kmalloc-64 64 64 64 64 1" TAIL "1 0\nkmalloc-32 128 128 32 128 1" TAIL
			 "1 0\nkmalloc-cg-64 0 0 64 64 1" TAIL "0 0\n");
	alloc(&rig, NULL, at(9, 0));
	charged = allocation(&rig, NULL, at(10, 0), "GFP_KERNEL_ACCOUNT|__GFP_ZERO");
	put(&rig, charged);
	release(&rig, NULL, at(9, 0));
	release(&rig, NULL, at(10, 0));
	release(&rig, NULL, at(11, 2));	     /* of a slab that nothing else tells of */
	release(&rig, NULL, at(11, 3) + 32); /* so its objects are of 32 bytes */
	assert_int_equal(run(&rig), TRACE_OK);
	assert_int_equal(rig.pass.counts.allocs, 2);
	assert_int_equal(rig.pass.counts.frees, 4);
	assert_int_equal(rig.pass.guessed, 1);
	assert_int_equal(rig.pass.counts.unattributed, 0);
	assert_int_equal(kmem_cache_live_objects(rig.pass.cache[1]), 126);
	stop(&rig);
}

static void another_policy_begins_packed(void **state)
{
	struct rig rig;

	(void)state;
	start(&rig, HEAD "cell 65 130 1000 32 8" TAIL "5 0\n");
	release(&rig, "cell", BASE + UINT64_C(64) * 4096);
	assert_int_equal(policy_set(&rig.policy, "slab_geometry=eighth"), STATUS_OK);
	assert_int_equal(run(&rig), TRACE_OK);
	assert_int_equal(rig.pass.misfits, 1);
	assert_int_equal(rig.pass.counts.frees, 1);
	assert_int_equal(kmem_cache_live_objects(rig.pass.cache[0]), 64);
	assert_null(kernel_memory_check(&rig.pass.memory));
	stop(&rig);
}

static void says_what_is_missing(void **state)
{
	struct rig rig;

	(void)state;
	start(&rig, HEAD "cell 0 0 64 64 1" TAIL "0 0\n");
	assert_int_equal(run(&rig), TRACE_UNSUPPORTED);
	assert_string_equal(rig.trace.error.message,
			    "the recording has no events of a slab allocator; `faultline record --kernel` or "
			    "--kernel=slab makes them");
	stop(&rig);
	start(&rig, NULL);
	alloc(&rig, "cell", at(9, 0));
	assert_int_equal(run(&rig), TRACE_UNSUPPORTED);
	assert_string_equal(rig.trace.error.message,
			    "the recording has no /proc/slabinfo, so that nothing is known of its slabs; "
			    "`faultline record --kernel` as a privileged user takes it");
	stop(&rig);
	start(&rig, HEAD "cell 0 0 64 64 1" TAIL "0 0\n");
	alloc(&rig, "cell", UINT64_C(0x12345678deadbeef));
	assert_int_equal(run(&rig), TRACE_UNSUPPORTED);
	assert_string_equal(rig.trace.error.message,
			    "the recorded addresses of objects are not those of slabs' "
			    "frames (0 of 1): they may be hashed");
	stop(&rig);
	start(&rig, "slabinfo - version: 3.0\n");
	alloc(&rig, "cell", at(9, 0));
	assert_int_equal(run(&rig), TRACE_BAD_INPUT);
	stop(&rig);
	start(&rig, HEAD "cell 640000000 640000000 64 64 1" TAIL "1099511627777 0\n");
	alloc(&rig, "cell", at(9, 0));
	assert_int_equal(run(&rig), TRACE_BAD_INPUT);
	assert_string_equal(rig.trace.error.message,
			    "slabinfo, line 3: more slabs than any machine has memory for");
	stop(&rig);
	start(&rig, HEAD "cell 640000000 640000000 64 64 1" TAIL "1099511627776 0\n");
	alloc(&rig, "cell", at(9, 0));
	assert_int_equal(run(&rig), TRACE_NO_MEMORY);
	assert_string_equal(rig.trace.error.message,
			    "the machine's frames do not hold the objects that slabinfo counts");
	stop(&rig);
}

/* --- A machine that is the model ---------------------------------------------------------------------------------- */

#define STEPS 20000u
#define LIVE 3000u
#define CPUS 2

/* The recorded machine: the engine itself, whose events are written with the addresses that it hands out. */
struct machine {
	struct rig *rig;
	struct memory frames;
	struct kernel_memory memory;
	struct kmem_cache *cache[2];
	uintptr_t live[LIVE];
	uint8_t kind[LIVE];
	unsigned count;
};

static const char *const cache_names[2] = {"inode", "small"};

static void boot(struct machine *machine, struct rig *rig)
{
	struct memory_shape shape = {
	    .size = {.pages = FRAMES}, .backing = ARENA_NONE, .max_order = 10, .cpus = CPUS};
	struct kernel_memory_shape kernel = {.cpus = CPUS, .seed = 1};
	static const uint32_t bytes[2] = {1128, 104};

	*machine = (struct machine){.rig = rig};
	assert_int_equal(memory_create(&machine->frames, &shape), STATUS_OK);
	assert_int_equal(kernel_memory_create(&machine->memory, &machine->frames, &rig->policy, &kernel),
			 STATUS_OK);
	for (unsigned i = 0; i < 2; i++) {
		struct kmem_cache_args args = {
		    .name = cache_names[i], .object_bytes = bytes[i], .flags = SLAB_NO_MERGE};

		assert_int_equal(kmem_cache_create(&machine->memory.slabs, &args, &machine->cache[i]),
				 STATUS_OK);
	}
}

static const char *slabinfo_text_of(const struct machine *machine)
{
	static char text[1024];
	size_t length = (size_t)snprintf(text, sizeof(text), "%s", slabinfo_header());

	for (unsigned i = 0; i < 2; i++) {
		struct slabinfo info;

		slabinfo_of(machine->cache[i], &info);
		length += slabinfo_line(&info, text + length);
	}
	return text;
}

static void step(struct machine *machine, struct random *random, bool grows)
{
	int cpu = (int)random_below(random, CPUS);
	unsigned kind = (unsigned)random_below(random, 2);
	struct gfp gfp = {.flags = GFP_KERNEL, .cpu = cpu};
	bool takes = random_below(random, 8) < (grows ? 5u : 3u);

	put(machine->rig, (struct event){.kind = EVENT_SWITCH, .count = (uint64_t)cpu});
	if (machine->count == 0 || (takes && machine->count < LIVE)) {
		uintptr_t object = kmem_cache_alloc(machine->cache[kind], &gfp);

		assert_int_not_equal(object, 0);
		machine->live[machine->count] = object;
		machine->kind[machine->count++] = (uint8_t)kind;
		alloc(machine->rig, cache_names[kind], object - machine->frames.arena.base + BASE);
		return;
	}
	unsigned victim = (unsigned)random_below(random, machine->count);
	uintptr_t object = machine->live[victim];

	kind = machine->kind[victim];
	kmem_cache_free(machine->cache[kind], cpu, object);
	release(machine->rig, cache_names[kind], object - machine->frames.arena.base + BASE);
	machine->live[victim] = machine->live[--machine->count];
	machine->kind[victim] = machine->kind[machine->count];
}

/* From nothing, the same calls make the same slabs, to the last one. */
static void predicts_itself(void **state)
{
	struct rig rig;
	struct machine *machine = malloc(sizeof(*machine));
	struct random random = {.state = 7};

	(void)state;
	assert_non_null(machine);
	start(&rig, NULL);
	boot(machine, &rig);
	snapshot(&rig, slabinfo_text_of(machine));
	for (unsigned i = 0; i < STEPS; i++)
		step(machine, &random, i < STEPS / 2);
	snapshot(&rig, slabinfo_text_of(machine));
	assert_int_equal(run(&rig), TRACE_OK);
	for (unsigned i = 0; i < 2; i++) {
		struct kmem_figure figure = figure_of(&rig, cache_names[i]);

		assert_true(figure.after->num_slabs > 4);
		assert_int_equal(figure.model_slabs, figure.after->num_slabs);
		assert_int_equal(figure.model_objects, figure.after->num_objs);
		assert_int_equal(figure.model_active, figure.after->active_objs);
	}
	assert_int_equal(rig.pass.counts.allocs + rig.pass.counts.frees, STEPS);
	stop(&rig);
	kernel_memory_abandon(&machine->memory);
	memory_destroy(&machine->frames);
	free(machine);
}

/* --- Words -------------------------------------------------------------------------------------------------------- */

static void prints_big_caches(void **state)
{
	struct rig rig;
	char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);

	(void)state;
	assert_non_null(out);
	start(&rig, HEAD "cell 6400 6400 64 64 1" TAIL "100 0\nfew 0 0 64 64 1" TAIL "0 0\n");
	alloc(&rig, "cell", at(9, 0));
	snapshot(&rig, HEAD "cell 6464 6464 64 64 1" TAIL "101 0\nfew 0 0 64 64 1" TAIL "0 0\n");
	assert_int_equal(run(&rig), TRACE_OK);
	kmem_table_print(&rig.pass, out);
	assert_int_equal(fclose(out), 0);
	assert_non_null(strstr(text,
			       "cell                              100          101          100     -0.99 %"
			       "     -0.99 %\n"));
	assert_null(strstr(text, "few"));
	free(text);
	json_t *json = kmem_table_json(&rig.pass);

	assert_non_null(json);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(json, "pages"), "after")), 101);
	assert_int_equal(json_array_size(json_object_get(json, "caches")), 2);
	json_decref(json);
	stop(&rig);
}

static void errors_are_shares(void **state)
{
	(void)state;
	assert_true(kmem_table_error(105, 100) > 0.0499 && kmem_table_error(105, 100) < 0.0501);
	assert_true(kmem_table_error(0, 0) == 0 && kmem_table_error(3, 0) == 1);
	assert_true(kmem_table_error(0, 100) == -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(begins_as_slabinfo_says),
	    cmocka_unit_test(keeps_to_its_part_of_the_recording),
	    cmocka_unit_test(infers_frees_that_are_not_told),
	    cmocka_unit_test(finds_caches_that_events_do_not_name),
	    cmocka_unit_test(another_policy_begins_packed),
	    cmocka_unit_test(says_what_is_missing),
	    cmocka_unit_test(predicts_itself),
	    cmocka_unit_test(prints_big_caches),
	    cmocka_unit_test(errors_are_shares),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
