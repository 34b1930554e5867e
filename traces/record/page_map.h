/* page_map.h: which pages of a process's address space are there, and what they are, as the kernel says it.
 *
 *   START-END KIND      one line per run of pages of one kind, addresses in hexadecimal
 *
 *   KIND   p present   s swapped out   f of a file or shared memory   z the zero page   h mapped by a huge entry
 *          letters of all that hold, in this order
 *
 * Source: the ioctl PAGEMAP_SCAN of /proc/PID/pagemap (Documentation/admin-guide/mm/pagemap.rst), Linux 6.7.
 */
#ifndef FAULTLINE_TRACES_RECORD_PAGE_MAP_H
#define FAULTLINE_TRACES_RECORD_PAGE_MAP_H

#include <stdint.h>

/* The text, allocated for the caller; NULL where the system does not tell. Cost: the pages that are there. */
char *page_map_text(uint32_t thread_id);

#endif
