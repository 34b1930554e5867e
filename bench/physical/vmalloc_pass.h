/* vmalloc_pass.h: the areas of a recorded machine's vmalloc driven through the engine's: which of them there are at any event.
 *
 *   vmallocinfo before ──▶ areas ──┐
 *   vmalloc, vfree, vmap_purge ────┴─▶ vmap_space (vmalloc.h) ──▶ proc vmallocinfo ◀─▶ vmallocinfo after
 *
 * The model begins with the areas of the first text, in its order, at addresses of its own; what was freed and not purged there waits
 * here, too. Then every event is done as it was recorded, purges included: when a kernel purges depends on more than the model has.
 *
 * An event names an area by its address, the text by a number that stands for it. So
 *
 *   a free of an address that no event allocated      ends an area of the first text that is not in the second (the first such
 *                                                     one that is of a kind that is freed: `guessed`)
 *   an allocation                                     gets kind, frames and caller of those areas of its size that only the second
 *                                                     text has, or else of any, if nine of ten are alike; otherwise it is plain
 *                                                     vmalloc's, and its caller is not known
 *
 * Where the texts give away true addresses, the first is not guessed.
 *
 * Invariant, proved by vmalloc_pass_check(): every live area of the recording is one of the model's, and there is no other.
 */
#ifndef FAULTLINE_BENCH_PHYSICAL_VMALLOC_PASS_H
#define FAULTLINE_BENCH_PHYSICAL_VMALLOC_PASS_H

#include "bench/physical/vmallocinfo_text.h"
#include "engine/phys/vmalloc.h"
#include "traces/event.h"
#include "traces/record/number_map.h"

struct vmalloc_pass_counts {
	uint64_t allocs, frees, purges; /* events done */
	uint64_t guessed;		/* of the frees */
	uint64_t reused;		/* areas whose free was not seen: another one is at their address */
	uint64_t unborn;		/* frees left out: of areas that nothing made */
	uint64_t refused;		/* areas that the model had no room or no memory for */
};

/* What there is at a time. */
struct vmalloc_sum {
	uint64_t areas, pages;	 /* live, and frames of theirs */
	uint64_t unpurged_pages; /* of addresses, guard pages included */
};

struct vmalloc_pass {
	struct vmap_space *space; /* NULL: the recording has no vmallocinfo */
	struct vmallocinfo_text before, after;
	bool has_after;
	uint64_t begin, end;	 /* positions of the events that name the texts */
	struct number_map live;	 /* address in the recording, or number that stands for it -> the model's */
	struct number_map first; /* of live areas of `before` -> 1 */
	struct number_map last;	 /* of live areas of `after` -> their bytes */
	struct number_map kinds; /* bytes of an area -> what events make of that size */
	uint32_t next_gone;	 /* row of `before`: of those above it none is left to be guessed */
	struct vmalloc_pass_counts counts;
};

/* Where a recording has its two texts: numbers of the snapshots, 0 = there is none, and the positions of their events. */
struct text_places {
	uint32_t before, after;
	uint64_t begin, end;
};

struct flt_reader;

/* Makes the areas of the first text in an empty space, which must outlive the pass. Nothing is left to be destroyed unless TRACE_OK.
 * TRACE_BAD_INPUT for a text that is none, TRACE_NO_MEMORY. */
enum trace_status vmalloc_pass_create(struct vmalloc_pass *pass, struct vmap_space *space,
				      struct flt_reader *reader, const struct text_places *places,
				      struct trace_error *error) TRACE_MUST_USE;
void vmalloc_pass_destroy(struct vmalloc_pass *pass);

/* Takes the event of any kind that is at this position. TRACE_NO_MEMORY. */
enum trace_status vmalloc_pass_event(struct vmalloc_pass *pass, const struct event *event, uint64_t position,
				     struct trace_error *error) TRACE_MUST_USE;

/* Who made an area, by the number that it has in the model (vmap_area.caller); NULL: not known. */
const char *vmalloc_pass_caller(const struct vmalloc_pass *pass, uint64_t caller);

struct vmalloc_sum vmalloc_pass_sum(const struct vmalloc_pass *pass);
struct vmalloc_sum vmallocinfo_text_sum(const struct vmallocinfo_text *info);

/* NULL, or the text of the invariant if it does not hold. */
const char *vmalloc_pass_check(const struct vmalloc_pass *pass);

#endif
