/* resident_entry.h: setting and taking away single entries with all their books; shared by the resident_*.c files only. */
#ifndef FAULTLINE_ENGINE_VIRT_RESIDENT_ENTRY_H
#define FAULTLINE_ENGINE_VIRT_RESIDENT_ENTRY_H

#include "engine/virt/resident.h"
#include "engine/virt/walk.h"

#define SMALL_LEVEL 1u

/* A fault on its way through. */
struct faulting {
	struct resident *resident;
	struct area *area;
	uint64_t address;
	unsigned access;
	struct fault fault;
};

static inline bool is_write(const struct faulting *faulting)
{
	return faulting->access & WALK_WRITE;
}

static inline uint64_t page_bytes(const struct resident *resident)
{
	return (uint64_t)1 << resident->table.paging->page_shift;
}

static inline uint64_t leaf_pages(const struct resident *resident, unsigned level)
{
	return (uint64_t)1 << paging_leaf_order(resident->table.paging, level);
}

/* First address of the page of `level` around the address. */
static inline uint64_t leaf_base(const struct resident *resident, unsigned level, uint64_t address)
{
	return address & ~(paging_leaf_bytes(resident->table.paging, level) - 1);
}

/* Bytes of a huge page; 0 when the machine has none. */
static inline uint64_t huge_bytes(const struct resident *resident)
{
	return resident->huge_level ? paging_leaf_bytes(resident->table.paging, resident->huge_level) : 0;
}

/* Flags of an entry of the area, without the right to write. */
pte_t entry_flags(const struct area *area);

/* Sets the empty entry of `level` for the address; the frame's books and RSS follow. False without a frame for a table:
 * nothing was changed. */
bool entry_set(struct resident *resident, uint64_t address, unsigned level, pte_t entry);

/* Another frame in the entry that is there, at the same level. */
void entry_replace(struct resident *resident, uint64_t address, unsigned level, pte_t entry);

/* Books of an entry that is gone from the table. */
void entry_gone(struct resident *resident, unsigned level, pte_t entry);

void resident_watch(const struct resident *resident, uint64_t address, unsigned level);

/* A table page put in store for a huge entry, and taken out again. */
bool deposit_put(struct resident *resident);
void deposit_take(struct resident *resident);

/* The whole block of the anonymous frame is mapped by nobody but this address space. */
bool block_is_only_here(const struct resident *resident, uint64_t address, pfn_t frame);

/* Huge pages (resident_huge.c). fault_huge: true when the fault is over; false: go on with small pages. */
bool fault_huge(struct faulting *faulting);
void fault_huge_present(struct faulting *faulting, pte_t *entry);
pfn_t take_reserved(struct faulting *faulting);
void promote(struct faulting *faulting);

/* Splits the huge leaf around the address, if there is one. False without a frame for the table. */
bool split_around(struct resident *resident, uint64_t address);

/* Splits huge leaves that lie partly inside. */
bool split_ends(struct resident *resident, uint64_t start, uint64_t end);

/* A write to a small entry that does not allow it (resident.c). */
void fault_write_protected(struct faulting *faulting, pte_t *entry);

#endif
