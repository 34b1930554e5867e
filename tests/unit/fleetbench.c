#include "config.h"

#include "traces/generate/fleetbench.h"

#include "tests/unit/generated.h"
#include "traces/generate/profile.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* How near a generated trace comes to its profile. Counts of a row are sums of many independent births, so
 * that they spread like a Poisson distribution around what the profile says: (found - expected) /
 * sqrt(expected) is about normal, and none of a thousand rows should be off by more than 5. */
#define MAX_DEVIATION 5.0
#define EVENTS 500000
#define HEAP_MIB 32

/* Of the trace of threads_and_a_golden_trace, on every compiler and machine. */
#define GOLDEN_HASH UINT64_C(0x5a04342b9b83f19a)

struct row {
	uint64_t size_bytes;
	double rate, live;	   /* from the profile; live is scaled */
	uint64_t births, live_now; /* found */
	double live_sum;	   /* over the samples */
};

struct measure {
	struct row *row;
	size_t rows;
	uint32_t *row_of; /* by object */
	uint64_t steady;  /* events since the beginning's blocks were born */
	uint64_t births, samples;
	double births_expected, live_bytes_sum;
	bool begun;
};

static size_t row_of_size(const struct measure *measure, uint64_t size_bytes)
{
	size_t row = 0;

	while (measure->row[row].size_bytes != size_bytes)
		row++;
	return row;
}

static void sample(struct measure *measure)
{
	measure->samples++;
	for (size_t index = 0; index < measure->rows; index++) {
		measure->row[index].live_sum += (double)measure->row[index].live_now;
		measure->live_bytes_sum +=
		    (double)measure->row[index].live_now * (double)measure->row[index].size_bytes;
	}
}

static void each(void *context, const struct event *event)
{
	struct measure *measure = context;

	if (event->kind == EVENT_MALLOC) {
		size_t row = row_of_size(measure, event->size);

		measure->row_of[event->object] = (uint32_t)row;
		measure->row[row].live_now++;
		measure->row[row].births += event->time_ns > 0;
		measure->births += event->time_ns > 0;
	} else if (event->kind == EVENT_FREE) {
		measure->row[measure->row_of[event->object]].live_now--;
	}
	if (event->time_ns > 0 && measure->steady++ % 1000 == 0)
		sample(measure);
}

/* Adds up rows of one size and scales the live counts to the heap; what is too large is left out, as the
 * generator does. */
static void expect_profile(struct measure *measure, const struct profile *profile)
{
	double bytes = 0;

	measure->row = calloc(profile->rows, sizeof(*measure->row));
	measure->row_of = calloc(EVENTS + 1, sizeof(*measure->row_of));
	assert_non_null(measure->row);
	assert_non_null(measure->row_of);
	for (size_t index = 0; index < profile->rows; index++) {
		const struct profile_row *from = &profile->row[index];
		size_t row = 0;

		if (from->size_bytes > ((uint64_t)HEAP_MIB << 20) / 64)
			continue;
		while (row < measure->rows && measure->row[row].size_bytes != from->size_bytes)
			row++;
		measure->rows += row == measure->rows;
		measure->row[row].size_bytes = from->size_bytes;
		measure->row[row].rate += (double)from->rate;
		measure->row[row].live += (double)from->live;
		bytes += (double)from->live * (double)from->size_bytes;
	}
	for (size_t row = 0; row < measure->rows; row++) {
		measure->births_expected += measure->row[row].rate;
		measure->row[row].live *= (double)HEAP_MIB * (1 << 20) / bytes;
	}
}

static void check_rows(struct measure *measure, const char *name)
{
	double worst_births = 0, worst_live = 0, bytes, worst_share = 0;

	for (size_t index = 0; index < measure->rows; index++) {
		const struct row *row = &measure->row[index];
		double births = row->rate / measure->births_expected * (double)measure->births;
		double live = row->live;

		if (births >= 25)
			worst_births = fmax(worst_births, fabs((double)row->births - births) / sqrt(births));
		if (live >= 25)
			worst_live = fmax(worst_live, fabs((double)row->live_now - live) / sqrt(live));
		if (live >= 1000)
			worst_share =
			    fmax(worst_share, fabs(row->live_sum / (double)measure->samples / live - 1));
	}
	bytes = measure->live_bytes_sum / (double)measure->samples / (1 << 20);
	print_message("# %s: births off by at most %.1f, live blocks at the end by %.1f standard deviations; "
		      "mean live count of "
		      "a row with 1,000 blocks by at most %.1f %%; mean heap %.2f of %d MiB\n",
		      name, worst_births, worst_live, worst_share * 100, bytes, HEAP_MIB);
	assert_true(worst_births < MAX_DEVIATION);
	assert_true(worst_live < MAX_DEVIATION);
	assert_true(worst_share < 0.15);
	assert_true(fabs(bytes / HEAP_MIB - 1) < 0.05);
}

static void check_profile(const char *path, const char *name)
{
	static const char heap[] = "heap_mib=32", events[] = "events=500000";
	char profile_setting[4200];
	const char *const sets[] = {profile_setting, heap, events, NULL};
	struct trace_error error = {""};
	struct measure measure = {0};
	struct generated generated = {.each = each, .context = &measure};
	struct profile profile;
	struct input *input;

	(void)snprintf(profile_setting, sizeof(profile_setting), "profile=%s", path);
	assert_int_equal(input_open(&input, path, &error), TRACE_OK);
	assert_int_equal(profile_read(&profile, input, &error), TRACE_OK);
	input_close(input);
	expect_profile(&measure, &profile);
	generated_play(&generated, "fleetbench", sets, 1);
	check_rows(&measure, name);
	generated_drop(&generated);
	profile_destroy(&profile);
	free(measure.row);
	free(measure.row_of);
}

static void write_file(char *path, const char *text)
{
	int descriptor = mkstemp(path);

	assert_true(descriptor >= 0);
	assert_int_equal(write(descriptor, text, strlen(text)), strlen(text));
	assert_int_equal(close(descriptor), 0);
}

/* Short and long lives, rare and frequent sizes, a row too large for the heap, one size in two rows. */
static void a_small_profile(void **state)
{
	char path[] = "fleetbench-test-XXXXXX";

	(void)state;
	write_file(
	    path,
	    "8, 200000, 20000\n16, 1e6, 50.5\n64, 5e4, 1e5\n64, 1e4, 10\n4096, 3000, 300\n65536, 100, 5\n"
	    "300000, 1, 0.5\n1073741824, 0.001, 1\n");
	check_profile(path, "a small profile");
	assert_int_equal(unlink(path), 0);
}

static void the_fleets_profiles(void **state)
{
	const char *folder = getenv("FAULTLINE_SHARED_TRACES");
	char path[4096], name[32];

	(void)state;
	for (int number = 0; number < 10; number++) {
		(void)snprintf(name, sizeof(name), "TCMALLOC_%d.csv", number);
		(void)snprintf(path, sizeof(path), "%s/fleetbench/%s", folder ? folder : ".", name);
		if (access(path, R_OK) != 0) {
			print_message("# %s is not there\n", path);
			skip();
		}
		check_profile(path, name);
	}
}

static void threads_and_a_golden_trace(void **state)
{
	char path[] = "fleetbench-test-XXXXXX", profile_setting[64];
	const char *const sets[] = {profile_setting, "heap_mib=4",	 "events=100000",
				    "threads=4",     "cross_percent=30", NULL};
	struct generated generated = {0};

	(void)state;
	write_file(path, "8, 200000, 20000\n64, 5e4, 1e5\n4096, 3000, 300\n");
	(void)snprintf(profile_setting, sizeof(profile_setting), "profile=%s", path);
	generated_play(&generated, "fleetbench", sets, 1);
	assert_int_equal(generated.census.threads, 4);
	assert_in_range(generated.census.cross_thread_frees * 100 / generated.census.kinds[EVENT_FREE], 28,
			32);
	if (generated.hash != GOLDEN_HASH)
		print_message("# found UINT64_C(0x%016" PRIx64 ")\n", generated.hash);
	assert_true(generated.hash == GOLDEN_HASH);
	generated_drop(&generated);
	assert_int_equal(unlink(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_small_profile),
	    cmocka_unit_test(the_fleets_profiles),
	    cmocka_unit_test(threads_and_a_golden_trace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
