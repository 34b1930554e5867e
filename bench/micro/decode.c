/* How fast a trace is decoded, and how many bytes an event takes.
 *
 *   bench/micro/decode [-r ROUNDS] [TRACE...]
 *
 * Each trace is read whole by flt_reader_batch, on one core, with four sets of columns in turn, ROUNDS times (default 7);
 * the figure is processor time in the median round. Without a trace it makes one of two million events with times.
 */
#include "config.h"

#include "traces/flt.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAX_ROUNDS 99
#define SYNTHETIC_EVENTS 2000000u
#define SYNTHETIC_LIVE 4096u

struct column_set {
	const char *name;
	unsigned columns;
};

static const struct column_set column_sets[] = {
    {"kind", FLT_KIND},
    {"kind size thread", FLT_KIND | FLT_SIZE | FLT_THREAD},
    {"kind id size thread", FLT_KIND | FLT_OBJECT | FLT_SIZE | FLT_THREAD},
    {"all", FLT_ALL},
};

#define COLUMN_SETS (sizeof(column_sets) / sizeof(column_sets[0]))

static uint64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	const uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

static int failed(const struct trace_error *error)
{
	(void)fprintf(stderr, "decode: %s\n", error->message);
	return 1;
}

static enum trace_status decode(struct flt_reader *reader, unsigned columns, uint64_t *elapsed_ns,
				struct trace_error *error)
{
	const uint64_t start = now_ns();
	struct flt_batch batch;
	enum trace_status status = flt_reader_seek(reader, 0, error);

	while (status == TRACE_OK)
		status = flt_reader_batch(reader, columns, &batch, error);
	*elapsed_ns = now_ns() - start;
	return status == TRACE_END ? TRACE_OK : status;
}

static int measure(const char *path, unsigned rounds)
{
	uint64_t elapsed_ns[COLUMN_SETS][MAX_ROUNDS];
	struct trace_error error;
	struct flt_reader *reader;
	enum trace_status status = flt_reader_open(&reader, path, &error);

	if (status != TRACE_OK)
		return failed(&error);
	for (unsigned round = 0; round < rounds && status == TRACE_OK; round++) {
		for (unsigned i = 0; i < COLUMN_SETS && status == TRACE_OK; i++)
			status = decode(reader, column_sets[i].columns, &elapsed_ns[i][round], &error);
	}
	const struct flt_summary *summary = flt_reader_summary(reader);
	const double events = (double)summary->events;
	const unsigned middle = rounds / 2;

	for (unsigned i = 0; i < COLUMN_SETS && status == TRACE_OK; i++) {
		qsort(elapsed_ns[i], rounds, sizeof(elapsed_ns[i][0]), compare);
		const double median_ns = (double)elapsed_ns[i][middle];

		(void)printf("%s\t%" PRIu64 "\t%.2f\t%s\t%.1f\t%.1f\n", path, summary->events,
			     (double)summary->file_bytes / events, column_sets[i].name,
			     events / median_ns * 1e3, median_ns / events);
	}
	flt_reader_close(reader);
	return status == TRACE_OK ? 0 : failed(&error);
}

/* A program with a working set: sizes of a few classes, mostly young blocks freed, four threads. */
struct synthesis {
	uint64_t state;
	uint64_t live[SYNTHETIC_LIVE];
	uint64_t objects;
	uint64_t time_ns;
};

static uint64_t draw(struct synthesis *synthesis, uint64_t below)
{
	uint64_t z = synthesis->state += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (z ^ (z >> 31)) % below;
}

static void synthesise(struct synthesis *synthesis, struct event *event)
{
	uint64_t *slot = &synthesis->live[draw(synthesis, 1 + draw(synthesis, SYNTHETIC_LIVE))];

	synthesis->time_ns += 30 + 10 * draw(synthesis, draw(synthesis, 20) ? 10 : 1000);
	*event = (struct event){.kind = *slot ? EVENT_FREE : EVENT_MALLOC, .time_ns = synthesis->time_ns};
	event->thread = (uint32_t)(synthesis->objects / 64 % 4);
	if (event->thread > synthesis->objects / 64)
		event->thread = 0;
	event->object = *slot ? *slot : ++synthesis->objects;
	event->size = *slot ? 0 : 8 + 8 * draw(synthesis, 1 + draw(synthesis, 100));
	*slot = *slot ? 0 : event->object;
}

static enum trace_status make_synthetic(const char *path, struct trace_error *error)
{
	const struct flt_description description = {.source = "benchmark", .has_time = true};
	struct synthesis *synthesis = calloc(1, sizeof(*synthesis));
	struct flt_writer *writer;
	struct event event;

	if (!synthesis)
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory");
	enum trace_status status = flt_writer_create(&writer, path, &description, error);

	if (status != TRACE_OK) {
		free(synthesis);
		return status;
	}
	for (unsigned i = 0; i < SYNTHETIC_EVENTS && status == TRACE_OK; i++) {
		synthesise(synthesis, &event);
		status = flt_writer_add(writer, &event, error);
	}
	free(synthesis);
	if (status == TRACE_OK)
		return flt_writer_finish(writer, error);
	flt_writer_abandon(writer);
	return status;
}

static int measure_synthetic(unsigned rounds)
{
	char directory[] = "/tmp/faultline-decode.XXXXXX";
	char path[sizeof(directory) + sizeof("/synthetic.flt")];
	struct trace_error error;

	if (!mkdtemp(directory)) {
		perror("decode: /tmp");
		return 1;
	}
	(void)snprintf(path, sizeof(path), "%s/synthetic.flt", directory);
	int result = make_synthetic(path, &error) == TRACE_OK ? measure(path, rounds) : failed(&error);

	(void)unlink(path);
	(void)rmdir(directory);
	return result;
}

int main(int argc, char **argv)
{
	unsigned rounds = 7;
	int result = 0, option;

	while ((option = getopt(argc, argv, "r:")) != -1) {
		rounds = option == 'r' ? (unsigned)strtoul(optarg, NULL, 10) : 0;
		if (rounds == 0 || rounds > MAX_ROUNDS) {
			(void)fprintf(stderr, "Usage: decode [-r ROUNDS] [TRACE...]\nROUNDS is 1 to %d.\n",
				      MAX_ROUNDS);
			return 2;
		}
	}
	(void)puts("# trace\tevents\tbytes_per_event\tcolumns\tmillion_events_per_s\tns_per_event");
	if (optind == argc)
		return measure_synthetic(rounds);
	for (int i = optind; i < argc && result == 0; i++)
		result = measure(argv[i], rounds);
	return result;
}
