#include "config.h"

#include "traces/generate/workloads.h"

#include "traces/generate/binary_tree.h"
#include "traces/generate/fleetbench.h"
#include "traces/generate/fragmenter_a.h"
#include "traces/generate/fragmenter_b.h"
#include "traces/generate/larson.h"
#include "traces/generate/page_fragmenter_a.h"
#include "traces/generate/page_fragmenter_b.h"
#include "traces/generate/phases.h"
#include "traces/generate/queue.h"
#include "traces/generate/realloc_growth.h"
#include "traces/generate/uniform.h"

#include <string.h>

static const struct workload *const workloads[] = {
    &fleetbench_workload,
    &larson_workload,
    &fragmenter_a_workload,
    &fragmenter_b_workload,
    &binary_tree_workload,
    &queue_workload,
    &realloc_growth_workload,
    &uniform_workload,
    &phases_workload,
    &page_fragmenter_a_workload,
    &page_fragmenter_b_workload,
};

#define WORKLOADS (sizeof(workloads) / sizeof(workloads[0]))

const struct workload *workload_at(size_t index)
{
	return index < WORKLOADS ? workloads[index] : NULL;
}

const struct workload *workload_find(const char *name)
{
	for (size_t index = 0; index < WORKLOADS; index++) {
		if (strcmp(workloads[index]->name, name) == 0)
			return workloads[index];
	}
	return NULL;
}
