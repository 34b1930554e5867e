/* page_size.h: what a set of live bytes costs under different page sizes.
 *
 *   cost
 *    |\                          /      descriptors   one per page: half as many with every doubling
 *    | \  tables                / waste
 *    |  \  descriptors        /         tables        radix tables of 48-bit addresses, a page each, of 8-byte entries
 *    |    \ _           _  -            waste         bytes of touched pages that nobody asked for: grows with the page
 *    +----------------------------> page size
 *
 * The classical question of how large a page should be (with objects of s bytes on average and e bytes of books per page,
 * waste p / 2 against books s * e / p gives sqrt(2 * s * e)), asked of where real blocks lie.
 *
 * A descriptor has 64 bytes, as Linux's struct page on 64 bits. A table fills one page and has page / 8 entries; there are as
 * many levels as 48 bits need (4 with 4 KiB, 3 with 64 KiB), and tables only where something is live.
 *
 * Source: Tanenbaum and Bos, "Modern Operating Systems", 4th edition, 3.5.3; Linux include/linux/mm_types.h.
 */
#ifndef FAULTLINE_ENGINE_VIRT_PAGE_SIZE_H
#define FAULTLINE_ENGINE_VIRT_PAGE_SIZE_H

#include <stddef.h>
#include <stdint.h>

#define PAGE_SIZE_SHIFT_MIN 10u
#define PAGE_SIZE_SHIFT_MAX 16u
#define PAGE_SIZES (PAGE_SIZE_SHIFT_MAX - PAGE_SIZE_SHIFT_MIN + 1)

#define PAGE_SIZE_DESCRIPTOR_BYTES 64u
#define PAGE_SIZE_ADDRESS_BITS 48u

/* [address, address + bytes), at least one byte, below 2^48. */
struct page_size_range {
	uint64_t address, bytes;
};

struct page_size_cost {
	uint64_t page_bytes;
	uint64_t pages;		   /* that hold a live byte */
	uint64_t waste_bytes;	   /* of these pages, not live */
	uint64_t descriptor_bytes; /* of these pages */
	uint64_t tables;	   /* of all levels, the root included */
	uint64_t table_bytes;
};

/* The costs of 1, 2, 4 ... 64 KiB pages for ranges that do not overlap. Sorts them. O(n log n). */
void page_size_costs(struct page_size_range *ranges, size_t count, struct page_size_cost costs[PAGE_SIZES]);

#endif
