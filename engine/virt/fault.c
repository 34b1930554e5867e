#include "config.h"

#include "engine/virt/fault.h"

#include "engine/base/check.h"

enum status fault_space_create(struct fault_space *space, const struct fault_space_options *options)
{
	*space = (struct fault_space){.processors = options->processors, .cpu = options->cpu};
	if (resident_create(&space->resident, &options->resident) != PAGETABLE_DONE)
		return STATUS_NO_MEMORY;
	if (!space->processors)
		return STATUS_OK;
	enum cpu_outcome outcome =
	    cpu_space_create(space->processors, &space->cpu_space, &space->resident.table);

	if (outcome == CPU_FINE)
		return STATUS_OK;
	resident_destroy(&space->resident);
	return outcome == CPU_NO_TASK ? STATUS_LIMIT : STATUS_NO_MEMORY;
}

void fault_space_destroy(struct fault_space *space)
{
	if (space->processors)
		cpu_space_destroy(space->processors, &space->cpu_space);
	resident_destroy(&space->resident);
}

/* --- One fault ------------------------------------------------------------------------------------------------------- */

/* The VMA that the address belongs to, a stack that has been grown down to it included. */
static struct vma *find_vma(struct mm *mm, uint64_t address, uint32_t *kinds)
{
	struct vma *vma = mm_find(mm, address);

	if (!vma || vma->area.start <= address)
		return vma;
	if (!(vma->area.flags & AREA_GROWS_DOWN) || mm_grow_stack(mm, vma, address).error != 0)
		return NULL;
	fault_space_of(mm)->stack_growths++;
	*kinds |= FAULT_GREW_STACK;
	return vma;
}

static enum flush_cause cause_of(uint32_t kinds)
{
	if (kinds & FAULT_PROMOTED)
		return FLUSH_COLLAPSE;
	return kinds & FAULT_SPLIT ? FLUSH_SPLIT : FLUSH_COPY;
}

static void forget(struct fault_space *space, struct flush *flush)
{
	flush_end(flush, &space->resident.table);
	if (space->processors && flush->entries > 0)
		cpu_flush(space->processors, space->cpu, &space->cpu_space, flush);
}

static struct fault refuse(struct fault_space *space, enum fault_end end)
{
	space->resident.counts.no_area += end == FAULT_NO_AREA;
	space->resident.counts.no_right += end == FAULT_NO_RIGHT;
	return (struct fault){.end = end};
}

struct fault fault_handle(struct mm *mm, uint64_t address, unsigned access)
{
	struct fault_space *space = fault_space_of(mm);
	struct resident *resident = &space->resident;
	uint32_t kinds = 0;
	unsigned level;

	if (address >= mm->layout.task_bytes)
		return refuse(space, FAULT_NO_AREA);
	struct vma *vma = find_vma(mm, address, &kinds);

	if (!vma)
		return refuse(space, FAULT_NO_AREA);
	if (!resident_may(&vma->area, access, pagetable_find(&resident->table, address, &level) != NULL))
		return refuse(space, FAULT_NO_RIGHT);
	struct flush flush = flush_begin(FLUSH_COPY, &resident->table);

	resident->flush = &flush;
	struct fault fault = resident_fault(resident, &vma->area, address, access);

	resident->flush = NULL;
	fault.kinds |= kinds;
	flush.cause = cause_of(fault.kinds);
	forget(space, &flush);
	if (vma->area.has_anonymous)
		mm_settle_anonymous(mm, vma);
	return fault;
}

/* --- Accesses -------------------------------------------------------------------------------------------------------- */

/* What a walk finds: the entry if it allows the access; NULL otherwise. */
static pte_t *translate(const struct resident *resident, uint64_t address, unsigned access)
{
	unsigned level;
	pte_t *entry = pagetable_find(&resident->table, address, &level);

	if (!entry || !pte_has(*entry, PTE_PRESENT | PTE_USER) ||
	    (access & WALK_WRITE && !pte_has(*entry, PTE_WRITE)) ||
	    (access & WALK_EXECUTE && pte_has(*entry, PTE_NO_EXECUTE)))
		return NULL;
	return entry;
}

static void count_failed_walk(struct fault_space *space, uint64_t address)
{
	const struct paging *paging = space->resident.table.paging;

	space->failed_walks++;
	if (paging_is_canonical(paging, address))
		space->failed_walk_references +=
		    paging->levels - pagetable_depth(&space->resident.table, address) + 1;
}

struct fault_access fault_access(struct mm *mm, uint64_t address, unsigned access)
{
	struct fault_space *space = fault_space_of(mm);
	struct fault_access result = {.end = FAULT_DONE};

	for (;;) {
		pte_t *entry = translate(&space->resident, address, access);

		result.walks++;
		if (entry) {
			*entry = pte_set(*entry, PTE_ACCESSED | (access & WALK_WRITE ? PTE_DIRTY : 0));
			return result;
		}
		count_failed_walk(space, address);
		result.last = fault_handle(mm, address, access);
		if (result.last.end != FAULT_DONE) {
			result.end = result.last.end;
			return result;
		}
	}
}

size_t fault_run(struct mm *mm, const struct mmu_stream *stream, struct fault *last)
{
	struct fault_space *space = fault_space_of(mm);
	size_t done = 0;

	CHECK(space->processors, "references run on a processor");
	*last = (struct fault){.end = FAULT_DONE};
	while (done < stream->count) {
		struct mmu_stream rest = {stream->addresses + done,
					  stream->accesses ? stream->accesses + done : NULL,
					  stream->count - done};
		struct mmu_fault stop;

		done += cpu_run(space->processors, space->cpu, &rest, &stop);
		if (done == stream->count)
			break;
		count_failed_walk(space, stream->addresses[done]);
		*last = fault_handle(mm, stream->addresses[done],
				     stream->accesses ? stream->accesses[done] : WALK_READ | WALK_USER);
		if (last->end != FAULT_DONE && last->end != FAULT_SPURIOUS)
			break;
	}
	return done;
}

/* --- Calls with a policy --------------------------------------------------------------------------------------------- */

struct mm_result fault_map(struct mm *mm, const struct mm_mapping *mapping)
{
	struct mm_mapping eager = *mapping;

	if (fault_space_of(mm)->resident.policy->paging == PAGING_EAGER &&
	    (mapping->flags & MM_MAP_TYPE) == MM_MAP_PRIVATE && mapping->protection & MM_PROT_WRITE)
		eager.flags |= MM_MAP_POPULATE;
	return mm_map(mm, &eager);
}

struct mm_result fault_set_brk(struct mm *mm, uint64_t brk)
{
	uint64_t before = (mm->brk + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
	struct mm_result result = mm_set_brk(mm, brk);

	if (fault_space_of(mm)->resident.policy->paging == PAGING_EAGER && result.value > before)
		(void)mm_advise(mm, before, result.value - before, MM_ADVICE_POPULATE_WRITE);
	return result;
}

/* --- khugepaged ------------------------------------------------------------------------------------------------------ */

unsigned fault_khugepaged(struct mm *mm, uint64_t *cursor)
{
	struct fault_space *space = fault_space_of(mm);
	struct resident *resident = &space->resident;
	uint64_t left = resident->policy->khugepaged_scan_pages;
	struct vma *vma = mm_find(mm, *cursor);
	struct flush flush = flush_begin(FLUSH_COLLAPSE, &resident->table);
	const struct collapse_limits limits = {resident->policy->khugepaged_max_ptes_none,
					       resident->policy->khugepaged_max_ptes_shared};
	unsigned made = 0;

	if (!resident->huge_level)
		return 0;
	uint64_t huge = paging_leaf_bytes(resident->table.paging, resident->huge_level);
	uint64_t pages = (uint64_t)1 << paging_leaf_order(resident->table.paging, resident->huge_level);

	resident->flush = &flush;
	for (; vma && left >= pages; vma = vma->next) {
		uint64_t at = *cursor > vma->area.start ? *cursor : vma->area.start;

		at = (at + huge - 1) & ~(huge - 1);
		for (; at < vma->area.end && left >= pages; at += huge) {
			if (!resident_may_be_huge(resident, &vma->area, at))
				break;
			made += resident_collapse(resident, &vma->area, at, limits);
			left -= pages;
			*cursor = at + huge;
		}
		if (vma->area.has_anonymous)
			mm_settle_anonymous(mm, vma);
		if (left < pages && *cursor < vma->area.end)
			break;
	}
	if (!vma)
		*cursor = 0;
	resident->flush = NULL;
	forget(space, &flush);
	return made;
}
