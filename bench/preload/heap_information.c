#include "config.h"

#include "bench/preload/heap_shell.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>

struct mallinfo2 faultline_heap_mallinfo2(void)
{
	struct faultline_heap_statistics heap;

	faultline_heap_statistics(&heap);
	const uint64_t system = heap.active_bytes + heap.retained_bytes;

	return (struct mallinfo2){
	    .arena = system,
	    .uordblks = heap.allocated_bytes,
	    .fordblks = system > heap.allocated_bytes ? system - heap.allocated_bytes : 0,
	    .fsmblks = heap.cached_bytes,
	    .keepcost = heap.retained_bytes,
	};
}

static int cut(size_t value)
{
	return value < INT_MAX ? (int)value : INT_MAX;
}

struct mallinfo faultline_heap_mallinfo(void)
{
	const struct mallinfo2 heap = faultline_heap_mallinfo2();

	return (struct mallinfo){
	    .arena = cut(heap.arena),
	    .uordblks = cut(heap.uordblks),
	    .fordblks = cut(heap.fordblks),
	    .fsmblks = cut(heap.fsmblks),
	    .keepcost = cut(heap.keepcost),
	};
}

int faultline_heap_malloc_info(int options, FILE *stream)
{
	struct faultline_heap_statistics heap;

	if (options != 0) {
		errno = EINVAL;
		return -1;
	}
	faultline_heap_statistics(&heap);
	const int written = fprintf(stream,
				    "<malloc version=\"faultline-heap\">\n"
				    "<allocated size=\"%" PRIu64 "\"/>\n"
				    "<free cached=\"%" PRIu64 "\" other=\"%" PRIu64 "\"/>\n"
				    "<system type=\"current\" size=\"%" PRIu64 "\"/>\n"
				    "<retained size=\"%" PRIu64 "\"/>\n"
				    "<purged size=\"%" PRIu64 "\"/>\n"
				    "<metadata size=\"%" PRIu64 "\"/>\n"
				    "</malloc>\n",
				    heap.allocated_bytes, heap.cached_bytes, heap.free_bytes,
				    heap.active_bytes + heap.retained_bytes, heap.retained_bytes,
				    heap.purged_bytes, heap.metadata_bytes);

	return written < 0 ? -1 : 0;
}

void faultline_heap_malloc_stats(void)
{
	const struct mallinfo2 heap = faultline_heap_mallinfo2();

	(void)fprintf(stderr, "system bytes     = %10zu\nin use bytes     = %10zu\n", heap.arena,
		      heap.uordblks);
}
