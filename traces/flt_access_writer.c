#include "config.h"

#include "traces/flt_access_writer.h"

#include <signal.h>
#include <string.h>

void flt_access_writer_start(struct flt_access_writer *writer, struct flt_hash *hash)
{
	*writer = (struct flt_access_writer){.hash = hash};
}

static void encode(struct flt_access_writer *writer)
{
	struct flt_access_block *block = &writer->block[1 - writer->filling];

	writer->status = flt_access_encode(block, &writer->section, &writer->error);
	if (writer->status == TRACE_OK)
		writer->status = flt_hash_accesses(writer->hash, &block->batch, &writer->error);
	flt_access_count(&block->batch, &writer->tally);
}

static void *run(void *argument)
{
	struct flt_access_writer *writer = argument;

	(void)pthread_mutex_lock(&writer->lock);
	while (!writer->ending) {
		if (!writer->busy) {
			(void)pthread_cond_wait(&writer->changed, &writer->lock);
			continue;
		}
		(void)pthread_mutex_unlock(&writer->lock);
		encode(writer);
		(void)pthread_mutex_lock(&writer->lock);
		writer->busy = false;
		(void)pthread_cond_signal(&writer->changed);
	}
	(void)pthread_mutex_unlock(&writer->lock);
	return NULL;
}

/* The process's signals are not for this thread. */
static bool start_thread(struct flt_access_writer *writer)
{
	sigset_t all, before;
	bool started;

	(void)sigfillset(&all);
	if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0)
		return false;
	started = pthread_create(&writer->thread, NULL, run, writer) == 0;
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return started;
}

static enum trace_status start(struct flt_access_writer *writer, int level, struct trace_error *error)
{
	enum trace_status status = flt_section_writer_start(&writer->section, level, error);

	if (status != TRACE_OK)
		return status;
	(void)pthread_mutex_init(&writer->lock, NULL);
	(void)pthread_cond_init(&writer->changed, NULL);
	writer->started = true;
	writer->threaded = start_thread(writer);
	return TRACE_OK;
}

void flt_access_writer_end(struct flt_access_writer *writer)
{
	if (writer->threaded) {
		(void)pthread_mutex_lock(&writer->lock);
		writer->ending = true;
		(void)pthread_cond_signal(&writer->changed);
		(void)pthread_mutex_unlock(&writer->lock);
		(void)pthread_join(writer->thread, NULL);
	}
	if (writer->started) {
		(void)pthread_cond_destroy(&writer->changed);
		(void)pthread_mutex_destroy(&writer->lock);
		flt_section_writer_end(&writer->section);
	}
	flt_access_free(&writer->block[0]);
	flt_access_free(&writer->block[1]);
	writer->started = writer->threaded = false;
}

uint64_t flt_access_writer_bytes(const struct flt_access_writer *writer)
{
	return writer->encoding + flt_access_bytes(&writer->block[writer->filling]);
}

enum trace_status flt_access_writer_collect(struct flt_access_writer *writer,
					    struct flt_section_writer **section, struct trace_error *error)
{
	*section = NULL;
	if (!writer->has_section)
		return TRACE_OK;
	if (writer->threaded) {
		(void)pthread_mutex_lock(&writer->lock);
		while (writer->busy)
			(void)pthread_cond_wait(&writer->changed, &writer->lock);
		(void)pthread_mutex_unlock(&writer->lock);
	}
	writer->has_section = false;
	writer->encoding = 0;
	flt_access_clear(&writer->block[1 - writer->filling]);
	if (error)
		*error = writer->error;
	*section = &writer->section;
	return writer->status;
}

enum trace_status flt_access_writer_hand_over(struct flt_access_writer *writer, int level,
					      struct trace_error *error)
{
	struct flt_access_block *block = &writer->block[writer->filling];

	if (!writer->started) {
		enum trace_status status = start(writer, level, error);
		if (status != TRACE_OK)
			return status;
	}
	flt_access_continue(&writer->block[1 - writer->filling], block);
	writer->encoding = flt_access_bytes(block);
	writer->has_section = true;
	writer->filling = 1 - writer->filling;
	if (!writer->threaded) {
		encode(writer);
		return TRACE_OK;
	}
	(void)pthread_mutex_lock(&writer->lock);
	writer->busy = true;
	(void)pthread_cond_signal(&writer->changed);
	(void)pthread_mutex_unlock(&writer->lock);
	return TRACE_OK;
}
