/* attach.h: how a process joins the recording whose name its environment carries. */
#ifndef FAULTLINE_TRACES_RECORD_PRELOAD_ATTACH_H
#define FAULTLINE_TRACES_RECORD_PRELOAD_ATTACH_H

#include "traces/record/arena.h"

#include <stdbool.h>
#include <stddef.h>

/* ARENA_ENVIRONMENT's whole assignment ("FAULTLINE_RECORD=...") as this process was started with it, NUL-terminated;
 * "" when there is none. Read from /proc/self/environ, because `environ` is not set up when the first heap call comes
 * and may be changed by the program later. */
#define ATTACH_ASSIGNMENT_BYTES 256u
extern char attach_assignment[ATTACH_ASSIGNMENT_BYTES];

/* Maps the arena. False: there is none that can be used. */
bool attach_arena(struct arena *arena);

/* Finds a slot for this process and fills in who it is; NULL when all are taken. `serial` is its new serial. */
struct arena_process *attach_process(struct arena *arena, uint64_t serial, uint32_t *slot);

/* Reads the file `path` into `text`, NUL-terminated; the number of bytes read. Plain system calls, no allocation. */
size_t attach_read(const char *path, char *text, size_t capacity);

/* The program's arguments, separated by blanks. One file says it of a native process, another of the emulator's guest. */
void attach_command(char *text, size_t capacity);

#endif
