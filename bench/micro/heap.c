/* The heap's micro-benchmarks: heap_work, once per allocator and repetition, each time in a fresh process
 * with the allocator preloaded, in rotating order. The table compares every allocator with ours by the ratios
 * of equal repetitions: above 1 is slower than ours. FAULTLINE_BENCH_REPETITIONS sets how many there are (9);
 * options go to Google Benchmark.
 */
#include "config.h"

#include "bench/micro/table.h"
#include "bench/targets/target.h"

#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CONTENDERS 5
#define OPTIONS 32
#define REPETITIONS_MAX 64

static const char *const contender_names[CONTENDERS] = {"engine", "glibc", "jemalloc", "mimalloc",
							"tcmalloc"};

struct contender {
	struct target target;
	bool exists;
};

/* One start of heap_work. */
struct start {
	const char *program;
	char *const *arguments;
	int repetition;
	struct table *table;
};

static void store_line(const struct start *start, int contender, int line, char *text)
{
	char name[320];
	char *tab = strchr(text, '\t');

	if (!tab)
		return;
	*tab = '\0';
	(void)snprintf(name, sizeof(name), "%s:%s", text, contender_names[contender]);
	struct gbench_run run = {.name = name,
				 .order = line * CONTENDERS + contender,
				 .repetition = start->repetition,
				 .ns = strtod(tab + 1, NULL)};

	table_store(&run, start->table);
}

static bool read_lines(const struct start *start, int contender, int descriptor)
{
	FILE *in = fdopen(descriptor, "r");
	char text[256];
	int lines = 0;

	if (!in)
		return false;
	while (fgets(text, sizeof(text), in))
		store_line(start, contender, lines++, text);
	(void)fclose(in);
	return lines > 0;
}

/* The caller's environment with the library in LD_PRELOAD. NULL without memory. */
static char **environment_with(const char *library)
{
	static char preload[PATH_MAX + 16];
	size_t count = 0;
	size_t kept = 0;

	while (environ[count])
		count++;
	char **environment = calloc(count + 2, sizeof(*environment));

	if (!environment)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		if (strncmp(environ[i], "LD_PRELOAD=", 11) != 0)
			environment[kept++] = environ[i];
	}
	(void)snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", library);
	if (*library)
		environment[kept] = preload;
	return environment;
}

static bool spawn_work(const struct start *start, char **environment, int output, pid_t *child)
{
	posix_spawn_file_actions_t actions;
	bool spawned;

	if (posix_spawn_file_actions_init(&actions) != 0)
		return false;
	spawned = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO) == 0 &&
		  posix_spawn(child, start->program, &actions, NULL, start->arguments, environment) == 0;
	(void)posix_spawn_file_actions_destroy(&actions);
	return spawned;
}

static bool run_contender(const struct start *start, int index, const struct contender *contender)
{
	char **environment = environment_with(contender->target.library);
	int output[2];
	int status = 1;
	pid_t child;

	if (!environment || pipe(output) != 0) {
		free(environment);
		return false;
	}
	bool spawned = spawn_work(start, environment, output[1], &child);

	(void)close(output[1]);
	free(environment);
	if (!spawned) {
		(void)close(output[0]);
		return false;
	}
	bool read = read_lines(start, index, output[0]);

	return waitpid(child, &status, 0) == child && status == 0 && read;
}

static int run_all(struct start *start, const struct contender *contenders, int repetitions)
{
	for (start->repetition = 0; start->repetition < repetitions; start->repetition++) {
		for (int i = 0; i < CONTENDERS; i++) {
			int index = (i + start->repetition) % CONTENDERS;

			if (!contenders[index].exists || run_contender(start, index, &contenders[index]))
				continue;
			(void)fprintf(stderr, "heap: %s did not finish under %s\n", start->program,
				      contender_names[index]);
			return 1;
		}
	}
	return 0;
}

/* `heap_work` beside this program. */
static void find_work(const char *self, char *path, size_t bytes)
{
	const char *slash = strrchr(self, '/');

	(void)snprintf(path, bytes, "%.*sheap_work", slash ? (int)(slash + 1 - self) : 0, self);
}

static int repetitions_wanted(void)
{
	const char *text = getenv("FAULTLINE_BENCH_REPETITIONS");
	long wanted = text ? strtol(text, NULL, 10) : 9;

	return wanted < 1 ? 1 : wanted > REPETITIONS_MAX ? REPETITIONS_MAX : (int)wanted;
}

int main(int argc, char **argv)
{
	static struct contender contenders[CONTENDERS];
	static char time[] = "--benchmark_min_time=0.05";
	char *arguments[OPTIONS] = {argv[0], time};
	char program[PATH_MAX];
	struct table table = {NULL, 0};
	struct start start = {.program = program, .arguments = arguments, .table = &table};

	for (int i = 1; i < argc && i < OPTIONS - 2; i++)
		arguments[i + 1] = argv[i];
	find_work(argv[0], program, sizeof(program));
	for (int i = 0; i < CONTENDERS; i++) {
		struct target_error error;

		contenders[i].exists =
		    target_parse(&contenders[i].target, contender_names[i], NULL, 0, &error);
		if (!contenders[i].exists)
			(void)fprintf(stderr, "heap: %s\n", error.message);
	}
	int status = run_all(&start, contenders, repetitions_wanted());

	table_print(&table, "Heap: ours (engine) against preloaded allocators, each in processes of its own");
	table_forget(&table);
	for (int i = 0; i < CONTENDERS; i++) {
		if (contenders[i].exists)
			target_destroy(&contenders[i].target);
	}
	return status;
}
