/* story.h: one small machine from its boot to a free, told from the model's own state: `faultline translate --story`.
 *
 * Every number that is printed is read from the parts after the step that it tells of: the page allocator's free lists,
 * struct page, the page tables' entries, the VMAs. Nothing is told that did not happen.
 */
#ifndef FAULTLINE_BENCH_STORY_H
#define FAULTLINE_BENCH_STORY_H

#include <stdbool.h>

/* Tells it on standard output. False when the host has no memory for the machine. */
bool story_tell(void);

#endif
