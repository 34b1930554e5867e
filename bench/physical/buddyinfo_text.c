#include "config.h"

#include "bench/physical/buddyinfo_text.h"

/* More blocks than frames that there can be. */
#define BLOCKS_MAX MEMORY_PAGES_MAX

static enum trace_status take_line(struct buddyinfo *buddyinfo, struct proc_text *text,
				   struct trace_error *error)
{
	struct buddyinfo_zone zone = {.free = {{0}}};
	bool is_zone;
	enum trace_status status = proc_text_zone(text, &zone.zone, &is_zone, error);
	unsigned orders = 0;

	if (status != TRACE_OK)
		return status;
	if (!is_zone)
		return proc_text_fail(text, error, "a line of buddyinfo begins with 'Node N, zone NAME'");
	while (orders < FRAGMENTATION_ORDERS && proc_text_number(text, &zone.free.blocks[orders], "") &&
	       zone.free.blocks[orders] <= BLOCKS_MAX)
		orders++;
	if (orders == 0 || (buddyinfo->orders != 0 && buddyinfo->orders != orders))
		return proc_text_fail(text, error,
				      "it tells the free blocks of %u orders, the line before of %u", orders,
				      buddyinfo->orders);
	if (buddyinfo_find(buddyinfo, &zone.zone) || buddyinfo->zones == MEMORY_ZONES)
		return proc_text_fail(text, error, "the zone is told twice");
	buddyinfo->orders = orders;
	if (zone.zone.kind != ZONE_KINDS)
		buddyinfo->zone[buddyinfo->zones++] = zone;
	return TRACE_OK;
}

enum trace_status buddyinfo_parse(struct buddyinfo *buddyinfo, const struct event_snapshot *snapshot,
				  struct trace_error *error)
{
	struct proc_text text;
	enum trace_status status = TRACE_OK;

	*buddyinfo = (struct buddyinfo){.zones = 0};
	proc_text_start(&text, snapshot);
	while (status == TRACE_OK && proc_text_line(&text))
		status = take_line(buddyinfo, &text, error);
	if (status == TRACE_OK && buddyinfo->zones == 0)
		return proc_text_fail(&text, error, "no zone is told");
	return status;
}

const struct buddyinfo_zone *buddyinfo_find(const struct buddyinfo *buddyinfo, const struct proc_zone *zone)
{
	for (unsigned i = 0; i < buddyinfo->zones; i++) {
		if (buddyinfo->zone[i].zone.node == zone->node && buddyinfo->zone[i].zone.kind == zone->kind)
			return &buddyinfo->zone[i];
	}
	return NULL;
}
