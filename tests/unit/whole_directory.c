#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/whole_directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct trace_error error;

/* A directory for each test, and the path of a run in it. */
struct place {
	char parent[64], run[128];
};

static struct place make_place(void)
{
	struct place place;

	(void)snprintf(place.parent, sizeof(place.parent), "/tmp/faultline-test.XXXXXX");
	assert_non_null(mkdtemp(place.parent));
	(void)snprintf(place.run, sizeof(place.run), "%s/run", place.parent);
	return place;
}

static void write_file(const char *directory, const char *name)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_int_equal(fclose(file), 0);
}

/* The names in a directory, in order, each with a blank before it. */
static const char *names_in(const char *path)
{
	static char names[512];
	struct dirent **entry;
	const int count = scandir(path, &entry, NULL, alphasort);

	names[0] = '\0';
	assert_true(count >= 2);
	for (int i = 0; i < count; i++) {
		if (entry[i]->d_name[0] != '.' &&
		    strlen(names) + strlen(entry[i]->d_name) + 2 < sizeof(names))
			(void)strcat(strcat(names, " "), entry[i]->d_name);
		free(entry[i]);
	}
	free(entry);
	return names;
}

static void drop_place(const struct place *place)
{
	struct whole_directory whole = {.descriptor = -1};

	(void)snprintf(whole.beside, sizeof(whole.beside), "%s", place->run);
	whole_directory_abandon(&whole);
	assert_int_equal(rmdir(place->parent), 0);
}

static void add(const struct whole_directory *whole, const char *name)
{
	FILE *file = whole_directory_file(whole, name, &error);

	assert_non_null(file);
	assert_true(whole_directory_close(file, name, &error));
}

static void appears_when_it_is_whole(void **state)
{
	const struct place place = make_place();
	struct whole_directory whole;
	struct stat status;

	(void)state;
	assert_true(whole_directory_begin(&whole, place.run, &error));
	add(&whole, "run.json");
	add(&whole, "orders.tsv");
	assert_int_not_equal(stat(place.run, &status), 0);
	assert_true(whole_directory_end(&whole, &error));
	assert_string_equal(names_in(place.run), " orders.tsv run.json");
	assert_string_equal(names_in(place.parent), " run");
	drop_place(&place);
}

static void nothing_stays_of_what_is_abandoned(void **state)
{
	const struct place place = make_place();
	struct whole_directory whole;

	(void)state;
	assert_true(whole_directory_is_possible(place.run, &error));
	assert_string_equal(names_in(place.parent), "");
	assert_true(whole_directory_begin(&whole, place.run, &error));
	add(&whole, "run.json");
	whole_directory_abandon(&whole);
	assert_string_equal(names_in(place.parent), "");
	drop_place(&place);
}

/* None of the older one's series is left among the new ones. Slashes at the end are none of the name's. */
static void an_older_run_is_replaced(void **state)
{
	const struct place place = make_place();
	struct whole_directory whole;
	char path[160];

	(void)state;
	assert_int_equal(mkdir(place.run, 0777), 0);
	write_file(place.run, "run.json");
	write_file(place.run, "timeline.tsv");
	write_file(place.run, "placement.bin");
	(void)snprintf(path, sizeof(path), "%s//", place.run);
	assert_true(whole_directory_begin(&whole, path, &error));
	add(&whole, "run.json");
	assert_string_equal(names_in(place.run), " placement.bin run.json timeline.tsv");
	assert_true(whole_directory_end(&whole, &error));
	assert_string_equal(names_in(place.run), " run.json");
	assert_string_equal(names_in(place.parent), " run");
	drop_place(&place);
}

static void what_is_no_run_alone_stays(void **state)
{
	static const char *const precious[][2] = {
	    {"thesis.tex", NULL}, {"a.tsv", NULL}, {"run.json", "thesis.tex"}};

	(void)state;
	for (size_t i = 0; i < sizeof(precious) / sizeof(precious[0]); i++) {
		const struct place place = make_place();
		struct whole_directory whole;
		char path[160];

		assert_int_equal(mkdir(place.run, 0777), 0);
		for (unsigned n = 0; n < 2 && precious[i][n]; n++)
			write_file(place.run, precious[i][n]);
		assert_false(whole_directory_begin(&whole, place.run, &error));
		assert_non_null(strstr(error.message, "it is not the directory of a run alone"));
		assert_string_equal(names_in(place.parent), " run");
		for (unsigned n = 0; n < 2 && precious[i][n]; n++) {
			(void)snprintf(path, sizeof(path), "%s/%s", place.run, precious[i][n]);
			assert_int_equal(unlink(path), 0);
		}
		drop_place(&place);
	}
}

/* What came there while the run was written is looked at, too. */
static void what_came_meanwhile_stays(void **state)
{
	const struct place place = make_place();
	struct whole_directory whole;
	char path[160];

	(void)state;
	assert_true(whole_directory_begin(&whole, place.run, &error));
	add(&whole, "run.json");
	assert_int_equal(mkdir(place.run, 0777), 0);
	write_file(place.run, "thesis.tex");
	assert_false(whole_directory_end(&whole, &error));
	assert_non_null(strstr(error.message, "it is not the directory of a run alone"));
	assert_string_equal(names_in(place.parent), " run");
	(void)snprintf(path, sizeof(path), "%s/thesis.tex", place.run);
	assert_int_equal(unlink(path), 0);
	drop_place(&place);
}

static void paths_that_cannot_be(void **state)
{
	static const char *const paths[] = {
	    "", ".", "..", "/", "/dev/null", "/dev/null/run", "/nowhere/at/all"};
	struct whole_directory whole;

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		error.message[0] = '\0';
		assert_false(whole_directory_begin(&whole, paths[i], &error));
		assert_non_null(strstr(error.message, paths[i]));
		assert_memory_equal(error.message, "cannot ", strlen("cannot "));
		assert_false(whole_directory_is_possible(paths[i], &error));
	}
}

/* A link stays one: what it leads to is replaced. */
static void a_link_is_followed(void **state)
{
	const struct place place = make_place();
	struct whole_directory whole;
	struct stat status;
	char link[160];

	(void)state;
	(void)snprintf(link, sizeof(link), "%s/link", place.parent);
	assert_int_equal(mkdir(place.run, 0777), 0);
	assert_int_equal(symlink("run", link), 0);
	assert_true(whole_directory_begin(&whole, link, &error));
	add(&whole, "run.json");
	assert_true(whole_directory_end(&whole, &error));
	assert_true(lstat(link, &status) == 0 && S_ISLNK(status.st_mode));
	assert_string_equal(names_in(place.run), " run.json");
	assert_int_equal(unlink(link), 0);
	drop_place(&place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(appears_when_it_is_whole),	 cmocka_unit_test(nothing_stays_of_what_is_abandoned),
	    cmocka_unit_test(an_older_run_is_replaced),	 cmocka_unit_test(what_is_no_run_alone_stays),
	    cmocka_unit_test(what_came_meanwhile_stays), cmocka_unit_test(paths_that_cannot_be),
	    cmocka_unit_test(a_link_is_followed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
