#include "config.h"

#include "bench/preload/heap_shell.h"
#include "bench/replay/child_null.h"

static void release_sized(void *block, size_t bytes)
{
	(void)bytes;
	faultline_heap_free(block);
}

bool child_linked_calls(struct child_calls *calls)
{
	*calls = (struct child_calls){
	    .allocate = faultline_heap_malloc,
	    .allocate_zeroed = faultline_heap_calloc,
	    .resize = faultline_heap_realloc,
	    .allocate_aligned = faultline_heap_memalign,
	    .release = faultline_heap_free,
	    .release_sized = release_sized,
	    .usable = faultline_heap_malloc_usable_size,
	};
	return true;
}

bool child_linked_statistics(struct faultline_heap_statistics *statistics)
{
	faultline_heap_statistics(statistics);
	return true;
}
