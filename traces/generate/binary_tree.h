/* binary_tree.h: perfect binary trees built and dropped.
 *
 * After the binary-trees benchmark (H. Boehm's GCBench, 1997): a tree one level deeper than `depth` is built
 * and freed; then one of `depth` levels stays to the end while, for each depth from 4 in steps of 2, so many
 * trees are built and freed that each depth makes about the same number of nodes. Nodes are allocated parent
 * first and freed children first. Nothing is random.
 */
#ifndef FAULTLINE_TRACES_GENERATE_BINARY_TREE_H
#define FAULTLINE_TRACES_GENERATE_BINARY_TREE_H

#include "traces/generate/workload.h"

extern const struct workload binary_tree_workload;

#endif
