#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/small_machine.h"

#include "tests/unit/scratch_path.h"
#include "traces/flt.h"
#include "traces/frame_kinds.h"

#include <string.h>

const char small_machine_buddyinfo[] =
    "Node 0, zone      DMA      0      0      0      0      0      0      0      0      1      1      3 \n"
    "Node 0, zone   Normal      0      0      1      1      1      1      1      1      1      0     25 \n";

static const char zoneinfo[] = "Node 0, zone      DMA\n"
			       "  per-node stats\n"
			       "      nr_inactive_anon 11108\n"
			       "  pages free     3840\n"
			       "        boost    0\n"
			       "        min      12\n"
			       "        low      15\n"
			       "        high     18\n"
			       "        promo    21\n"
			       "        spanned  4095\n"
			       "        present  3998\n"
			       "        managed  3840\n"
			       "        cma      0\n"
			       "        protection: (0, 110, 110, 110)\n"
			       "      nr_free_pages 3840\n"
			       "  pagesets\n"
			       "    cpu: 0\n"
			       "              count:    0\n"
			       "              high:     0\n"
			       "              batch:    1\n"
			       "              high_min: 7\n"
			       "              high_max: 240\n"
			       "  vm stats threshold: 4\n"
			       "    cpu: 1\n"
			       "              count:    0\n"
			       "              high:     0\n"
			       "              batch:    1\n"
			       "              high_min: 7\n"
			       "              high_max: 240\n"
			       "  node_unreclaimable:  0\n"
			       "  start_pfn:           1\n"
			       "Node 0, zone   Normal\n"
			       "  pages free     26108\n"
			       "        boost    20\n"
			       "        min      120\n"
			       "        low      145\n"
			       "        high     170\n"
			       "        promo    195\n"
			       "        spanned  28672\n"
			       "        present  28672\n"
			       "        managed  28160\n"
			       "        cma      0\n"
			       "        protection: (0, 0, 0, 0)\n"
			       "  pagesets\n"
			       "    cpu: 0\n"
			       "              count:    4\n"
			       "              high:     80\n"
			       "              batch:    7\n"
			       "              high_min: 62\n"
			       "              high_max: 1760\n"
			       "    cpu: 1\n"
			       "              count:    2\n"
			       "              high:     62\n"
			       "              batch:    7\n"
			       "              high_min: 62\n"
			       "              high_max: 1760\n"
			       "  node_unreclaimable:  0\n"
			       "  start_pfn:           4096\n"
			       "Node 0, zone  Movable\n"
			       "  pages free     0\n"
			       "        min      32\n"
			       "        low      32\n"
			       "        high     32\n"
			       "        spanned  0\n"
			       "        present  0\n"
			       "        managed  0\n";

static const char iomem[] = "00000000-00000fff : Reserved\n"
			    "00001000-0009fbff : System RAM\n"
			    "0009fc00-000fffff : Reserved\n"
			    "  000f0000-000fffff : System ROM\n"
			    "00100000-07ffffff : System RAM\n"
			    "  01000000-011fffff : Kernel code\n"
			    "fec00000-fec003ff : IOAPIC 0\n";

static const char pagetypeinfo[] =
    "Page block order: 9\n"
    "Pages per block:  512\n"
    "\n"
    "Free pages count per migrate type at order       0      1      2\n"
    "Node    0, zone   Normal, type    Unmovable      0      0      1\n"
    "Node    0, zone   Normal, type      Movable      0      0 >100000\n"
    "\n"
    "Number of blocks type     Unmovable      Movable  Reclaimable   HighAtomic      Isolate \n"
    "Node 0, zone      DMA            0            8            0            0            0 \n"
    "Node 0, zone   Normal            3           53            0            0            0 \n";

static const unsigned runs[][2] = {
    {FRAME_HOLE, 1},
    {FRAME_UNMOVABLE, 158},
    {FRAME_HOLE, 97},
    {FRAME_FREE, 3840},
    {FRAME_UNMOVABLE, 512},
    {FRAME_SLAB, 513},
    {FRAME_SLAB | FRAME_TAIL, 3},
    {FRAME_FREE, 508},
    {FRAME_ANONYMOUS | FRAME_MAPPED, 512},
    {FRAME_OTHER, 8},
    {FRAME_FILE, 504},
    {FRAME_FREE, 26112},
};

struct recording {
	const struct small_machine *machine;
	struct flt_writer *writer;
	uint64_t time_ns;
	struct trace_error error;
};

static void demand(struct recording *recording, enum trace_status status)
{
	if (status != TRACE_OK)
		fail_msg("%s", recording->error.message);
}

static void add(struct recording *recording, const struct event *wanted)
{
	struct event event = *wanted;

	event.time_ns = recording->time_ns;
	recording->time_ns += 1000;
	demand(recording, flt_writer_add(recording->writer, &event, &recording->error));
}

static void add_snapshot(struct recording *recording, const char *name, const void *bytes, size_t length)
{
	const struct event_snapshot snapshot = {name, bytes, length};
	struct event event = {.kind = EVENT_SNAPSHOT};
	uint32_t number;

	demand(recording, flt_writer_snapshot(recording->writer, &snapshot, &number, &recording->error));
	event.count = number;
	add(recording, &event);
}

static void add_text(struct recording *recording, const char *name, const char *text)
{
	for (size_t i = 0; i < recording->machine->text_count; i++) {
		if (strcmp(recording->machine->texts[i].name, name) == 0)
			text = recording->machine->texts[i].text;
	}
	if (text[0] != '\0')
		add_snapshot(recording, name, text, strlen(text));
}

static void add_frames(struct recording *recording)
{
	const uint64_t times[2] = {0, 1};
	struct frame_writer frames;
	uint8_t bytes[1024];

	for (size_t i = 0; i < recording->machine->text_count; i++) {
		if (strcmp(recording->machine->texts[i].name, FRAME_KINDS_SNAPSHOT) == 0) {
			add_text(recording, FRAME_KINDS_SNAPSHOT, "");
			return;
		}
	}
	frame_writer_start(&frames, bytes, sizeof(bytes));
	frame_writer_header(&frames, 0, 32768, times);
	for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
		for (unsigned frame = 0; frame < runs[i][1]; frame++)
			frame_writer_add(&frames, runs[i][0]);
	}
	frame_writer_finish(&frames);
	assert_false(frames.full);
	add_snapshot(recording, FRAME_KINDS_SNAPSHOT, bytes, frames.used);
}

static void add_events(struct recording *recording)
{
	const struct event early[] = {
	    {.kind = EVENT_SWITCH, .count = 0},
	    {.kind = EVENT_SWITCH, .thread = 1, .count = 1},
	    {.kind = EVENT_ZONE_LOCKED, .kernel = {.frame = 6656, .order = 9, .migrate_type = 1}},
	    {.kind = EVENT_PAGE_ALLOC, .kernel = {.frame = 6656, .order = 9, .migrate_type = 1, .gfp = 1}},
	};

	add_frames(recording);
	for (size_t i = 0; i < sizeof(early) / sizeof(early[0]); i++)
		add(recording, &early[i]);
	add_text(recording, "iomem", iomem);
	add_text(recording, "pagetypeinfo", pagetypeinfo);
	add_text(recording, "zoneinfo", zoneinfo);
	add_text(recording, "buddyinfo", small_machine_buddyinfo);
	for (size_t i = 0; i < recording->machine->count; i++)
		add(recording, &recording->machine->events[i]);
	if (recording->machine->after)
		add_snapshot(recording, "buddyinfo", recording->machine->after,
			     strlen(recording->machine->after));
}

char *small_machine_write(const struct small_machine *machine)
{
	const struct flt_description description = {.source = "test", .has_time = true};
	const char *gfp = machine->gfp ? machine->gfp : "GFP_KERNEL";
	struct recording recording = {.machine = machine};
	char *path = scratch_path();
	uint32_t number;

	demand(&recording, flt_writer_create(&recording.writer, path, &description, &recording.error));
	demand(&recording,
	       flt_writer_name(recording.writer, EVENT_NAMES_GFP, gfp, &number, &recording.error));
	assert_int_equal(number, 1);
	add_events(&recording);
	demand(&recording, flt_writer_finish(recording.writer, &recording.error));
	return path;
}
