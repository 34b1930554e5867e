#include "config.h"

#include "bench/proc/pagetypeinfo.h"

#include "bench/proc/zone_line.h"

#include <inttypes.h>
#include <string.h>

/* SECTION_SIZE_BITS of x86-64: memory comes and goes in such pieces. */
#define SECTION_PAGES ((uint64_t)1 << (27 - PAGE_SHIFT))
/* The kernel looks at no more blocks of a list: it would hold the zone's lock for too long. */
#define BLOCKS_COUNTED 100000u

/* --- What there is ---------------------------------------------------------------------------------------------------- */

static uint64_t free_blocks_of_type(const struct zone *zone, unsigned order, enum migrate_type type)
{
	struct free_blocks free;

	if (zone->keeper != ZONE_BITMAPS)
		return zone_free_blocks_of_type(zone, order, type);
	zone_free_blocks(zone, &free);
	return type == MIGRATE_UNMOVABLE ? free.blocks[order] : 0;
}

static enum migrate_type block_type(const struct zone *zone, pfn_t pfn)
{
	return zone->keeper != ZONE_BITMAPS ? pageblock_type(&zone->pageblocks, pfn) : MIGRATE_UNMOVABLE;
}

void pagetypeinfo_blocks(const struct memory *memory, const struct zone *zone, uint64_t blocks[MIGRATE_TYPES])
{
	const struct memblock_list *present = &memory->memblock.memory;
	pfn_t next = pageblock_start(zone->first); /* blocks below it are counted */

	memset(blocks, 0, MIGRATE_TYPES * sizeof(blocks[0]));
	for (unsigned i = 0; i < present->count; i++) {
		pfn_t pfn = present->range[i].first / SECTION_PAGES * SECTION_PAGES;
		pfn_t end = (present->range[i].end + SECTION_PAGES - 1) / SECTION_PAGES * SECTION_PAGES;

		if (pfn < next)
			pfn = next;
		if (end > zone->end)
			end = zone->end;
		for (; pfn < end; pfn += PAGEBLOCK_PAGES)
			blocks[block_type(zone, pfn < zone->first ? zone->first : pfn)]++;
		if (next < pfn)
			next = pfn;
	}
}

/* --- Which types are shown -------------------------------------------------------------------------------------------- */

static bool machine_has(const struct memory *memory, enum migrate_type type)
{
	for (unsigned i = 0; i < memory->zones; i++) {
		const struct zone *zone = &memory->zone[i];

		if (zone->keeper != ZONE_BITMAPS && zone->pageblocks.blocks[type] > 0)
			return true;
	}
	return false;
}

/* Does the recorded line "Number of blocks type" name it? */
static bool is_recorded(const char *text, enum migrate_type type)
{
	const char *line = strstr(text, "\nNumber of blocks type ");

	if (!line)
		return true;
	line++;
	const char *name = strstr(line, migrate_type_name(type));

	return name && name < line + strcspn(line, "\n");
}

static bool is_shown(const struct proc_machine *machine, enum migrate_type type)
{
	const char *text = machine->recorded.pagetypeinfo;

	return !text || is_recorded(text, type) || machine_has(machine->memory, type);
}

/* --- Printing --------------------------------------------------------------------------------------------------------- */

static void print_free(const struct proc_machine *machine, const struct zone *zone, enum migrate_type type,
		       FILE *out)
{
	(void)fprintf(out, "Node %4u, zone %8s, type %12s ", zone->node, zone->name, migrate_type_name(type));
	for (unsigned order = 0; order <= machine->memory->max_order; order++) {
		const uint64_t blocks = free_blocks_of_type(zone, order, type);
		const bool is_more = blocks >= BLOCKS_COUNTED;

		(void)fprintf(out, "%s%6" PRIu64 " ", is_more ? ">" : "", is_more ? BLOCKS_COUNTED : blocks);
	}
	(void)fputc('\n', out);
}

static void print_lists(const struct proc_machine *machine, FILE *out)
{
	const struct zone *zone;

	(void)fprintf(out, "%-43s ", "Free pages count per migrate type at order");
	for (unsigned order = 0; order <= machine->memory->max_order; order++)
		(void)fprintf(out, "%6u ", order);
	(void)fputc('\n', out);
	for (unsigned i = 0; (zone = zone_line_next(machine->memory, &i));) {
		for (unsigned type = 0; type < MIGRATE_TYPES; type++) {
			if (is_shown(machine, (enum migrate_type)type))
				print_free(machine, zone, (enum migrate_type)type, out);
		}
	}
}

static void print_blocks(const struct proc_machine *machine, FILE *out)
{
	uint64_t blocks[MIGRATE_TYPES];
	const struct zone *zone;

	(void)fprintf(out, "\n%-23s", "Number of blocks type ");
	for (unsigned type = 0; type < MIGRATE_TYPES; type++) {
		if (is_shown(machine, (enum migrate_type)type))
			(void)fprintf(out, "%12s ", migrate_type_name((enum migrate_type)type));
	}
	(void)fputc('\n', out);
	for (unsigned i = 0; (zone = zone_line_next(machine->memory, &i));) {
		pagetypeinfo_blocks(machine->memory, zone, blocks);
		zone_line_begin(zone, out);
		for (unsigned type = 0; type < MIGRATE_TYPES; type++) {
			if (is_shown(machine, (enum migrate_type)type))
				(void)fprintf(out, "%12" PRIu64 " ", blocks[type]);
		}
		(void)fputc('\n', out);
	}
}

void proc_pagetypeinfo(const struct proc_machine *machine, FILE *out)
{
	(void)fprintf(out, "Page block order: %u\nPages per block:  %" PRIu64 "\n\n", PAGEBLOCK_ORDER,
		      PAGEBLOCK_PAGES);
	print_lists(machine, out);
	print_blocks(machine, out);
}
