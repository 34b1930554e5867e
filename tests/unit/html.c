#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/report/html.h"

#include <stdlib.h>
#include <string.h>

/* What `write` puts on a page; to be freed. */
static char *written(void (*write)(FILE *, const char *), const char *text)
{
	char *page = NULL;
	size_t bytes = 0;
	FILE *file = open_memstream(&page, &bytes);

	assert_non_null(file);
	write(file, text);
	assert_int_equal(fclose(file), 0);
	return page;
}

static void expect(void (*write)(FILE *, const char *), const char *text, const char *expected)
{
	char *page = written(write, text);

	assert_string_equal(page, expected);
	free(page);
}

static void test_text(void **state)
{
	(void)state;
	expect(html_text, "", "");
	expect(html_text, "<b a='1' c=\"2\">&amp;", "&lt;b a=&#39;1&#39; c=&quot;2&quot;&gt;&amp;amp;");
	expect(html_text, "a\tb\nc\033[2J\x01", "a\tb\nc[2J");
	expect(html_text, "größe – µs", "größe – µs");
}

static void test_shell_words(void **state)
{
	(void)state;
	expect(html_shell_word, "traces/a.flt", "traces/a.flt");
	expect(html_shell_word, "jemalloc:narenas:2,x=1", "jemalloc:narenas:2,x=1");
	expect(html_shell_word, "", "&#39;&#39;");
	expect(html_shell_word, "a b", "&#39;a b&#39;");
	expect(html_shell_word, "a'b", "&#39;a&#39;\\&#39;&#39;b&#39;");
	expect(html_shell_word, "$(x)<y>", "&#39;$(x)&lt;y&gt;&#39;");
}

static bool accepted;

static void write_svg(FILE *page, const char *svg)
{
	accepted = html_svg(page, svg, "a <picture>");
}

static void test_pictures(void **state)
{
	(void)state;
	expect(write_svg,
	       "<?xml version=\"1.0\"?>\n<svg width=\"6\" height=\"3\"\n viewBox=\"0 0 6 3\"\n "
	       "xmlns=\"x\"\n>\n<title>Gnuplot</title>\n"
	       "<defs>\n<circle id='gpDot'/>\n</defs>\n<g fill=\"none\" color=\"black\">\n</g>\n"
	       "<g id=\"gnuplot_canvas\">\n<path stroke='black' d='M1,2 L3,4\n\t5,6'/><text fill=\"black\">a "
	       " b</text></g></svg>\n",
	       "<svg role=\"img\" viewBox=\"0 0 6 3\" aria-label=\"a &lt;picture&gt;\"><g>"
	       "<path stroke='currentColor' d='M1,2 L3,4 5,6'/><text fill=\"currentColor\">a  "
	       "b</text></g></svg>\n");
	assert_true(accepted);
}

static void test_no_pictures(void **state)
{
	static const char *const none[] = {"", "<svg", "<svg viewBox=\"0 0 1 1\"", "<html></html>"};

	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		expect(write_svg, none[i], "");
		assert_false(accepted);
	}
}

static void test_marks(void **state)
{
	(void)state;
	expect(html_svg_marks, "<svg><defs>\n<path id='a'/></defs></svg>",
	       "<svg class=\"marks\" width=\"0\" height=\"0\" aria-hidden=\"true\"><defs>\n<path "
	       "id='a'/></defs></svg>\n");
	expect(html_svg_marks, "<svg><defs></svg>", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_text),     cmocka_unit_test(test_shell_words),
	    cmocka_unit_test(test_pictures), cmocka_unit_test(test_no_pictures),
	    cmocka_unit_test(test_marks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
