#include "config.h"

#include "engine/virt/mm_edit.h"

#include <errno.h>

enum advice_kind {
	ADVICE_FLAGS,	 /* changes flags of the mapping: splits and merges */
	ADVICE_PAGES,	 /* does something to its pages */
	ADVICE_POPULATE, /* faults its pages in */
};

/* What a mapping must not be, beside its flags: the errno is EINVAL, too. */
enum advice_condition {
	NO_CONDITION,
	ANONYMOUS_ONLY, /* no file, not shared */
	SHARED_FILE_ONLY,
};

struct advice_rule {
	enum mm_advice advice;
	enum advice_kind kind;
	uint32_t set, clear;  /* flags */
	uint32_t forbidden;   /* a mapping with one of these: EINVAL */
	uint32_t passed_over; /* a mapping with one of these is left as it is, without complaint */
	enum advice_condition condition;
};

static const struct advice_rule rules[] = {
    {.advice = MM_ADVICE_NORMAL, .clear = AREA_RANDOM | VMA_SEQUENTIAL},
    {.advice = MM_ADVICE_RANDOM, .set = AREA_RANDOM, .clear = VMA_SEQUENTIAL},
    {.advice = MM_ADVICE_SEQUENTIAL, .set = VMA_SEQUENTIAL, .clear = AREA_RANDOM},
    {.advice = MM_ADVICE_DONT_FORK, .set = AREA_NO_FORK},
    {.advice = MM_ADVICE_DO_FORK, .clear = AREA_NO_FORK, .forbidden = VMA_SPECIAL},
    {.advice = MM_ADVICE_WIPE_ON_FORK, .set = AREA_WIPE_ON_FORK, .condition = ANONYMOUS_ONLY},
    {.advice = MM_ADVICE_KEEP_ON_FORK, .clear = AREA_WIPE_ON_FORK, .forbidden = VMA_DROPPABLE},
    {.advice = MM_ADVICE_DONT_DUMP, .set = VMA_NO_DUMP},
    {.advice = MM_ADVICE_DO_DUMP, .clear = VMA_NO_DUMP, .forbidden = VMA_SPECIAL | VMA_DROPPABLE},
    {.advice = MM_ADVICE_MERGEABLE,
     .set = VMA_MERGEABLE,
     .passed_over = AREA_SHARED | VMA_SPECIAL | VMA_DROPPABLE},
    {.advice = MM_ADVICE_UNMERGEABLE, .clear = VMA_MERGEABLE},
    {.advice = MM_ADVICE_HUGE_PAGE, .set = AREA_HUGE, .clear = AREA_NO_HUGE},
    {.advice = MM_ADVICE_NO_HUGE_PAGE, .set = AREA_NO_HUGE, .clear = AREA_HUGE},
    {.advice = MM_ADVICE_WILL_NEED, .kind = ADVICE_PAGES},
    {.advice = MM_ADVICE_DONT_NEED, .kind = ADVICE_PAGES, .forbidden = AREA_LOCKED | VMA_SPECIAL},
    {.advice = MM_ADVICE_DONT_NEED_LOCKED, .kind = ADVICE_PAGES, .forbidden = VMA_SPECIAL},
    {.advice = MM_ADVICE_FREE,
     .kind = ADVICE_PAGES,
     .forbidden = AREA_LOCKED | VMA_SPECIAL,
     .condition = ANONYMOUS_ONLY},
    {.advice = MM_ADVICE_REMOVE,
     .kind = ADVICE_PAGES,
     .forbidden = AREA_LOCKED,
     .condition = SHARED_FILE_ONLY},
    {.advice = MM_ADVICE_COLD, .kind = ADVICE_PAGES, .forbidden = AREA_LOCKED | VMA_SPECIAL},
    {.advice = MM_ADVICE_PAGE_OUT, .kind = ADVICE_PAGES, .forbidden = AREA_LOCKED | VMA_SPECIAL},
    {.advice = MM_ADVICE_COLLAPSE, .kind = ADVICE_PAGES, .forbidden = VMA_SPECIAL},
    {.advice = MM_ADVICE_GUARD_INSTALL, .kind = ADVICE_PAGES, .forbidden = AREA_LOCKED | VMA_SPECIAL},
    {.advice = MM_ADVICE_GUARD_REMOVE, .kind = ADVICE_PAGES, .forbidden = VMA_SPECIAL},
    {.advice = MM_ADVICE_POPULATE_READ, .kind = ADVICE_POPULATE},
    {.advice = MM_ADVICE_POPULATE_WRITE, .kind = ADVICE_POPULATE},
};

static const struct advice_rule *rule_of(const struct mm *mm, int advice)
{
	bool is_merging = advice == MM_ADVICE_MERGEABLE || advice == MM_ADVICE_UNMERGEABLE;
	bool is_huge =
	    advice == MM_ADVICE_HUGE_PAGE || advice == MM_ADVICE_NO_HUGE_PAGE || advice == MM_ADVICE_COLLAPSE;

	if ((is_merging && !mm->has_ksm) || (is_huge && mm->huge_bytes == 0))
		return NULL;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if ((int)rules[i].advice == advice)
			return &rules[i];
	return NULL;
}

static int check_vma(const struct advice_rule *rule, const struct vma *vma)
{
	uint32_t flags = vma->area.flags;

	if (flags & rule->forbidden)
		return -EINVAL;
	if (rule->condition == ANONYMOUS_ONLY && vma->file)
		return -EINVAL;
	if (rule->condition == SHARED_FILE_ONLY && !vma->file)
		return -EINVAL;
	if (rule->condition == SHARED_FILE_ONLY &&
	    (flags & (AREA_SHARED | VMA_MAY_WRITE)) != (AREA_SHARED | VMA_MAY_WRITE))
		return -EACCES;
	return 0;
}

static int advise_part(struct mm *mm, struct vma **at, const uint64_t range[2],
		       const struct advice_rule *rule)
{
	struct vma *vma = *at;
	uint32_t flags = vma->area.flags;
	int status = check_vma(rule, vma);

	if (status)
		return status;
	if (rule->kind == ADVICE_PAGES) {
		if (rule->advice == MM_ADVICE_GUARD_INSTALL)
			mm_settle_anonymous(mm, vma);
		return mm->pages->advise(mm, vma, range[0], range[1], (int)rule->advice);
	}
	if (flags & rule->passed_over)
		return 0;
	flags = (flags & ~rule->clear) | rule->set;
	if (flags == vma->area.flags)
		return 0;
	struct vma_proposal part = vma_part(vma, range[0], range[1], flags);

	vma = mm_modify(mm, vma, &part, &status);
	if (!vma)
		return status == -ENOMEM ? -EAGAIN : status;
	*at = vma;
	return 0;
}

/* MADV_POPULATE_*: stops at the first hole. */
static int populate_range(struct mm *mm, uint64_t start, uint64_t end, bool is_write)
{
	while (start < end) {
		struct vma *vma = vma_tree_find(&mm->tree, start);

		if (!vma || vma->area.start > start)
			return -ENOMEM;
		if (!(vma->area.flags & (is_write ? AREA_WRITE : AREA_READ)) || vma->area.flags & VMA_SPECIAL)
			return -EINVAL;
		uint64_t to = vma->area.end < end ? vma->area.end : end;
		int status =
		    mm_populate_part(mm, vma, start, to, is_write ? MM_POPULATE_WRITE : MM_POPULATE_READ);

		if (status)
			return status;
		start = to;
	}
	return 0;
}

/* The others: what is mapped is done, and a hole is complained about at the end. */
static int advise_range(struct mm *mm, uint64_t start, uint64_t end, const struct advice_rule *rule)
{
	struct vma *vma = vma_tree_find(&mm->tree, start);
	int hole = 0;

	while (start < end) {
		if (!vma)
			return -ENOMEM;
		if (vma->area.start > start) {
			hole = -ENOMEM;
			start = vma->area.start;
			if (start >= end)
				break;
		}
		uint64_t range[2] = {start, vma->area.end < end ? vma->area.end : end};
		int status = advise_part(mm, &vma, range, rule);

		if (status)
			return status;
		start = vma->area.end;
		vma = vma->next;
	}
	return hole;
}

struct mm_result mm_advise(struct mm *mm, uint64_t address, uint64_t length, int advice)
{
	const struct advice_rule *rule = rule_of(mm, advice);
	uint64_t bytes = mm_whole_pages(length), end = address + bytes;

	if (!rule || !mm_is_page_aligned(address) || (length && !bytes) || end < address)
		return mm_status(-EINVAL);
	if (end == address)
		return mm_value(0);
	if (rule->kind == ADVICE_POPULATE)
		return mm_status(populate_range(mm, address, end, rule->advice == MM_ADVICE_POPULATE_WRITE));
	return mm_status(advise_range(mm, address, end, rule));
}
