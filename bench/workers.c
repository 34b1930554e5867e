#include "config.h"

#include "bench/workers.h"

#include <pthread.h>
#include <sched.h>
#include <stdint.h>

#define THREADS_MAX 64u

struct crew {
	const struct workers *workers;
	pthread_mutex_t lock; /* of all below */
	size_t next, done;
	size_t failed; /* the first task that failed; SIZE_MAX: none */
	enum trace_status status;
	struct trace_error error;
};

static unsigned processors(void)
{
	cpu_set_t allowed;
	int count = 1;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) == 0)
		count = CPU_COUNT(&allowed);
	return count < 1 ? 1 : (unsigned)count;
}

static void finish(struct crew *crew, size_t task, enum trace_status status, const struct trace_error *error)
{
	if (status != TRACE_OK && task < crew->failed) {
		crew->failed = task;
		crew->status = status;
		crew->error = *error;
	}
	crew->done++;
	if (crew->workers->tell)
		crew->workers->tell(crew->workers->context, crew->done);
}

static void *work(void *argument)
{
	struct crew *crew = argument;
	const struct workers *workers = crew->workers;

	(void)pthread_mutex_lock(&crew->lock);
	while (crew->next < workers->tasks && crew->failed == SIZE_MAX) {
		const size_t task = crew->next++;
		struct trace_error error = {""};

		(void)pthread_mutex_unlock(&crew->lock);
		const enum trace_status status = workers->work(workers->context, task, &error);

		(void)pthread_mutex_lock(&crew->lock);
		finish(crew, task, status, &error);
	}
	(void)pthread_mutex_unlock(&crew->lock);
	return NULL;
}

enum trace_status workers_run(const struct workers *workers, unsigned most, struct trace_error *error)
{
	struct crew crew = {.workers = workers, .failed = SIZE_MAX, .status = TRACE_OK};
	unsigned wanted = most ? most : processors(), threads = 0;
	pthread_t thread[THREADS_MAX];

	if (wanted > workers->tasks)
		wanted = (unsigned)workers->tasks;
	(void)pthread_mutex_init(&crew.lock, NULL);
	while (threads + 1 < wanted && threads < THREADS_MAX &&
	       pthread_create(&thread[threads], NULL, work, &crew) == 0)
		threads++;
	(void)work(&crew);
	while (threads > 0)
		(void)pthread_join(thread[--threads], NULL);
	(void)pthread_mutex_destroy(&crew.lock);
	if (crew.status != TRACE_OK)
		*error = crew.error;
	return crew.status;
}
