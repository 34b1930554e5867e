/* exec_pages.h: the pages of a program that exec itself touched, before the program ran: the stack with arguments, environment and
 * auxiliary vector, and the rest of the last page of initialised data, which it clears.
 *
 *   7ffffffde000-7ffffffff000 p     snapshot "pages" (traces/record/page_map.h): private pages that are there after exec
 *
 * They are written by the kernel, and so are private frames when the program sees them first.
 */
#ifndef FAULTLINE_BENCH_SPACES_EXEC_PAGES_H
#define FAULTLINE_BENCH_SPACES_EXEC_PAGES_H

#include "engine/virt/fault.h"

/* Faults the private pages that the text names in, for writing. False: they are in no mapping, or there is no memory; those before
 * are there. The text ends with a NUL; what is not of its form ends it. */
bool exec_pages_touch(struct mm *mm, const char *text);

/* The same for the addresses [start, end), whole pages around them. */
bool exec_pages_touch_range(struct mm *mm, uint64_t start, uint64_t end);

#endif
