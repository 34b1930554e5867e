#include "config.h"

#include "bench/proc/machine_journey.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "bench/physical/kernel_recording.h"
#include "bench/proc/buddyinfo.h"
#include "bench/proc/iomem.h"
#include "bench/proc/journey.h"
#include "bench/proc/pagetypeinfo.h"
#include "bench/proc/zoneinfo.h"
#include "tests/unit/small_machine.h"

/* Before them the machine is the recorded one; then a block of order 10 is taken. */
static const struct event events[] = {
    {.kind = EVENT_PAGE_FREE, .kernel = {.frame = 6656, .order = 9}},
    {.kind = EVENT_PAGE_ALLOC, .kernel = {.frame = 8192, .order = 10, .gfp = 1}},
};

static struct flt_reader *record(void)
{
	const struct small_machine machine = {.events = events, .count = 2, .after = small_machine_buddyinfo};
	char *path = small_machine_write(&machine);
	struct flt_reader *reader;
	struct trace_error error;

	assert_int_equal(flt_reader_open(&reader, path, &error), TRACE_OK);
	assert_int_equal(unlink(path), 0);
	free(path);
	return reader;
}

static struct machine_journey *go(struct flt_reader *reader, uint64_t event)
{
	struct machine_journey *journey;
	struct trace_error error;

	if (machine_journey_create(&journey, reader, policy_find("linux"), event, &error) != TRACE_OK)
		fail_msg("%s", error.message);
	return journey;
}

static char *printed(void (*print)(const struct proc_machine *machine, FILE *out),
		     const struct machine_journey *journey)
{
	const struct proc_machine machine = machine_journey_machine(journey, "?");
	char *text = NULL;
	size_t bytes = 0;
	FILE *file = open_memstream(&text, &bytes);

	assert_non_null(file);
	print(&machine, file);
	assert_int_equal(fclose(file), 0);
	return text;
}

static void has(void (*print)(const struct proc_machine *machine, FILE *out),
		const struct machine_journey *journey, const char *what)
{
	char *text = printed(print, journey);

	if (!strstr(text, what))
		fail_msg("'%s' is not in\n%s", what, text);
	free(text);
}

static void test_the_start_is_the_recorded_machine(void **state)
{
	struct flt_reader *reader = record();
	struct machine_journey *journey = go(reader, SMALL_MACHINE_START);

	(void)state;
	assert_true(kernel_recording_is(flt_reader_summary(reader)));
	char *text = printed(proc_buddyinfo, journey);

	assert_string_equal(text, small_machine_buddyinfo);
	free(text);
	has(proc_pagetypeinfo, journey,
	    "Number of blocks type     Unmovable      Movable  Reclaimable   HighAtomic      Isolate \n"
	    "Node 0, zone      DMA            0            8            0            0            0 \n"
	    "Node 0, zone   Normal            3           53            0            0            0 \n");
	has(proc_zoneinfo, journey,
	    "\n        boost    0\n        min      12\n        low      15\n        high     18\n        "
	    "promo    21\n"
	    "        spanned  4095\n        present  3998\n        managed  3840\n");
	has(proc_zoneinfo, journey,
	    "\n    cpu: 0\n              count:    4\n              high:     80\n              batch:    "
	    "7\n");
	has(proc_iomem, journey,
	    "\n00100000-07ffffff : System RAM\n  01000000-011fffff : Kernel code\nfec00000");
	machine_journey_destroy(journey);
	flt_reader_close(reader);
}

static void test_events_change_it(void **state)
{
	struct flt_reader *reader = record();
	struct machine_journey *journey = go(reader, SMALL_MACHINE_START + 1);

	(void)state;
	has(proc_buddyinfo, journey,
	    "Normal      0      0      1      1      1      1      1      1      1      1     25 \n");
	machine_journey_destroy(journey);
	assert_int_equal(flt_reader_seek(reader, 0, &(struct trace_error){0}), TRACE_OK);
	journey = go(reader, PROC_EVENT_LAST);
	has(proc_buddyinfo, journey, " 24 \n");
	machine_journey_destroy(journey);
	flt_reader_close(reader);
}

static void test_what_cannot_be_reached(void **state)
{
	struct flt_reader *reader = record();
	struct machine_journey *journey;
	struct trace_error error;

	(void)state;
	assert_int_equal(
	    machine_journey_create(&journey, reader, policy_find("linux"), SMALL_MACHINE_START - 1, &error),
	    TRACE_BAD_INPUT);
	assert_null(journey);
	assert_non_null(strstr(error.message, "is known from event 9 on"));
	assert_int_equal(flt_reader_seek(reader, 0, &error), TRACE_OK);
	assert_int_equal(machine_journey_create(&journey, reader, policy_find("linux"), 99, &error),
			 TRACE_BAD_INPUT);
	assert_non_null(strstr(error.message, "there is no event 99"));
	flt_reader_close(reader);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_the_start_is_the_recorded_machine),
					   cmocka_unit_test(test_events_change_it),
					   cmocka_unit_test(test_what_cannot_be_reached)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
