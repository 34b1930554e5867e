#include "config.h"

#include "bench/spaces/exec_pages.h"

#include <stdlib.h>
#include <string.h>

bool exec_pages_touch_range(struct mm *mm, uint64_t start, uint64_t end)
{
	start &= ~(PAGE_BYTES - 1);
	end = (end + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
	while (start < end) {
		struct vma *vma = mm_find(mm, start);
		uint64_t until;

		if (vma && vma->area.start > start && vma->area.flags & AREA_GROWS_DOWN &&
		    mm_grow_stack(mm, vma, start).error == 0)
			vma = mm_find(mm, start);
		if (!vma || vma->area.start > start)
			return false;
		until = vma->area.end < end ? vma->area.end : end;
		if (resident_populate(&fault_space_of(mm)->resident, &vma->area, start, until,
				      POPULATE_WRITE) != FAULT_DONE)
			return false;
		mm_settle_anonymous(mm, vma);
		start = until;
	}
	return true;
}

/* One line of the text: START-END KIND. */
struct page_run {
	uint64_t start, end;
	bool is_private; /* present, of no file, and not the zero page */
};

/* Moves *text on; false: it is at its end, or not of this form. */
static bool next_run(const char **text, struct page_run *run)
{
	char *end;

	run->start = strtoull(*text, &end, 16);
	if (end == *text || *end != '-')
		return false;
	*text = end + 1;
	run->end = strtoull(*text, &end, 16);
	if (end == *text || *end != ' ')
		return false;
	run->is_private = strncmp(end, " p\n", 3) == 0;
	end = strchr(end, '\n');
	*text = end ? end + 1 : "";
	return true;
}

bool exec_pages_touch(struct mm *mm, const char *text)
{
	struct page_run run;
	bool done = true;

	while (done && next_run(&text, &run))
		done = !run.is_private || exec_pages_touch_range(mm, run.start, run.end);
	return done;
}
