#include "config.h"

#include "bench/physical/free_prediction.h"

#include <inttypes.h>

static uint64_t distance(const struct free_blocks *a, const struct free_blocks *b)
{
	uint64_t sum = 0;

	for (unsigned order = 0; order < FRAGMENTATION_ORDERS; order++)
		sum += a->blocks[order] > b->blocks[order] ? a->blocks[order] - b->blocks[order]
							   : b->blocks[order] - a->blocks[order];
	return sum;
}

void free_prediction_make(struct free_prediction *prediction, const struct memory *memory,
			  const struct buddyinfo *before, const struct buddyinfo *after)
{
	*prediction = (struct free_prediction){.is_made = true, .orders = after->orders};
	for (unsigned i = 0; i < memory->zones; i++) {
		const struct proc_zone name = {memory->zone[i].node, memory->zone[i].kind};
		const struct buddyinfo_zone *first = buddyinfo_find(before, &name);
		const struct buddyinfo_zone *last = buddyinfo_find(after, &name);

		if (!first || !last)
			continue;
		struct predicted_zone *zone = &prediction->zone[prediction->zones++];

		*zone = (struct predicted_zone){.zone = name, .before = first->free, .after = last->free};
		zone_free_blocks(&memory->zone[i], &zone->simulated);
		zone->changed = distance(&zone->after, &zone->before);
		zone->error = distance(&zone->simulated, &zone->after);
		prediction->changed += zone->changed;
		prediction->error += zone->error;
	}
}

struct ratio free_prediction_error(const struct free_prediction *prediction)
{
	return (struct ratio){(int64_t)prediction->error, prediction->changed};
}

struct ratio free_prediction_nearer(const struct free_prediction *prediction)
{
	return (struct ratio){(int64_t)prediction->changed, prediction->error};
}

/* --- Words and figures -------------------------------------------------------------------------------------------------- */

static void print_row(const struct free_prediction *prediction, const char *name,
		      const struct free_blocks *free, FILE *out)
{
	(void)fprintf(out, "  %-10s", name);
	for (unsigned order = 0; order < prediction->orders; order++)
		(void)fprintf(out, " %7" PRIu64, free->blocks[order]);
	(void)fputc('\n', out);
}

static void print_orders(const struct free_prediction *prediction, FILE *out)
{
	(void)fprintf(out, "%-12s", "free blocks");
	for (unsigned order = 0; order < prediction->orders; order++)
		(void)fprintf(out, " %7u", order);
	(void)fputc('\n', out);
}

void free_prediction_print(const struct free_prediction *prediction, FILE *out)
{
	struct ratio error = free_prediction_error(prediction);
	struct ratio nearer = free_prediction_nearer(prediction);

	print_orders(prediction, out);
	for (unsigned i = 0; i < prediction->zones; i++) {
		const struct predicted_zone *zone = &prediction->zone[i];

		(void)fprintf(out, "node %u, %s: %" PRIu64 " blocks changed, %" PRIu64 " missed\n",
			      zone->zone.node, zone_kind_name(zone->zone.kind), zone->changed, zone->error);
		print_row(prediction, "before", &zone->before, out);
		print_row(prediction, "after", &zone->after, out);
		print_row(prediction, "simulated", &zone->simulated, out);
	}
	(void)fprintf(out, "prediction  %" PRIu64 " free blocks changed, %" PRIu64 " of them were missed",
		      prediction->changed, prediction->error);
	if (ratio_exists(error))
		(void)fprintf(out, " (%.2f %%)", 100 * ratio_value(error));
	if (ratio_exists(error) && ratio_exists(nearer))
		(void)fprintf(out, ": %.1f times nearer than \"nothing changed\"", ratio_value(nearer));
	(void)fputc('\n', out);
}

static json_t *blocks_json(const struct free_prediction *prediction, const struct free_blocks *free)
{
	json_t *blocks = json_array();

	for (unsigned order = 0; order < prediction->orders; order++)
		(void)json_array_append_new(blocks, json_integer((json_int_t)free->blocks[order]));
	return blocks;
}

static json_t *zone_json(const struct free_prediction *prediction, const struct predicted_zone *zone)
{
	return json_pack("{s:i, s:s, s:o, s:o, s:o, s:I, s:I}", "node", (int)zone->zone.node, "name",
			 zone_kind_name(zone->zone.kind), "before", blocks_json(prediction, &zone->before),
			 "after", blocks_json(prediction, &zone->after), "simulated",
			 blocks_json(prediction, &zone->simulated), "changed_blocks",
			 (json_int_t)zone->changed, "error_blocks", (json_int_t)zone->error);
}

static json_t *ratio_json(struct ratio ratio)
{
	return ratio_exists(ratio) ? json_real(ratio_value(ratio)) : json_null();
}

json_t *free_prediction_json(const struct free_prediction *prediction)
{
	json_t *zones = json_array();

	for (unsigned i = 0; i < prediction->zones; i++)
		(void)json_array_append_new(zones, zone_json(prediction, &prediction->zone[i]));
	return json_pack("{s:I, s:I, s:o, s:o, s:o}", "changed_blocks", (json_int_t)prediction->changed,
			 "error_blocks", (json_int_t)prediction->error, "error",
			 ratio_json(free_prediction_error(prediction)), "nearer",
			 ratio_json(free_prediction_nearer(prediction)), "zones", zones);
}
