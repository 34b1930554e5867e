#include "config.h"

#include "bench/record_online.h"

#include "bench/command.h"
#include "bench/mmu_option.h"
#include "bench/mmu_table.h"
#include "bench/online.h"
#include "bench/run.h"
#include "bench/run_directory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct record_online {
	struct mmu_choice mmu;
	struct policy system;
	struct online *online; /* NULL: not begun */
};

struct record_online *record_online_create(void)
{
	struct record_online *online = calloc(1, sizeof(*online));

	if (online)
		online->system = *policy_find("linux");
	return online;
}

bool record_online_add(struct record_online *online, const char *text)
{
	return mmu_choice_add(&online->mmu, "record", text);
}

bool record_online_set(struct record_online *online, const char *setting)
{
	if (policy_set(&online->system, setting) == STATUS_OK)
		return true;
	complain("record", "--set %s: no such policy key or value; `faultline policies` lists them", setting);
	return false;
}

enum trace_status record_online_begin(struct record_online *online, bool has_directory,
				      struct access_output *output, struct trace_error *error)
{
	struct mmu_pass_options options = {.policy = &online->system,
					   .addresses = SPACES_FREE,
					   .names = (const char *const *)online->mmu.name,
					   .geometries = online->mmu.geometry,
					   .has_sizes = has_directory,
					   .process = SPACES_ALL_PROCESSES,
					   .samples = RECORD_ONLINE_SAMPLES};
	enum trace_status status;

	if (online->mmu.count == 0 && !mmu_choice_add(&online->mmu, "record", RECORD_ONLINE_DEFAULT))
		return trace_fail(error, TRACE_UNSUPPORTED, "there is no default MMU");
	options.mmus = online->mmu.count;
	status = online_create(&online->online, &options, error);
	if (status == TRACE_OK)
		*output = online_output(online->online);
	return status;
}

/* As a shell takes it. */
static void put_word(FILE *out, const char *word)
{
	static const char plain[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";

	if (*word && word[strspn(word, plain)] == '\0') {
		(void)fputs(word, out);
		return;
	}
	(void)fputc('\'', out);
	for (; *word; word++)
		(void)fprintf(out, *word == '\'' ? "'\\%c'" : "%c", *word);
	(void)fputc('\'', out);
}

/* The words, as a shell takes them; NULL: no memory. */
static char *join(char **words)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);

	if (!out)
		return NULL;
	(void)fputs("faultline", out);
	for (; *words; words++) {
		(void)fputc(' ', out);
		put_word(out, *words);
	}
	return fclose(out) == 0 ? text : NULL;
}

static bool show(const struct run *run, const struct record_online_report *report)
{
	struct trace_error error = {""};

	if (report->directory && !run_directory_write(run, report->directory, &error)) {
		complain("record", "%s", error.message);
		return false;
	}
	if (!report->quiet)
		mmu_table_print(run, 1, stderr);
	return true;
}

bool record_online_end(struct record_online *online, const struct record_online_report *report)
{
	const struct measurement_options options = {.samples = RECORD_ONLINE_SAMPLES, .seed = 1};
	const struct plan_totals nothing = {.operations = 0};
	struct trace_error error = {""};
	struct target_error unknown;
	struct target target;
	struct mmu_pass *pass;
	bool is_done = false;

	if (online_finish(online->online, &pass, &error) != TRACE_OK) {
		complain("record", "%s", error.message);
		return false;
	}
	char *command = join(report->command);

	if (!command || !target_parse(&target, "recorded", NULL, 0, &unknown)) {
		complain("record", "not enough memory for the run");
	} else {
		const struct measurement measurement = {.target = &target};
		const struct run run = {.trace = online_summary(online->online),
					.totals = &nothing,
					.options = &options,
					.measurement = &measurement,
					.pass = pass,
					.mmu = pass->series,
					.space = pass->map,
					.command = command};

		is_done = show(&run, report);
		target_destroy(&target);
	}
	free(command);
	mmu_pass_destroy(pass);
	return is_done;
}

void record_online_destroy(struct record_online *online)
{
	if (!online)
		return;
	online_destroy(online->online);
	mmu_choice_destroy(&online->mmu);
	free(online);
}
