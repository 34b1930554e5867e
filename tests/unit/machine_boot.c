#include "config.h"

#include "bench/physical/machine_boot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/small_machine.h"

static const struct memory_shape linux_shape = {
    .keeper = ZONE_LISTS, .tuning = PCP_TUNED, .cpus = 1, .max_order = 10};

/* What tells of the frames 6144 to 6151: 6145 and 6144 are handed out by the set of processor 0, 6146 leaves it at its end, 6147 lies
 * in that of processor 1; 6148 is in use; of the others nothing tells. */
static const struct event telling[] = {
    {.kind = EVENT_PAGE_ALLOC, .kernel = {.frame = 6145, .migrate_type = 1, .gfp = 1}},
    {.kind = EVENT_PAGE_ALLOC, .kernel = {.frame = 6144, .migrate_type = 1, .gfp = 1}},
    {.kind = EVENT_PCPU_DRAIN, .kernel = {.frame = 6146, .migrate_type = 1}},
    {.kind = EVENT_PAGE_ALLOC, .thread = 1, .kernel = {.frame = 6147, .migrate_type = 1, .gfp = 1}},
    {.kind = EVENT_PAGE_FREE, .kernel = {.frame = 6148}},
    {.kind = EVENT_PAGE_FREE, .kernel = {.frame = 5120, .order = 2}},
};

struct rig {
	struct machine_state *state;
	struct memory *memory;
	struct machine_boot boot;
	struct trace_error error;
};

static enum trace_status read_machine(struct rig *rig, const struct small_machine *machine)
{
	char *path = small_machine_write(machine);
	struct flt_reader *reader;

	*rig =
	    (struct rig){.state = calloc(1, sizeof(*rig->state)), .memory = calloc(1, sizeof(*rig->memory))};
	assert_non_null(rig->state);
	assert_non_null(rig->memory);
	assert_int_equal(flt_reader_open(&reader, path, &rig->error), TRACE_OK);
	enum trace_status status = machine_state_read(rig->state, reader, &rig->error);

	flt_reader_close(reader);
	assert_int_equal(unlink(path), 0);
	free(path);
	return status;
}

static void start(struct rig *rig, const struct memory_shape *shape)
{
	const struct small_machine machine = {
	    .events = telling, .count = 6, .after = small_machine_buddyinfo};

	assert_int_equal(read_machine(rig, &machine), TRACE_OK);
	assert_null(machine_frames_check(&rig->state->frames));
	assert_int_equal(machine_state_boot(rig->state, rig->memory, shape, &rig->boot, &rig->error),
			 TRACE_OK);
	assert_null(memory_check(rig->memory));
}

static void stop(struct rig *rig)
{
	machine_state_destroy(rig->state);
	free(rig->state);
	free(rig->memory);
}

static const struct page *page_at(const struct rig *rig, pfn_t pfn)
{
	return page_of_pfn(&rig->memory->pages, pfn);
}

/* The machine has the recorded zones, watermarks and free blocks; each block is allocated with its order. */
static void is_the_recorded_one(void **state)
{
	struct rig rig;

	(void)state;
	start(&rig, &linux_shape);
	assert_int_equal(rig.state->start, SMALL_MACHINE_START);
	assert_int_equal(rig.state->end, SMALL_MACHINE_START + 6);
	assert_int_equal(rig.memory->zones, 2);
	assert_int_equal(rig.memory->zone[0].managed_pages, 3840);
	assert_int_equal(rig.memory->zone[1].managed_pages, 28160);
	/* zoneinfo tells the sums */
	assert_int_equal(rig.memory->zone[1].watermark[WATERMARK_LOW], 125);
	assert_int_equal(zone_mark(&rig.memory->zone[1], WATERMARK_LOW), 145);
	assert_int_equal(machine_blocks_difference(rig.memory, &rig.state->before), 0);
	assert_int_equal(page_at(&rig, 5120)->flags, PAGE_HEAD);
	assert_int_equal(page_at(&rig, 5120)->private, 2);
	assert_int_equal(page_at(&rig, 5632)->flags, PAGE_HEAD | PAGE_LRU);
	assert_int_equal(page_at(&rig, 6656)->flags, PAGE_HEAD | PAGE_LRU);
	assert_int_equal(page_at(&rig, 6656)->private, 9);
	assert_int_equal(page_at(&rig, 6148)->flags, PAGE_HEAD);
	assert_int_equal(page_at(&rig, 6144)->flags, 0);
	assert_int_equal(rig.boot.listed, 3840 + 508 + 25600);
	assert_int_equal(rig.boot.in_sets, 6);
	assert_int_equal(rig.boot.listed + rig.boot.in_sets + rig.boot.used, 3840 + 28160);
	memory_destroy(rig.memory);
	stop(&rig);
}

/* Sets hold what events told in the order in which it is handed out; what is missing from the count is made up for. */
static void fills_the_sets(void **state)
{
	struct rig rig;

	(void)state;
	start(&rig, &linux_shape);
	struct pcp *first = &rig.memory->zone[1].pcp[0], *second = &rig.memory->zone[1].pcp[1];
	struct pcp_list *list = &first->list[pcp_index(MIGRATE_MOVABLE, 0)];

	assert_int_equal(first->count, 4);
	assert_int_equal(first->high, 80);
	assert_int_equal(second->count, 2);
	assert_int_equal(rig.boot.guessed, 2);
	assert_int_equal(pcp_list_pop(list), 6145);
	assert_int_equal(pcp_list_pop(list), 6144);
	assert_int_equal(pcp_list_pop(list), 6149);
	assert_int_equal(pcp_list_pop(list), 6146);
	assert_int_equal(pcp_list_pop(&second->list[pcp_index(MIGRATE_MOVABLE, 0)]), 6147);
	memory_destroy(rig.memory);
	stop(&rig);
}

static unsigned ran_empty(const struct rig *rig, unsigned zone, unsigned cpu)
{
	return machine_sets_find(&rig->state->sets, &rig->state->zoneinfo.zone[zone], cpu)->ran_empty;
}

/* What a list that ran empty later held at the start is known: nothing is guessed into it. Of the other lists' types there are no frames,
 * so they get any. */
static void guesses_no_list_that_ran_empty(void **state)
{
	static const struct event refills[] = {
	    {.kind = EVENT_PAGE_ALLOC, .kernel = {.frame = 6145, .migrate_type = 1, .gfp = 1}},
	    {.kind = EVENT_ZONE_LOCKED,
	     .kernel = {.frame = 7168, .migrate_type = 1, .flags = EVENT_KERNEL_REFILL}},
	    {.kind = EVENT_ZONE_LOCKED, .thread = 1, .kernel = {.frame = 7200, .migrate_type = 1}},
	};
	const struct small_machine machine = {
	    .events = refills, .count = 3, .after = small_machine_buddyinfo};
	struct rig rig;

	(void)state;
	assert_int_equal(read_machine(&rig, &machine), TRACE_OK);
	assert_int_equal(machine_state_boot(rig.state, rig.memory, &linux_shape, &rig.boot, &rig.error),
			 TRACE_OK);
	const struct pcp *first = &rig.memory->zone[1].pcp[0], *second = &rig.memory->zone[1].pcp[1];

	assert_int_equal(ran_empty(&rig, 1, 0), 1u << pcp_index(MIGRATE_MOVABLE, 0));
	assert_int_equal(ran_empty(&rig, 1, 1), 0);
	assert_int_equal(ran_empty(&rig, 0, 0), 0);
	assert_int_equal(first->count, 4);
	assert_int_equal(first->list[pcp_index(MIGRATE_MOVABLE, 0)].blocks, 1);
	assert_int_equal(first->list[pcp_index(MIGRATE_UNMOVABLE, 0)].blocks, 3);
	assert_int_equal(second->list[pcp_index(MIGRATE_MOVABLE, 0)].blocks, 2);
	assert_int_equal(rig.boot.guessed, 5);
	assert_null(memory_check(rig.memory));
	memory_destroy(rig.memory);
	stop(&rig);
}

/* The pageblocks with most of the kernel's frames are the Unmovable ones; a free block lies in the list of its pageblock's type. */
static void knows_pageblocks(void **state)
{
	struct rig rig;

	(void)state;
	start(&rig, &linux_shape);
	const struct zone *normal = &rig.memory->zone[1];

	assert_int_equal(normal->pageblocks.blocks[MIGRATE_UNMOVABLE], 3);
	for (pfn_t at = 4096; at < 5632; at += 512)
		assert_int_equal(pageblock_type(&normal->pageblocks, at), MIGRATE_UNMOVABLE);
	assert_int_equal(pageblock_type(&normal->pageblocks, 6144), MIGRATE_MOVABLE);
	assert_int_equal(free_lists_blocks(normal->lists, 2, MIGRATE_UNMOVABLE), 1);
	assert_int_equal(free_lists_blocks(normal->lists, 10, MIGRATE_MOVABLE), 25);
	memory_destroy(rig.memory);
	stop(&rig);
}

/* Every keeper has the same machine; without sets their frames are free. */
static void suits_every_keeper(void **state)
{
	static const struct memory_shape shapes[] = {
	    {.keeper = ZONE_BITMAPS, .max_order = 10},
	    {.keeper = ZONE_BITMAPS, .max_order = 10, .cpus = 1},
	    {.keeper = ZONE_BITMAPS, .max_order = 10, .placement = BUDDY_FULLEST_BLOCK},
	    {.keeper = ZONE_BITMAPS, .max_order = 10, .placement = BUDDY_LOWEST_ADDRESS, .cpus = 1},
	    {.keeper = ZONE_LISTS, .max_order = 10},
	    {.keeper = ZONE_TYPED, .max_order = 10},
	    {.keeper = ZONE_TYPED, .max_order = 10, .cpus = 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		struct rig rig;

		start(&rig, &shapes[i]);
		assert_int_equal(rig.boot.listed + rig.boot.in_sets + rig.boot.used, 3840 + 28160);
		assert_int_equal(zone_free_pages(&rig.memory->zone[1]),
				 rig.boot.listed + rig.boot.in_sets - 3840);
		assert_int_equal(zone_free_pages(&rig.memory->zone[0]), 3840);
		if (shapes[i].cpus == 0)
			assert_int_equal(rig.boot.in_sets, 0);
		else
			assert_int_equal(machine_blocks_difference(rig.memory, &rig.state->before), 0);
		memory_destroy(rig.memory);
		stop(&rig);
	}
}

/* What a policy says of watermarks goes before what was recorded. */
static void watermarks_can_be_chosen(void **state)
{
	struct memory_shape shape = linux_shape;
	struct rig rig;

	(void)state;
	shape.watermarks.min_free_kbytes = 8192;
	start(&rig, &shape);
	assert_true(rig.memory->zone[1].watermark[WATERMARK_MIN] > 1000);
	memory_destroy(rig.memory);
	stop(&rig);
}

static void refused(const char *name, const char *text, enum trace_status wanted, const char *words)
{
	const struct small_machine_text other = {name, text};
	const struct small_machine machine = {.texts = &other, .text_count = 1};
	struct rig rig;

	assert_int_equal(read_machine(&rig, &machine), wanted);
	if (!strstr(rig.error.message, words))
		fail_msg("'%s' is not in: %s", words, rig.error.message);
	free(rig.state);
	free(rig.memory);
}

/* What is missing or makes no sense is named. */
static void says_what_is_wrong(void **state)
{
	(void)state;
	refused("frames", "", TRACE_UNSUPPORTED, "no snapshot 'frames'");
	refused("iomem", "", TRACE_UNSUPPORTED, "no snapshot 'iomem'");
	refused("zoneinfo", "", TRACE_UNSUPPORTED, "no snapshot 'zoneinfo'");
	refused("buddyinfo", "", TRACE_UNSUPPORTED, "no snapshot 'buddyinfo'");
	refused("frames", "nothing", TRACE_BAD_INPUT, "FIRST FRAMES");
	refused("iomem", "00001000-00001fff : System RAM\n", TRACE_BAD_INPUT,
		"zoneinfo and iomem do not fit");
	refused("iomem", "00000000-00000000 : System RAM\n", TRACE_BAD_INPUT, "hidden");
	refused("buddyinfo", "Node 0, zone Normal\n", TRACE_BAD_INPUT, "line 1");
	refused("pagetypeinfo", "Page block order: 5\n", TRACE_UNSUPPORTED, "order 5");
}

/* An event whose block is none is named by its number. */
static void names_the_event(void **state)
{
	const struct event odd = {.kind = EVENT_PAGE_FREE, .kernel = {.frame = 6145, .order = 2}};
	const struct small_machine machine = {.events = &odd, .count = 1};
	struct rig rig;

	(void)state;
	assert_int_equal(read_machine(&rig, &machine), TRACE_BAD_INPUT);
	assert_non_null(strstr(rig.error.message, "event 9: a block of order 2 at frame 6145"));
	free(rig.state);
	free(rig.memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(is_the_recorded_one),
	    cmocka_unit_test(fills_the_sets),
	    cmocka_unit_test(guesses_no_list_that_ran_empty),
	    cmocka_unit_test(knows_pageblocks),
	    cmocka_unit_test(suits_every_keeper),
	    cmocka_unit_test(watermarks_can_be_chosen),
	    cmocka_unit_test(says_what_is_wrong),
	    cmocka_unit_test(names_the_event),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
