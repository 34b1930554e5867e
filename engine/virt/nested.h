/* nested.h: a host below the guest: nested paging, as processors do it for virtual machines.
 *
 *   guest's walk   L4 -------> L3 -------> L2 -------> L1 -------> page
 *                  ^           ^           ^           ^           ^
 *   host's walks   4           4           4           4           4      + 4 guest entries = 24 references, cold
 *
 * What the guest takes for physical memory is virtual to the host: the address of each entry that the walker reads, and the
 * one that comes out, goes through the host's tables (Intel: EPT, AMD: NPT). The host here gives the guest memory when it
 * is first touched, in one piece some way up its own (guest frame g is host frame g + offset), in pages or in larger leaves; its walker has page-walk caches of the
 * same shape as the guest's, which know no address spaces of the guest and so survive its flushes.
 *
 * Source: Bhargava, Serebrin, Spadini, Manne: "Accelerating two-dimensional page walks for virtualized systems", ASPLOS
 * 2008; Intel SDM volume 3C, 29.3 and 29.4.
 *
 * Invariants, proved by nested_check():
 *   I1: the host's table holds its own invariants
 *   I2: every leaf of the host is of the chosen level, whose pages the offset is a multiple of
 */
#ifndef FAULTLINE_ENGINE_VIRT_NESTED_H
#define FAULTLINE_ENGINE_VIRT_NESTED_H

#include "engine/virt/walk.h"

struct nested {
	unsigned leaf_level; /* of the host */
	pfn_t offset;	     /* of the guest's memory in the host's, in pages */
	struct table_store store;
	struct counting_source tables; /* frames of the host's page tables */
	struct pagetable table;
	struct walker walker;
};

/* A host without any memory given to the guest. `leaf_level` is one that the shape of the tables has leaves at.
 * STATUS_BAD_ARGUMENT when it is not, STATUS_NO_MEMORY. */
MUST_USE enum status nested_create(struct nested *nested, const struct paging *paging,
				   const struct walk_shape *walk, unsigned leaf_level);
void nested_destroy(struct nested *nested);

/* A walk of the guest, counted by its walker, after the host has given the memory that it touches. Guest memory beyond what
 * the host's tables reach ends in WALK_HOST_FAULT. */
struct walk nested_walk(struct nested *nested, struct walker *guest, struct walk_request *request);

/* Where in the host's memory a guest-physical address lies that the guest has touched. */
uint64_t nested_physical(const struct nested *nested, uint64_t guest_physical);

/* NULL, or the text of the first invariant that does not hold. */
const char *nested_check(const struct nested *nested);

#endif
