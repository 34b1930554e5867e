#include "config.h"

#include "engine/phys/fill_queue.h"

size_t fill_queue_bytes(uint64_t blocks)
{
	return sizeof(struct fill_queue) + blocks * sizeof(struct fill_entry);
}

static unsigned bucket_of(const struct fill_entry *entry)
{
	return entry->free_frames >> FILL_BUCKET_SHIFT;
}

static void leave(struct fill_queue *queue, struct fill_entry *entry)
{
	unsigned largest = entry->listed - 1u;
	unsigned bucket = bucket_of(entry);

	if (entry->next != 0)
		queue->entry[entry->next - 1].previous = entry->previous;
	if (entry->previous != 0) {
		queue->entry[entry->previous - 1].next = entry->next;
	} else {
		queue->head[largest][bucket] = entry->next;
		if (entry->next == 0)
			queue->occupied[largest] &= ~((uint64_t)1 << bucket);
	}
	entry->listed = 0;
}

static void enter(struct fill_queue *queue, uint32_t block, unsigned largest)
{
	struct fill_entry *entry = &queue->entry[block];
	uint32_t *head = &queue->head[largest][bucket_of(entry)];

	entry->next = *head;
	entry->previous = 0;
	if (*head != 0)
		queue->entry[*head - 1].previous = block + 1;
	*head = block + 1;
	queue->occupied[largest] |= (uint64_t)1 << bucket_of(entry);
	entry->listed = (uint16_t)(largest + 1);
}

void fill_queue_update(struct fill_queue *queue, uint32_t block, unsigned free_frames, unsigned largest)
{
	struct fill_entry *entry = &queue->entry[block];
	unsigned listed = free_frames != 0 ? largest + 1 : 0;

	if (entry->listed == listed && bucket_of(entry) == free_frames >> FILL_BUCKET_SHIFT) {
		entry->free_frames = (uint16_t)free_frames;
		return;
	}
	if (entry->listed != 0)
		leave(queue, entry);
	entry->free_frames = (uint16_t)free_frames;
	if (listed != 0)
		enter(queue, block, largest);
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

static const char *check_list(const struct fill_queue *queue, uint64_t blocks, unsigned largest,
			      unsigned bucket)
{
	uint32_t previous = 0;

	for (uint32_t block = queue->head[largest][bucket]; block != 0;
	     block = queue->entry[block - 1].next) {
		const struct fill_entry *entry = block <= blocks ? &queue->entry[block - 1] : NULL;

		if (!entry || entry->listed != largest + 1 || bucket_of(entry) != bucket ||
		    entry->previous != previous)
			return "I2: a block in list [m][b] has largest = m and free_frames / 8 = b, and "
			       "links back to its "
			       "predecessor";
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
				return "I1: bit b of occupied[m] is set <=> list [m][b] is not empty";
		}
	}
	return NULL;
}
