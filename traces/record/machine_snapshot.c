#include "config.h"

#include "traces/record/machine_snapshot.h"

#include "traces/frame_kinds.h"
#include "traces/import/scan.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define TEXT_BYTES (UINT64_C(1) << 20)
#define FRAMES_AT_ONCE 8192u
#define ENTRIES_BYTES (UINT64_C(8) * FRAMES_AT_ONCE)

/* Those that change with every page last. */
static const char *const texts[] = {"iomem",  "settings", "vmallocinfo",  "slabinfo", "meminfo",
				    "vmstat", "zoneinfo", "pagetypeinfo", "buddyinfo"};

#define TEXTS (sizeof(texts) / sizeof(texts[0]))

static const char *const settings[] = {
    "/proc/sys/vm/min_free_kbytes",
    "/proc/sys/vm/watermark_scale_factor",
    "/proc/sys/vm/watermark_boost_factor",
    "/proc/sys/vm/lowmem_reserve_ratio",
    "/proc/sys/vm/percpu_pagelist_high_fraction",
    "/proc/sys/vm/extfrag_threshold",
    "/proc/sys/vm/compaction_proactiveness",
    "/proc/sys/vm/defrag_mode",
    "/proc/sys/vm/swappiness",
    "/sys/kernel/mm/transparent_hugepage/enabled",
    "/sys/kernel/mm/transparent_hugepage/defrag",
    "/sys/kernel/mm/lru_gen/enabled",
};

/* --- Memory ------------------------------------------------------------------------------------------------------------- */

/* /proc/kpageflags ends behind the last frame that there can be. */
static uint64_t count_frames(int fd)
{
	uint64_t low = 0, high = UINT64_C(1) << 40, entry;

	while (fd >= 0 && low < high) {
		const uint64_t middle = low + (high - low) / 2;

		if (pread(fd, &entry, sizeof(entry), (off_t)(middle * sizeof(entry))) ==
		    (ssize_t)sizeof(entry))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static uint64_t spans_of(uint64_t frames)
{
	const uint64_t spans = (frames + FRAME_KINDS_SPAN - 1) / FRAME_KINDS_SPAN;

	return spans < MACHINE_SNAPSHOTS_MAX - TEXTS ? spans : MACHINE_SNAPSHOTS_MAX - TEXTS;
}

/* Half a byte for a frame: runs are longer than that even in a machine that is full of single pages of all kinds. */
static uint64_t span_bytes(void)
{
	return FRAME_KINDS_SPAN / 2;
}

bool machine_snapshots_create(struct machine_snapshots *set, bool with_frames)
{
	void *memory;

	*set = (struct machine_snapshots){.with_frames = with_frames, .frames_fd = -1};
	if (with_frames)
		set->frames_fd = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
	set->frames = count_frames(set->frames_fd);
	set->memory_bytes =
	    (size_t)(ENTRIES_BYTES + TEXTS * TEXT_BYTES + spans_of(set->frames) * span_bytes());
	memory = mmap(NULL, set->memory_bytes, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	set->memory = memory == MAP_FAILED ? NULL : memory;
	return set->memory != NULL;
}

void machine_snapshots_destroy(struct machine_snapshots *set)
{
	if (set->memory)
		(void)munmap(set->memory, set->memory_bytes);
	if (set->memory && set->frames_fd >= 0)
		(void)close(set->frames_fd);
	*set = (struct machine_snapshots){0};
}

/* --- Texts -------------------------------------------------------------------------------------------------------------- */

static size_t read_whole(const char *path, uint8_t *bytes, size_t capacity)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t length = 0;

	if (fd < 0)
		return 0;
	while (length < capacity) {
		const ssize_t got = read(fd, bytes + length, capacity - length);

		if (got <= 0)
			break;
		length += (size_t)got;
	}
	(void)close(fd);
	return length;
}

/* "PATH VALUE" each; a value's further lines are left out. */
static size_t read_settings(uint8_t *bytes, size_t capacity)
{
	size_t length = 0;

	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		char value[1024];
		const size_t got = read_whole(settings[i], (uint8_t *)value, sizeof(value) - 1);
		int added;

		value[got] = '\0';
		value[strcspn(value, "\n")] = '\0';
		if (got == 0)
			continue;
		added = snprintf((char *)bytes + length, capacity - length, "%s %s\n", settings[i], value);
		if (added < 0 || (size_t)added >= capacity - length)
			break;
		length += (size_t)added;
	}
	return length;
}

static void take_text(struct machine_snapshot *snapshot)
{
	char path[64];

	if (strcmp(snapshot->name, "settings") == 0) {
		snapshot->length = read_settings(snapshot->bytes, snapshot->capacity);
		return;
	}
	(void)snprintf(path, sizeof(path), "/proc/%s", snapshot->name);
	snapshot->length = read_whole(path, snapshot->bytes, snapshot->capacity);
}

/* --- Frames ------------------------------------------------------------------------------------------------------------- */

/* Returns how many frames could be read from `first` on. */
static size_t read_frames(int fd, uint64_t first, size_t wanted, uint64_t *flags)
{
	const ssize_t got = pread(fd, flags, wanted * sizeof(*flags), (off_t)(first * sizeof(*flags)));

	return got > 0 ? (size_t)got / sizeof(*flags) : 0;
}

/* Returns how many frames are told. */
static uint64_t take_span(struct machine_snapshots *set, struct machine_snapshot *snapshot, uint64_t first,
			  const struct machine_clock *clock)
{
	uint64_t *const flags = (uint64_t *)(void *)set->memory;
	const uint64_t end = first + FRAME_KINDS_SPAN < set->frames ? first + FRAME_KINDS_SPAN : set->frames;
	struct frame_writer writer;
	uint64_t at = first;

	frame_writer_start(&writer, snapshot->bytes, snapshot->capacity);
	while (at < end) {
		const size_t wanted = end - at < FRAMES_AT_ONCE ? (size_t)(end - at) : FRAMES_AT_ONCE;
		const size_t got = read_frames(set->frames_fd, at, wanted, flags);

		for (size_t i = 0; i < got; i++)
			frame_writer_add(&writer, frame_value(flags[i]));
		at += got;
		if (got == 0)
			break;
		clock->empty_rings(clock->context);
	}
	frame_writer_finish(&writer);
	set->incomplete |= writer.full || at < end;
	snapshot->length = writer.full || at == first ? 0 : writer.used;
	return at - first;
}

/* --- A set -------------------------------------------------------------------------------------------------------------- */

static struct machine_snapshot *add(struct machine_snapshots *set, const char *name, uint64_t bytes,
				    size_t *used)
{
	struct machine_snapshot *snapshot = &set->snapshot[set->count++];

	*snapshot =
	    (struct machine_snapshot){.name = name, .bytes = set->memory + *used, .capacity = (size_t)bytes};
	*used += (size_t)bytes;
	return snapshot;
}

static void take_frames(struct machine_snapshots *set, size_t *used, const struct machine_clock *clock)
{
	set->incomplete = set->frames_fd < 0;
	for (uint64_t span = 0; set->frames_fd >= 0 && span < spans_of(set->frames); span++) {
		const uint64_t first = span * FRAME_KINDS_SPAN;
		struct machine_snapshot *snapshot = add(set, FRAME_KINDS_SNAPSHOT, span_bytes(), used);
		uint64_t time_ns[2] = {clock->now(clock->context), 0};
		struct frame_writer header = {.bytes = snapshot->bytes, .capacity = snapshot->capacity};
		const uint64_t frames = take_span(set, snapshot, first, clock);

		time_ns[1] = clock->now(clock->context);
		frame_writer_header(&header, first, frames, time_ns);
		snapshot->time_ns = time_ns[1];
	}
}

void machine_snapshots_take(struct machine_snapshots *set, bool before, const struct machine_clock *clock)
{
	size_t used = ENTRIES_BYTES;

	set->count = 0;
	if (before && set->with_frames)
		take_frames(set, &used, clock);
	for (size_t i = 0; i < TEXTS; i++) {
		const char *name = texts[before ? i : TEXTS - 1 - i];
		struct machine_snapshot *snapshot = add(set, name, TEXT_BYTES, &used);

		take_text(snapshot);
		snapshot->time_ns = clock->now(clock->context);
		clock->empty_rings(clock->context);
	}
	if (!before && set->with_frames)
		take_frames(set, &used, clock);
}

/* --- Zones -------------------------------------------------------------------------------------------------------------- */

static bool zone_of(const char *name, size_t length, uint8_t *zone)
{
	for (unsigned i = 0; i < EVENT_ZONES; i++) {
		if (scan_equal(name, length, event_zone_name(i))) {
			*zone = (uint8_t)i;
			return true;
		}
	}
	return false;
}

struct zone_list {
	struct machine_zone *zones;
	size_t capacity, count;
	struct machine_zone *current; /* NULL: of an unknown name, or too many */
};

/* "Node 0, zone   Normal" begins a zone, "        managed  5234567" is in it. */
static void take_zone_line(struct zone_list *list, struct scan line)
{
	struct machine_zone zone = {0};
	const char *name;
	size_t length;
	uint64_t number;

	if (scan_literal(&line, "Node ") && scan_decimal(&line, &number) && scan_literal(&line, ", zone ")) {
		list->current = NULL;
		scan_blanks(&line);
		zone.node = (uint32_t)number;
		if (list->count < list->capacity && number < EVENT_MAX_NODES &&
		    scan_word(&line, &name, &length) && zone_of(name, length, &zone.zone)) {
			list->current = &list->zones[list->count++];
			*list->current = zone;
		}
		return;
	}
	scan_blanks(&line);
	if (list->current && scan_literal(&line, "managed ")) {
		scan_blanks(&line);
		(void)scan_decimal(&line, &list->current->managed);
	}
}

size_t machine_zones_parse(const char *text, size_t length, struct machine_zone *zones, size_t capacity)
{
	const char *at = text, *const end = text + length;
	struct zone_list list = {.zones = zones, .capacity = capacity};

	while (at < end) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));

		stop = stop ? stop : end;
		take_zone_line(&list, (struct scan){at, stop});
		at = stop + 1;
	}
	return list.count;
}
