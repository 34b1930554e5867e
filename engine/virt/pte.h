/* pte.h: a page-table entry and the algebra of its bits.
 *
 * An entry is one 64-bit word in the layout of x86-64, whatever the table's geometry: machines with other layouts have
 * the same facts at other places, and their tables' size is counted with their own entry size (paging.h).
 *
 *    63  62      52 51                     12 11 10  9  8  7  6  5  4  3  2  1  0
 *   +--+-----------+-------------------------+--+--+--+--+--+--+--+--+--+--+--+--+
 *   |NX|  ignored  |      frame number       |SD|  |  |G |H |D |A |CD|WT|U |W |P |
 *   +--+-----------+-------------------------+--+--+--+--+--+--+--+--+--+--+--+--+
 *
 * Without P the other bits are the operating system's. A swap entry (Linux's layout since 4.18) has the swap device in
 * bits 63:59, the *inverted* offset in 58:9, so that no speculation finds a real frame there, and soft-dirty in bit 1:
 *
 *    63    59 58                                                9 8  2  1  0
 *   +--------+---------------------------------------------------+----+--+--+
 *   | device |                   ~ offset                        |  0 |SD| 0|
 *   +--------+---------------------------------------------------+----+--+--+
 *
 * Entry 0 is empty. Three kinds exclude each other: pte_is_empty(e) + pte_is_present(e) + pte_is_swap(e) = 1.
 *
 * Sources: Intel SDM volume 3A, 4.5 (tables 4-14 to 4-20); Linux arch/x86/include/asm/pgtable_types.h, pgtable_64.h.
 */
#ifndef FAULTLINE_ENGINE_VIRT_PTE_H
#define FAULTLINE_ENGINE_VIRT_PTE_H

#include "engine/base/units.h"

typedef uint64_t pte_t;

#define PTE_PRESENT ((pte_t)1 << 0)
#define PTE_WRITE ((pte_t)1 << 1)
#define PTE_USER ((pte_t)1 << 2)
#define PTE_WRITE_THROUGH ((pte_t)1 << 3)
#define PTE_CACHE_DISABLE ((pte_t)1 << 4)
#define PTE_ACCESSED ((pte_t)1 << 5)
#define PTE_DIRTY ((pte_t)1 << 6)
#define PTE_HUGE ((pte_t)1 << 7) /* a leaf above level 1 */
#define PTE_GLOBAL ((pte_t)1 << 8)
#define PTE_SOFT_DIRTY ((pte_t)1 << 11)
#define PTE_NO_EXECUTE ((pte_t)1 << 63)

#define PTE_FRAME_SHIFT 12
#define PTE_FRAME_BITS 40
#define PTE_FRAME_MASK ((((pte_t)1 << PTE_FRAME_BITS) - 1) << PTE_FRAME_SHIFT)

/* Every bit that is a flag and not the frame. */
#define PTE_FLAGS                                                                                            \
	(PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_WRITE_THROUGH | PTE_CACHE_DISABLE | PTE_ACCESSED |         \
	 PTE_DIRTY | PTE_HUGE | PTE_GLOBAL | PTE_SOFT_DIRTY | PTE_NO_EXECUTE)

#define PTE_SWAP_SOFT_DIRTY ((pte_t)1 << 1)
#define PTE_SWAP_DEVICE_BITS 5
#define PTE_SWAP_OFFSET_BITS 50
#define PTE_SWAP_DEVICE_SHIFT 59
#define PTE_SWAP_OFFSET_SHIFT 9
#define PTE_SWAP_OFFSET_MASK (((pte_t)1 << PTE_SWAP_OFFSET_BITS) - 1)

/* An entry for a frame (below 2^40) with flags out of PTE_FLAGS. */
static inline pte_t pte_make(pfn_t frame, pte_t flags)
{
	return (frame << PTE_FRAME_SHIFT & PTE_FRAME_MASK) | flags;
}

static inline pfn_t pte_frame(pte_t entry)
{
	return (entry & PTE_FRAME_MASK) >> PTE_FRAME_SHIFT;
}

static inline pte_t pte_with_frame(pte_t entry, pfn_t frame)
{
	return (entry & ~PTE_FRAME_MASK) | (frame << PTE_FRAME_SHIFT & PTE_FRAME_MASK);
}

static inline pte_t pte_set(pte_t entry, pte_t flags)
{
	return entry | flags;
}

static inline pte_t pte_clear(pte_t entry, pte_t flags)
{
	return entry & ~flags;
}

/* True when all of `flags` are set. */
static inline bool pte_has(pte_t entry, pte_t flags)
{
	return (entry & flags) == flags;
}

static inline bool pte_is_empty(pte_t entry)
{
	return entry == 0;
}

static inline bool pte_is_present(pte_t entry)
{
	return entry & PTE_PRESENT;
}

static inline bool pte_is_swap(pte_t entry)
{
	return entry != 0 && !(entry & PTE_PRESENT);
}

/* A store by a program: dirty for the kernel's writeback and for the tracker of soft-dirty bits. */
static inline pte_t pte_make_dirty(pte_t entry)
{
	return entry | PTE_DIRTY | PTE_SOFT_DIRTY;
}

/* What fork does to a private page: no store without a fault. */
static inline pte_t pte_write_protect(pte_t entry)
{
	return entry & ~PTE_WRITE;
}

/* A swap entry: device below 2^5, offset (in pages) below 2^50. Never 0, because the offset is inverted and offset
 * 2^50 - 1 is refused by the swap area's own size. */
static inline pte_t pte_make_swap(unsigned device, uint64_t offset)
{
	return (pte_t)device << PTE_SWAP_DEVICE_SHIFT | (~offset & PTE_SWAP_OFFSET_MASK)
							    << PTE_SWAP_OFFSET_SHIFT;
}

static inline unsigned pte_swap_device(pte_t entry)
{
	return (unsigned)(entry >> PTE_SWAP_DEVICE_SHIFT);
}

static inline uint64_t pte_swap_offset(pte_t entry)
{
	return ~(entry >> PTE_SWAP_OFFSET_SHIFT) & PTE_SWAP_OFFSET_MASK;
}

#define PTE_TEXT_BYTES 128u

/* The set flags in words, "present write user accessed dirty huge global no-execute soft-dirty"; "empty"; or "swap
 * device 1 offset 0x2a". Always ends with a null byte. */
void pte_text(pte_t entry, char text[PTE_TEXT_BYTES]);

#endif
