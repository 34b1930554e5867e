#include "config.h"

#include "engine/virt/paging.h"

#include <string.h>

#define LEVEL_BITS_MAX 20u
#define PAGE_SHIFT_MIN 8u
#define PAGE_SHIFT_MAX 30u
#define LEAF_SHIFT_MAX 62u
#define FREE_FORM_NUMBERS 6u

static const char *const intel[] = {NULL, "PTE", "PDE", "PDPTE", "PML4E", "PML5E"};
static const char *const arm[] = {
    NULL, "level-3 descriptor", "level-2 descriptor", "level-1 descriptor", "level-0 descriptor", NULL};
static const char *const plain[] = {
    NULL, "level-1 entry", "level-2 entry", "level-3 entry", "level-4 entry", "level-5 entry"};

#define SOURCE_I386 "Intel SDM volume 3A, 4.3"
#define SOURCE_PAE "Intel SDM volume 3A, 4.4"
#define SOURCE_X86_64 "Intel SDM volume 3A, 4.5"
#define SOURCE_ARM "Arm ARM DDI 0487, VMSAv8-64 stage 1, the half of TTBR0"
#define SOURCE_ALPHA "Linux arch/alpha/include/asm/pgtable.h"
#define SOURCE_RISCV "RISC-V privileged architecture, Sv39, Sv48 and Sv57"

/* The bits go from level 1 up; the shifts follow from them. */
static const struct paging presets[] = {
    {"i386", SOURCE_I386, intel, 2, 12, 32, 4, false, {0, 10, 10}, {0, 12, 22, 32}, 0x06},
    {"pae", SOURCE_PAE, intel, 3, 12, 32, 8, false, {0, 9, 9, 2}, {0, 12, 21, 30, 32}, 0x06},
    {"x86-64", SOURCE_X86_64, intel, 4, 12, 48, 8, true, {0, 9, 9, 9, 9}, {0, 12, 21, 30, 39, 48}, 0x0e},
    {"x86-64-5",
     SOURCE_X86_64,
     intel,
     5,
     12,
     57,
     8,
     true,
     {0, 9, 9, 9, 9, 9},
     {0, 12, 21, 30, 39, 48, 57},
     0x0e},
    {"arm64-4k", SOURCE_ARM, arm, 4, 12, 48, 8, false, {0, 9, 9, 9, 9}, {0, 12, 21, 30, 39, 48}, 0x0e},
    {"arm64-16k", SOURCE_ARM, arm, 4, 14, 48, 8, false, {0, 11, 11, 11, 1}, {0, 14, 25, 36, 47, 48}, 0x06},
    {"arm64-64k", SOURCE_ARM, arm, 3, 16, 48, 8, false, {0, 13, 13, 6}, {0, 16, 29, 42, 48}, 0x06},
    {"alpha", SOURCE_ALPHA, plain, 3, 13, 43, 8, true, {0, 10, 10, 10}, {0, 13, 23, 33, 43}, 0x02},
    {"sv39", SOURCE_RISCV, plain, 3, 12, 39, 8, true, {0, 9, 9, 9}, {0, 12, 21, 30, 39}, 0x0e},
    {"sv48", SOURCE_RISCV, plain, 4, 12, 48, 8, true, {0, 9, 9, 9, 9}, {0, 12, 21, 30, 39, 48}, 0x1e},
    {"sv57", SOURCE_RISCV, plain, 5, 12, 57, 8, true, {0, 9, 9, 9, 9, 9}, {0, 12, 21, 30, 39, 48, 57}, 0x3e},
};

#define PRESETS (sizeof(presets) / sizeof(presets[0]))

const struct paging *paging_preset(unsigned number)
{
	return number < PRESETS ? &presets[number] : NULL;
}

const struct paging *paging_find(const char *name)
{
	for (unsigned i = 0; i < PRESETS; i++) {
		if (strcmp(presets[i].name, name) == 0)
			return &presets[i];
	}
	return NULL;
}

/* Reads "5,5,12": true and the count when it is 2 .. 6 numbers of one or two digits. */
static bool parse_numbers(const char *text, unsigned numbers[FREE_FORM_NUMBERS], unsigned *count)
{
	for (*count = 0; *count < FREE_FORM_NUMBERS; text++) {
		unsigned number = 0;
		unsigned digits = 0;

		for (; *text >= '0' && *text <= '9' && digits < 3; digits++)
			number = number * 10 + (unsigned)(*text++ - '0');
		if (digits == 0 || digits > 2)
			return false;
		numbers[(*count)++] = number;
		if (*text == '\0')
			return *count >= 2;
		if (*text != ',')
			return false;
	}
	return false;
}

enum status paging_parse(struct paging *paging, const char *text)
{
	unsigned numbers[FREE_FORM_NUMBERS];
	unsigned count;
	unsigned sum = 0;

	if (!parse_numbers(text, numbers, &count))
		return STATUS_BAD_ARGUMENT;
	*paging = (struct paging){.name = "free-form", .source = "the command line", .level_names = plain};
	paging->levels = count - 1;
	paging->page_shift = numbers[count - 1];
	sum = paging->page_shift;
	for (unsigned level = 1; level <= paging->levels; level++) {
		paging->bits[level] = (uint8_t)numbers[count - 1 - level];
		paging->shift[level] = (uint8_t)sum;
		sum += paging->bits[level];
		if (level == 1 || level < paging->levels)
			paging->leaf_levels |= (uint8_t)(1u << level);
	}
	paging->shift[count] = (uint8_t)sum;
	paging->virtual_bits = sum;
	paging->entry_bytes = sum <= 32 ? 4 : 8;
	return paging_check(paging) ? STATUS_BAD_ARGUMENT : STATUS_OK;
}

uint64_t paging_table_bytes(const struct paging *paging, unsigned level)
{
	return (uint64_t)paging->entry_bytes << paging->bits[level];
}

unsigned paging_table_order(const struct paging *paging, unsigned level)
{
	unsigned shift = paging->bits[level] + (paging->entry_bytes == 8 ? 3u : 2u);

	return shift > paging->page_shift ? shift - paging->page_shift : 0;
}

unsigned paging_frame_bits(const struct paging *paging)
{
	return paging->entry_bytes == 8 ? 40 : 20;
}

const char *paging_level_name(const struct paging *paging, unsigned level)
{
	return paging->level_names[level];
}

/* --- Check ------------------------------------------------------------------------------------------------------- */

static const char I1[] =
    "I1: 1 <= levels <= 5, 1 <= bits[l] <= 20, 8 <= page_shift <= 30, entry_bytes is 4 or 8";
static const char I2[] =
    "I2: shift[1] = page_shift, shift[l+1] = shift[l] + bits[l], shift[levels+1] = virtual_bits <= 64";
static const char I3[] =
    "I3: level 1 may hold leaves, no level beyond the root does, and no leaf is larger than 2^62 bytes";
static const char I4[] = "I4: virtual_bits - page_shift <= 45, what a TLB entry's tag has room for";

const char *paging_check(const struct paging *paging)
{
	unsigned sum = paging->page_shift;

	if (paging->levels < 1 || paging->levels > PAGING_LEVELS_MAX || paging->page_shift < PAGE_SHIFT_MIN ||
	    paging->page_shift > PAGE_SHIFT_MAX || (paging->entry_bytes != 4 && paging->entry_bytes != 8))
		return I1;
	for (unsigned level = 1; level <= paging->levels; level++) {
		if (paging->bits[level] < 1 || paging->bits[level] > LEVEL_BITS_MAX)
			return I1;
		if (paging->shift[level] != sum)
			return I2;
		if (paging_may_be_leaf(paging, level) && sum > LEAF_SHIFT_MAX)
			return I3;
		sum += paging->bits[level];
	}
	if (paging->shift[paging->levels + 1] != sum || paging->virtual_bits != sum || sum > 64)
		return I2;
	if (!paging_may_be_leaf(paging, 1) || paging->leaf_levels >> (paging->levels + 1) != 0 ||
	    (paging->leaf_levels & 1))
		return I3;
	return paging->virtual_bits - paging->page_shift > PAGING_INDEX_BITS_MAX ? I4 : NULL;
}
