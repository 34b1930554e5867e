#include "config.h"

#include "traces/record/perf_ring.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define SMALLEST_DATA_BYTES 16384u
/* What sample_id_all appends: pid and tid, time, identifier. */
#define TRAILER_BYTES 24u
#define MAPPING_PATH_OFFSET 72u

void perf_ring_create(struct perf_ring *ring)
{
	*ring = (struct perf_ring){.page_bytes = (uint64_t)sysconf(_SC_PAGESIZE)};
}

void perf_ring_destroy(struct perf_ring *ring)
{
	for (size_t i = 0; i < ring->events; i++)
		(void)close(ring->fd[i]);
	if (ring->base)
		(void)munmap(ring->base, (size_t)(ring->page_bytes + ring->data_bytes));
	free(ring->whole);
	*ring = (struct perf_ring){0};
}

/* The system bounds what a user may lock in memory: half, and half again, until it is content. */
static int map_ring(struct perf_ring *ring, int fd, uint64_t *bytes)
{
	int reason = 0;

	ring->whole = malloc(PERF_RECORD_BYTES);
	if (!ring->whole)
		return ENOMEM;
	for (; *bytes >= SMALLEST_DATA_BYTES; *bytes /= 2) {
		void *base = mmap(NULL, (size_t)(ring->page_bytes + *bytes), PROT_READ | PROT_WRITE,
				  MAP_SHARED, fd, 0);
		if (base != MAP_FAILED) {
			ring->base = base;
			ring->data_bytes = *bytes;
			return 0;
		}
		reason = errno;
		if (reason != EPERM && reason != ENOMEM)
			break;
	}
	return reason;
}

int perf_ring_add(struct perf_ring *ring, int fd, int event, uint64_t *bytes)
{
	int reason = 0;
	uint64_t number = 0;

	if (ring->events == PERF_RING_EVENTS)
		reason = ENOSPC;
	else if (ioctl(fd, PERF_EVENT_IOC_ID, &number) != 0 ||
		 (ring->base && ioctl(fd, PERF_EVENT_IOC_SET_OUTPUT, ring->fd[0]) != 0))
		reason = errno;
	else if (!ring->base)
		reason = map_ring(ring, fd, bytes);
	if (reason != 0) {
		(void)close(fd);
		return reason;
	}
	ring->fd[ring->events] = fd;
	ring->number[ring->events] = number;
	ring->event[ring->events++] = event;
	return 0;
}

static uint64_t word(const unsigned char *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static uint32_t half(const unsigned char *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static bool parse_sample(const struct perf_ring *ring, const unsigned char *record, size_t bytes,
			 struct perf_sample *sample)
{
	size_t index = 0;

	if (bytes < 48)
		return false;
	while (index < ring->events && ring->number[index] != word(record + 8))
		index++;
	if (index == ring->events)
		return false;
	sample->event = ring->event[index];
	sample->instruction = word(record + 16);
	sample->process_id = half(record + 24);
	sample->thread_id = half(record + 28);
	sample->time_ns = word(record + 32);
	sample->address = word(record + 40);
	if (bytes < 52)
		return true;
	sample->raw_bytes = half(record + 48);
	sample->raw = record + 52;
	return sample->raw_bytes <= bytes - 52;
}

static bool parse_mapping(const unsigned char *record, size_t bytes, struct perf_sample *sample)
{
	if (bytes < MAPPING_PATH_OFFSET + TRAILER_BYTES + 8)
		return false;
	sample->process_id = half(record + 8);
	sample->thread_id = half(record + 12);
	sample->address = word(record + 16);
	sample->device_major = half(record + 40);
	sample->device_minor = half(record + 44);
	sample->inode = word(record + 48);
	sample->path = (const char *)record + MAPPING_PATH_OFFSET;
	sample->time_ns = word(record + bytes - TRAILER_BYTES + 8);
	return memchr(sample->path, '\0', bytes - TRAILER_BYTES - MAPPING_PATH_OFFSET) != NULL;
}

static bool parse_name(const unsigned char *record, size_t bytes, struct perf_sample *sample)
{
	if (bytes < 16 + TRAILER_BYTES + 8)
		return false;
	sample->process_id = half(record + 8);
	sample->thread_id = half(record + 12);
	sample->command = (const char *)record + 16;
	sample->time_ns = word(record + bytes - TRAILER_BYTES + 8);
	return memchr(sample->command, '\0', bytes - TRAILER_BYTES - 16) != NULL;
}

static bool parse_birth(const unsigned char *record, size_t bytes, struct perf_sample *sample)
{
	if (bytes < 32)
		return false;
	sample->is_birth = true;
	sample->process_id = half(record + 8);
	sample->parent_id = half(record + 12);
	sample->thread_id = half(record + 16);
	sample->time_ns = word(record + 24);
	return true;
}

bool perf_record_parse(const struct perf_ring *ring, const unsigned char *record, size_t bytes,
		       struct perf_sample *sample)
{
	struct perf_event_header header;

	*sample = (struct perf_sample){.event = -1};
	if (bytes < sizeof(header))
		return false;
	memcpy(&header, record, sizeof(header));
	sample->in_kernel = (header.misc & PERF_RECORD_MISC_CPUMODE_MASK) == PERF_RECORD_MISC_KERNEL;
	switch (header.type) {
	case PERF_RECORD_SAMPLE:
		return parse_sample(ring, record, bytes, sample);
	case PERF_RECORD_MMAP2:
		return parse_mapping(record, bytes, sample);
	case PERF_RECORD_COMM:
		return parse_name(record, bytes, sample);
	case PERF_RECORD_FORK:
		return parse_birth(record, bytes, sample);
	case PERF_RECORD_LOST:
		if (bytes >= 24)
			sample->lost = word(record + 16);
		if (bytes >= 24 + TRAILER_BYTES)
			sample->time_ns = word(record + bytes - TRAILER_BYTES + 8);
		return sample->lost != 0;
	default:
		return false;
	}
}

/* Copies `bytes` bytes at ring position `tail`. */
static void copy_out(const struct perf_ring *ring, uint64_t tail, size_t bytes)
{
	const unsigned char *data = ring->base + ring->page_bytes;
	uint64_t offset = tail & (ring->data_bytes - 1);
	size_t first = bytes < ring->data_bytes - offset ? bytes : (size_t)(ring->data_bytes - offset);

	memcpy(ring->whole, data + offset, first);
	memcpy(ring->whole + first, data, bytes - first);
}

bool perf_ring_next(struct perf_ring *ring, struct perf_sample *sample)
{
	struct perf_event_mmap_page *page = (void *)ring->base;
	uint64_t head, tail;

	if (!page)
		return false;
	head = __atomic_load_n(&page->data_head, __ATOMIC_ACQUIRE);
	tail = page->data_tail;
	while (tail < head) {
		struct perf_event_header header;
		bool understood;
		copy_out(ring, tail, sizeof(header));
		memcpy(&header, ring->whole, sizeof(header));
		if (header.size < sizeof(header) || header.size > head - tail) {
			__atomic_store_n(&page->data_tail, head, __ATOMIC_RELEASE);
			return false;
		}
		copy_out(ring, tail, header.size);
		tail += header.size;
		__atomic_store_n(&page->data_tail, tail, __ATOMIC_RELEASE);
		understood = perf_record_parse(ring, ring->whole, header.size, sample);
		if (understood)
			return true;
	}
	return false;
}
