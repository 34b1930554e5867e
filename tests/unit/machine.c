#include "config.h"

#include "engine/machine.h"

#include "engine/policy.h"
#include "tests/unit/death.h"
#include "tests/unit/model.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BLOCKS 600u
#define THREADS 3u
#define MIB ((uint64_t)1 << 20)

struct block {
	uintptr_t address;
	size_t bytes;
	unsigned char fill;
};

/* A machine and what should be live in it. */
struct rig {
	struct machine *machine;
	bool real;
	uint64_t live_bytes;
	size_t count;
	struct block block[BLOCKS];
	uint64_t answers; /* a hash of all offsets handed out */
};

static struct machine *make(const char *text, enum machine_backing backing, uint64_t memory_bytes)
{
	struct policy policy;
	struct machine_options options = {&policy, backing, memory_bytes, 7};
	struct machine *machine;

	assert_int_equal(policy_parse(&policy, text), STATUS_OK);
	assert_int_equal(machine_create(&machine, &options), STATUS_OK);
	return machine;
}

static void fill(const struct rig *rig, const struct block *block)
{
	if (rig->real)
		memset((void *)block->address, block->fill, block->bytes);
}

static bool is_intact(const struct rig *rig, const struct block *block, size_t bytes)
{
	const unsigned char *byte = (const void *)block->address;

	for (size_t i = 0; rig->real && i < bytes; i++) {
		if (byte[i] != block->fill)
			return false;
	}
	return true;
}

static size_t bytes_of(uint64_t operation)
{
	unsigned bits = (operation >> 8 & 0xff) % 18;

	return (operation >> 16 & 0xffffffff) % ((uint64_t)1 << bits);
}

static void answer(struct rig *rig, uintptr_t address)
{
	uint64_t offset = address != 0 ? address - machine_base(rig->machine) : UINT64_MAX;

	rig->answers = (rig->answers ^ offset) * 0x100000001b3u;
}

static bool overlaps(const struct rig *rig, const struct block *new)
{
	for (size_t i = 0; i < rig->count; i++) {
		const struct block *old = &rig->block[i];

		size_t old_bytes = old->bytes > 0 ? old->bytes : 1;
		size_t new_bytes = new->bytes > 0 ? new->bytes : 1;

		if (new->address < old->address + old_bytes && old->address < new->address + new_bytes)
			return true;
	}
	return false;
}

static const char *do_malloc(struct rig *rig, uint64_t operation)
{
	size_t alignment = (operation >> 52 & 7) == 0 ? (size_t)1 << (operation >> 55 & 0xf) : 0;
	struct block block = {0, bytes_of(operation), (unsigned char)(operation >> 48)};

	if (rig->count == BLOCKS)
		return NULL;
	block.address = machine_malloc(rig->machine, operation % THREADS, block.bytes, alignment);
	answer(rig, block.address);
	if (block.address == 0)
		return "out of memory";
	if (block.address % (alignment > 16 ? alignment : 16) != 0)
		return "a block is not aligned";
	if (overlaps(rig, &block))
		return "a block overlaps a live one";
	if (machine_usable_bytes(rig->machine, block.address) < block.bytes)
		return "a block is too small";
	fill(rig, &block);
	rig->live_bytes += block.bytes;
	rig->block[rig->count++] = block;
	return NULL;
}

static const char *do_free(struct rig *rig, uint64_t operation)
{
	if (rig->count == 0)
		return NULL;
	size_t victim = (operation >> 8) % rig->count;
	struct block block = rig->block[victim];

	rig->block[victim] = rig->block[--rig->count];
	rig->live_bytes -= block.bytes;
	if (!is_intact(rig, &block, block.bytes))
		return "a block was written by another";
	machine_free(rig->machine, operation % THREADS, block.address);
	return NULL;
}

static const char *do_realloc(struct rig *rig, uint64_t operation)
{
	if (rig->count == 0)
		return NULL;
	size_t victim = (operation >> 40) % rig->count;
	struct block *block = &rig->block[victim];
	size_t bytes = bytes_of(operation);
	uintptr_t address = machine_realloc(rig->machine, operation % THREADS, block->address, bytes);

	answer(rig, address);
	if (address == 0)
		return "out of memory";
	block->address = address;
	if (!is_intact(rig, block, bytes < block->bytes ? bytes : block->bytes))
		return "a resize lost contents";
	rig->live_bytes += bytes - block->bytes;
	block->bytes = bytes;
	fill(rig, block);
	return NULL;
}

static const char *step(struct rig *rig, uint64_t operation)
{
	switch (operation >> 60 & 15) {
	case 0:
		machine_thread_exit(rig->machine, operation % THREADS);
		return NULL;
	case 1:
	case 2:
	case 3:
		return do_realloc(rig, operation);
	case 4:
	case 5:
	case 6:
	case 7:
	case 8:
		return do_free(rig, operation);
	default:
		return do_malloc(rig, operation);
	}
}

static const char *compare(struct rig *rig)
{
	struct machine_sample sample;

	machine_sample(rig->machine, &sample);
	if (sample.live_bytes != rig->live_bytes || sample.live_objects != rig->count)
		return "the live figures are wrong";
	if (sample.granted_bytes < sample.live_bytes || sample.frames_bytes < sample.granted_bytes)
		return "live <= granted <= frames does not hold";
	return NULL;
}

static void rig_make(struct rig *rig, const char *policy, enum machine_backing backing)
{
	*rig = (struct rig){.real = backing == MACHINE_BACKING_REAL};
	rig->machine = make(policy, backing, 256 * MIB);
}

static const char *play(struct rig *rig, const uint64_t *operations, size_t count)
{
	const char *wrong = NULL;

	for (size_t i = 0; i < count && !wrong; i++) {
		wrong = step(rig, operations[i]);
		if (!wrong && i % 64 == 0)
			wrong = compare(rig);
	}
	return wrong ? wrong : machine_check(rig->machine);
}

static const char *drain(struct rig *rig)
{
	const char *wrong = NULL;

	while (rig->count > 0 && !wrong)
		wrong = do_free(rig, 0);
	for (unsigned thread = 0; thread < THREADS; thread++)
		machine_thread_exit(rig->machine, thread);
	return wrong ? wrong : machine_check(rig->machine);
}

static bool is_same_zone(const struct machine_zone_report *a, const struct machine_zone_report *b)
{
	return a->managed_pages == b->managed_pages && a->free_pages == b->free_pages &&
	       memcmp(a->free_blocks, b->free_blocks, sizeof(a->free_blocks)) == 0 &&
	       memcmp(a->unusable_free_index, b->unusable_free_index, sizeof(a->unusable_free_index)) == 0 &&
	       memcmp(a->extfrag_index, b->extfrag_index, sizeof(a->extfrag_index)) == 0 &&
	       a->lock_taken == b->lock_taken && a->lock_contended == b->lock_contended;
}

static bool is_same_report(const struct machine_report *a, const struct machine_report *b)
{
	for (unsigned zone = 0; zone < a->zones; zone++) {
		if (!is_same_zone(&a->zone[zone], &b->zone[zone]))
			return false;
	}
	return a->live_peak_bytes == b->live_peak_bytes && a->live_peak_objects == b->live_peak_objects &&
	       a->frames_peak_bytes == b->frames_peak_bytes && a->metadata_bytes == b->metadata_bytes &&
	       a->internal_fragmentation.numerator == b->internal_fragmentation.numerator &&
	       a->allocations == b->allocations && a->frees == b->frees && a->resizes == b->resizes &&
	       a->resizes_in_place == b->resizes_in_place && a->zones == b->zones;
}

/* Plays the operations with both backings; the answers and the reports must be the same. */
static const char *run(const void *context, const uint64_t *operations, size_t count)
{
	static struct rig real, none;
	struct machine_report reports[2];
	const char *wrong;

	rig_make(&real, context, MACHINE_BACKING_REAL);
	rig_make(&none, context, MACHINE_BACKING_NONE);
	wrong = play(&real, operations, count);
	if (!wrong)
		wrong = play(&none, operations, count);
	machine_report(real.machine, &reports[0]);
	machine_report(none.machine, &reports[1]);
	if (!wrong && (real.answers != none.answers || !is_same_report(&reports[0], &reports[1])))
		wrong = "the backing changes the answers";
	if (!wrong)
		wrong = drain(&real);
	machine_destroy(real.machine);
	machine_destroy(none.machine);
	return wrong;
}

static void test_model(void **state)
{
	const struct policy_named *named;

	(void)state;
	for (size_t i = 0; (named = policy_at(i)) != NULL; i++) {
		struct model model = {named->name, run, named->name, 4000, 2};

		model_test(&model);
	}
}

static void test_random_freelist_follows_the_seed(void **state)
{
	struct model model = {"freelist_order=random", run, "default,freelist_order=random", 2000, 1};

	(void)state;
	model_test(&model);
}

/* The kernel's policy keeps its free blocks in lists; what else a policy says goes with any keeper. */
static void test_other_keepers(void **state)
{
	static const char *const policies[] = {"linux,free_blocks=bitmaps", "default,free_blocks=lists",
					       "default,free_blocks=typed",
					       "linux,page_owner=on,pcp_tuning=fixed,min_free_kbytes=9000"};

	(void)state;
	for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
		struct model model = {policies[i], run, policies[i], 2000, 1};

		model_test(&model);
	}
}

static void test_options_out_of_bounds(void **state)
{
	static const uint64_t bad[] = {1, MIB, 63 * MIB, 64 * MIB + 4096, 64 * MIB + 1, (uint64_t)1 << 60};
	struct machine *machine;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct machine_options options = {policy_find("default"), MACHINE_BACKING_NONE, bad[i], 0};

		assert_int_equal(machine_create(&machine, &options), STATUS_BAD_ARGUMENT);
		assert_null(machine);
	}
}

/* A machine of 1 TiB is only arithmetic, and the default one too. */
static void test_large_machines(void **state)
{
	static const uint64_t sizes[] = {0, (uint64_t)1 << 40};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct machine *machine = make("default", MACHINE_BACKING_NONE, sizes[i]);
		uintptr_t large = machine_malloc(machine, 0, (uint64_t)3 << 30, 0);
		uintptr_t aligned = machine_malloc(machine, 0, 100, (size_t)1 << 30);

		assert_int_not_equal(large, 0);
		assert_int_not_equal(aligned, 0);
		assert_int_equal(aligned % ((uintptr_t)1 << 30), 0);
		machine_free(machine, 0, large);
		machine_free(machine, 0, aligned);
		assert_null(machine_check(machine));
		machine_destroy(machine);
	}
}

/* Every zone is used before a request is refused, a refusal is counted, and what was there stays. */
static void test_out_of_memory(void **state)
{
	struct machine *machine = make("default", MACHINE_BACKING_NONE, 64 * MIB);
	struct machine_report report;
	uintptr_t first = machine_malloc(machine, 0, 100, 0);
	uint64_t served = 0;

	(void)state;
	while (machine_malloc(machine, 0, MIB, 0) != 0)
		served++;
	assert_in_range(served, 55, 63);
	assert_int_equal(machine_malloc(machine, 0, SIZE_MAX, 0), 0);
	assert_int_equal(machine_malloc(machine, 0, 1, (size_t)1 << 40), 0);
	assert_int_equal(machine_malloc(machine, 0, 1, 48), 0);
	assert_int_equal(machine_realloc(machine, 0, first, 64 * MIB), 0);
	machine_report(machine, &report);
	assert_int_equal(report.out_of_memory, 5);
	assert_int_equal(report.zones, 2);
	for (unsigned zone = 0; zone < report.zones; zone++)
		assert_in_range(report.zone[zone].free_pages, 0, report.zone[zone].managed_pages / 4);
	assert_null(machine_check(machine));
	machine_free(machine, 0, first);
	machine_destroy(machine);
}

/* A block that moves is one block of the program, though both places are in use for a moment. */
static void test_a_moved_block_is_live_once(void **state)
{
	struct machine *machine = make("default", MACHINE_BACKING_NONE, 64 * MIB);
	uintptr_t block = machine_malloc(machine, 0, MIB, 0);
	uintptr_t neighbour = machine_malloc(machine, 0, MIB, 0);
	uintptr_t moved = machine_realloc(machine, 0, block, 3 * MIB);
	struct machine_report report;

	(void)state;
	machine_report(machine, &report);
	assert_int_equal(report.resizes_in_place, 0);
	assert_int_equal(report.live_peak_bytes, 4 * MIB);
	assert_int_equal(report.live_peak_objects, 2);
	assert_int_equal(report.frames_peak_bytes, 5 * MIB);
	assert_int_equal(report.internal_fragmentation.numerator, 0);
	machine_free(machine, 0, moved);
	machine_free(machine, 0, neighbour);
	assert_null(machine_check(machine));
	machine_destroy(machine);
}

static void test_report_without_events(void **state)
{
	struct machine *machine = make("default", MACHINE_BACKING_NONE, 1024 * MIB);
	struct machine_report report;
	struct machine_sample sample;

	(void)state;
	machine_report(machine, &report);
	machine_sample(machine, &sample);
	assert_false(ratio_exists(report.internal_fragmentation));
	assert_false(ratio_exists(sample.internal_fragmentation));
	assert_false(ratio_exists(sample.extfrag_index));
	assert_true(ratio_exists(sample.unusable_free_index));
	assert_int_equal(report.page_array_bytes_per_gib, 16 * MIB);
	assert_int_equal(report.page_array_bytes, 16 * MIB);
	assert_in_range(report.buddy_map_bytes, 1, 80000);
	assert_string_equal(report.zone[0].name, "DMA");
	assert_string_equal(report.zone[1].name, "DMA32");
	assert_int_equal(report.zone[0].managed_pages, 4096 - 256);
	assert_int_equal(report.zone[1].managed_pages, 262144 - 4096);
	machine_destroy(machine);
}

/* The textbooks' machine: [3 GiB, 3 GiB + 896 MiB) is the memory below 896 MiB. */
static void test_i386(void **state)
{
	struct machine *machine = make("i386", MACHINE_BACKING_NONE, 2048 * MIB);
	struct machine_report report;
	uintptr_t address = machine_malloc(machine, 0, 5000, 0);

	(void)state;
	assert_int_equal(machine_base(machine), (uintptr_t)3 << 30);
	assert_in_range(address, (uintptr_t)3 << 30, ((uintptr_t)3 << 30) + 896 * MIB);
	machine_report(machine, &report);
	assert_int_equal(report.zones, 3);
	assert_string_equal(report.zone[2].name, "HighMem");
	assert_int_equal(report.zone[2].managed_pages, (2048 - 896) * 256);
	machine_free(machine, 0, address);
	machine_destroy(machine);
}

static void free_twice(void *machine)
{
	uintptr_t address = machine_malloc(machine, 0, 64, 0);

	machine_free(machine, 0, address);
	machine_free(machine, 1, address);
}

static void test_double_free_dies(void **state)
{
	struct machine *machine = make("default", MACHINE_BACKING_NONE, 64 * MIB);

	(void)state;
	assert_dies(free_twice, machine, "what is freed is live");
	machine_free(machine, 0, 0);
	machine_destroy(machine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_model),
	    cmocka_unit_test(test_random_freelist_follows_the_seed),
	    cmocka_unit_test(test_other_keepers),
	    cmocka_unit_test(test_options_out_of_bounds),
	    cmocka_unit_test(test_large_machines),
	    cmocka_unit_test(test_out_of_memory),
	    cmocka_unit_test(test_a_moved_block_is_live_once),
	    cmocka_unit_test(test_report_without_events),
	    cmocka_unit_test(test_i386),
	    cmocka_unit_test(test_double_free_dies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
