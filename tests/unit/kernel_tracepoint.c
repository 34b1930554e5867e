#include "config.h"

#include "traces/import/tracepoint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COMMON                                                                                               \
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"                               \
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"

static const char page_alloc[] =
    "name: mm_page_alloc\nID: 653\nformat:\n" COMMON
    "\tfield:unsigned long pfn;\toffset:8;\tsize:8;\tsigned:0;\n"
    "\tfield:unsigned int order;\toffset:16;\tsize:4;\tsigned:0;\n"
    "\tfield:unsigned long gfp_flags;\toffset:24;\tsize:8;\tsigned:0;\n"
    "\tfield:int migratetype;\toffset:32;\tsize:4;\tsigned:1;\n\n"
    "print fmt: \"gfp_flags=%s\", (REC->gfp_flags) ? __print_flags(REC->gfp_flags, \"|\", {( unsigned "
    "long)(((( gfp_t)(((((1UL))) << (10))|((((1UL))) << (11)))) | (( gfp_t)0x40u))), \"GFP_NOFS\"}, "
    "{(unsigned long)((( gfp_t)3) & ~(( gfp_t)1)), \"__GFP_TWO\"}, { 0, ((void *)0) } ) : \"none\"\n";

static const char cache_free[] =
    "name: kmem_cache_free\nID: 7\nformat:\n" COMMON
    "\tfield:unsigned long call_site;\toffset:8;\tsize:8;\tsigned:0;\n"
    "\tfield:const void * ptr;\toffset:16;\tsize:8;\tsigned:0;\n"
    "\tfield:__data_loc char[] name;\toffset:24;\tsize:4;\tsigned:0;\n\nprint fmt: \"x\"\n";

static void add(struct tracepoints *tracepoints, const char *text)
{
	assert_true(tracepoints_add(tracepoints, "kmem", text, strlen(text)));
}

/* Every kind of event that comes from a tracepoint has one, and the fields of each are known. */
static void the_table(void **state)
{
	bool has[EVENT_KINDS] = {false};

	(void)state;
	for (size_t i = 0; kernel_tracepoint_at(i); i++) {
		const struct kernel_tracepoint *tracepoint = kernel_tracepoint_at(i);

		has[tracepoint->kind] = true;
		assert_ptr_equal(kernel_tracepoint_find(tracepoint->system, strlen(tracepoint->system),
							tracepoint->name, strlen(tracepoint->name)),
				 tracepoint);
		assert_non_null(tracepoint->field[0].field);
	}
	for (unsigned kind = EVENT_PAGE_ALLOC; kind < EVENT_KINDS; kind++)
		assert_true(has[kind] || kind == EVENT_ZONE_GROW);
	assert_null(kernel_tracepoint_find("kmem", 4, "mm_page", 7));
	assert_null(kernel_tracepoint_find("sched", 5, "kfree", 5));
}

static void raw_page(void **state)
{
	struct tracepoints tracepoints = {0};
	const struct tracepoint *tracepoint;
	uint64_t raw[5] = {UINT64_C(42) << 32, 0x115d14, 3, 0xc40, 1}, value[KERNEL_NUMBERS];
	struct event event = {0};
	char text[GFP_TEXT_BYTES];
	const char *name;

	(void)state;
	if (!tracepoints_are_known())
		skip();
	add(&tracepoints, page_alloc);
	tracepoint = tracepoints_find(&tracepoints, 653);
	assert_non_null(tracepoint);
	assert_true(tracepoint_read_kernel(tracepoint, (uint8_t *)raw, 36, value, &name));
	assert_int_equal(tracepoint_thread(tracepoint, (uint8_t *)raw, 36), 42);
	assert_true(kernel_tracepoint_event(tracepoint->kernel, value, &event));
	assert_true(event.kind == EVENT_PAGE_ALLOC && event.flags == 0 && event.kernel.frame == 0x115d14 &&
		    event.kernel.order == 3 && event.kernel.migrate_type == 1);
	gfp_names_text(&tracepoints.gfp, value[KERNEL_GFP], text);
	assert_string_equal(text, "GFP_NOFS");
	gfp_names_text(&tracepoints.gfp, 0xc42 | 1 << 20, text);
	assert_string_equal(text, "GFP_NOFS|__GFP_TWO|0x100000");
	gfp_names_text(&tracepoints.gfp, 0, text);
	assert_string_equal(text, "none");
	assert_false(tracepoint_read_kernel(tracepoint, (uint8_t *)raw, 35, value, &name));
	raw[1] = UINT64_MAX;
	assert_true(tracepoint_read_kernel(tracepoint, (uint8_t *)raw, 40, value, &name));
	assert_true(kernel_tracepoint_event(tracepoint->kernel, value, &event));
	assert_true(event.flags == EVENT_FAILED && event.kernel.frame == 0);
	raw[2] = 200;
	event = (struct event){0};
	assert_true(tracepoint_read_kernel(tracepoint, (uint8_t *)raw, 40, value, &name));
	assert_false(kernel_tracepoint_event(tracepoint->kernel, value, &event));
	tracepoints_free(&tracepoints);
}

static void raw_name(void **state)
{
	struct tracepoints tracepoints = {0};
	const struct tracepoint *tracepoint;
	uint64_t raw[6] = {0, 0, 0xffff888000001000, 28 | 7 << 16, 0, 0}, value[KERNEL_NUMBERS];
	const char *name;

	(void)state;
	if (!tracepoints_are_known())
		skip();
	add(&tracepoints, cache_free);
	tracepoint = tracepoints_find(&tracepoints, 7);
	assert_non_null(tracepoint);
	memcpy((char *)raw + 28, "dentry", 7);
	assert_true(tracepoint_read_kernel(tracepoint, (uint8_t *)raw, 40, value, &name));
	assert_string_equal(name, "dentry");
	assert_true(value[KERNEL_ADDRESS] == 0xffff888000001000);
	/* Cut, without its end, or somewhere else. */
	assert_true(tracepoint_read_kernel(tracepoint, (uint8_t *)raw, 34, value, &name));
	assert_null(name);
	raw[3] = 28 | UINT64_C(6) << 16 | raw[3] >> 32 << 32;
	assert_true(tracepoint_read_kernel(tracepoint, (uint8_t *)raw, 40, value, &name));
	assert_null(name);
	tracepoints_free(&tracepoints);
}

static void flags_that_cannot_be_read(void **state)
{
	static const char *const texts[] = {
	    "",
	    "__print_flags(REC->gfp_flags, \"|\", {",
	    "__print_flags(REC->gfp_flags, \"|\", {1, \"\"}",
	    "__print_flags(REC->gfp_flags, \"|\", {(1, \"A\"}",
	    "__print_flags(REC->gfp_flags, \"|\", {GFP_BIT, \"A\"}",
	    "__print_flags(REC->gfp_flags, \"|\", {1 , A}",
	};
	char deep[400] = "__print_flags(REC->gfp_flags, \"|\", {", text[GFP_TEXT_BYTES];
	struct gfp_names names;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_false(gfp_names_parse(&names, texts[i], strlen(texts[i])));
	memset(deep + strlen(deep), '(', 300);
	assert_false(gfp_names_parse(&names, deep, strlen(deep)));
	gfp_names_text(&names, 5, text);
	assert_string_equal(text, "0x5");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(the_table), cmocka_unit_test(raw_page),
					   cmocka_unit_test(raw_name),
					   cmocka_unit_test(flags_that_cannot_be_read)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
