#include "config.h"

#include "bench/physical/recorded_layout.h"

#include "bench/physical/iomem_text.h"
#include "bench/physical/zoneinfo_text.h"
#include "traces/frame_kinds.h"

#include <stdlib.h>

/* A zone whose end is looked for. */
struct zone_end {
	uint64_t first, end;	     /* end: of the memory in it */
	uint64_t missing;	     /* present, and not managed */
	uint64_t reserved;	     /* seen in the snapshot */
	struct memblock_range other; /* the last frames that nothing is known of */
};

static enum trace_status read_texts(struct recorded_layout *layout, struct zoneinfo *zoneinfo,
				    struct flt_reader *reader, enum recorded_set set,
				    struct trace_error *error)
{
	uint32_t iomem_number, zoneinfo_number = 0;
	struct event_snapshot text;
	enum trace_status status = recorded_text_find(reader, "iomem", set, &text, &iomem_number, error);

	if (status == TRACE_OK && iomem_number != 0)
		status = iomem_parse(&layout->present, &text, error);
	if (status == TRACE_OK)
		status = recorded_text_find(reader, "zoneinfo", set, &text, &zoneinfo_number, error);
	if (status == TRACE_OK && zoneinfo_number != 0)
		status = zoneinfo_parse(zoneinfo, &text, error);
	layout->is_known = status == TRACE_OK && iomem_number != 0 && zoneinfo_number != 0;
	return status;
}

/* --- The end of a zone -------------------------------------------------------------------------------------------------- */

/* Behind the last frame of memory below `end`. */
static uint64_t memory_end(const struct memblock_list *present, uint64_t end)
{
	uint64_t last = 0;

	for (unsigned i = 0; i < present->count && present->range[i].first < end; i++)
		last = present->range[i].end < end ? present->range[i].end : end;
	return last;
}

static void take_run(struct zone_end *zone, const struct frame_run *run)
{
	const unsigned kind = run->value & ~(FRAME_MAPPED | FRAME_TAIL);
	const uint64_t end = run->first + run->frames < zone->end ? run->first + run->frames : zone->end;
	const uint64_t first = run->first > zone->first ? run->first : zone->first;

	if (first >= end)
		return;
	if (kind == FRAME_UNMOVABLE)
		zone->reserved += end - first;
	if (kind != FRAME_OTHER)
		return;
	if (first != zone->other.end)
		zone->other.first = first;
	zone->other.end = end;
}

static enum trace_status take_part(void *context, const struct event_snapshot *part,
				   struct trace_error *error)
{
	struct frame_reader frames;
	struct frame_run run;

	if (!frame_reader_start(&frames, part->bytes, part->length))
		return trace_fail(error, TRACE_BAD_INPUT, "snapshot '%s': its beginning makes no sense",
				  part->name);
	while (frame_reader_next(&frames, &run))
		take_run(context, &run);
	return TRACE_OK;
}

static void add_late(struct recorded_layout *layout, const struct zone_end *zone)
{
	const uint64_t missing = zone->missing > zone->reserved ? zone->missing - zone->reserved : 0;
	const uint64_t other = zone->other.end == zone->end ? zone->end - zone->other.first : 0;
	const uint64_t late = missing < other ? missing : other;
	struct memblock_list *list = &layout->late;

	if (late > 0 && list->count < MEMBLOCK_RANGES)
		list->range[list->count++] = (struct memblock_range){zone->end - late, zone->end};
}

static enum trace_status find_late(struct recorded_layout *layout, const struct zoneinfo *zoneinfo,
				   struct flt_reader *reader, const struct frame_set *frames,
				   struct trace_error *error)
{
	enum trace_status status = TRACE_OK;

	for (unsigned i = 0; status == TRACE_OK && i < zoneinfo->zones; i++) {
		const struct zoneinfo_zone *of = &zoneinfo->zone[i];
		struct zone_end zone = {.first = of->first,
					.end = memory_end(&layout->present, of->first + of->spanned),
					.missing = of->present - of->managed};

		if (zone.missing == 0)
			continue;
		status = frame_set_visit(frames, reader, &(struct frame_visitor){take_part, &zone}, error);
		if (status == TRACE_OK)
			add_late(layout, &zone);
	}
	return status;
}

enum trace_status recorded_layout_read(struct recorded_layout *layout, struct flt_reader *reader,
				       enum recorded_set set, const struct frame_set *frames,
				       struct trace_error *error)
{
	struct zoneinfo *zoneinfo = malloc(sizeof(*zoneinfo));

	*layout = (struct recorded_layout){0};
	if (!zoneinfo)
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for zoneinfo");
	enum trace_status status = read_texts(layout, zoneinfo, reader, set, error);

	if (status == TRACE_OK && layout->is_known)
		status = find_late(layout, zoneinfo, reader, frames, error);
	free(zoneinfo);
	return status;
}

struct frame_layout recorded_layout_of_frames(const struct recorded_layout *layout)
{
	return (struct frame_layout){layout->is_known ? &layout->present : NULL,
				     layout->is_known ? &layout->late : NULL};
}
