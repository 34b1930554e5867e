/* host.h: the machine that a figure was measured on. */
#ifndef FAULTLINE_BENCH_HOST_H
#define FAULTLINE_BENCH_HOST_H

#include <jansson.h>
#include <stdbool.h>

/* {"processor", "processors", "memory_bytes", "system", "thp"}; what cannot be read is null. */
json_t *host_json_machine(bool thp_disabled);

#endif
