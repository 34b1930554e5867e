/* kmem_pass.h: the recording of a machine's slab allocator driven through the engine's caches: as many slabs as another policy, or
 * the kernel's own, makes of the same objects.
 *
 *   slabinfo before ──▶ caches, and the objects in them ──┐
 *   events ───────────▶ kmem_cache_alloc, kmem_cache_free ┴─▶ slabs and pages per cache ◀─▶ slabinfo after
 *
 * The model begins where the first slabinfo was read and ends where the second was. At the beginning each cache has the slabs and
 * objects that slabinfo counts; which slots are free the events tell as far as they name them (slab_survey.h), and of the free ones
 * that are left each untouched slab gets its share. A cache that the policy cuts otherwise than the kernel begins with its objects
 * packed. From then on every allocation and free is done on the CPU that did it, by the objects' recorded addresses; where it
 * lies in the model is the policy's choice. No event says what happens to slabs: they come and go as the caches decide.
 *
 * What the recording does not tell is inferred, and counted:
 *
 *   reused      an allocation at the address of a live object: its free was not seen. Frees that wait for a grace period in a CPU's sheaf
 *               or in bulk (kfree_rcu, kmem_cache_free_bulk) make no event, nor do those of a process that the kernel does not show
 *   ended       the frames of a slab were freed, or allocated anew: all of its objects must have been free
 *   unborn      the free of an object that nothing allocated: kmem_cache_alloc_bulk makes no event
 *
 * Areas of vmalloc go the same way (vmalloc_pass.h), where the recording has /proc/vmallocinfo.
 *
 * The caches take their slabs from a memory of their own, as large as the machine: where the machine's pages go is the business of the
 * pass over its page events, which has those of its slabs among them, so no page of a slab counts twice.
 */
#ifndef FAULTLINE_BENCH_PHYSICAL_KMEM_PASS_H
#define FAULTLINE_BENCH_PHYSICAL_KMEM_PASS_H

#include "bench/physical/slab_survey.h"
#include "bench/physical/vmalloc_pass.h"
#include "engine/kernel_memory.h"

struct kmem_pass_counts {
	uint64_t allocs, frees; /* done */
	uint64_t reused, ended; /* frees inferred */
	uint64_t unborn;	/* frees left out: of objects that nothing allocated */
	uint64_t unattributed;	/* events left out: nothing tells the cache */
	uint64_t large;		/* allocations left out: kmalloc of pages */
	uint64_t refused;	/* allocations for which the model had no memory */
};

struct kmem_pass {
	struct slabinfo_text before, after;
	bool has_after;
	uint64_t begin, end; /* positions of the events that name the two */
	uint64_t position;   /* of the next event */
	unsigned cpus;
	struct kmem_names names;
	struct slab_places places;
	uint64_t guessed; /* slabs whose cache was found by addresses alone */
	struct memory frames;
	struct kernel_memory memory;
	struct kmem_cache **cache; /* [line of slabinfo before] */
	uint32_t misfits;	   /* caches that the policy cuts otherwise than the kernel */
	int16_t *cpu;		   /* [thread]; -1 = not told yet */
	uint32_t threads;
	struct vmalloc_pass areas;
	struct kmem_pass_counts counts;
};

/* Makes the machine's caches as they were at the beginning; reads the whole trace, and goes back to its beginning. Nothing is left to be
 * destroyed unless TRACE_OK. TRACE_UNSUPPORTED when the recording has no slab events, no slabinfo, or is not told by frames:
 * the message says which. */
enum trace_status kmem_pass_create(struct kmem_pass *pass, const struct policy *policy,
				   struct flt_reader *reader, struct trace_error *error) TRACE_MUST_USE;
void kmem_pass_destroy(struct kmem_pass *pass);

/* Takes the next event of the trace, of any kind. TRACE_NO_MEMORY. */
enum trace_status kmem_pass_event(struct kmem_pass *pass, const struct event *event,
				  struct trace_error *error) TRACE_MUST_USE;

/* All events of the trace from its beginning. With `checks` > 0 the invariants are checked after so many events each, and at the
 * end: one that does not hold dies by CHECK. */
enum trace_status kmem_pass_run(struct kmem_pass *pass, struct flt_reader *reader, uint64_t checks,
				struct trace_error *error) TRACE_MUST_USE;

/* NULL, or the text of the first invariant of the model or the places that does not hold. */
const char *kmem_pass_check(const struct kmem_pass *pass);

#endif
