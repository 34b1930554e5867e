#include "config.h"

#include "bench/physical/zoneinfo_text.h"

#include <inttypes.h>
#include <string.h>

struct parser {
	struct zoneinfo *zoneinfo;
	struct zoneinfo_zone *zone; /* NULL: none, or one that is left out */
	struct zoneinfo_set *set;   /* NULL: none */
	struct proc_text text;
	struct trace_error *error;
};

/* A word at the beginning of a line, and the number that its next word is. */
struct field {
	const char *name;
	size_t offset;
};

#define ZONE_FIELD(name, member)                                                                             \
	{                                                                                                    \
		name, offsetof(struct zoneinfo_zone, member)                                                 \
	}
#define SET_FIELD(name, member)                                                                              \
	{                                                                                                    \
		name, offsetof(struct zoneinfo_set, member)                                                  \
	}

static const struct field zone_fields[] = {
    ZONE_FIELD("boost", boost),
    ZONE_FIELD("min", watermark[WATERMARK_MIN]),
    ZONE_FIELD("low", watermark[WATERMARK_LOW]),
    ZONE_FIELD("high", watermark[WATERMARK_HIGH]),
    ZONE_FIELD("promo", watermark[WATERMARK_PROMO]),
    ZONE_FIELD("spanned", spanned),
    ZONE_FIELD("present", present),
    ZONE_FIELD("managed", managed),
    ZONE_FIELD("start_pfn:", first),
};

static const struct field set_fields[] = {
    SET_FIELD("count:", count),	      SET_FIELD("high:", high),		SET_FIELD("batch:", batch),
    SET_FIELD("high_min:", high_min), SET_FIELD("high_max:", high_max),
};

static enum trace_status no_number(struct parser *parser, const char *name)
{
	return proc_text_fail(&parser->text, parser->error, "a number belongs behind '%s'", name);
}

/* --- A zone as a whole ---------------------------------------------------------------------------------------------- */

/* The zone at hand is complete. One without memory goes again. */
static enum trace_status end_zone(struct parser *parser)
{
	struct zoneinfo_zone *zone = parser->zone;

	parser->zone = NULL;
	parser->set = NULL;
	if (!zone)
		return TRACE_OK;
	if (zone->watermark[WATERMARK_PROMO] == 0)
		zone->watermark[WATERMARK_PROMO] = zone->watermark[WATERMARK_HIGH];
	if (zone->present == 0) {
		parser->zoneinfo->zones--;
		return TRACE_OK;
	}
	if (zone->managed > zone->present || zone->present > zone->spanned ||
	    zone->spanned > MEMORY_PAGES_MAX || zone->first > MEMORY_PAGES_MAX - zone->spanned)
		return proc_text_fail(&parser->text, parser->error,
				      "a zone of %" PRIu64 " managed, %" PRIu64 " present and %" PRIu64
				      " spanned pages from frame %" PRIu64 " on cannot be",
				      zone->managed, zone->present, zone->spanned, zone->first);
	if (zone->boost > zone->watermark[WATERMARK_MIN])
		return proc_text_fail(&parser->text, parser->error,
				      "a boost of %" PRIu64 " pages is more than min, which contains it",
				      zone->boost);
	for (unsigned i = 1; i < WATERMARKS; i++) {
		if (zone->watermark[i] < zone->watermark[i - 1])
			return proc_text_fail(&parser->text, parser->error,
					      "the zone's watermarks do not rise: min, low, high, promo");
	}
	return TRACE_OK;
}

static enum trace_status begin_zone(struct parser *parser, const struct proc_zone *found)
{
	struct zoneinfo *zoneinfo = parser->zoneinfo;
	enum trace_status status = end_zone(parser);

	if (status != TRACE_OK || found->kind == ZONE_KINDS)
		return status;
	if (zoneinfo_find(zoneinfo, found))
		return proc_text_fail(&parser->text, parser->error, "the zone is told twice");
	if (zoneinfo->zones == MEMORY_ZONES)
		return proc_text_fail(&parser->text, parser->error, "more than %u zones", MEMORY_ZONES);
	parser->zone = &zoneinfo->zone[zoneinfo->zones++];
	*parser->zone = (struct zoneinfo_zone){.zone = *found};
	return TRACE_OK;
}

/* --- Its lines ------------------------------------------------------------------------------------------------------- */

static enum trace_status take_cpu(struct parser *parser)
{
	uint64_t cpu;

	if (!proc_text_number(&parser->text, &cpu, "") || cpu >= ZONEINFO_CPUS)
		return proc_text_fail(&parser->text, parser->error,
				      "the number of a processor, below %u, belongs behind 'cpu:'",
				      ZONEINFO_CPUS);
	parser->set = &parser->zone->set[cpu];
	if (cpu >= parser->zoneinfo->cpus)
		parser->zoneinfo->cpus = (unsigned)cpu + 1;
	return TRACE_OK;
}

static enum trace_status take_protection(struct parser *parser)
{
	struct zoneinfo_zone *zone = parser->zone;

	/* "(0," and "0,", ... "0)": the bracket is the first word's. */
	while (parser->text.word < parser->text.line_end &&
	       (*parser->text.word == ' ' || *parser->text.word == '('))
		parser->text.word++;
	while (zone->protections < ZONEINFO_PROTECTIONS &&
	       proc_text_number(&parser->text, &zone->protection[zone->protections], ",)"))
		zone->protections++;
	return zone->protections > 0 ? TRACE_OK : no_number(parser, "protection:");
}

static enum trace_status take_zone_field(struct parser *parser)
{
	for (size_t i = 0; i < sizeof(zone_fields) / sizeof(zone_fields[0]); i++) {
		const struct field *field = &zone_fields[i];

		if (proc_text_take(&parser->text, field->name))
			return proc_text_number(&parser->text,
						(uint64_t *)(void *)((char *)parser->zone + field->offset),
						"")
				   ? TRACE_OK
				   : no_number(parser, field->name);
	}
	return TRACE_OK;
}

static enum trace_status take_set_field(struct parser *parser)
{
	for (size_t i = 0; i < sizeof(set_fields) / sizeof(set_fields[0]); i++) {
		const struct field *field = &set_fields[i];
		uint64_t value;

		if (!proc_text_take(&parser->text, field->name))
			continue;
		if (!proc_text_number(&parser->text, &value, "") || value > INT32_MAX)
			return no_number(parser, field->name);
		*(uint32_t *)(void *)((char *)parser->set + field->offset) = (uint32_t)value;
		return TRACE_OK;
	}
	return TRACE_OK;
}

static enum trace_status take_line(struct parser *parser)
{
	struct proc_zone zone;
	bool is_zone;
	enum trace_status status = proc_text_zone(&parser->text, &zone, &is_zone, parser->error);

	if (status != TRACE_OK)
		return status;
	if (is_zone)
		return begin_zone(parser, &zone);
	if (!parser->zone)
		return TRACE_OK;
	if (proc_text_take(&parser->text, "pages"))
		return proc_text_take(&parser->text, "free") &&
			       proc_text_number(&parser->text, &parser->zone->free, "")
			   ? TRACE_OK
			   : no_number(parser, "pages free");
	if (proc_text_take(&parser->text, "protection:"))
		return take_protection(parser);
	if (proc_text_take(&parser->text, "cpu:"))
		return take_cpu(parser);
	status = parser->set ? take_set_field(parser) : TRACE_OK;
	return status == TRACE_OK ? take_zone_field(parser) : status;
}

enum trace_status zoneinfo_parse(struct zoneinfo *zoneinfo, const struct event_snapshot *snapshot,
				 struct trace_error *error)
{
	struct parser parser = {.zoneinfo = zoneinfo, .error = error};
	enum trace_status status = TRACE_OK;

	zoneinfo->zones = 0;
	zoneinfo->cpus = 0;
	proc_text_start(&parser.text, snapshot);
	while (status == TRACE_OK && proc_text_line(&parser.text))
		status = take_line(&parser);
	if (status == TRACE_OK)
		status = end_zone(&parser);
	if (status == TRACE_OK && zoneinfo->zones == 0)
		return proc_text_fail(&parser.text, error, "no zone with memory is told");
	return status;
}

const struct zoneinfo_zone *zoneinfo_find(const struct zoneinfo *zoneinfo, const struct proc_zone *zone)
{
	for (unsigned i = 0; i < zoneinfo->zones; i++) {
		if (zoneinfo->zone[i].zone.node == zone->node && zoneinfo->zone[i].zone.kind == zone->kind)
			return &zoneinfo->zone[i];
	}
	return NULL;
}
