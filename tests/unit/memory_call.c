#include "config.h"

#include "traces/memory_call.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct event event_of(const char *name, const uint64_t argument[MEMORY_CALL_ARGUMENTS], int64_t result)
{
	const struct memory_call *call = memory_call_by_name(name, strlen(name));
	struct event event;

	assert_non_null(call);
	memory_call_event(call, argument, result, &event);
	return event;
}

static void arguments_go_to_their_fields(void **state)
{
	const uint64_t argument[MEMORY_CALL_ARGUMENTS] = {1, 2, 3, 4, 5, 6};
	struct event event = event_of("mmap", argument, 0x7000);

	(void)state;
	assert_int_equal(event.kind, EVENT_MMAP);
	assert_int_equal(event.call.address, 1);
	assert_int_equal(event.call.length, 2);
	assert_int_equal(event.call.protection, 3);
	assert_int_equal(event.call.flags, 4);
	assert_int_equal(event.call.offset, 6);
	assert_int_equal(event.call.result, 0x7000);
	event = event_of("mremap", argument, 0x7000);
	assert_int_equal(event.call.new_length, 3);
	assert_int_equal(event.call.flags, 4);
	assert_int_equal(event.call.new_address, 0);
	event = event_of("shmat", argument, 0x7000);
	assert_int_equal(event.call.new_length, 1);
	assert_int_equal(event.call.address, 2);
}

/* The fifth argument of mremap counts only with MREMAP_FIXED, else it is what was in the register. */
static void mremap_to_a_place(void **state)
{
	const uint64_t argument[MEMORY_CALL_ARGUMENTS] = {1, 2, 3, 3, 5, 6};

	(void)state;
	assert_int_equal(event_of("mremap", argument, 5).call.new_address, 5);
}

static void failures(void **state)
{
	const uint64_t argument[MEMORY_CALL_ARGUMENTS] = {0};
	struct event event = event_of("munmap", argument, -22);

	(void)state;
	assert_int_equal(event.flags, EVENT_FAILED);
	assert_int_equal(event.call.result, 22);
	event = event_of("mmap", argument, -4096);
	assert_int_equal(event.flags, 0);
	event = event_of("brk", argument, 0x1000);
	assert_int_equal(event.flags, 0);
}

static void which_prctl_concerns_memory(void **state)
{
	const struct memory_call *call = memory_call_by_name("prctl", 5);
	uint64_t argument[MEMORY_CALL_ARGUMENTS] = {41};

	(void)state;
	assert_true(memory_call_concerns(call, argument));
	argument[0] = 15;
	assert_false(memory_call_concerns(call, argument));
}

static void which_argument_is_a_descriptor(void **state)
{
	uint64_t argument[MEMORY_CALL_ARGUMENTS] = {0, 0, 0, 2, 3};
	const struct memory_call *call = memory_call_by_name("mmap", 4);

	(void)state;
	assert_int_equal(memory_call_descriptor(call, argument), 4);
	argument[3] = 0x22;
	assert_int_equal(memory_call_descriptor(call, argument), -1);
	assert_int_equal(memory_call_descriptor(memory_call_by_name("ftruncate", 9), argument), 0);
	assert_int_equal(memory_call_descriptor(memory_call_by_name("brk", 3), argument), -1);
}

static void the_table(void **state)
{
	(void)state;
	for (size_t i = 0; memory_call_at(i); i++) {
		const struct memory_call *call = memory_call_at(i);
		const uint64_t argument[MEMORY_CALL_ARGUMENTS] = {1, 1, 1, 1, 1, 1};
		struct event event;
		if (call->number >= 0)
			assert_ptr_equal(memory_call_by_number((uint64_t)call->number), call);
		assert_ptr_equal(memory_call_by_name(call->name, strlen(call->name)), call);
		assert_string_equal(event_kind_name(call->kind), call->name);
		memory_call_event(call, argument, 1, &event);
		assert_int_equal(event.kind, call->kind);
	}
	assert_null(memory_call_by_number(UINT64_MAX));
	assert_null(memory_call_by_name("mma", 3));
	assert_true(memory_call_releases(memory_call_by_name("munmap", 6)));
	assert_false(memory_call_releases(memory_call_by_name("mmap", 4)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(arguments_go_to_their_fields),
					   cmocka_unit_test(mremap_to_a_place),
					   cmocka_unit_test(failures),
					   cmocka_unit_test(which_prctl_concerns_memory),
					   cmocka_unit_test(which_argument_is_a_descriptor),
					   cmocka_unit_test(the_table)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
