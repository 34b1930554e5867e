#include "config.h"

#include "traces/import/ledger.h"

#include "tests/unit/event_log.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>

#include <cmocka.h>

struct rig {
	struct event_log log;
	struct warnings warnings;
	struct ledger ledger;
	struct trace_error error;
};

static void start(struct rig *rig)
{
	*rig = (struct rig){.warnings.file = "f"};
	event_log_create(&rig->log);
	assert_true(ledger_create(&rig->ledger, &rig->log.sink, &rig->warnings, 5));
}

static void book(struct rig *rig, struct heap_call call)
{
	assert_int_equal(ledger_book(&rig->ledger, &call, &rig->error), TRACE_OK);
	assert_null(address_map_check(&rig->ledger.live));
}

static void stop(struct rig *rig, const char *events)
{
	assert_string_equal(rig->log.text, events);
	ledger_destroy(&rig->ledger);
	event_log_destroy(&rig->log);
}

/*   0x10: AAAA        A is born, B is born on top of A: A's free was not seen
 *   0x10: BBBB        then C moves onto B, by realloc
 *   0x20: CCCC  */
static void missed_frees(void **state)
{
	struct rig rig;

	(void)state;
	start(&rig);
	book(&rig, (struct heap_call){.kind = EVENT_MALLOC, .address = 0x10, .size = 1});
	book(&rig, (struct heap_call){.kind = EVENT_MALLOC, .address = 0x10, .size = 2});
	book(&rig, (struct heap_call){.kind = EVENT_MALLOC, .address = 0x20, .size = 3});
	book(&rig,
	     (struct heap_call){.kind = EVENT_REALLOC, .address = 0x10, .old_address = 0x20, .size = 4});
	assert_int_equal(rig.warnings.kind[0].count, 2);
	assert_int_equal(rig.ledger.live.live_bytes, 4);
	assert_int_equal(rig.ledger.peak_live_bytes, 5);
	stop(&rig, "malloc 1 1\nfree 1\nmalloc 2 2\nmalloc 3 3\nfree 2\nrealloc 4 <3 4\n");
}

static void realloc_in_every_form(void **state)
{
	struct rig rig;

	(void)state;
	start(&rig);
	book(&rig, (struct heap_call){.kind = EVENT_REALLOC, .address = 0x10, .size = 1});
	book(&rig,
	     (struct heap_call){.kind = EVENT_REALLOC, .address = 0x10, .old_address = 0x10, .size = 2});
	book(&rig,
	     (struct heap_call){.kind = EVENT_REALLOC, .address = 0x20, .old_address = 0x10, .size = 3});
	book(&rig, (struct heap_call){.kind = EVENT_REALLOC, .old_address = 0x20, .size = 4});
	book(&rig,
	     (struct heap_call){.kind = EVENT_REALLOC, .address = 0x30, .old_address = 0x20, .size = 0});
	book(&rig, (struct heap_call){.kind = EVENT_REALLOC, .old_address = 0x30});
	book(&rig, (struct heap_call){.kind = EVENT_REALLOC});
	book(&rig, (struct heap_call){.kind = EVENT_REALLOC, .size = 5});
	book(&rig,
	     (struct heap_call){.kind = EVENT_REALLOC, .address = 0x40, .old_address = 0x99, .size = 6});
	book(&rig, (struct heap_call){.kind = EVENT_REALLOC, .old_address = 0x98, .size = 7});
	book(&rig, (struct heap_call){.kind = EVENT_FREE, .address = 0x98});
	stop(&rig, "realloc 1 <0 1\n"
		   "realloc 2 <1 2\n"
		   "realloc 3 <2 3\n"
		   "realloc 0 <3 4 failed\n"
		   "realloc 4 <3 0\n"
		   "realloc 0 <4 0\n"
		   "realloc 0 <0 0\n"
		   "realloc 0 <0 5 failed\n"
		   "realloc 6 <5 6 foreign\n"
		   "realloc 0 <7 7 failed foreign\n"
		   "free 7\n");
}

static void alignments(void **state)
{
	struct rig rig;

	(void)state;
	start(&rig);
	book(&rig, (struct heap_call){.kind = EVENT_MEMALIGN, .address = 0x10, .size = 1, .alignment = 64});
	book(&rig, (struct heap_call){.kind = EVENT_MEMALIGN, .address = 0x20, .size = 1, .alignment = 48});
	book(&rig, (struct heap_call){.kind = EVENT_MEMALIGN, .address = 0x30, .size = 1});
	book(&rig,
	     (struct heap_call){.kind = EVENT_MEMALIGN, .address = 0x40, .size = 1, .alignment = UINT64_MAX});
	assert_int_equal(warnings_total(&rig.warnings), 3);
	stop(&rig,
	     "memalign 1 1 @64\nmemalign 2 1 @64\nmemalign 3 1 @1\nmemalign 4 1 @4611686018427387904\n");
}

static void impossible_sizes(void **state)
{
	struct rig rig;

	(void)state;
	start(&rig);
	book(&rig,
	     (struct heap_call){.kind = EVENT_MALLOC, .address = 0x10, .size = LEDGER_MAX_LIVE_BYTES - 1});
	book(&rig, (struct heap_call){.kind = EVENT_MALLOC, .address = 0x20, .size = 1});
	book(&rig, (struct heap_call){.kind = EVENT_MALLOC, .address = 0x30, .size = 1});
	book(&rig, (struct heap_call){.kind = EVENT_CALLOC, .address = 0x40, .size = UINT64_MAX, .count = 2});
	book(&rig, (struct heap_call){
		       .kind = EVENT_REALLOC, .address = 0x50, .old_address = 0x20, .size = UINT64_MAX});
	assert_int_equal(warnings_total(&rig.warnings), 3);
	stop(&rig, "malloc 1 4611686018427387903\n"
		   "malloc 2 1\n"
		   "malloc 0 1 failed\n"
		   "calloc 0 18446744073709551615 x2 failed\n"
		   "realloc 0 <2 18446744073709551615 failed\n");
}

static void processes_and_the_end_of_a_thread(void **state)
{
	struct roster_place second = {1, 4};
	struct rig rig;

	(void)state;
	start(&rig);
	book(&rig, (struct heap_call){.kind = EVENT_MALLOC, .address = 0x10, .size = 1});
	book(&rig, (struct heap_call){.kind = EVENT_FREE, .address = 0x10, .place = second, .time_ns = 5});
	assert_int_equal(ledger_end_thread(&rig.ledger, &second, 6, &rig.error), TRACE_OK);
	assert_true(ledger_is_live(&rig.ledger, 0, 0x10));
	assert_false(ledger_is_live(&rig.ledger, 1, 0x10));
	assert_false(ledger_is_live(&rig.ledger, 0, 0));
	assert_int_equal(rig.ledger.events, 3);
	stop(&rig, "malloc 1 1\n[1.4] free 2 at 5 foreign\n[1.4] thread_exit at 6\n");
}

static void failures_are_handed_back(void **state)
{
	struct heap_call call = {.kind = EVENT_MALLOC, .address = 0x10, .size = 1};
	struct rig rig;

	(void)state;
	start(&rig);
	rig.log.refuse_at = 1;
	assert_int_equal(ledger_book(&rig.ledger, &call, &rig.error), TRACE_IO);
	assert_string_equal(rig.error.message, "the log is full");
	rig.ledger.objects = EVENT_MAX_OBJECTS - 1;
	call.address = 0x20;
	assert_int_equal(ledger_book(&rig.ledger, &call, &rig.error), TRACE_BAD_INPUT);
	stop(&rig, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(missed_frees),
	    cmocka_unit_test(realloc_in_every_form),
	    cmocka_unit_test(alignments),
	    cmocka_unit_test(impossible_sizes),
	    cmocka_unit_test(processes_and_the_end_of_a_thread),
	    cmocka_unit_test(failures_are_handed_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
