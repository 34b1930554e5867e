#include "config.h"

#include "bench/micro/frames_latency.h"
#include "bench/micro/frames_work.h"
#include "bench/micro/gbench.h"
#include "bench/micro/list_buddy.h"
#include "bench/micro/table.h"
#include "engine/base/reservation.h"
#include "engine/phys/typed_buddy.h"

#include <stdio.h>
#include <string.h>

/* --- The contenders ----------------------------------------------------------------------------------------------- */

struct list_frames {
	struct list_buddy buddy;
	struct reservation memory;
};

static void *list_create(int variant)
{
	struct list_frames *self = malloc(sizeof(*self));

	(void)variant;
	if (!self ||
	    reservation_create(&self->memory, FRAMES_PAGES * sizeof(struct list_page), 64) != STATUS_OK) {
		free(self);
		return NULL;
	}
	memset(self->memory.memory, 0, self->memory.bytes);
	list_buddy_create(&self->buddy, self->memory.memory, FRAMES_PAGES);
	return self;
}

static void list_destroy(void *self)
{
	reservation_destroy(&((struct list_frames *)self)->memory);
	free(self);
}

static pfn_t list_take(void *self, unsigned order)
{
	return list_buddy_allocate(&((struct list_frames *)self)->buddy, order);
}

static void list_give(void *self, pfn_t pfn, unsigned order)
{
	list_buddy_free(&((struct list_frames *)self)->buddy, pfn, order);
}

struct bitmap_frames {
	struct buddy buddy;
	struct reservation memory;
};

static void *bitmap_frames_create(int variant)
{
	struct buddy_shape shape = {0, FRAMES_PAGES, BUDDY_KERNEL_ORDER, (enum buddy_placement)variant};
	struct bitmap_frames *self = aligned_alloc(64, round_up(sizeof(*self), 64));

	if (!self || reservation_create(&self->memory, buddy_bytes(&shape), PAGE_BYTES) != STATUS_OK ||
	    buddy_create(&self->buddy, &shape, self->memory.memory) != STATUS_OK) {
		free(self);
		return NULL;
	}
	memset(self->memory.memory, 0, self->memory.bytes);
	buddy_add(&self->buddy, 0, FRAMES_PAGES);
	return self;
}

static void bitmap_frames_destroy(void *self)
{
	reservation_destroy(&((struct bitmap_frames *)self)->memory);
	free(self);
}

static pfn_t bitmap_take(void *self, unsigned order)
{
	return buddy_allocate(&((struct bitmap_frames *)self)->buddy, order);
}

static void bitmap_give(void *self, pfn_t pfn, unsigned order)
{
	buddy_free(&((struct bitmap_frames *)self)->buddy, pfn, order);
}

struct typed_frames {
	struct typed_buddy buddy;
	struct pageblocks pageblocks;
	struct reservation memory;
};

static void *typed_create(int variant)
{
	struct buddy_shape shape = {0, FRAMES_PAGES, BUDDY_KERNEL_ORDER, BUDDY_ORDER_FIRST};
	struct typed_frames *self = aligned_alloc(64, round_up(sizeof(*self), 64));

	(void)variant;
	if (!self || reservation_create(&self->memory, typed_buddy_bytes(&shape), PAGE_BYTES) != STATUS_OK ||
	    pageblocks_create(&self->pageblocks, 0, FRAMES_PAGES) != STATUS_OK ||
	    typed_buddy_create(&self->buddy, &shape, &self->pageblocks, self->memory.memory) != STATUS_OK) {
		free(self);
		return NULL;
	}
	memset(self->memory.memory, 0, self->memory.bytes);
	typed_buddy_add(&self->buddy, 0, FRAMES_PAGES);
	return self;
}

static void typed_destroy(void *self)
{
	pageblocks_destroy(&((struct typed_frames *)self)->pageblocks);
	reservation_destroy(&((struct typed_frames *)self)->memory);
	free(self);
}

static pfn_t typed_take(void *self, unsigned order)
{
	return typed_buddy_allocate(&((struct typed_frames *)self)->buddy, order, MIGRATE_MOVABLE,
				    BUDDY_KERNEL_ORDER);
}

static void typed_give(void *self, pfn_t pfn, unsigned order)
{
	typed_buddy_free(&((struct typed_frames *)self)->buddy, pfn, order);
}

static const struct frames_allocator list_allocator = {list_create, list_destroy, list_take, list_give};
static const struct frames_allocator bitmap_allocator = {bitmap_frames_create, bitmap_frames_destroy,
							 bitmap_take, bitmap_give};
static const struct frames_allocator typed_allocator = {typed_create, typed_destroy, typed_take, typed_give};

/* --- Fragmentation: what matters is the result, not the time -------------------------------------------------------- */

/* Free 2 MiB blocks that can still be taken; they are given back. */
FRAMES_INLINE uint64_t count_huge(struct frames *frames, const struct frames_allocator *allocator)
{
	uint64_t before = frames->blocks;

	while (frames_take(frames, allocator, HUGE_ORDER))
		;
	uint64_t huge = frames->blocks - before;

	while (frames->blocks > before)
		frames_give(frames, allocator, frames->blocks - 1);
	return huge;
}

/* A: a random half of the frames is in use; 200 times a random tenth is freed and taken again. How many of the 256 huge
 * blocks that the free half could be are there? */
FRAMES_INLINE void run_fragmenter_a(struct gbench_state *state, struct frames *frames,
				    const struct frames_allocator *allocator)
{
	frames_halve(frames, allocator);
	while (gbench_keep_running(state, (int64_t)(200 * (FRAMES_PAGES / 20)))) {
		for (int round = 0; round < 200; round++) {
			uint64_t tenth = frames->blocks / 10;

			for (uint64_t i = 0; i < tenth; i++)
				frames_give(frames, allocator, frames_victim(frames));
			frames_fill(frames, allocator, FRAMES_PAGES / 2);
		}
	}
	gbench_counter(state, "huge_of_256", (double)count_huge(frames, allocator));
}

/* B: churn of orders 0 and 9 in equal parts of memory at 90 %. How many requests for 2 MiB fail? */
FRAMES_INLINE void run_fragmenter_b(struct gbench_state *state, struct frames *frames,
				    const struct frames_allocator *allocator)
{
	uint64_t pages = FRAMES_PAGES * 9 / 10;
	uint64_t huge = 0;
	uint64_t failed = 0;

	while (gbench_keep_running(state, 1000000)) {
		for (int i = 0; i < 1000000; i++) {
			bool large =
			    random_next(&frames->random) >> 32 < ((uint64_t)1 << 32) / (HUGE_PAGES + 1);

			if (frames->used_pages >= pages) {
				frames_give(frames, allocator, frames_victim(frames));
				continue;
			}
			bool taken = frames_take(frames, allocator, large ? HUGE_ORDER : 0);

			huge += large;
			failed += large && !taken;
		}
	}
	gbench_counter(state, "order9_failed_%", huge ? 100.0 * (double)failed / (double)huge : 0);
}

/* --- The cases ---------------------------------------------------------------------------------------------------- */

enum workload {
	PAIR_EMPTY,
	PAIR_HALF,
	REPLACE,
	BULK,
	RANDOM_FREE,
	CHURN_50,
	CHURN_90,
	LATENCY,
	FRAGMENTER_A,
	FRAGMENTER_B,
	WORKLOADS,
};

static const char *const workload_names[WORKLOADS] = {
    [PAIR_EMPTY] = "order-0 pair, empty",     [PAIR_HALF] = "order-0 pair, half full",
    [REPLACE] = "replace a random frame",     [BULK] = "take all frames",
    [RANDOM_FREE] = "free all, random order", [CHURN_50] = "mixed churn, 50 % full",
    [CHURN_90] = "mixed churn, 90 % full",    [LATENCY] = "alloc latency, churn 90 %",
    [FRAGMENTER_A] = "fragmenter A",	      [FRAGMENTER_B] = "fragmenter B",
};

FRAMES_INLINE void run_workload(struct gbench_state *state, const struct frames_allocator *allocator,
				int variant, enum workload workload)
{
	struct frames frames;

	if (!frames_make(&frames, allocator, variant)) {
		gbench_fail(state, "the host has no memory");
		return;
	}
	switch (workload) {
	case PAIR_EMPTY:
	case PAIR_HALF:
		frames_run_pair(state, &frames, allocator, workload == PAIR_HALF);
		break;
	case REPLACE:
		frames_run_replace(state, &frames, allocator);
		break;
	case BULK:
	case RANDOM_FREE:
		frames_run_bulk(state, &frames, allocator, workload == RANDOM_FREE);
		break;
	case CHURN_50:
	case CHURN_90:
		frames_run_churn(state, &frames, allocator,
				 FRAMES_PAGES * (workload == CHURN_50 ? 5 : 9) / 10);
		break;
	case LATENCY:
		frames_run_latency(state, &frames, allocator);
		break;
	case FRAGMENTER_A:
		run_fragmenter_a(state, &frames, allocator);
		break;
	case FRAGMENTER_B:
		run_fragmenter_b(state, &frames, allocator);
		break;
	case WORKLOADS:
		break;
	}
	frames_drop(&frames, allocator);
}

static void bench_list(struct gbench_state *state, void *context)
{
	run_workload(state, &list_allocator, 0, *(const enum workload *)context);
}

static void bench_order_first(struct gbench_state *state, void *context)
{
	run_workload(state, &bitmap_allocator, BUDDY_ORDER_FIRST, *(const enum workload *)context);
}

static void bench_typed(struct gbench_state *state, void *context)
{
	run_workload(state, &typed_allocator, 0, *(const enum workload *)context);
}

static void bench_lowest_address(struct gbench_state *state, void *context)
{
	run_workload(state, &bitmap_allocator, BUDDY_LOWEST_ADDRESS, *(const enum workload *)context);
}

static void bench_fullest_block(struct gbench_state *state, void *context)
{
	run_workload(state, &bitmap_allocator, BUDDY_FULLEST_BLOCK, *(const enum workload *)context);
}

static const struct {
	const char *name;
	gbench_function *function;
} contenders[] = {
    {"list", bench_list},
    {"bitmap order-first", bench_order_first},
    {"bitmap order-first by type", bench_typed},
    {"bitmap lowest-address", bench_lowest_address},
    {"bitmap fullest-block", bench_fullest_block},
};

static void add_case(enum workload *workload)
{
	for (size_t i = 0; i < sizeof(contenders) / sizeof(contenders[0]); i++) {
		char name[96];

		(void)snprintf(name, sizeof(name), "%s:%s", workload_names[*workload], contenders[i].name);
		struct gbench *added = gbench_register(name, contenders[i].function, workload);

		if (*workload == LATENCY)
			gbench_set_iterations(added, FRAMES_LATENCIES);
		if (*workload == FRAGMENTER_A)
			gbench_set_iterations(added, (int64_t)(200 * (FRAMES_PAGES / 20)));
		if (*workload == FRAGMENTER_B)
			gbench_set_iterations(added, 1000000);
	}
}

int main(int argc, char **argv)
{
	static enum workload workloads[WORKLOADS];

	for (int i = 0; i < WORKLOADS; i++) {
		workloads[i] = (enum workload)i;
		add_case(&workloads[i]);
	}
	return table_main(
	    "Page frames: 1 GiB, bitmap buddy against a plain linked-list buddy (64-byte descriptors)", argc,
	    argv);
}
