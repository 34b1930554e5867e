/* pagemap.h: /proc/PID/pagemap: a word of 64 bits per page of the address space (pagemap_read of fs/proc/task_mmu.c;
 * Documentation/admin-guide/mm/pagemap.rst).
 *
 *    63      62     61                   60..59  58..57          56               55          54 ... 0
 *   present  swap   file or shared mem   0       guard, uffd     mapped once      soft-dirty  frame number
 *
 * Frame numbers are the simulated machine's. Bits 55, 57, 58 and 62 are never set: the model has no soft-dirty tracking, no
 * userfaultfd, no guard regions and no swap. "Mapped once" counts the processes of the trace.
 *
 * The real file is binary, and 256 GiB long for 47 bits of addresses. So it is written as text, a line per page that has a word other
 * than 0:
 *
 *   7fc9bfc00000 81000000001a2b3c
 *   address      the word
 *
 * or as the words themselves, of a range.
 */
#ifndef FAULTLINE_BENCH_PROC_PAGEMAP_H
#define FAULTLINE_BENCH_PROC_PAGEMAP_H

#include "bench/proc/process.h"

#define PAGEMAP_PRESENT ((uint64_t)1 << 63)
#define PAGEMAP_FILE ((uint64_t)1 << 61)
#define PAGEMAP_ONCE ((uint64_t)1 << 56)
#define PAGEMAP_FRAME (((uint64_t)1 << 55) - 1)

/* The word of the page that holds the address; any number may be asked. */
uint64_t proc_pagemap_word(const struct proc_process *process, uint64_t address);

/* The lines of [start, end). */
void proc_pagemap(const struct proc_process *process, uint64_t start, uint64_t end, FILE *out);

/* The words of the pages from the one that holds `start` to the one before `end`, in this machine's byte order, as the real file has
 * them at 8 * start / 4096. */
void proc_pagemap_words(const struct proc_process *process, uint64_t start, uint64_t end, FILE *out);

#endif
