#include "config.h"

#include "bench/proc/zoneinfo.h"

#include "bench/proc/machine_sums.h"
#include "bench/proc/recorded.h"
#include "bench/proc/stat_names.h"
#include "bench/proc/zone_line.h"

#include <inttypes.h>

#define KINDS_MAX 5u
#define THRESHOLD_MAX 125u
/* Of an empty zone that is not the kernel's own: __setup_per_zone_wmarks. */
#define EMPTY_MARK 32u

/* A place in a node where a zone of that kind may lie. */
struct place {
	const char *name;
	enum zone_kind kind; /* ZONE_KINDS: of devices */
};

struct layout {
	unsigned places;
	struct place place[KINDS_MAX];
};

static const struct layout x86_64 = {5,
				     {{"DMA", ZONE_DMA},
				      {"DMA32", ZONE_DMA32},
				      {"Normal", ZONE_NORMAL},
				      {"Movable", ZONE_MOVABLE},
				      {"Device", ZONE_KINDS}}};
static const struct layout i386 = {
    4, {{"DMA", ZONE_DMA}, {"Normal", ZONE_NORMAL}, {"HighMem", ZONE_HIGHMEM}, {"Movable", ZONE_MOVABLE}}};

static const struct layout *layout_of(const struct memory *memory)
{
	return memory->layout == MEMORY_I386 ? &i386 : &x86_64;
}

/* --- Sizes ------------------------------------------------------------------------------------------------------------ */

static void print_sizes(const struct zone *zone, FILE *out)
{
	const struct {
		const char *name;
		uint64_t pages;
	} lines[] = {
	    {"boost", atomic_load_explicit(&zone->boost, memory_order_relaxed)},
	    {"min", zone_mark(zone, WATERMARK_MIN)},
	    {"low", zone_mark(zone, WATERMARK_LOW)},
	    {"high", zone_mark(zone, WATERMARK_HIGH)},
	    {"promo", zone_mark(zone, WATERMARK_PROMO)},
	    {"spanned", zone->end - zone->first},
	    {"present", zone->present_pages},
	    {"managed", zone->managed_pages},
	    {"cma", zone->lists ? zone->pageblocks.blocks[MIGRATE_CMA] * PAGEBLOCK_PAGES : 0},
	};

	(void)fprintf(out, "\n  pages free     %" PRIu64, zone_seen_free_pages(zone));
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		(void)fprintf(out, "\n        %-8s %" PRIu64, lines[i].name, lines[i].pages);
}

static void print_empty_sizes(enum zone_kind kind, FILE *out)
{
	static const char *const marks[] = {"min", "low", "high", "promo"};
	static const char *const sizes[] = {"spanned", "present", "managed", "cma"};
	const unsigned mark = kind == ZONE_MOVABLE || kind == ZONE_HIGHMEM ? EMPTY_MARK : 0;

	(void)fputs("\n  pages free     0\n        boost    0", out);
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		(void)fprintf(out, "\n        %-8s %u", marks[i], mark);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		(void)fprintf(out, "\n        %-8s 0", sizes[i]);
}

/* A number for each kind of the layout. Devices' memory adds nothing to what is kept from those that could use it. */
static void print_protection(const struct layout *layout, const struct zone *zone, FILE *out)
{
	(void)fputs("\n        protection: (", out);
	for (unsigned i = 0; i < layout->places; i++) {
		const enum zone_kind kind = layout->place[i].kind;
		const uint64_t kept =
		    zone ? zone->lowmem_reserve[kind == ZONE_KINDS ? ZONE_MOVABLE : kind] : 0;

		(void)fprintf(out, "%s%" PRIu64, i > 0 ? ", " : "", kept);
	}
	(void)fputc(')', out);
}

/* --- Numbers ---------------------------------------------------------------------------------------------------------- */

static void print_stats(const struct proc_machine *machine, enum stat_part part,
			const struct machine_sums *sums, FILE *out)
{
	struct stat_names names;
	struct stat_name name;

	stat_names_begin(&names, part, machine->recorded.zoneinfo);
	while (stat_names_next(&names, &name)) {
		uint64_t value;

		(void)fputs("\n      ", out);
		recorded_print(name.text, name.length, out);
		(void)fprintf(out, "%*s ", name.length < 12 ? (int)(12 - name.length) : 0, "");
		if (machine_sums_find(sums, name.text, name.length, &value))
			(void)fprintf(out, "%" PRIu64, value);
		else
			(void)fputs(machine->unknown, out);
	}
}

/* The model counts by machine: that is by node where there is one. */
static void print_node(const struct proc_machine *machine, FILE *out)
{
	struct machine_sums sums = {0};

	if (machine->memory->nodes == 1)
		machine_sums_of(machine, &sums);
	(void)fputs("\n  per-node stats", out);
	print_stats(machine, STAT_NODE, &sums, out);
}

/* --- Page sets -------------------------------------------------------------------------------------------------------- */

static unsigned bits(uint64_t number)
{
	return number ? 64 - (unsigned)__builtin_clzll(number) : 0;
}

unsigned zoneinfo_threshold(const struct zone *zone, unsigned cpus)
{
	const unsigned threshold =
	    2 * bits(cpus ? cpus : 1) * (1 + bits(zone->managed_pages >> (27 - PAGE_SHIFT)));

	return threshold < THRESHOLD_MAX ? threshold : THRESHOLD_MAX;
}

static void print_set(unsigned cpu, const struct pcp *set, FILE *out)
{
	const struct {
		const char *name;
		uint32_t pages;
	} lines[] = {{"count:", set->count},
		     {"high:", set->high},
		     {"batch:", set->batch},
		     {"high_min:", set->high_min},
		     {"high_max:", set->high_max}};

	(void)fprintf(out, "\n    cpu: %u", cpu);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		(void)fprintf(out, "\n              %-9s %" PRIu32, lines[i].name, lines[i].pages);
}

static void print_sets(const struct zone *zone, FILE *out)
{
	(void)fputs("\n  pagesets", out);
	for (unsigned cpu = 0; cpu < zone->cpus; cpu++) {
		print_set(cpu, &zone->pcp[cpu], out);
		(void)fprintf(out, "\n  vm stats threshold: %u", zoneinfo_threshold(zone, zone->cpus));
	}
	(void)fprintf(out, "\n  node_unreclaimable:  0\n  start_pfn:           %" PRIu64,
		      (uint64_t)zone->first);
}

/* --- Zones ------------------------------------------------------------------------------------------------------------ */

static void print_zone(const struct proc_machine *machine, const struct zone *zone, FILE *out)
{
	struct machine_sums sums;

	print_sizes(zone, out);
	print_protection(layout_of(machine->memory), zone, out);
	machine_sums_of_zone(zone, &sums);
	print_stats(machine, STAT_ZONE, &sums, out);
	print_sets(zone, out);
}

static void print_node_zones(const struct proc_machine *machine, unsigned node, FILE *out)
{
	const struct layout *layout = layout_of(machine->memory);
	bool is_first = true;

	for (unsigned i = 0; i < layout->places; i++) {
		const struct place *place = &layout->place[i];
		const struct zone *zone = zone_line_find(machine->memory, node, place->kind);

		(void)fprintf(out, "Node %u, zone %8s", node, place->name);
		if (zone && zone->present_pages > 0) {
			if (is_first)
				print_node(machine, out);
			is_first = false;
			print_zone(machine, zone, out);
		} else {
			print_empty_sizes(place->kind, out);
			print_protection(layout, NULL, out);
		}
		(void)fputc('\n', out);
	}
}

void proc_zoneinfo(const struct proc_machine *machine, FILE *out)
{
	for (unsigned node = 0; node < machine->memory->nodes; node++)
		print_node_zones(machine, node, out);
}
