#include "config.h"

#include "traces/generate/death_queue.h"

#include <stdlib.h>

#define DEATH_QUEUE_FIRST_CAPACITY ((size_t)1 << 12)

static bool earlier(const struct death *one, const struct death *other)
{
	return one->time_ns != other->time_ns ? one->time_ns < other->time_ns : one->object < other->object;
}

void death_queue_destroy(struct death_queue *queue)
{
	free(queue->slot);
	*queue = (struct death_queue){0};
}

static bool grow(struct death_queue *queue)
{
	size_t capacity = queue->capacity ? queue->capacity * 2 : DEATH_QUEUE_FIRST_CAPACITY;
	struct death *larger;

	if (capacity > SIZE_MAX / sizeof(*larger))
		return false;
	larger = realloc(queue->slot, capacity * sizeof(*larger));
	if (!larger)
		return false;
	queue->slot = larger;
	queue->capacity = capacity;
	return true;
}

bool death_queue_add(struct death_queue *queue, const struct death *death)
{
	size_t slot = queue->entries;

	if (slot == queue->capacity && !grow(queue))
		return false;
	queue->entries++;
	for (; slot > 0 && earlier(death, &queue->slot[(slot - 1) / 2]); slot = (slot - 1) / 2)
		queue->slot[slot] = queue->slot[(slot - 1) / 2];
	queue->slot[slot] = *death;
	return true;
}

const struct death *death_queue_first(const struct death_queue *queue)
{
	return queue->entries ? &queue->slot[0] : NULL;
}

void death_queue_remove_first(struct death_queue *queue)
{
	const struct death *last = &queue->slot[--queue->entries];
	size_t slot = 0, child;

	while ((child = 2 * slot + 1) < queue->entries) {
		if (child + 1 < queue->entries && earlier(&queue->slot[child + 1], &queue->slot[child]))
			child++;
		if (!earlier(&queue->slot[child], last))
			break;
		queue->slot[slot] = queue->slot[child];
		slot = child;
	}
	queue->slot[slot] = *last;
}

const char *death_queue_check(const struct death_queue *queue)
{
	if (queue->entries > queue->capacity)
		return "I1: entries <= capacity";
	for (size_t slot = 1; slot < queue->entries; slot++) {
		if (earlier(&queue->slot[slot], &queue->slot[(slot - 1) / 2]))
			return "I2: no slot is later than one of its children";
	}
	return NULL;
}
