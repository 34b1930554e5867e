#include "config.h"

#include "bench/replay/operation.h"

const char *latency_kind_name(unsigned kind)
{
	static const char *const names[LATENCY_KINDS] = {"malloc", "calloc", "realloc", "memalign", "free"};

	return names[kind];
}

enum latency_kind operation_latency_kind(enum operation_kind kind)
{
	switch (kind) {
	case OPERATION_CALLOC:
		return LATENCY_CALLOC;
	case OPERATION_MEMALIGN:
		return LATENCY_MEMALIGN;
	case OPERATION_REALLOC:
	case OPERATION_REALLOC_NULL:
	case OPERATION_REALLOC_FREE:
		return LATENCY_REALLOC;
	case OPERATION_FREE:
	case OPERATION_FREE_SIZED:
	case OPERATION_FREE_NULL:
		return LATENCY_FREE;
	default:
		return LATENCY_MALLOC;
	}
}
