#include "config.h"

#include "bench/live.h"

#include "bench/command.h"
#include "bench/replay/child_process.h"
#include "bench/replay/clock.h"
#include "bench/run.h"
#include "bench/verdict.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum live_measure { LIVE_WALL, LIVE_USER, LIVE_SYSTEM, LIVE_PEAK, LIVE_MEASURES };

static const struct {
	const char *name, *key, *label;
	double scale; /* from the stored unit to the printed one */
} live_measures[LIVE_MEASURES] = {
    {"wall time", "wall_s", "wall time, s", 1},
    {"user time", "user_s", "user time, s", 1},
    {"system time", "system_s", "system time, s", 1},
    {"peak resident set", "peak_resident_bytes", "peak resident set, KiB", 1.0 / 1024},
};

struct live_target {
	struct target target;
	double rounds[LIVE_MEASURES][MEASUREMENT_MAX_ROUNDS];
};

struct live {
	const struct replay_options *options;
	char *const *command;
	struct live_target *targets;
	size_t count;
};

static double seconds(struct timeval time)
{
	return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static _Noreturn void become(char *const *command, char **environment)
{
	int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (nowhere >= 0)
		(void)dup2(nowhere, STDOUT_FILENO);
	(void)execvpe(command[0], command, environment);
	_exit(127);
}

static bool explain(const struct live *live, const struct target *target, int status)
{
	if (WIFSIGNALED(status))
		complain("compare", "%s under %s was killed by signal %d (%s)", live->command[0],
			 target->name, WTERMSIG(status), strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status) == 127)
		complain("compare", "%s cannot be started (or ended with status 127) under %s",
			 live->command[0], target->name);
	else
		complain("compare",
			 "%s under %s ended with status %d; only runs that end with 0 are compared",
			 live->command[0], target->name, WEXITSTATUS(status));
	return false;
}

/* The kernel counts what the process was before it became the command into its peak: a peak not above our own is not known. */
static double peak_bytes(const struct rusage *usage)
{
	struct rusage own;

	if (getrusage(RUSAGE_SELF, &own) == 0 && usage->ru_maxrss <= own.ru_maxrss)
		return NAN;
	return (double)usage->ru_maxrss * 1024;
}

static bool run_once(struct live *live, struct live_target *one, unsigned round)
{
	char **environment = environment_create(&one->target, round * 611 % 4096);
	struct rusage usage;
	int status;

	if (!environment) {
		complain("compare", "not enough memory to start %s", live->command[0]);
		return false;
	}
	uint64_t begin_ns = clock_now_ns();
	pid_t child = fork();

	if (child == 0)
		become(live->command, environment);
	environment_destroy(environment);
	if (child < 0 || wait4(child, &status, 0, &usage) != child) {
		complain("compare", "cannot start %s: %s", live->command[0], strerror(errno));
		return false;
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return explain(live, &one->target, status);
	one->rounds[LIVE_WALL][round] = (double)(clock_now_ns() - begin_ns) / 1e9;
	one->rounds[LIVE_USER][round] = seconds(usage.ru_utime);
	one->rounds[LIVE_SYSTEM][round] = seconds(usage.ru_stime);
	one->rounds[LIVE_PEAK][round] = peak_bytes(&usage);
	return true;
}

static bool run_rounds(struct live *live)
{
	unsigned rounds = live->options->measurement.rounds;

	for (unsigned round = 0; round < rounds; round++) {
		for (size_t place = 0; place < live->count; place++) {
			struct live_target *one = &live->targets[(place + round) % live->count];

			if (live->options->measurement.progress)
				(void)fprintf(stderr, "\r\033[K[round %u/%u] %s under %s", round + 1, rounds,
					      live->command[0], one->target.name);
			if (!run_once(live, one, round))
				return false;
		}
	}
	if (live->options->measurement.progress)
		(void)fputs("\r\033[K", stderr);
	return true;
}

/* --- What is said ------------------------------------------------------------------------------------------------------- */

static void print_row(const struct live *live, enum live_measure measure)
{
	unsigned rounds = live->options->measurement.rounds;
	double best = INFINITY;

	for (size_t i = 0; i < live->count; i++)
		best = fmin(best, interval_of(live->targets[i].rounds[measure], rounds).median);
	(void)printf("%-24s", live_measures[measure].label);
	for (size_t i = 0; i < live->count; i++) {
		struct interval interval = interval_of(live->targets[i].rounds[measure], rounds);
		double value = interval.median * live_measures[measure].scale;
		char text[64] = "-";

		if (!isnan(value))
			(void)snprintf(text, sizeof(text), "%s%.*f", interval.median == best ? "*" : "",
				       measure == LIVE_PEAK ? 0 : 3, value);
		(void)printf("%*s",
			     (int)strlen(live->targets[i].target.name) + 2 > 12
				 ? (int)strlen(live->targets[i].target.name) + 2
				 : 12,
			     text);
	}
	(void)putchar('\n');
}

static json_t *target_json(const struct live *live, const struct live_target *one)
{
	unsigned rounds = live->options->measurement.rounds;
	json_t *object = json_pack("{s:s, s:i}", "target", one->target.name, "rounds", (int)rounds);

	for (unsigned measure = 0; object && measure < LIVE_MEASURES; measure++) {
		struct interval interval = interval_of(one->rounds[measure], rounds);

		(void)json_object_set_new(
		    object, live_measures[measure].key,
		    json_pack("{s:o, s:o}", "median", run_number(interval.median), "ci95",
			      interval.exists ? json_pack("[f,f]", interval.low, interval.high)
					      : json_null()));
	}
	return object;
}

static void tell(const struct live *live, struct verdict verdict, json_t *verdicts)
{
	if (!live->options->json)
		(void)printf("%s: %s.\n", live->command[0], verdict.sentence);
	(void)json_array_append_new(verdicts, verdict_json(&verdict, live->command[0]));
}

static void tell_against(const struct live *live, const char *measure, const struct contender *contenders,
			 json_t *verdicts)
{
	size_t baseline = 0;

	while (baseline < live->count && strcmp(contenders[baseline].name, live->options->against) != 0)
		baseline++;
	for (size_t i = 0; baseline < live->count && i < live->count; i++) {
		if (i != baseline)
			tell(live,
			     verdict_against(measure, &contenders[i], &contenders[baseline],
					     live->options->measurement.rounds),
			     verdicts);
	}
}

static void judge(const struct live *live, json_t *verdicts)
{
	struct contender contenders[MEASUREMENT_MAX_TARGETS];
	const char *against = live->options->against;

	for (unsigned measure = 0; measure < LIVE_MEASURES; measure++) {
		for (size_t i = 0; i < live->count; i++)
			contenders[i] = (struct contender){.name = live->targets[i].target.name,
							   .rounds = live->targets[i].rounds[measure]};
		if (against)
			tell_against(live, live_measures[measure].name, contenders, verdicts);
		tell(live,
		     verdict_of(live_measures[measure].name, contenders, live->count,
				live->options->measurement.rounds),
		     verdicts);
	}
}

static void print_table(const struct live *live)
{
	(void)printf("%s, %u rounds\n%-24s", live->command[0], live->options->measurement.rounds, "");
	for (size_t i = 0; i < live->count; i++) {
		const char *name = live->targets[i].target.name;

		(void)printf("%*s", (int)strlen(name) + 2 > 12 ? (int)strlen(name) + 2 : 12, name);
	}
	(void)putchar('\n');
	for (unsigned measure = 0; measure < LIVE_MEASURES; measure++)
		print_row(live, (enum live_measure)measure);
}

static bool report(const struct live *live)
{
	json_t *runs = json_array(), *verdicts = json_array(), *command = json_array();

	if (!live->options->json)
		print_table(live);
	for (size_t i = 0; i < live->count; i++)
		(void)json_array_append_new(runs, target_json(live, &live->targets[i]));
	for (size_t i = 0; live->command[i]; i++)
		(void)json_array_append_new(command, json_string(live->command[i]));
	judge(live, verdicts);
	json_t *whole = json_pack("{s:i, s:o, s:o, s:o}", "schema", 1, "command", command, "live", runs,
				  "verdicts", verdicts);

	if (live->options->json && whole) {
		(void)json_dumpf(whole, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
		(void)putchar('\n');
	}
	json_decref(whole);
	return fflush(stdout) == 0 && whole;
}

static bool prepare(struct live *live)
{
	const struct replay_options *options = live->options;
	struct target_error error;

	for (size_t i = 0; i < options->target_count; i++) {
		struct target *target = &live->targets[i].target;

		if (!target_parse(target, options->targets[i], options->settings, options->setting_count,
				  &error)) {
			complain("compare", "%s", error.message);
			return false;
		}
		live->count = i + 1;
		if (target->kind == TARGET_NULL || target->functions == FUNCTIONS_LINKED) {
			complain("compare", "target %s cannot run a program%s", target->name,
				 target->kind == TARGET_NULL ? "" : " in a build with sanitizers");
			return false;
		}
	}
	return true;
}

bool live_compare(const struct replay_options *options, char *const *command)
{
	struct live live = {.options = options, .command = command};

	live.targets = calloc(options->target_count, sizeof(live.targets[0]));
	bool ok = live.targets && prepare(&live) && run_rounds(&live) && report(&live);

	for (size_t i = 0; i < live.count; i++)
		target_destroy(&live.targets[i].target);
	free(live.targets);
	return ok;
}
