#include "config.h"

#include "bench/translation.h"

#include <inttypes.h>
#include <stdio.h>

static const char *size_text(uint64_t bytes, char text[16])
{
	static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	unsigned unit = 0;

	for (; bytes >= 1024 && unit < 6; bytes /= 1024)
		unit++;
	(void)snprintf(text, 16, "%u %s", (unsigned)bytes, units[unit]);
	return text;
}

/* --- Segments ------------------------------------------------------------------------------------------------------- */

static void show_selector(const struct translation *translation, uint16_t selector)
{
	const struct descriptor_table *table = segment_table(&translation->tasks.unit, selector);

	(void)printf("Selector 0x%04x = index %u, table %s, requested privilege level %u\n", selector,
		     selector_index(selector), selector_is_local(selector) ? "LDT" : "GDT",
		     selector_rpl(selector));
	if (!table) {
		(void)puts("  There is no LDT: every selector of it lies beyond its limit.");
		return;
	}
	(void)printf("  Its descriptor lies at table + index * 8 = 0x%" PRIx64 " + %u * 8 = 0x%" PRIx64 ".\n",
		     table->base, selector_index(selector), segment_entry_address(table, selector));
}

/* Of code and data; the other types have theirs in the name. */
static const char *width_of(const struct descriptor *descriptor)
{
	if (!descriptor->is_memory)
		return "";
	if (descriptor->is_long)
		return "; 64-bit code";
	return descriptor->is_big ? "; 32-bit" : "; 16-bit";
}

static void show_descriptor(const struct translation *translation, uint16_t selector)
{
	const struct descriptor_table *table = segment_table(&translation->tasks.unit, selector);

	if (!table || selector_is_null(selector) || selector_index(selector) >= table->entries)
		return;
	uint64_t bits = table->entry[selector_index(selector)];
	struct descriptor descriptor = descriptor_decode(bits);
	uint32_t limit = descriptor_limit_bytes(&descriptor);

	(void)printf(
	    "Descriptor 0x%016" PRIx64 ": base 0x%08" PRIx32 ", limit 0x%" PRIx32 " %s, so that offsets ",
	    bits, descriptor.base, descriptor.limit, descriptor.granular ? "pages of 4 KiB (G)" : "bytes");
	if (descriptor_expands_down(&descriptor))
		(void)printf("0x%" PRIx64 " to 0x%s are valid;\n", (uint64_t)limit + 1,
			     descriptor.is_big ? "ffffffff" : "ffff");
	else
		(void)printf("0 to 0x%" PRIx32 " are valid;\n", limit);
	(void)printf("  %s; descriptor privilege level %u; %s%s\n", descriptor_type_name(&descriptor),
		     descriptor.dpl, descriptor.present ? "present" : "not present", width_of(&descriptor));
}

static bool show_segment_fault(const char *doing, struct segment_outcome outcome)
{
	if (outcome.exception == SEGMENT_FINE)
		return true;
	(void)printf("Fault while %s: %s(0x%x): %s.\n\n", doing, segment_exception_name(outcome.exception),
		     outcome.error_code, segment_reason_name(outcome.reason));
	return false;
}

bool translation_show_logical(struct translation *translation, uint16_t selector, uint64_t offset,
			      uint64_t *linear)
{
	static const char *const registers[] = {"ES", "CS", "SS", "DS", "FS", "GS"};
	const struct translation_request *request = &translation->request;
	struct segment_unit *unit = &translation->tasks.unit;
	struct segment_access access = {.through = request->through,
					.kind = request->access & WALK_EXECUTE ? SEGMENT_EXECUTE
						: request->access & WALK_WRITE ? SEGMENT_WRITE
									       : SEGMENT_READ,
					.offset = offset,
					.bytes = 1};

	(void)printf("Logical address 0x%04x:0x%" PRIx64 " (16 bits of selector, %u of offset)\n", selector,
		     offset, unit->mode == SEGMENT_MODE_32 ? 32u : 64u);
	show_selector(translation, selector);
	show_descriptor(translation, selector);
	(void)printf("Loading %s at current privilege level %u: ", registers[request->through], unit->cpl);
	struct segment_outcome outcome = segment_load(unit, request->through, selector);

	(void)puts(outcome.exception == SEGMENT_FINE ? "type, privilege and presence allow it." : "refused.");
	if (!show_segment_fault("loading the segment register", outcome))
		return false;
	outcome = segment_translate(unit, &access);
	if (!show_segment_fault("using the segment", outcome))
		return false;
	*linear = outcome.linear;
	if (unit->mode == SEGMENT_MODE_64)
		(void)printf("In 64-bit mode only FS and GS have a base. Linear address 0x%" PRIx64 "\n\n",
			     *linear);
	else
		(void)printf("Linear address = base + offset = 0x%08" PRIx32 " + 0x%" PRIx64 " = 0x%08" PRIx64
			     "\n\n",
			     unit->reg[request->through].descriptor.base, offset, *linear);
	return true;
}

/* --- Indices --------------------------------------------------------------------------------------------------------- */

static void print_binary(uint64_t value, unsigned bits)
{
	while (bits-- > 0)
		(void)putchar((int)('0' + (value >> bits & 1)));
}

/* The address in pieces:  level 4 18 (10010) ... offset 0xb01. Under a large leaf the lower indices are offset. */
static void show_indices(const struct paging *paging, uint64_t address, unsigned leaf_level)
{
	unsigned offset_bits = paging->shift[leaf_level];
	char bytes[16];

	(void)printf("Linear address 0x%" PRIx64 ", %u bits translated by %s page tables of %u level%s:\n",
		     address, paging->virtual_bits, paging->name, paging->levels,
		     paging->levels > 1 ? "s" : "");
	for (unsigned level = paging->levels; level >= leaf_level; level--) {
		(void)printf("  level %u index %5u = ", level, paging_index(paging, level, address));
		print_binary(paging_index(paging, level, address), paging->bits[level]);
		(void)printf("  (bits %u to %u; a %s maps %s)\n",
			     paging->shift[level] + paging->bits[level] - 1u, paging->shift[level],
			     paging_level_name(paging, level),
			     size_text(paging_leaf_bytes(paging, level), bytes));
	}
	(void)printf("  offset 0x%" PRIx64 " (bits %u to 0)\n", address & (((uint64_t)1 << offset_bits) - 1),
		     offset_bits - 1);
}

/* --- TLBs and walk caches -------------------------------------------------------------------------------------------- */

static void show_array(const char *name, const struct associative *array, uint64_t key)
{
	(void)printf("  %s, %u entries ", name, array->sets * array->ways);
	if (array->sets == 1)
		(void)printf("fully associative: ");
	else
		(void)printf("in %u ways: set %u of %u: ", array->ways, associative_set_of(array, key),
			     array->sets);
	(void)puts(associative_holds(array, key) ? "hit" : "miss");
}

static enum tlb_kind kind_of(const struct translation *translation)
{
	return translation->request.access & WALK_EXECUTE ? TLB_FETCH : TLB_DATA;
}

/* Looks the page up at both levels; true when one knows it. */
static bool show_tlb(const struct translation *translation, uint64_t address, unsigned leaf_level)
{
	const struct tlb *tlb = &translation->tlb;
	enum tlb_kind kind = kind_of(translation);
	uint64_t key = tlb_key_of(tlb, address, leaf_level, 0);
	char bytes[16];

	(void)printf("TLB %s: page 0x%" PRIx64 " of %s\n", translation->request.geometry.name,
		     key & ASSOCIATIVE_PAGE_MASK,
		     size_text(paging_leaf_bytes(tlb->paging, leaf_level), bytes));
	for (unsigned level = 1; level <= TLB_LEVELS; level++) {
		static const char *const names[TLB_LEVELS][TLB_KINDS] = {
		    {"level 1 data", "level 1 instructions"}, {"level 2 data", "level 2 instructions"}};
		const char *name = names[level - 1][kind];
		uint8_t part = tlb->route[level - 1][kind][leaf_level];

		if (part == TLB_NO_PART)
			(void)printf("  %s: no part for pages of this size\n", name);
		else
			show_array(name, &tlb->part[part], key);
		if (part != TLB_NO_PART && associative_holds(&tlb->part[part], key))
			return true;
	}
	return false;
}

static void show_walk_caches(const struct translation *translation, uint64_t address)
{
	const struct walker *walker = &translation->walker;

	for (unsigned level = 2; level <= walker->paging->levels; level++) {
		char name[64];

		if (!walker->has_cache[level])
			continue;
		(void)snprintf(name, sizeof(name), "walk cache of level %u (%s)", level,
			       paging_level_name(walker->paging, level));
		show_array(name, &walker->cache[level], walk_key(walker->paging, level, address, 0));
	}
}

/* --- The walk -------------------------------------------------------------------------------------------------------- */

/* Where the entry lies is arithmetic: the table's frame and the index. */
static void show_step(const struct paging *paging, const struct walk_step *step, bool is_leaf)
{
	uint64_t table = step->entry_address - (uint64_t)step->index * paging->entry_bytes;
	char text[PTE_TEXT_BYTES], bytes[16];

	pte_text(step->entry, text);
	(void)printf("  level %u: entry %u at 0x%" PRIx64 " + %u * %u = 0x%" PRIx64 " holds 0x%0*" PRIx64
		     ": ",
		     step->level, step->index, table, step->index, paging->entry_bytes, step->entry_address,
		     (int)paging->entry_bytes * 2, step->entry);
	if (pte_is_present(step->entry))
		(void)printf("frame 0x%" PRIx64 ", ", pte_frame(step->entry));
	(void)fputs(text, stdout);
	if (pte_is_present(step->entry) && is_leaf)
		(void)printf(" -> the page of %s", size_text(paging_leaf_bytes(paging, step->level), bytes));
	else if (pte_is_present(step->entry))
		(void)fputs(" -> the next table", stdout);
	(void)putchar('\n');
}

/* An empty entry says it of all that it would have mapped. */
static void show_hole(const struct paging *paging, unsigned level, uint64_t address)
{
	uint64_t span = paging_leaf_bytes(paging, level), start = address & ~(span - 1);
	char bytes[16];

	(void)printf("  So nothing is mapped from 0x%" PRIx64 " to 0x%" PRIx64
		     ", the %s that this entry stands for%s.\n",
		     start, start + (span - 1), size_text(span, bytes),
		     level > 1 ? ", and there are no tables below it" : "");
}

static void show_fault(const struct translation *translation, const struct walk *walk, uint64_t address)
{
	if (walk->outcome == WALK_NOT_CANONICAL) {
		(void)puts("Fault before the walk: #GP(0): the address is not canonical.\n");
		return;
	}
	(void)printf("Page fault at level %u (%s): %s.\n", walk->level,
		     paging_level_name(&translation->request.paging, walk->level),
		     walk_outcome_name(walk->outcome));
	if (walk->outcome == WALK_NOT_PRESENT)
		show_hole(&translation->request.paging, walk->level, address);
	(void)printf("  Error code 0x%x: %s, %s, %s mode.\n\n", walk->error_code,
		     walk->error_code & 1 ? "a right is missing" : "no translation",
		     walk->error_code & 16  ? "fetch"
		     : walk->error_code & 2 ? "write"
					    : "read",
		     walk->error_code & 4 ? "user" : "kernel");
}

static void show_physical(const struct translation *translation, const struct walk *walk, uint64_t address)
{
	const struct paging *paging = &translation->request.paging;
	uint64_t offset = address & (paging_leaf_bytes(paging, walk->level) - 1);

	(void)printf("%s = frame 0x%" PRIx64 " * 0x%" PRIx64 " + offset 0x%" PRIx64 " = 0x%" PRIx64 "\n",
		     translation->request.nested_level > 0 ? "Guest-physical address" : "Physical address",
		     pte_frame(walk->leaf), (uint64_t)1 << paging->page_shift, offset,
		     (pte_frame(walk->leaf) << paging->page_shift) + offset);
	if (translation->request.nested_level > 0)
		(void)printf("The host translated it, and before that each entry's address: 0x%" PRIx64 "\n",
			     walk->physical);
}

static void show_walk(struct translation *translation, uint64_t address)
{
	const struct translation_request *request = &translation->request;
	struct walk_request asked = {
	    .table = &translation->table, .address = address, .access = request->access};

	show_walk_caches(translation, address);
	struct walk walk = request->nested_level > 0
			       ? nested_walk(&translation->host, &translation->walker, &asked)
			       : walker_walk(&translation->walker, &asked);

	if (walk.cached_level > 0)
		(void)printf("Walk from level %u, because the cache of level %u knows the table below:\n",
			     walk.cached_level - 1, walk.cached_level);
	else if (walk.steps > 0)
		(void)printf("Walk from the root in frame 0x%" PRIx64 " (cr3):\n",
			     pagetable_root_frame(&translation->table));
	for (unsigned i = 0; i < walk.steps; i++)
		show_step(&request->paging, &walk.step[i], i + 1 == walk.steps);
	if (walk.outcome == WALK_FINE)
		show_physical(translation, &walk, address);
	(void)printf("%u reference%s to page tables, %u cycles of the model\n", walk.references,
		     walk.references == 1 ? "" : "s", walk.cycles);
	if (walk.outcome != WALK_FINE) {
		show_fault(translation, &walk, address);
		return;
	}
	(void)tlb_access(&translation->tlb, kind_of(translation),
			 tlb_key_of(&translation->tlb, address, walk.level, 0));
	(void)putchar('\n');
}

/* A hit needs no walk; where the page lies is what the entry remembered. */
static void show_hit(struct translation *translation, uint64_t address)
{
	const struct paging *paging = &translation->request.paging;
	unsigned level;
	const pte_t *entry = pagetable_find(&translation->table, address, &level);
	struct walk walk = {.level = level, .leaf = *entry};

	(void)tlb_access(&translation->tlb, kind_of(translation),
			 tlb_key_of(&translation->tlb, address, level, 0));
	(void)puts("The TLB knows the page: no walk.");
	walk.physical =
	    (pte_frame(*entry) << paging->page_shift) + (address & (paging_leaf_bytes(paging, level) - 1));
	if (translation->request.nested_level > 0)
		walk.physical = nested_physical(&translation->host, walk.physical);
	show_physical(translation, &walk, address);
	(void)putchar('\n');
}

void translation_show_linear(struct translation *translation, uint64_t address)
{
	const struct paging *paging = &translation->request.paging;
	unsigned level = 1;
	const pte_t *entry = pagetable_find(&translation->table, address, &level);

	if (!entry)
		level = 1;
	show_indices(paging, address, level);
	if (!entry) {
		(void)puts("The TLBs know no such page.");
	} else if (show_tlb(translation, address, level)) {
		show_hit(translation, address);
		return;
	}
	show_walk(translation, address);
}
