#include "config.h"

#include "bench/proc/iomem.h"

#include "bench/proc/recorded.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void print_range(const char *indent, const struct memblock_range *range, const char *what, FILE *out)
{
	(void)fprintf(out, "%s%08" PRIx64 "-%08" PRIx64 " : %s\n", indent, range->first << PAGE_SHIFT,
		      (range->end << PAGE_SHIFT) - 1, what);
}

static void print_reserved(const struct memory *memory, const struct memblock_range *inside, FILE *out)
{
	const struct memblock_list *reserved = &memory->memblock.reserved;

	for (unsigned i = 0; i < reserved->count; i++) {
		struct memblock_range range = reserved->range[i];

		if (range.first < inside->first)
			range.first = inside->first;
		if (range.end > inside->end)
			range.end = inside->end;
		if (range.first < range.end)
			print_range("  ", &range, "reserved", out);
	}
}

static void print_plain(const struct memory *memory, FILE *out)
{
	const struct memblock_list *present = &memory->memblock.memory;

	for (unsigned i = 0; i < present->count; i++) {
		print_range("", &present->range[i], "System RAM", out);
		print_reserved(memory, &present->range[i], out);
	}
}

/* --- Recorded --------------------------------------------------------------------------------------------------------- */

/* A line "first-last : What" that is not indented. */
static bool is_memory(const char *line, uint64_t *first, uint64_t *end)
{
	static const char what[] = " : System RAM";
	char *behind;

	*first = strtoull(line, &behind, 16);
	if (*line == ' ' || *behind != '-')
		return false;
	*end = strtoull(behind + 1, &behind, 16) + 1;
	return strncmp(behind, what, strlen(what)) == 0 &&
	       (behind[strlen(what)] == '\n' || behind[strlen(what)] == '\0');
}

/* Is this range of the recording, in whole frames, memory of the model's? */
static bool is_held(const struct memblock_list *present, uint64_t first, uint64_t end)
{
	const pfn_t first_pfn = (first + PAGE_BYTES - 1) >> PAGE_SHIFT, end_pfn = end >> PAGE_SHIFT;

	for (unsigned i = 0; i < present->count; i++) {
		if (first_pfn >= present->range[i].first && end_pfn <= present->range[i].end)
			return true;
	}
	return false;
}

/* The model's memory has whole frames of each recorded range: the line is as it was, if the model has that memory. */
static void print_recorded(const struct memory *memory, const char *text, FILE *out)
{
	bool is_shown = true;

	while (*text) {
		const size_t length = strcspn(text, "\n");
		uint64_t first, end;

		if (*text != ' ')
			is_shown =
			    !is_memory(text, &first, &end) || is_held(&memory->memblock.memory, first, end);
		if (is_shown) {
			recorded_print(text, length, out);
			(void)fputc('\n', out);
		}
		text += length + (text[length] == '\n');
	}
}

void proc_iomem(const struct proc_machine *machine, FILE *out)
{
	if (machine->recorded.iomem)
		print_recorded(machine->memory, machine->recorded.iomem, out);
	else
		print_plain(machine->memory, out);
}
