#include "config.h"

#include "bench/proc/meminfo.h"

#include "bench/proc/machine_sums.h"
#include "bench/proc/recorded.h"

#include <inttypes.h>
#include <string.h>

#define UNKNOWN UINT64_MAX

enum line_kind {
	LINE_MODEL,    /* the model's, or unknown */
	LINE_CONSTANT, /* as it was recorded, or unknown */
};

struct line {
	const char *name;
	enum line_kind kind;
	bool is_count; /* not in kB */
};

/* Of Linux 6.18. */
static const struct line lines[] = {
    {"MemTotal", LINE_MODEL, false},	   {"MemFree", LINE_MODEL, false},
    {"MemAvailable", LINE_MODEL, false},   {"Buffers", LINE_MODEL, false},
    {"Cached", LINE_MODEL, false},	   {"SwapCached", LINE_MODEL, false},
    {"Active", LINE_MODEL, false},	   {"Inactive", LINE_MODEL, false},
    {"Active(anon)", LINE_MODEL, false},   {"Inactive(anon)", LINE_MODEL, false},
    {"Active(file)", LINE_MODEL, false},   {"Inactive(file)", LINE_MODEL, false},
    {"Unevictable", LINE_MODEL, false},	   {"Mlocked", LINE_MODEL, false},
    {"SwapTotal", LINE_CONSTANT, false},   {"SwapFree", LINE_MODEL, false},
    {"Zswap", LINE_MODEL, false},	   {"Zswapped", LINE_MODEL, false},
    {"Dirty", LINE_MODEL, false},	   {"Writeback", LINE_MODEL, false},
    {"AnonPages", LINE_MODEL, false},	   {"Mapped", LINE_MODEL, false},
    {"Shmem", LINE_MODEL, false},	   {"KReclaimable", LINE_MODEL, false},
    {"Slab", LINE_MODEL, false},	   {"SReclaimable", LINE_MODEL, false},
    {"SUnreclaim", LINE_MODEL, false},	   {"KernelStack", LINE_MODEL, false},
    {"PageTables", LINE_MODEL, false},	   {"SecPageTables", LINE_MODEL, false},
    {"NFS_Unstable", LINE_MODEL, false},   {"Bounce", LINE_MODEL, false},
    {"WritebackTmp", LINE_MODEL, false},   {"CommitLimit", LINE_CONSTANT, false},
    {"Committed_AS", LINE_MODEL, false},   {"VmallocTotal", LINE_CONSTANT, false},
    {"VmallocUsed", LINE_MODEL, false},	   {"VmallocChunk", LINE_MODEL, false},
    {"Percpu", LINE_MODEL, false},	   {"AnonHugePages", LINE_MODEL, false},
    {"ShmemHugePages", LINE_MODEL, false}, {"ShmemPmdMapped", LINE_MODEL, false},
    {"FileHugePages", LINE_MODEL, false},  {"FilePmdMapped", LINE_MODEL, false},
    {"Balloon", LINE_MODEL, false},	   {"HugePages_Total", LINE_CONSTANT, true},
    {"HugePages_Free", LINE_MODEL, true},  {"HugePages_Rsvd", LINE_MODEL, true},
    {"HugePages_Surp", LINE_MODEL, true},  {"Hugepagesize", LINE_CONSTANT, false},
    {"Hugetlb", LINE_CONSTANT, false},	   {"DirectMap4k", LINE_MODEL, false},
    {"DirectMap2M", LINE_MODEL, false},	   {"DirectMap1G", LINE_MODEL, false},
};

#define LINES (sizeof(lines) / sizeof(lines[0]))

/* --- What the model has, in pages ------------------------------------------------------------------------------------- */

static uint64_t managed_pages(const struct memory *memory)
{
	uint64_t pages = 0;

	for (unsigned i = 0; i < memory->zones; i++)
		pages += memory->zone[i].managed_pages;
	return pages;
}

/* What the kernel keeps from programs: calculate_totalreserve_pages of mm/page_alloc.c. */
static uint64_t reserved_pages(const struct memory *memory)
{
	uint64_t pages = 0;

	for (unsigned i = 0; i < memory->zones; i++) {
		const struct zone *zone = &memory->zone[i];
		uint64_t kept = 0;

		for (unsigned kind = zone->kind; kind < ZONE_KINDS; kind++)
			kept = zone->lowmem_reserve[kind] > kept ? zone->lowmem_reserve[kind] : kept;
		kept += zone_mark(zone, WATERMARK_HIGH);
		pages += kept < zone->managed_pages ? kept : zone->managed_pages;
	}
	return pages;
}

/* Half of what can be dropped stays, or as much as wakes reclaim, whichever is less. */
static uint64_t droppable(uint64_t pages, uint64_t low)
{
	return pages - (pages / 2 < low ? pages / 2 : low);
}

static uint64_t available_pages(const struct memory *memory, const struct machine_sums *sums)
{
	const uint64_t free = machine_sums_get(sums, "nr_free_pages", 0);
	const uint64_t files = machine_sums_get(sums, "nr_file_pages", UNKNOWN);
	const uint64_t slabs = machine_sums_get(sums, "nr_slab_reclaimable", UNKNOWN);
	const uint64_t shared = machine_sums_get(sums, "nr_shmem", 0), reserved = reserved_pages(memory);
	uint64_t low = 0;

	if (files == UNKNOWN || slabs == UNKNOWN)
		return UNKNOWN;
	for (unsigned i = 0; i < memory->zones; i++)
		low += zone_mark(&memory->zone[i], WATERMARK_LOW);
	const uint64_t usable = free + droppable(files - shared, low) + droppable(slabs, low);

	return usable > reserved ? usable - reserved : 0;
}

static uint64_t sum_of(uint64_t one, uint64_t other)
{
	return one == UNKNOWN || other == UNKNOWN ? UNKNOWN : one + other;
}

static bool is(const struct recorded_line *line, const char *name)
{
	return strlen(name) == line->name_length && memcmp(line->text, name, line->name_length) == 0;
}

/* Lines that are numbers of vmstat under another name. */
static uint64_t renamed_pages(const struct recorded_line *line, const struct machine_sums *sums)
{
	static const struct {
		const char *name, *sum;
	} names[] = {{"MemFree", "nr_free_pages"},
		     {"Mlocked", "nr_mlock"},
		     {"AnonPages", "nr_anon_pages"},
		     {"Mapped", "nr_mapped"},
		     {"Shmem", "nr_shmem"},
		     {"KReclaimable", "nr_slab_reclaimable"},
		     {"SReclaimable", "nr_slab_reclaimable"},
		     {"SUnreclaim", "nr_slab_unreclaimable"},
		     {"PageTables", "nr_page_table_pages"}};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (is(line, names[i].name))
			return machine_sums_get(sums, names[i].sum, UNKNOWN);
	}
	return UNKNOWN;
}

static uint64_t model_pages(const struct proc_machine *machine, const struct machine_sums *sums,
			    const struct recorded_line *line)
{
	if (is(line, "MemTotal"))
		return managed_pages(machine->memory);
	if (is(line, "MemAvailable"))
		return available_pages(machine->memory, sums);
	if (is(line, "Cached"))
		return machine_sums_get(sums, "nr_file_pages", UNKNOWN);
	if (is(line, "Slab"))
		return sum_of(machine_sums_get(sums, "nr_slab_reclaimable", UNKNOWN),
			      machine_sums_get(sums, "nr_slab_unreclaimable", UNKNOWN));
	if (is(line, "Committed_AS"))
		return machine->users ? machine->users->promised_pages : UNKNOWN;
	if (is(line, "VmallocUsed"))
		return machine->kernel ? machine->kernel->space.allocated_pages : UNKNOWN;
	if (is(line, "AnonHugePages") && machine->users)
		return machine_sums_get(sums, "nr_anon_transparent_hugepages", 0) * HUGE_PAGES;
	return renamed_pages(line, sums);
}

/* --- Printing --------------------------------------------------------------------------------------------------------- */

static const struct line *find_line(const struct recorded_line *line)
{
	for (size_t i = 0; i < LINES; i++) {
		if (is(line, lines[i].name))
			return &lines[i];
	}
	return NULL;
}

static bool is_in_kib(const struct recorded_line *line, const struct line *known)
{
	if (line->length > line->name_length)
		return line->length > 3 && memcmp(line->text + line->length - 3, " kB", 3) == 0;
	return !known || !known->is_count;
}

static void print_line(const struct proc_machine *machine, const struct machine_sums *sums,
		       const struct recorded_line *line, FILE *out)
{
	const struct line *known = find_line(line);
	const int length = (int)line->name_length;
	const uint64_t pages = model_pages(machine, sums, line);

	if (pages == UNKNOWN && known && known->kind == LINE_CONSTANT && line->length > line->name_length) {
		recorded_print(line->text, line->length, out);
		(void)fputc('\n', out);
		return;
	}
	const bool is_kib = is_in_kib(line, known);

	recorded_print(line->text, line->name_length, out);
	(void)fprintf(out, ":%*s", length < 15 ? 15 - length : 0, "");
	if (pages == UNKNOWN)
		(void)fprintf(out, "%8s", machine->unknown);
	else
		(void)fprintf(out, "%8" PRIu64, pages << (PAGE_SHIFT - 10));
	(void)fputs(is_kib ? " kB\n" : "\n", out);
}

void proc_meminfo(const struct proc_machine *machine, FILE *out)
{
	const char *at = machine->recorded.meminfo ? machine->recorded.meminfo : "";
	struct recorded_line line;
	struct machine_sums sums;

	machine_sums_of(machine, &sums);
	while (recorded_next_line(&at, &line))
		print_line(machine, &sums, &line, out);
	for (size_t i = 0; !machine->recorded.meminfo && i < LINES; i++) {
		line = (struct recorded_line){lines[i].name, strlen(lines[i].name), strlen(lines[i].name)};
		print_line(machine, &sums, &line, out);
	}
}
