#include "config.h"

#include "traces/record/page_map.h"
#include "traces/record/residency.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define PAGE 4096ul

/* The kind of the page at `address` in the text; "" when no line has it. */
static const char *kind_at(const char *text, uint64_t address)
{
	static char kind[16];

	while (*text) {
		char *at;
		uint64_t start = strtoull(text, &at, 16), end = strtoull(at + 1, &at, 16);
		size_t length = strcspn(++at, "\n");
		if (start <= address && address < end && length < sizeof(kind)) {
			memcpy(kind, at, length);
			kind[length] = '\0';
			return kind;
		}
		text = at + length + (at[length] == '\n');
	}
	return "";
}

static void test_pages(void **state)
{
	char *pages = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *text;

	(void)state;
	assert_ptr_not_equal(pages, MAP_FAILED);
	assert_int_equal(madvise(pages, 8 * PAGE, MADV_NOHUGEPAGE), 0);
	*(volatile char *)&pages[PAGE] = 1;
	(void)*(volatile char *)&pages[3 * PAGE];
	text = page_map_text((uint32_t)getpid());
	if (!text) {
		print_message("skipped: the kernel has no PAGEMAP_SCAN (Linux 6.7)\n");
		skip();
		return;
	}
	assert_string_equal(kind_at(text, (uintptr_t)pages), "");
	assert_string_equal(kind_at(text, (uintptr_t)pages + PAGE), "p");
	assert_string_equal(kind_at(text, (uintptr_t)pages + 2 * PAGE), "");
	assert_string_equal(kind_at(text, (uintptr_t)pages + 3 * PAGE), "pz");
	assert_string_equal(kind_at(text, (uintptr_t)test_pages), "pf");
	free(text);
	(void)munmap(pages, 8 * PAGE);
	assert_null(page_map_text(UINT32_MAX));
}

static void test_residency(void **state)
{
	char path[4096], *text = residency_text((uint32_t)getpid()), *line;
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);

	(void)state;
	assert_true(length > 0);
	path[length] = '\0';
	assert_non_null(text);
	line = strstr(text, path);
	assert_non_null(line);
	/* Once, though it is mapped in several parts; and its first page is in memory. */
	assert_null(strstr(line + 1, path));
	while (line > text && line[-1] != '\n')
		line--;
	assert_non_null(strstr(line, " 0-"));
	free(text);
	assert_null(residency_text(UINT32_MAX));
}

static void test_settings(void **state)
{
	char *text = residency_settings(0);

	(void)state;
	assert_non_null(text);
	assert_non_null(strstr(text, "vm/overcommit_memory "));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_pages), cmocka_unit_test(test_residency),
					   cmocka_unit_test(test_settings)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
