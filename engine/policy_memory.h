/* policy_memory.h: the physical memory that a policy means (engine/phys/memory.h).
 *
 *   free_blocks                    how zones keep their free blocks
 *   page_placement                 which free block of the bitmaps an allocation takes; typed ones are order-first
 *   per_cpu_lists, pcp_tuning      the CPUs' page sets, and whether their figures follow the load
 *   min_free_kbytes, watermark_scale_factor, thp       the watermarks: with transparent huge pages more is kept free
 *   page_owner                     who allocated a block is remembered
 *   memory_layout                  zones and direct map of a plain machine
 */
#ifndef FAULTLINE_ENGINE_POLICY_MEMORY_H
#define FAULTLINE_ENGINE_POLICY_MEMORY_H

#include "engine/phys/memory.h"
#include "engine/policy.h"

/* The placement of bitmaps. */
enum buddy_placement policy_placement(const struct policy *policy);

/* A machine with the kernel's orders, one CPU if it has page sets, else none, and backing none. Its size or description is the
 * caller's to add; a machine with more CPUs sets `cpus`, unless it is 0. */
struct memory_shape policy_memory_shape(const struct policy *policy);

#endif
