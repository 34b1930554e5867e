#include "config.h"

#include "engine/phys/node.h"

/* So that what is nearer always counts more than how many others fall back on a node. */
#define LOAD_WEIGHT 1024u

/* The zones of one node, from the best down. */
static void append_zones(struct node *node, const struct memory_description *description, unsigned from)
{
	for (unsigned kind = ZONE_KINDS; kind-- > 0;) {
		for (unsigned i = 0; i < description->zones; i++) {
			if (description->zone[i].node == from && description->zone[i].kind == kind)
				node->fallback[node->fallbacks++] = (uint8_t)i;
		}
	}
}

/* The nearest node that is not used yet: itself at first; then lower numbers and nodes with CPUs cost a little more. */
static unsigned next_node(const struct node *nodes, const struct memory_description *description, unsigned of,
			  const bool *used, const unsigned *load)
{
	unsigned best = MEMORY_NODES;
	uint64_t least = UINT64_MAX;

	if (!used[of])
		return of;
	for (unsigned node = 0; node < description->nodes; node++) {
		uint64_t cost = description->distance[of][node] + (node < of) + (nodes[node].cpus > 0);

		cost = cost * LOAD_WEIGHT + load[node];
		if (!used[node] && cost < least) {
			best = node;
			least = cost;
		}
	}
	return best;
}

static void link_node(struct node *nodes, const struct memory_description *description, unsigned of,
		      unsigned *load)
{
	bool used[MEMORY_NODES] = {false};
	unsigned previous = of;

	nodes[of].fallbacks = 0;
	for (unsigned i = 0; i < description->nodes; i++) {
		unsigned next = next_node(nodes, description, of, used, load);

		if (description->distance[of][next] != description->distance[of][previous])
			load[next]++;
		append_zones(&nodes[of], description, next);
		if (i == 0)
			nodes[of].zones = nodes[of].fallbacks;
		used[next] = true;
		previous = next;
	}
}

void nodes_link(struct node *node, const struct memory_description *description)
{
	unsigned load[MEMORY_NODES] = {0};

	for (unsigned of = 0; of < description->nodes; of++)
		link_node(node, description, of, load);
}

static bool is_permutation(const struct node *node, unsigned zones)
{
	uint32_t seen = 0;

	_Static_assert(MEMORY_ZONES <= 32, "a bit per zone");
	for (unsigned i = 0; i < node->fallbacks; i++) {
		if (node->fallback[i] >= zones || (seen >> node->fallback[i] & 1) != 0)
			return false;
		seen |= 1u << node->fallback[i];
	}
	return node->fallbacks == zones;
}

const char *node_check(const struct node *node, const struct zone *zone, unsigned zones)
{
	if (!is_permutation(node, zones) || node->zones > zones)
		return "I1: fallback names every zone of the machine once, the node's own first";
	for (unsigned i = 0; i < zones; i++) {
		if ((zone[node->fallback[i]].node == node->id) != (i < node->zones))
			return "I1: fallback names every zone of the machine once, the node's own first";
	}
	for (unsigned i = 1; i < zones; i++) {
		const struct zone *last = &zone[node->fallback[i - 1]];
		const struct zone *next = &zone[node->fallback[i]];

		if (last->node == next->node && last->kind <= next->kind)
			return "I2: the zones of one node follow each other, from the best kind down";
	}
	return NULL;
}
