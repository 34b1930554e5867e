/* node.h: a NUMA node: the memory that is near to some CPUs, and where its allocations go when it is full.
 *
 *            node 0                    node 1
 *   zones    DMA | DMA32 | Normal      Normal | Movable
 *
 *   fallback of node 0     Normal 0 > DMA32 0 > DMA 0 > Movable 1 > Normal 1        for requests that may use Movable
 *   fallback of node 1     Movable 1 > Normal 1 > Normal 0 > DMA32 0 > DMA 0
 *
 * A node's own zones come first, from the best down, then those of the next nearest node, and so on: of two equally far ones
 * the one with the higher number that few others fall back on (mm/page_alloc.c: build_zonelists, find_next_best_node, Linux
 * 6.18). A request skips the zones that are too good for it.
 *
 * Invariants, proved by node_check():
 *   I1: fallback names every zone of the machine once, the node's own first
 *   I2: the zones of one node follow each other, from the best kind down
 */
#ifndef FAULTLINE_ENGINE_PHYS_NODE_H
#define FAULTLINE_ENGINE_PHYS_NODE_H

#include "engine/phys/memory_description.h"
#include "engine/phys/zone.h"

struct node {
	unsigned id;
	unsigned cpus;	    /* CPUs that are near */
	unsigned zones;	    /* entries of fallback that are the node's own */
	unsigned fallbacks; /* entries of fallback */
	uint8_t
	    fallback[MEMORY_ZONES]; /* numbers of the machine's zones, in the order in which they are tried */
};

/* Makes the fallback orders of all nodes of the description, whose zones are the machine's, in its order; the nodes' cpus
 * are set already. */
void nodes_link(struct node *node, const struct memory_description *description);

/* NULL, or the text of the first invariant that does not hold. */
const char *node_check(const struct node *node, const struct zone *zone, unsigned zones);

#endif
