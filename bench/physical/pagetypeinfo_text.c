#include "config.h"

#include "bench/physical/pagetypeinfo_text.h"

#include "engine/phys/pageblock.h"

#include <string.h>

struct parser {
	struct pagetypeinfo *info;
	struct proc_text text;
	struct trace_error *error;
	enum migrate_type column[MIGRATE_TYPES]; /* of the table of pageblocks */
	unsigned columns;
};

/* Takes the next word if it names a type. */
static bool take_type(struct proc_text *text, enum migrate_type *type)
{
	for (unsigned i = 0; i < MIGRATE_TYPES; i++) {
		if (proc_text_take(text, migrate_type_name((enum migrate_type)i))) {
			*type = (enum migrate_type)i;
			return true;
		}
	}
	return false;
}

static struct pagetypeinfo_zone *zone_at(struct pagetypeinfo *info, const struct proc_zone *zone)
{
	for (unsigned i = 0; i < info->zones; i++) {
		if (info->zone[i].zone.node == zone->node && info->zone[i].zone.kind == zone->kind)
			return &info->zone[i];
	}
	if (info->zones == MEMORY_ZONES)
		return NULL;
	info->zone[info->zones] = (struct pagetypeinfo_zone){.zone = *zone};
	return &info->zone[info->zones++];
}

/* A count, or ">100000": at least so many. */
static bool take_count(struct proc_text *text, uint64_t *count)
{
	while (text->word < text->line_end && (*text->word == ' ' || *text->word == '>'))
		text->word++;
	return proc_text_number(text, count, "") && *count <= MEMORY_PAGES_MAX;
}

static enum trace_status take_free(struct parser *parser, struct pagetypeinfo_zone *zone)
{
	enum migrate_type type;
	unsigned order = 0;

	if (!take_type(&parser->text, &type))
		return proc_text_fail(&parser->text, parser->error, "a migrate type belongs behind 'type'");
	while (order < FRAGMENTATION_ORDERS && take_count(&parser->text, &zone->free[type].blocks[order]))
		order++;
	return order > 0 ? TRACE_OK : proc_text_fail(&parser->text, parser->error, "it tells no free blocks");
}

static enum trace_status take_blocks(struct parser *parser, struct pagetypeinfo_zone *zone)
{
	for (unsigned i = 0; i < parser->columns; i++) {
		uint64_t *blocks = &zone->blocks[parser->column[i]];

		if (!proc_text_number(&parser->text, blocks, "") || *blocks > MEMORY_PAGES_MAX)
			return proc_text_fail(&parser->text, parser->error,
					      "it tells the pageblocks of %u types, %u are named above it", i,
					      parser->columns);
	}
	return TRACE_OK;
}

static enum trace_status take_zone(struct parser *parser, const struct proc_zone *name)
{
	struct pagetypeinfo_zone *zone = name->kind == ZONE_KINDS ? NULL : zone_at(parser->info, name);

	if (name->kind == ZONE_KINDS)
		return TRACE_OK;
	if (!zone)
		return proc_text_fail(&parser->text, parser->error, "more than %u zones", MEMORY_ZONES);
	if (proc_text_take(&parser->text, "type"))
		return take_free(parser, zone);
	return parser->columns > 0 ? take_blocks(parser, zone)
				   : proc_text_fail(&parser->text, parser->error,
						    "'type' belongs behind the zone, or the table of "
						    "pageblocks' heading before it");
}

static enum trace_status take_order(struct parser *parser)
{
	uint64_t order;

	if (!proc_text_take(&parser->text, "order:") || !proc_text_number(&parser->text, &order, ""))
		return TRACE_OK;
	if (order == PAGEBLOCK_ORDER)
		return TRACE_OK;
	(void)proc_text_fail(&parser->text, parser->error,
			     "pageblocks of order %llu: those of the simulated machine have order %u",
			     (unsigned long long)order, (unsigned)PAGEBLOCK_ORDER);
	return TRACE_UNSUPPORTED;
}

static enum trace_status take_line(struct parser *parser)
{
	struct proc_zone zone;
	bool is_zone;
	enum trace_status status = proc_text_zone(&parser->text, &zone, &is_zone, parser->error);

	if (status != TRACE_OK)
		return status;
	if (is_zone)
		return take_zone(parser, &zone);
	if (proc_text_take(&parser->text, "Page") && proc_text_take(&parser->text, "block"))
		return take_order(parser);
	if (proc_text_take(&parser->text, "Number") && proc_text_take(&parser->text, "of") &&
	    proc_text_take(&parser->text, "blocks") && proc_text_take(&parser->text, "type")) {
		while (parser->columns < MIGRATE_TYPES &&
		       take_type(&parser->text, &parser->column[parser->columns]))
			parser->columns++;
	}
	return TRACE_OK;
}

enum trace_status pagetypeinfo_parse(struct pagetypeinfo *pagetypeinfo, const struct event_snapshot *snapshot,
				     struct trace_error *error)
{
	struct parser parser = {.info = pagetypeinfo, .error = error};
	enum trace_status status = TRACE_OK;

	pagetypeinfo->zones = 0;
	proc_text_start(&parser.text, snapshot);
	/* What follows the table of pageblocks (mixed blocks, with page_owner) counts something else. */
	while (status == TRACE_OK && proc_text_line(&parser.text)) {
		if (parser.columns > 0 && proc_text_take(&parser.text, "Number"))
			break;
		status = take_line(&parser);
	}
	if (status == TRACE_OK && (pagetypeinfo->zones == 0 || parser.columns == 0))
		return proc_text_fail(&parser.text, error, "it does not tell the pageblocks of the zones");
	return status;
}

const struct pagetypeinfo_zone *pagetypeinfo_find(const struct pagetypeinfo *pagetypeinfo,
						  const struct proc_zone *zone)
{
	for (unsigned i = 0; i < pagetypeinfo->zones; i++) {
		if (pagetypeinfo->zone[i].zone.node == zone->node &&
		    pagetypeinfo->zone[i].zone.kind == zone->kind)
			return &pagetypeinfo->zone[i];
	}
	return NULL;
}
