/* statistics.h: what libfaultline-heap.so says about itself to a program that looks it up with dlsym. */
#ifndef FAULTLINE_BENCH_PRELOAD_STATISTICS_H
#define FAULTLINE_BENCH_PRELOAD_STATISTICS_H

#include <stdint.h>

struct faultline_heap_statistics {
	uint64_t allocated_bytes; /* blocks handed out, rounded up to their size class or page */
	uint64_t active_bytes;	  /* pages in use for blocks, free blocks among them included */
	uint64_t resident_bytes;  /* active + retained + metadata: the most that can be resident */
	uint64_t metadata_bytes;  /* the allocator's books */
	uint64_t retained_bytes;  /* free pages that were not given back to the system yet */
	uint64_t cached_bytes;	  /* of active: free blocks kept at hand by threads */
	uint64_t free_bytes;	  /* of active: other free blocks, and the tails of spans */
	uint64_t purged_bytes;	  /* ever given back to the system */
};

/* Exported by the library under this name; the type is for dlsym. */
__attribute__((visibility("default"))) void
faultline_heap_statistics(struct faultline_heap_statistics *statistics);
typedef void faultline_heap_statistics_function(struct faultline_heap_statistics *statistics);

#endif
