#include "config.h"

#include "engine/phys/fill_queue.h"

size_t fill_queue_bytes(uint64_t blocks)
{
	return sizeof(struct fill_queue) + blocks * sizeof(struct fill_entry);
}

static void leave(struct fill_queue *queue, struct fill_entry *entry)
{
	unsigned largest = entry->largest - 1u;

	if (entry->next != 0)
		queue->entry[entry->next - 1].previous = entry->previous;
	if (entry->previous != 0) {
		queue->entry[entry->previous - 1].next = entry->next;
	} else {
		queue->head[largest][entry->bucket] = entry->next;
		if (entry->next == 0)
			queue->occupied[largest] &= ~((uint64_t)1 << entry->bucket);
	}
}

static void enter(struct fill_queue *queue, uint32_t block)
{
	struct fill_entry *entry = &queue->entry[block];
	unsigned largest = entry->largest - 1u;
	uint32_t *head = &queue->head[largest][entry->bucket];

	entry->next = *head;
	entry->previous = 0;
	if (*head != 0)
		queue->entry[*head - 1].previous = block + 1;
	*head = block + 1;
	queue->occupied[largest] |= (uint64_t)1 << entry->bucket;
}

static unsigned largest_of(const struct fill_entry *entry)
{
	return entry->orders != 0 ? 32u - (unsigned)__builtin_clz(entry->orders) : 0;
}

void fill_queue_update(struct fill_queue *queue, uint32_t block)
{
	struct fill_entry *entry = &queue->entry[block];
	unsigned largest = largest_of(entry);
	unsigned bucket = entry->free_frames >> FILL_BUCKET_SHIFT;

	if (entry->largest == largest && entry->bucket == bucket)
		return;
	if (entry->largest != 0)
		leave(queue, entry);
	entry->largest = (uint16_t)largest;
	entry->bucket = (uint16_t)bucket;
	if (largest != 0)
		enter(queue, block);
}

uint32_t fill_queue_fullest(const struct fill_queue *queue, unsigned order)
{
	uint32_t block = 0;
	unsigned fullest = FILL_BUCKETS;

	for (unsigned largest = order; largest < FILL_ORDERS; largest++) {
		if (queue->occupied[largest] == 0)
			continue;
		unsigned bucket = (unsigned)__builtin_ctzll(queue->occupied[largest]);

		if (bucket < fullest) {
			fullest = bucket;
			block = queue->head[largest][bucket];
		}
	}
	return block - 1;
}

static const char I1[] = "I1: bit b of occupied[m] is set <=> list [m][b] is not empty";
static const char I2[] =
    "I2: a block in list [m][b] knows it, has m as its largest order and b as free_frames / 8, and "
    "links back";

static const char *check_list(const struct fill_queue *queue, uint64_t blocks, unsigned largest,
			      unsigned bucket)
{
	uint32_t previous = 0;

	for (uint32_t block = queue->head[largest][bucket]; block != 0;
	     block = queue->entry[block - 1].next) {
		if (block > blocks)
			return I2;
		const struct fill_entry *entry = &queue->entry[block - 1];

		if (entry->largest != largest + 1 || largest_of(entry) != entry->largest ||
		    entry->bucket != bucket || entry->free_frames >> FILL_BUCKET_SHIFT != bucket ||
		    entry->previous != previous)
			return I2;
		previous = block;
	}
	return NULL;
}

const char *fill_queue_check(const struct fill_queue *queue, uint64_t blocks)
{
	for (unsigned largest = 0; largest < FILL_ORDERS; largest++) {
		for (unsigned bucket = 0; bucket < FILL_BUCKETS; bucket++) {
			const char *broken = check_list(queue, blocks, largest, bucket);

			if (broken)
				return broken;
			if ((queue->occupied[largest] >> bucket & 1) != (queue->head[largest][bucket] != 0))
				return I1;
		}
	}
	return NULL;
}
