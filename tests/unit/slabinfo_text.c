#include "config.h"

#include "bench/physical/slabinfo_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HEAD                                                                                                 \
	"slabinfo - version: 2.1\n"                                                                          \
	"# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables\n"
#define TAIL " : tunables    0    0    0 : slabdata     12     12      0\n"

static enum trace_status parse(struct slabinfo_text *info, const char *text, struct trace_error *error)
{
	return slabinfo_text_parse(info, text, strlen(text), error);
}

static void refuses(const char *text, const char *message)
{
	struct slabinfo_text info;
	struct trace_error error;

	assert_int_equal(parse(&info, text, &error), TRACE_BAD_INPUT);
	assert_string_equal(error.message, message);
	assert_null(info.row);
}

static void reads_rows(void **state)
{
	struct slabinfo_text info;
	struct trace_error error;

	(void)state;
	assert_int_equal(parse(&info,
			       HEAD "dentry  240 252 192 21 1" TAIL "ext4_inode_cache 160 168 1128 14 4" TAIL,
			       &error),
			 TRACE_OK);
	assert_int_equal(info.rows, 2);
	assert_string_equal(info.row[1].name, "ext4_inode_cache");
	assert_int_equal(info.row[1].active_objs, 160);
	assert_int_equal(info.row[1].num_objs, 168);
	assert_int_equal(info.row[1].objsize, 1128);
	assert_int_equal(info.row[1].objperslab, 14);
	assert_int_equal(info.row[1].pagesperslab, 4);
	assert_int_equal(info.row[1].num_slabs, 12);
	assert_int_equal(slabinfo_row_pages(&info.row[1]), 48);
	assert_int_equal(slabinfo_text_pages(&info), 60);
	assert_int_equal(slabinfo_text_find(&info, "dentry"), 0);
	assert_int_equal(slabinfo_text_find(&info, "dentr"), SLABINFO_NO_ROW);
	slabinfo_text_destroy(&info);
}

static void names_what_is_wrong(void **state)
{
	(void)state;
	refuses("", "slabinfo, line 1: it is not `slabinfo - version: 2.1`");
	refuses("slabinfo - version: 1.1\n", "slabinfo, line 1: it is not `slabinfo - version: 2.1`");
	refuses("slabinfo - version: 2.1\ndentry 1\n",
		"slabinfo, line 2: it does not name the columns: `# name <active_objs> ...`");
	refuses(HEAD "\n",
		"slabinfo, line 3: it does not begin with a cache's name of at most 63 characters");
	refuses(HEAD "dentry",
		"slabinfo, line 3: it does not begin with a cache's name of at most 63 characters");
	refuses(
	    HEAD "dentry 1 2 3 4" TAIL,
	    "slabinfo, line 3: after the name come five numbers: active_objs, num_objs, objsize, objperslab, "
	    "pagesperslab");
	refuses(
	    HEAD "dentry 1 -2 192 21 1" TAIL,
	    "slabinfo, line 3: after the name come five numbers: active_objs, num_objs, objsize, objperslab, "
	    "pagesperslab");
	refuses(
	    HEAD "dentry 1 99999999999999999999 192 21 1" TAIL,
	    "slabinfo, line 3: after the name come five numbers: active_objs, num_objs, objsize, objperslab, "
	    "pagesperslab");
	refuses(HEAD "dentry 1 2 192 21 1 : slabdata 0 0 0\n",
		"slabinfo, line 3: then come `: tunables` and three numbers");
	refuses(HEAD "dentry 1 2 192 21 1 : tunables 0 0 0 : slabdata 0 0\n",
		"slabinfo, line 3: then come `: slabdata` and three numbers: active_slabs, num_slabs, "
		"sharedavail");
	refuses(HEAD "dentry 1 2 192 21 1 : tunables 0 0 0 : slabdata 0 0 0 0\n",
		"slabinfo, line 3: nothing comes after sharedavail");
	const char *holds =
	    "slabinfo, line 4: a slab is a power of two pages, at least one object, and holds its "
	    "objects";

	refuses(HEAD "a 1 2 192 21 1" TAIL "dentry 1 2 192 22 1" TAIL, holds);
	refuses(HEAD "a 1 2 192 21 1" TAIL "dentry 1 2 192 21 3" TAIL, holds);
	refuses(HEAD "a 1 2 192 21 1" TAIL "dentry 1 2 0 21 1" TAIL, holds);
	refuses(HEAD "a 1 2 192 21 1" TAIL "dentry 1 2 192 0 1" TAIL, holds);
}

static void has_a_bound(void **state)
{
	size_t bytes = sizeof(HEAD) + ((size_t)SLABINFO_ROWS_MAX + 1) * 128;
	char *text = malloc(bytes);
	size_t length = 0;

	(void)state;
	assert_non_null(text);
	length += (size_t)snprintf(text, bytes, "%s", HEAD);
	for (unsigned i = 0; i <= SLABINFO_ROWS_MAX; i++)
		length += (size_t)snprintf(text + length, bytes - length, "c%u 1 2 192 21 1%s", i, TAIL);
	refuses(text, "slabinfo, line 2051: more caches than 2048");
	free(text);
}

static void reads_the_kernels(void **state)
{
	const char *top = getenv("top_srcdir");
	static char text[1 << 16];
	struct slabinfo_text info;
	struct trace_error error;
	char path[512];

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/tests/unit/slabinfo_6_18.txt", top ? top : ".");
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	size_t length = fread(text, 1, sizeof(text), file);

	(void)fclose(file);
	if (slabinfo_text_parse(&info, text, length, &error) != TRACE_OK)
		fail_msg("%s", error.message);
	assert_true(info.rows > 200);
	assert_int_equal(info.row[slabinfo_text_find(&info, "dentry")].objsize, 192);
	slabinfo_text_destroy(&info);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_rows),
	    cmocka_unit_test(names_what_is_wrong),
	    cmocka_unit_test(has_a_bound),
	    cmocka_unit_test(reads_the_kernels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
