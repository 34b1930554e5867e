#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/mmu_pass.h"
#include "bench/mmu_table.h"
#include "bench/spaces/engine_placer.h"
#include "tests/unit/written_trace.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCKS 300u
#define BLOCK_BYTES 4096u

/* Blocks of a page, each written to twice; every third freed and taken again larger. */
static void write_trace(struct written_trace *trace)
{
	uint64_t object = 0;

	written_trace_begin(trace);
	for (unsigned i = 0; i < BLOCKS; i++) {
		struct event make = {.kind = EVENT_MALLOC, .object = ++object, .size = BLOCK_BYTES};

		written_event(trace, make);
		for (unsigned offset = 0; offset < BLOCK_BYTES; offset += BLOCK_BYTES / 2)
			written_access(trace, 0,
				       (struct access){.base = object,
						       .offset = offset,
						       .size = 8,
						       .kind = ACCESS_STORE,
						       .place = ACCESS_OBJECT});
		if (i % 3 != 2)
			continue;
		make = (struct event){.kind = EVENT_REALLOC,
				      .object = object + 1,
				      .old_object = object,
				      .size = UINT64_C(3) * BLOCK_BYTES};
		object++;
		written_event(trace, make);
	}
}

struct rig {
	struct written_trace trace;
	struct tlb_geometry geometry[2];
	const char *names[2];
	struct policy system, heap;
	struct mmu_pass_options options;
};

static void make_rig(struct rig *rig)
{
	struct tlb_geometry_error wrong;

	*rig = (struct rig){
	    .names = {"small", "large"}, .system = *policy_find("linux"), .heap = *policy_find("default")};
	write_trace(&rig->trace);
	assert_int_equal(flt_writer_finish(rig->trace.writer, &rig->trace.error), TRACE_OK);
	assert_int_equal(tlb_geometry_parse(&rig->geometry[0], "l1d=16x4", &wrong), STATUS_OK);
	assert_int_equal(tlb_geometry_parse(&rig->geometry[1], "l1d=64x4,l2=1024x8", &wrong), STATUS_OK);
	rig->options = (struct mmu_pass_options){.trace = rig->trace.path,
						 .policy = &rig->system,
						 .addresses = SPACES_FREE,
						 .names = rig->names,
						 .geometries = rig->geometry,
						 .mmus = 2,
						 .has_sizes = true,
						 .memory_bytes = UINT64_C(256) << 20,
						 .samples = 5,
						 .check = UINT64_MAX};
}

static void drop_rig(struct rig *rig)
{
	written_trace_drop(&rig->trace);
}

static struct mmu_pass *run(struct rig *rig, struct placer *placer)
{
	struct trace_error error = {""};
	struct mmu_pass *pass;

	rig->options.placer = placer;
	if (mmu_pass_run(&pass, &rig->options, &error) != TRACE_OK)
		fail_msg("%s", error.message);
	return pass;
}

static struct mmu_pass *run_engine(struct rig *rig)
{
	struct engine_placer_options options = {
	    .policy = &rig->heap, .memory_bytes = UINT64_C(256) << 20, .seed = 1};
	struct placer *placer = engine_placer_create(&options);

	assert_non_null(placer);
	struct mmu_pass *pass = run(rig, placer);

	engine_placer_destroy(placer);
	return pass;
}

static void test_blocks_of_the_engine_are_placed(void **state)
{
	struct rig rig;

	(void)state;
	make_rig(&rig);
	struct mmu_pass *pass = run_engine(&rig);

	assert_int_equal(pass->references.done, 2 * BLOCKS);
	assert_int_equal(pass->references.objects_unplaced, 0);
	assert_int_equal(pass->references.mappings_made, 0);
	assert_int_equal(pass->references.clamped, 0);
	/* Pages of their own, unless a freed one is taken again at once; twice in a row is a hit. */
	uint64_t misses = tlb_misses(&pass->model[0].tlb, 1);

	assert_in_range(misses, pass->figures.faults.minor, BLOCKS);
	assert_true(misses > BLOCKS / 2);
	assert_int_equal(tlb_accesses(&pass->model[0].tlb), 2 * BLOCKS);
	assert_true(pass->model[1].walk.walks <= pass->model[0].walk.walks);
	assert_true(pass->figures.faults.minor <= BLOCKS);
	assert_int_equal(pass->figures.faults.minor, pass->figures.resident_pages);
	assert_false(pass->has_level_2[0]);
	assert_true(pass->has_level_2[1]);
	assert_true(isnan(mmu_pass_misses(pass, 0, 2, TLB_DATA)));
	assert_true(isnan(mmu_pass_misses(pass, 1, 1, TLB_FETCH)));
	assert_true(mmu_pass_misses(pass, 0, 1, TLB_DATA) == 1000.0 * (double)misses / (2 * BLOCKS));
	mmu_pass_destroy(pass);
	drop_rig(&rig);
}

/* Blocks of the parent, which its child refers to before any heap call of its own; one is freed before the fork, one after it. */
static void test_inherited_blocks_are_placed(void **state)
{
	static const uint8_t births[] = {EVENT_FORK, EVENT_VFORK};

	(void)state;
	for (size_t birth = 0; birth < 2; birth++) {
		struct rig rig;

		make_rig(&rig);
		drop_rig(&rig);
		written_trace_begin(&rig.trace);
		for (uint64_t object = 1; object <= 4; object++)
			written_event(&rig.trace, (struct event){.kind = EVENT_MEMALIGN,
								 .object = object,
								 .size = 100,
								 .alignment = UINT64_C(4096)});
		written_event(&rig.trace, (struct event){.kind = EVENT_FREE, .object = 1});
		written_event(&rig.trace, (struct event){.kind = births[birth], .count = 1});
		written_event(&rig.trace, (struct event){.kind = EVENT_FREE, .object = 2});
		written_event(&rig.trace, (struct event){.kind = EVENT_MARKER, .process = 1, .thread = 1});
		for (uint64_t object = 2; object <= 4; object++)
			written_access(
			    &rig.trace, 1,
			    (struct access){
				.base = object, .size = 8, .kind = ACCESS_STORE, .place = ACCESS_OBJECT});
		assert_int_equal(flt_writer_finish(rig.trace.writer, &rig.trace.error), TRACE_OK);
		rig.options.trace = rig.trace.path;
		rig.options.process = 1;
		struct mmu_pass *pass = run_engine(&rig);

		assert_int_equal(pass->references.done, 3);
		assert_int_equal(pass->references.objects_unplaced, 0);
		assert_int_equal(pass->references.clamped, 0);
		assert_int_equal(pass->figures.faults.minor, 3); /* each on a page of its own */
		mmu_pass_destroy(pass);
		drop_rig(&rig);
	}
}

static char *text_of(const struct mmu_pass *pass)
{
	json_t *model = json_object();

	assert_true(mmu_pass_json(pass, model));
	char *text = json_dumps(model, JSON_INDENT(1));

	json_decref(model);
	assert_non_null(text);
	return text;
}

static void test_the_same_again_is_the_same(void **state)
{
	struct rig rig;

	(void)state;
	make_rig(&rig);
	struct mmu_pass *one = run_engine(&rig), *two = run_engine(&rig);
	char *first = text_of(one), *second = text_of(two);

	assert_string_equal(first, second);
	assert_non_null(strstr(first, "\"l1i\": null"));
	assert_non_null(strstr(first, "\"swap_in\": null"));
	assert_non_null(strstr(first, "\"placement\": null"));
	assert_non_null(strstr(first, "\"process\": 0"));
	free(first);
	free(second);
	mmu_pass_destroy(one);
	mmu_pass_destroy(two);
	drop_rig(&rig);
}

static void test_a_spread_has_its_median(void **state)
{
	struct rig rig;
	struct mmu_pass *passes[3];

	(void)state;
	make_rig(&rig);
	for (unsigned i = 0; i < 3; i++) {
		passes[i] = run_engine(&rig);
		passes[i]->model[0].walk.walks = 10 + (i + 1) % 3;
	}
	struct mmu_pass *chosen = mmu_pass_choose(passes, 3, "abc");
	char *text = text_of(chosen);

	assert_int_equal(chosen->model[0].walk.walks, 11);
	assert_int_equal(chosen->spread.walks[0][0], 10);
	assert_int_equal(chosen->spread.walks[0][1], 12);
	assert_non_null(strstr(text, "\"hash\": \"abc\""));
	free(text);
	mmu_pass_destroy(chosen);
	drop_rig(&rig);
}

static void test_a_trace_without_references_is_refused(void **state)
{
	struct written_trace trace;
	struct trace_error error = {""};
	struct rig rig;
	struct mmu_pass *pass;

	(void)state;
	make_rig(&rig);
	written_trace_begin(&trace);
	written_event(&trace, (struct event){.kind = EVENT_MALLOC, .object = 1, .size = 1});
	assert_int_equal(flt_writer_finish(trace.writer, &error), TRACE_OK);
	rig.options.trace = trace.path;
	assert_int_equal(mmu_pass_run(&pass, &rig.options, &error), TRACE_UNSUPPORTED);
	assert_null(pass);
	assert_non_null(strstr(error.message, "record --accesses"));
	written_trace_drop(&trace);
	drop_rig(&rig);
}

/* The engine's passes are whole; where blocks lie nowhere nobody wins. */
static void test_the_fewest_walks_win(void **state)
{
	struct rig rig;
	struct target targets[3] = {{.name = "a"}, {.name = "b"}, {.name = "recorded"}};
	struct measurement measurements[3];
	struct run runs[3];
	struct mmu_pass *passes[3];

	(void)state;
	make_rig(&rig);
	for (unsigned i = 0; i < 3; i++) {
		measurements[i] = (struct measurement){.target = &targets[i]};
		passes[i] = i < 2 ? run_engine(&rig) : run(&rig, NULL);
		runs[i] = (struct run){.measurement = &measurements[i], .pass = passes[i]};
	}
	assert_int_equal(runs[2].pass->references.objects_unplaced, 2 * BLOCKS);
	struct verdict verdict = mmu_table_verdict(runs, 3, 0);

	assert_false(verdict.wins);
	assert_string_equal(verdict.best, "a");
	assert_string_equal(verdict.other, "b");
	passes[1]->model[0].walk.walks /= 2;
	verdict = mmu_table_verdict(runs, 3, 0);
	assert_true(verdict.wins);
	assert_string_equal(verdict.best, "b");
	assert_non_null(strstr(verdict.sentence, "b wins on TLB misses (small)"));
	passes[1]->spread = (struct mmu_spread){.takes = 2, .walks = {{1, UINT64_C(2) * BLOCKS}}};
	verdict = mmu_table_verdict(runs, 3, 0);
	assert_false(verdict.wins);
	assert_non_null(strstr(verdict.sentence, "less apart than the placements"));
	verdict = mmu_table_verdict(runs + 1, 2, 0);
	assert_null(verdict.best);
	for (unsigned i = 0; i < 3; i++)
		mmu_pass_destroy(passes[i]);
	drop_rig(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_blocks_of_the_engine_are_placed),
	    cmocka_unit_test(test_inherited_blocks_are_placed),
	    cmocka_unit_test(test_the_same_again_is_the_same),
	    cmocka_unit_test(test_a_spread_has_its_median),
	    cmocka_unit_test(test_a_trace_without_references_is_refused),
	    cmocka_unit_test(test_the_fewest_walks_win),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
