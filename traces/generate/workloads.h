/* workloads.h: the one table of workloads. Adding one means one file and one line in workloads.c. */
#ifndef FAULTLINE_TRACES_GENERATE_WORKLOADS_H
#define FAULTLINE_TRACES_GENERATE_WORKLOADS_H

#include "traces/generate/workload.h"

#include <stddef.h>

/* The workload number `index`, NULL behind the last. */
const struct workload *workload_at(size_t index);

/* The workload of that name, or NULL. */
const struct workload *workload_find(const char *name);

#endif
