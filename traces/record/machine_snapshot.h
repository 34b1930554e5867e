/* machine_snapshot.h: the state of a machine's memory at one moment: texts of /proc, and what each page frame is.
 *
 * A set of them is taken twice, before and after what is recorded, into memory that was there before: the frames first and
 * the texts that count free pages last in the set before, the other way round in the set after, so that those lie nearest to what is
 * recorded. Names are those of the files: "buddyinfo", "pagetypeinfo", "zoneinfo", "slabinfo", "vmstat", "meminfo", "iomem", "vmallocinfo",
 * "settings" (the knobs of /proc/sys/vm and of huge pages, a line each), and "frames" (frame_kinds.h).
 */
#ifndef FAULTLINE_TRACES_RECORD_MACHINE_SNAPSHOT_H
#define FAULTLINE_TRACES_RECORD_MACHINE_SNAPSHOT_H

#include "traces/event.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MACHINE_SNAPSHOTS_MAX 128u

struct machine_snapshot {
	const char *name; /* a constant */
	uint8_t *bytes;
	size_t length, capacity;
	uint64_t time_ns; /* when it was taken; 0 length: it could not be */
};

struct machine_snapshots {
	struct machine_snapshot snapshot[MACHINE_SNAPSHOTS_MAX]; /* in the order in which they were taken */
	size_t count;
	uint8_t *memory; /* of all of them */
	size_t memory_bytes;
	bool with_frames;
	int frames_fd;	 /* /proc/kpageflags; -1 = it may not be read */
	uint64_t frames; /* of the machine: one above the last that there is */
	bool incomplete; /* the frames had no room, or may not be read */
};

/* The recording that goes on meanwhile. */
struct machine_clock {
	uint64_t (*now)(void *context);	    /* nanoseconds of the recording */
	void (*empty_rings)(void *context); /* called every few milliseconds */
	void *context;
};

/* Makes room for a set, with what each frame is, or only the texts. False: there is not enough memory. */
bool machine_snapshots_create(struct machine_snapshots *set, bool with_frames);
void machine_snapshots_destroy(struct machine_snapshots *set);

/* Takes it; `before`: in the order for before. */
void machine_snapshots_take(struct machine_snapshots *set, bool before, const struct machine_clock *clock);

/* One zone of /proc/zoneinfo. */
struct machine_zone {
	uint32_t node;
	uint8_t zone;	  /* enum event_zone */
	uint64_t managed; /* pages */
};

/* The zones in a text of /proc/zoneinfo, at most `capacity`; returns how many. */
size_t machine_zones_parse(const char *text, size_t length, struct machine_zone *zones, size_t capacity);

#endif
