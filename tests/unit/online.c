#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/online.h"
#include "traces/flt.h"
#include "traces/generate/xoshiro.h"
#include "traces/record/access_tee.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE UINT64_C(4096)
#define PROCESSES 12u
#define THREADS 40u
#define BATCH 64u

/* A program that maps, forks, executes, starts threads and refers to all of that, told to two receivers as the recorder tells it:
 * its file's replay and what came of it online must be the same. */
struct script {
	struct xoshiro random;
	struct access_tee tee;
	struct access_output output;
	struct trace_error error;
	uint64_t events, time_ns, references;
	uint32_t processes, threads;
	struct {
		bool lives;
		uint32_t first_thread, stack; /* the thread whose stack it has, and that one's */
		uint32_t region[8];
		uint64_t mapped; /* where the next mapping comes */
	} process[PROCESSES];
	uint32_t owner[THREADS]; /* process of each thread */
	bool has_stack[THREADS];
};

static uint64_t below(struct script *script, uint64_t bound)
{
	return xoshiro_next(&script->random) % bound;
}

static void must(struct script *script, enum trace_status status)
{
	if (status != TRACE_OK)
		fail_msg("%s", script->error.message);
}

static void tell(struct script *script, struct event event)
{
	event.time_ns = script->time_ns += 10;
	must(script, script->output.sink->put(script->output.sink, &event, &script->error));
	script->events++;
}

static uint32_t tell_region(struct script *script, struct event_region region)
{
	uint32_t number;

	must(script, script->output.sink->region(script->output.sink, &region, &number, &script->error));
	return number;
}

/* The maps of a program that event `position` began. */
static void begin_program(struct script *script, uint32_t process, uint64_t position)
{
	struct event_file file = {
	    .path = "/bin/program", .device = 1, .inode = 7 + process % 3, .bytes = 64 * PAGE};
	struct event_region region = {.address = UINT64_C(0x4000000000),
				      .length = 64 * PAGE,
				      .protection = PROT_READ,
				      .flags = MAP_PRIVATE,
				      .event = position,
				      .process = process,
				      .kind = EVENT_REGION_FILE};

	must(script, script->output.sink->file(script->output.sink, &file, &region.file, &script->error));
	for (unsigned i = 0; i < 8; i++)
		script->process[process].region[i] = tell_region(script, region);
	region.address += region.length;
	region.protection |= PROT_WRITE;
	region.kind = EVENT_REGION_GLOBALS;
	script->process[process].region[1] = tell_region(script, region);
	region = (struct event_region){.address = UINT64_C(0x4000800000) - 32 * PAGE,
				       .length = 32 * PAGE,
				       .event = position,
				       .process = process,
				       .protection = PROT_READ | PROT_WRITE,
				       .flags = MAP_PRIVATE,
				       .kind = EVENT_REGION_ANONYMOUS};
	(void)tell_region(script, region);
	region.kind = EVENT_REGION_STACK;
	region.thread = script->process[process].first_thread;
	(void)tell_region(script, region);
	script->process[process].stack = region.thread;
	script->process[process].mapped = UINT64_C(0x4001000000);
}

static void map_memory(struct script *script, uint32_t process, uint32_t thread)
{
	struct event_region region = {.address = script->process[process].mapped,
				      .length = (1 + below(script, 600)) * PAGE,
				      .protection = PROT_READ | PROT_WRITE,
				      .flags = MAP_PRIVATE,
				      .process = process,
				      .kind = EVENT_REGION_ANONYMOUS};
	struct event event = {.kind = EVENT_MMAP,
			      .process = process,
			      .thread = thread,
			      .call = {.length = region.length,
				       .protection = region.protection,
				       .flags = MAP_PRIVATE | MAP_ANONYMOUS,
				       .result = region.address}};

	region.event = script->events;
	tell(script, event);
	script->process[process].region[below(script, 8)] = tell_region(script, region);
	script->process[process].mapped += region.length + PAGE;
}

static void start_thread(struct script *script, uint32_t process, uint32_t thread)
{
	uint32_t number = script->threads;
	struct event_region stack = {.address = script->process[process].mapped,
				     .length = 64 * PAGE,
				     .protection = PROT_READ | PROT_WRITE,
				     .flags = MAP_PRIVATE,
				     .process = process,
				     .thread = number,
				     .kind = EVENT_REGION_STACK};
	struct event event = {.kind = EVENT_MMAP,
			      .process = process,
			      .thread = thread,
			      .call = {.length = stack.length,
				       .protection = stack.protection,
				       .flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK,
				       .result = stack.address}};

	if (number == THREADS)
		return;
	tell(script, event);
	must(script, script->output.sink->thread(script->output.sink, number, process, 100 + number, "thread",
						 &script->error));
	tell(script, (struct event){.kind = EVENT_THREAD_START, .process = process, .thread = number});
	stack.event = script->events - 1;
	(void)tell_region(script, stack);
	script->process[process].mapped += stack.length;
	script->owner[number] = process;
	script->has_stack[number] = true;
	script->threads++;
}

static void fork_process(struct script *script, uint32_t process, uint32_t thread)
{
	uint32_t child = script->processes, number = script->threads;

	if (child == PROCESSES || number == THREADS)
		return;
	tell(script,
	     (struct event){.kind = EVENT_FORK, .process = process, .thread = thread, .count = child});
	script->process[child] = script->process[process];
	script->process[child].first_thread = number;
	script->processes++;
	tell(script, (struct event){.kind = EVENT_THREAD_START, .process = child, .thread = number});
	script->owner[number] = child;
	script->has_stack[number] = true;
	script->process[child].stack = number;
	script->threads++;
}

static void execute(struct script *script, uint32_t process, uint32_t thread)
{
	if (thread != script->process[process].first_thread)
		return;
	tell(script, (struct event){.kind = EVENT_EXEC, .process = process, .thread = thread});
	begin_program(script, process, script->events - 1);
	for (uint32_t i = 0; i < script->threads; i++)
		script->has_stack[i] &= script->owner[i] != process || i == thread;
}

static void end_process(struct script *script, uint32_t process, uint32_t thread)
{
	if (process == 0)
		return;
	tell(script, (struct event){.kind = EVENT_EXIT, .process = process, .thread = thread});
	script->process[process].lives = false;
}

static void refer(struct script *script, uint32_t process, uint32_t thread)
{
	struct access access[BATCH];
	size_t count = 1 + below(script, BATCH);

	for (size_t i = 0; i < count; i++) {
		bool is_stack = script->has_stack[thread] && below(script, 3) == 0;

		access[i] = (struct access){
		    .base = is_stack ? thread : script->process[process].region[below(script, 8)],
		    .offset = is_stack ? (uint64_t)-8 * (1 + below(script, 4096)) : below(script, 300 * PAGE),
		    .size = (uint16_t)(1 + below(script, 64)),
		    .kind = (uint8_t)below(script, ACCESS_KINDS),
		    .place = is_stack ? ACCESS_STACK : ACCESS_REGION};
		if (below(script, 500) == 0)
			access[i] = (struct access){
			    .offset = below(script, UINT64_C(1) << 46), .size = 8, .place = ACCESS_WILD};
	}
	script->references += count;
	must(script,
	     script->output.sink->accesses(script->output.sink, thread, access, count, &script->error));
	if (below(script, 300) == 0)
		must(script, script->output.skipped(script->output.context, thread, 7, &script->error));
}

static void step(struct script *script)
{
	uint32_t thread = (uint32_t)below(script, script->threads), process = script->owner[thread];

	if (!script->process[process].lives)
		return;
	switch (below(script, 150)) {
	case 0:
		start_thread(script, process, thread);
		break;
	case 1:
		fork_process(script, process, thread);
		break;
	case 2:
		execute(script, process, thread);
		break;
	case 3:
		if (below(script, 8) == 0)
			end_process(script, process, thread);
		break;
	case 4:
	case 5:
		map_memory(script, process, thread);
		break;
	default:
		refer(script, process, thread);
	}
}

static void play(struct script *script, uint64_t seed, uint64_t references)
{
	struct event_sink *sink = script->output.sink;

	xoshiro_seed(&script->random, seed);
	must(script, sink->process(sink, 0, 0, 50, "program", &script->error));
	must(script, sink->thread(sink, 0, 0, 50, "first", &script->error));
	script->processes = script->threads = 1;
	script->process[0].lives = script->has_stack[0] = true;
	if (seed % 2 == 1) {
		tell(script, (struct event){.kind = EVENT_EXEC});
		begin_program(script, 0, 0);
	} else {
		begin_program(script, 0, UINT64_MAX);
	}
	while (script->references < references)
		step(script);
}

/* --- Comparison ----------------------------------------------------------------------------------------------------------- */

/* Everything that a run says of the pass. */
static char *text_of(const struct mmu_pass *pass)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *file = open_memstream(&text, &bytes);
	json_t *model = json_object();

	assert_true(mmu_pass_json(pass, model));
	assert_int_equal(json_dumpf(model, file, JSON_INDENT(1) | JSON_SORT_KEYS), 0);
	json_decref(model);
	mmu_series_write_tlb(pass->series, file);
	mmu_series_write_faults(pass->series, file);
	mmu_series_write_pages(pass->series, file);
	mmu_series_write_walks(pass->series, file);
	mmu_series_write_sizes(pass->series, file);
	space_map_write_mappings(pass->map, file);
	space_map_write_residency(pass->map, file);
	assert_int_equal(fclose(file), 0);
	return text;
}

struct rig {
	char path[64];
	struct policy system;
	struct tlb_geometry geometry[2];
	struct mmu_pass_options options;
	struct flt_writer *writer;
	struct online *online;
	struct script script;
};

static const char *const names[] = {"small", "large"};

static enum trace_status store_skipped(void *context, uint32_t thread, uint64_t count,
				       struct trace_error *error)
{
	return flt_writer_accesses_skipped(context, thread, count, error);
}

static struct rig *make_rig(unsigned samples)
{
	const struct flt_description description = {.source = "record accesses", .has_time = true};
	struct rig *rig = calloc(1, sizeof(*rig));
	struct tlb_geometry_error wrong;
	struct access_output file, online;

	assert_non_null(rig);
	(void)snprintf(rig->path, sizeof(rig->path), "online.%ld.flt", (long)getpid());
	rig->system = *policy_find("linux");
	assert_int_equal(tlb_geometry_parse(&rig->geometry[0], "l1=16x4", &wrong), STATUS_OK);
	assert_int_equal(tlb_geometry_parse(&rig->geometry[1], "l1=64x4,l2=1024x8", &wrong), STATUS_OK);
	rig->options = (struct mmu_pass_options){.trace = rig->path,
						 .policy = &rig->system,
						 .addresses = SPACES_FREE,
						 .names = names,
						 .geometries = rig->geometry,
						 .mmus = 2,
						 .has_sizes = true,
						 .process = SPACES_ALL_PROCESSES,
						 .memory_bytes = UINT64_C(256) << 20,
						 .processors = 2,
						 .samples = samples};
	must(&rig->script, flt_writer_create(&rig->writer, rig->path, &description, &rig->script.error));
	must(&rig->script, online_create(&rig->online, &rig->options, &rig->script.error));
	file = (struct access_output){
	    .sink = flt_writer_sink(rig->writer), .skipped = store_skipped, .context = rig->writer};
	online = online_output(rig->online);
	rig->script.output = access_tee(&rig->script.tee, &file, &online);
	return rig;
}

static void drop_rig(struct rig *rig)
{
	online_destroy(rig->online);
	(void)unlink(rig->path);
	free(rig);
}

static void compare(uint64_t seed, uint64_t references, unsigned samples)
{
	struct rig *rig = make_rig(samples);
	struct mmu_pass *pass, *replayed;
	char *text, *expected;

	play(&rig->script, seed, references);
	must(&rig->script, online_finish(rig->online, &pass, &rig->script.error));
	must(&rig->script, flt_writer_finish(rig->writer, &rig->script.error));
	must(&rig->script, mmu_pass_run(&replayed, &rig->options, &rig->script.error));
	text = text_of(pass);
	expected = text_of(replayed);
	assert_string_equal(text, expected);
	assert_true(pass->references.done > references / 2);
	assert_int_equal(online_summary(rig->online)->accesses, rig->script.references);
	assert_int_equal(online_summary(rig->online)->processes, rig->script.processes);
	assert_true(rig->script.processes > 2 && rig->script.threads > 4);
	free(text);
	free(expected);
	mmu_pass_destroy(pass);
	mmu_pass_destroy(replayed);
	drop_rig(rig);
}

static void test_online_is_what_a_replay_of_the_file_is(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 3; seed++)
		compare(seed, 20000, 50);
	compare(4, 10000, 0);
}

static void test_over_several_blocks(void **state)
{
	(void)state;
	compare(5, 140000, 7);
}

static void test_what_makes_no_sense_is_refused(void **state)
{
	struct rig *rig = make_rig(5);
	struct access_output online = online_output(rig->online);
	struct event exit = {.kind = EVENT_EXIT};
	struct access access = {.base = 3, .size = 8, .place = ACCESS_REGION};
	struct mmu_pass *pass;

	(void)state;
	assert_int_equal(online.sink->accesses(online.sink, 0, &access, 1, &rig->script.error),
			 TRACE_BAD_INPUT);
	assert_int_equal(online.sink->put(online.sink, &exit, &rig->script.error), TRACE_OK);
	assert_int_equal(online.sink->put(online.sink, &exit, &rig->script.error), TRACE_BAD_INPUT);
	assert_int_equal(online.sink->accesses(online.sink, 0, &access, 1, &rig->script.error),
			 TRACE_BAD_INPUT);
	assert_int_equal(online_finish(rig->online, &pass, &rig->script.error), TRACE_OK);
	assert_int_equal(pass->references.done, 0);
	mmu_pass_destroy(pass);
	flt_writer_abandon(rig->writer);
	drop_rig(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_online_is_what_a_replay_of_the_file_is),
	    cmocka_unit_test(test_over_several_blocks),
	    cmocka_unit_test(test_what_makes_no_sense_is_refused),
	};

	return cmocka_run_group_tests_name("online", tests, NULL, NULL);
}
