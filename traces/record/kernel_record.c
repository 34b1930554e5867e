#include "config.h"

#include "traces/record/kernel_record.h"

#include "traces/record/ticks.h"
#include "traces/grown_array.h"

#include <stdlib.h>

void kernel_queue_create(struct kernel_queue *queue)
{
	*queue = (struct kernel_queue){.mutex = PTHREAD_MUTEX_INITIALIZER};
}

void kernel_queue_destroy(struct kernel_queue *queue)
{
	for (size_t i = 0; i < queue->records; i++)
		free(queue->record[i].text);
	free(queue->record);
	(void)pthread_mutex_destroy(&queue->mutex);
}

static bool has_room(struct kernel_queue *queue)
{
	struct kernel_record *larger =
	    grown_array(queue->record, queue->records, &queue->capacity, sizeof(*larger));

	if (larger)
		queue->record = larger;
	return larger != NULL;
}

void kernel_queue_put(struct kernel_queue *queue, struct kernel_record *record)
{
	(void)pthread_mutex_lock(&queue->mutex);
	record->ticks = ticks_now();
	if (queue->closed) {
		free(record->text);
	} else if (has_room(queue)) {
		queue->record[queue->records++] = *record;
	} else {
		free(record->text);
		queue->lost++;
	}
	(void)pthread_mutex_unlock(&queue->mutex);
	record->text = NULL;
}

struct kernel_record *kernel_queue_take(struct kernel_queue *queue, size_t *records, uint64_t *until)
{
	struct kernel_record *taken;

	(void)pthread_mutex_lock(&queue->mutex);
	taken = queue->record;
	*records = queue->records;
	*until = ticks_now();
	queue->record = NULL;
	queue->records = queue->capacity = 0;
	(void)pthread_mutex_unlock(&queue->mutex);
	return taken;
}

void kernel_queue_close(struct kernel_queue *queue)
{
	(void)pthread_mutex_lock(&queue->mutex);
	queue->closed = true;
	(void)pthread_mutex_unlock(&queue->mutex);
}

uint64_t kernel_queue_lost(struct kernel_queue *queue)
{
	uint64_t lost;

	(void)pthread_mutex_lock(&queue->mutex);
	lost = queue->lost;
	(void)pthread_mutex_unlock(&queue->mutex);
	return lost;
}
