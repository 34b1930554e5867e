#include "config.h"

#include "bench/physical/physical_compare.h"

#include "bench/command.h"
#include "bench/physical/physical_replay.h"
#include "bench/run_directory.h"
#include "engine/phys/fragmentation.h"
#include "traces/flt.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>

bool physical_compare_is_of(const char *path)
{
	struct flt_reader *reader;
	struct trace_error error;

	if (strcmp(path, "-") == 0 || flt_reader_open(&reader, path, &error) != TRACE_OK)
		return false;
	const struct flt_summary *trace = flt_reader_summary(reader);
	const bool is_of = trace->kinds[EVENT_PAGE_ALLOC] + trace->kinds[EVENT_PAGE_FREE] > 0;

	flt_reader_close(reader);
	return is_of;
}

/* --- The table ---------------------------------------------------------------------------------------------------------- */

static void add_blocks(struct free_blocks *sum, const json_t *blocks)
{
	for (size_t order = 0; order < json_array_size(blocks) && order < FRAGMENTATION_ORDERS; order++)
		sum->blocks[order] += (uint64_t)json_integer_value(json_array_get(blocks, order));
}

/* The free blocks of all zones, which are under this key of each. */
static struct free_blocks blocks_of(const json_t *zones, const char *key)
{
	struct free_blocks sum = {{0}};

	for (size_t i = 0; i < json_array_size(zones); i++)
		add_blocks(&sum, json_object_get(json_array_get(zones, i), key));
	return sum;
}

static void print_share(struct ratio ratio)
{
	if (ratio_exists(ratio))
		(void)printf("  %11.1f %%", 100 * ratio_value(ratio));
	else
		(void)printf("  %13s", "-");
}

static void print_row(int width, const char *target, const struct free_blocks *free)
{
	uint64_t blocks = 0, large = 0;

	for (unsigned order = 0; order < FRAGMENTATION_ORDERS; order++) {
		blocks += free->blocks[order];
		large += order >= HUGE_ORDER ? free->blocks[order] << (order - HUGE_ORDER) : 0;
	}
	(void)printf("%-*s  %11" PRIu64 "  %10" PRIu64, width, target, blocks, large);
	print_share(fragmentation_huge_over_optimal(free));
	print_share(fragmentation_unusable(free, HUGE_ORDER));
}

static void print_run(int width, const json_t *run, bool *has_recorded)
{
	const json_t *model = json_object_get(run, "model"), *physical = json_object_get(model, "physical");
	const json_t *prediction = json_object_get(physical, "prediction");
	const json_t *nearer = json_object_get(prediction, "nearer");
	const struct free_blocks free =
	    blocks_of(json_object_get(json_object_get(model, "memory"), "zones"), "free_blocks");

	if (!*has_recorded && json_is_object(prediction)) {
		const struct free_blocks after = blocks_of(json_object_get(prediction, "zones"), "after");

		print_row(width, "recorded", &after);
		(void)printf("  %9s  %8s\n", "-", "-");
		*has_recorded = true;
	}
	print_row(width, json_string_value(json_object_get(run, "target")), &free);
	(void)printf("  %9" JSON_INTEGER_FORMAT, json_integer_value(json_object_get(physical, "refused")));
	if (json_is_real(nearer))
		(void)printf("  %8.1f\n", json_real_value(nearer));
	else
		(void)printf("  %8s\n", "-");
}

#define FIRST_COLUMN "free memory at the end"

/* Of the first column: what all targets have room in. */
static int name_width(const struct replay_options *options)
{
	size_t width = strlen(FIRST_COLUMN);

	for (size_t i = 0; i < options->target_count; i++)
		width = strlen(options->targets[i]) > width ? strlen(options->targets[i]) : width;
	return width < NAME_MAX ? (int)width : NAME_MAX;
}

static void print_head(int width)
{
	(void)printf("%-*s  %11s  %10s  %13s  %13s  %9s  %8s\n", width, FIRST_COLUMN, "blocks", "2 MiB free",
		     "of the most", "unusable", "refused", "nearer");
}

/* --- Runs --------------------------------------------------------------------------------------------------------------- */

static bool make_path(const char *directory, const char *target, char path[PATH_MAX])
{
	char name[NAME_MAX + 1];

	run_directory_name(target, name, 200);
	if (snprintf(path, PATH_MAX, "%s/%s", directory, name) < PATH_MAX)
		return true;
	complain("compare", "the path of the run directory %s is too long", name);
	return false;
}

/* One run, of the policy of a target or, without one, the machine's own. */
static json_t *run(const struct replay_options *options, const char *path, const char *directory,
		   const struct target *target)
{
	char place[PATH_MAX];
	struct physical_job job = {.path = path, .checks = options->check};
	struct trace_error error;
	json_t *json;

	if (directory) {
		if (!make_path(directory, target ? target->name : "recorded", place))
			return NULL;
		job.directory = place;
	}
	if ((target ? physical_free(&job, target, &json, &error) : physical_forced(&job, &json, &error)) ==
	    TRACE_OK)
		return json;
	complain("compare", "%s", error.message);
	return NULL;
}

static bool parse(const struct replay_options *options, const char *text, struct target *target)
{
	struct target_error refused;

	if (!target_parse(target, text, options->settings, options->setting_count, &refused)) {
		complain("compare", "%s", refused.message);
		return false;
	}
	if (target->kind == TARGET_ENGINE)
		return true;
	complain("compare",
		 "a kernel recording is compared under policies: --on takes engine[:POLICY], not '%s'", text);
	target_destroy(target);
	return false;
}

static bool add(json_t *runs, json_t *json)
{
	if (json && json_array_append_new(runs, json) == 0)
		return true;
	if (json)
		complain("compare", "not enough memory for compare.json");
	return false;
}

bool physical_compare(const struct replay_options *options, const char *path, const char *directory,
		      json_t *runs)
{
	const int width = name_width(options);
	bool ok = add(runs, run(options, path, directory, NULL)), has_recorded = false;

	if (ok && !options->json)
		print_head(width);
	for (size_t i = 0; ok && i < options->target_count; i++) {
		struct target target;

		if (strcmp(options->targets[i], "recorded") == 0)
			continue; /* it is there */
		if (!parse(options, options->targets[i], &target))
			return false;
		json_t *json = run(options, path, directory, &target);

		target_destroy(&target);
		ok = json != NULL;
		if (ok && !options->json)
			print_run(width, json, &has_recorded);
		ok = ok && add(runs, json);
	}
	return ok;
}
