/* kernel_stream.h: events of the kernel's allocators from a foreign file, on their way into a trace.
 *
 *   importer ─▶ whose, where, when, what, names ─▶ numbers of thread, processor, flags and cache ─▶ sink
 *
 * A `switch` comes before a thread's first event on another processor than its last one. Times never step back. Processors' idle
 * threads, which all have number 0, are told apart by their processor.
 */
#ifndef FAULTLINE_TRACES_IMPORT_KERNEL_STREAM_H
#define FAULTLINE_TRACES_IMPORT_KERNEL_STREAM_H

#include "traces/import/importer.h"

#include <stddef.h>
#include <stdint.h>

#define KERNEL_NO_CPU UINT32_MAX

/* One event of the file. Process 0 where the file does not tell. */
struct kernel_moment {
	uint64_t process_id, thread_id;
	uint32_t cpu; /* KERNEL_NO_CPU: not known */
	uint64_t time_ns;
	struct event event; /* kind, flags, count, kernel; the rest is filled in */
	const char *gfp;    /* text, not ended by NUL; NULL: none */
	size_t gfp_length;
	const char *cache; /* the same */
	size_t cache_length;
};

struct kernel_stream {
	uint32_t *cpu; /* by thread of the trace: the processor of its last event + 1 */
	size_t threads;
	uint64_t first_ns, last_ns;
	bool begun;
};

/* Hands the event to the importer's sink. */
enum trace_status kernel_stream_put(struct kernel_stream *stream, struct importer *importer,
				    const struct kernel_moment *moment) TRACE_MUST_USE;
void kernel_stream_end(struct kernel_stream *stream);

#endif
