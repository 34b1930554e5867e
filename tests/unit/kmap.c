#include "config.h"

#include "engine/phys/kmap.h"

#include "engine/base/random.h"
#include "tests/unit/death.h"
#include "tests/unit/model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FIRST 229376u /* 896 MiB */
#define FRAMES 4096u

static struct kmap *make(void)
{
	struct kmap *kmap = calloc(1, sizeof(*kmap));

	assert_non_null(kmap);
	assert_int_equal(kmap_create(kmap, FIRST, FRAMES, 2), STATUS_OK);
	return kmap;
}

static void drop(struct kmap *kmap)
{
	kmap_destroy(kmap);
	free(kmap);
}

/* --- Model: users of every frame, and what TLBs may still know ----------------------------------------------------- */

struct world {
	struct kmap *kmap;
	unsigned users[FRAMES];
	uintptr_t address[FRAMES]; /* while somebody uses it */
	uint64_t open;		   /* frames with users */
};

static const char *open_one(struct world *world, unsigned frame)
{
	uintptr_t address = kmap_open(world->kmap, FIRST + frame);

	if (address == 0)
		return world->open < KMAP_WINDOWS || world->users[frame] > 0
			   ? "a window is refused though one is to be had"
			   : NULL;
	if (world->users[frame] > 0 && address != world->address[frame])
		return "two users of a frame have two windows";
	if (address < KMAP_START || address >= KMAP_START + KMAP_WINDOWS * PAGE_BYTES ||
	    address % PAGE_BYTES != 0)
		return "a window lies elsewhere";
	if (kmap_frame(world->kmap, address + 17) != FIRST + frame ||
	    kmap_address(world->kmap, FIRST + frame) != address)
		return "a window leads to another frame";
	world->open += world->users[frame] == 0;
	world->address[frame] = address;
	world->users[frame]++;
	return NULL;
}

static const char *step(struct world *world, uint64_t number)
{
	/* Most of the frames are few, so that some have several users. */
	unsigned frame = (number >> 8 & 3) ? number >> 16 & 1023 : (number >> 16) % FRAMES;

	if ((number & 15) < 9 || world->users[frame] == 0)
		return open_one(world, frame);
	kmap_close(world->kmap, FIRST + frame);
	world->open -= --world->users[frame] == 0;
	return NULL;
}

static const char *run(const void *context, const uint64_t *operations, size_t count)
{
	struct world *world = calloc(1, sizeof(*world));
	const char *wrong = NULL;

	(void)context;
	assert_non_null(world);
	world->kmap = make();
	for (size_t i = 0; i < count && !wrong; i++) {
		wrong = step(world, operations[i]);
		if (!wrong && i % 64 == 0)
			wrong = kmap_check(world->kmap);
	}
	for (unsigned frame = 0; frame < FRAMES && !wrong; frame++) {
		for (; world->users[frame] > 0; world->users[frame]--)
			kmap_close(world->kmap, FIRST + frame);
	}
	if (!wrong)
		wrong = kmap_check(world->kmap);
	if (!wrong && world->kmap->opens != world->kmap->closes)
		wrong = "users are left";
	drop(world->kmap);
	free(world);
	return wrong;
}

static void test_model(void **state)
{
	struct model model = {"windows", run, NULL, 6000, 3};

	(void)state;
	model_test(&model);
}

/* --- By hand ------------------------------------------------------------------------------------------------------ */

/* A window that nobody uses is found again until the turn is over; then all of them go, at one flush. */
static void test_unused_windows_wait_for_a_flush(void **state)
{
	struct kmap *kmap = make();
	uintptr_t first = kmap_open(kmap, FIRST);

	(void)state;
	assert_int_equal(first, KMAP_START + PAGE_BYTES);
	kmap_close(kmap, FIRST);
	assert_int_equal(kmap_address(kmap, FIRST), first);
	assert_int_equal(kmap_frame(kmap, first), PFN_NONE);
	assert_int_equal(kmap_open(kmap, FIRST), first);
	kmap_close(kmap, FIRST);
	for (unsigned i = 1; i < KMAP_WINDOWS - 1; i++) {
		assert_int_equal(kmap_open(kmap, FIRST + i), KMAP_START + (uintptr_t)(i + 1) * PAGE_BYTES);
		kmap_close(kmap, FIRST + i);
	}
	assert_int_equal(kmap->flushes, 0);
	assert_int_equal(kmap_open(kmap, FIRST + 2000), KMAP_START);
	assert_int_equal(kmap->flushes, 1);
	assert_int_equal(kmap->flushed, KMAP_WINDOWS - 1);
	assert_int_equal(kmap_address(kmap, FIRST), 0);
	assert_null(kmap_check(kmap));
	kmap_close(kmap, FIRST + 2000);
	drop(kmap);
}

/* When all are in use there is none, and it is counted; whoever closes one makes room. */
static void test_all_in_use(void **state)
{
	struct kmap *kmap = make();

	(void)state;
	for (unsigned i = 0; i < KMAP_WINDOWS; i++)
		assert_int_not_equal(kmap_open(kmap, FIRST + i), 0);
	assert_int_equal(kmap_open(kmap, FIRST + KMAP_WINDOWS), 0);
	assert_int_equal(kmap->refusals, 1);
	assert_int_not_equal(kmap_open(kmap, FIRST + 5), 0);
	kmap_close(kmap, FIRST + 7);
	assert_int_not_equal(kmap_open(kmap, FIRST + KMAP_WINDOWS), 0);
	assert_int_equal(kmap->refusals, 1);
	assert_int_equal(kmap->flushes, 1);
	assert_null(kmap_check(kmap));
	drop(kmap);
}

/* Every CPU has its own, and so have the calls of none. */
static void test_windows_of_a_cpu(void **state)
{
	struct kmap *kmap = make();
	uintptr_t address[3][KMAP_LOCAL_WINDOWS];

	(void)state;
	for (int cpu = -1; cpu < 2; cpu++) {
		for (unsigned i = 0; i < KMAP_LOCAL_WINDOWS; i++) {
			address[cpu + 1][i] = kmap_local_open(kmap, cpu, FIRST + i);
			assert_int_equal(kmap_frame(kmap, address[cpu + 1][i] + 4095), FIRST + i);
		}
		assert_int_equal(kmap_local_open(kmap, cpu, FIRST), 0);
	}
	assert_int_equal(address[0][0], KMAP_START - PAGE_BYTES);
	assert_int_equal(address[2][0], KMAP_START - 33 * PAGE_BYTES);
	assert_null(kmap_check(kmap));
	for (int cpu = -1; cpu < 2; cpu++) {
		for (unsigned i = KMAP_LOCAL_WINDOWS; i-- > 0;)
			kmap_local_close(kmap, cpu, address[cpu + 1][i]);
	}
	assert_int_equal(kmap_frame(kmap, address[1][0]), PFN_NONE);
	assert_int_equal(kmap_frame(kmap, 0), PFN_NONE);
	assert_int_equal(kmap_frame(kmap, UINTPTR_MAX), PFN_NONE);
	assert_int_equal(kmap_local_opens(kmap), 48);
	assert_int_equal(kmap->local[0].deepest, KMAP_LOCAL_WINDOWS);
	drop(kmap);
}

static void test_out_of_bounds(void **state)
{
	struct kmap kmap;

	(void)state;
	assert_int_equal(kmap_create(&kmap, FIRST, FRAMES, KMAP_CPUS_MAX + 1), STATUS_BAD_ARGUMENT);
	assert_false(kmap_holds(&kmap, FIRST));
	assert_int_equal(kmap_address(&kmap, FIRST), 0);
	assert_int_equal(kmap_frame(&kmap, KMAP_START), PFN_NONE);
	assert_int_equal(kmap_local_opens(&kmap), 0);
	assert_null(kmap_check(&kmap));
}

/* --- Misuse ------------------------------------------------------------------------------------------------------- */

static void close_twice(void *context)
{
	struct kmap *kmap = context;

	(void)kmap_open(kmap, FIRST);
	kmap_close(kmap, FIRST);
	kmap_close(kmap, FIRST);
}

static void open_mapped(void *context)
{
	(void)kmap_open(context, FIRST - 1);
}

static void open_mapped_locally(void *context)
{
	(void)kmap_local_open(context, 0, FIRST + FRAMES);
}

static void close_out_of_turn(void *context)
{
	struct kmap *kmap = context;
	uintptr_t first = kmap_local_open(kmap, 0, FIRST);

	(void)kmap_local_open(kmap, 0, FIRST + 1);
	kmap_local_close(kmap, 0, first);
}

static void close_anothers(void *context)
{
	struct kmap *kmap = context;

	kmap_local_close(kmap, 1, kmap_local_open(kmap, 0, FIRST));
}

static void test_mistakes_die(void **state)
{
	struct kmap *kmap = make();

	(void)state;
	assert_dies(close_twice, kmap, "a frame's window is closed as often as it was opened");
	assert_dies(open_mapped, kmap, "a window is opened to a frame without a direct map");
	assert_dies(open_mapped_locally, kmap, "a window is opened to a frame without a direct map");
	assert_dies(close_out_of_turn, kmap, "a CPU closes first the window that it opened last");
	assert_dies(close_anothers, kmap, "a CPU closes first the window that it opened last");
	drop(kmap);
}

/* --- Corruption --------------------------------------------------------------------------------------------------- */

static void expect(const struct kmap *kmap, const char *invariant)
{
	const char *found = kmap_check(kmap);

	assert_non_null(found);
	assert_memory_equal(found, invariant, 3);
}

static void test_check_finds_each_broken_invariant(void **state)
{
	struct kmap *kmap = make();

	(void)state;
	(void)kmap_open(kmap, FIRST + 3);
	(void)kmap_open(kmap, FIRST + 9);
	kmap_close(kmap, FIRST + 9);
	(void)kmap_local_open(kmap, 0, FIRST + 4);
	assert_null(kmap_check(kmap));
	kmap->frame[1] = FIRST - 1;
	expect(kmap, "I1:");
	kmap->frame[1] = FIRST + 4;
	expect(kmap, "I1:");
	kmap->frame[1] = FIRST + 3;
	kmap->window[7] = 2;
	expect(kmap, "I1:");
	kmap->window[7] = 0;
	kmap->count[1]++;
	expect(kmap, "I2:");
	kmap->count[1]--;
	kmap->closes++;
	expect(kmap, "I2:");
	kmap->closes--;
	kmap->local[1].depth = KMAP_LOCAL_WINDOWS + 1;
	expect(kmap, "I3:");
	kmap->local[1].depth = 1;
	kmap->local[1].frame[0] = 0;
	expect(kmap, "I3:");
	kmap->local[1].frame[0] = FIRST + 4;
	assert_null(kmap_check(kmap));
	drop(kmap);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_model),
	    cmocka_unit_test(test_unused_windows_wait_for_a_flush),
	    cmocka_unit_test(test_all_in_use),
	    cmocka_unit_test(test_windows_of_a_cpu),
	    cmocka_unit_test(test_out_of_bounds),
	    cmocka_unit_test(test_mistakes_die),
	    cmocka_unit_test(test_check_finds_each_broken_invariant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
