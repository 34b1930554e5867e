/* guest_memory.h: the emulated program's memory, reached without trusting its addresses. */
#ifndef FAULTLINE_TRACES_RECORD_PLUGIN_GUEST_MEMORY_H
#define FAULTLINE_TRACES_RECORD_PLUGIN_GUEST_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Copies `bytes` from the program's `address`. False: not all of them can be read. */
bool guest_memory_read(uint64_t address, void *to, size_t bytes);

/* Copies a text with its end mark, cut at `capacity`; the number of characters, 0 also when there is none. */
size_t guest_memory_text(uint64_t address, char *to, size_t capacity);

/* Stores the 32-bit number 1 at the program's `address`. */
void guest_memory_answer(uint64_t address);

#endif
