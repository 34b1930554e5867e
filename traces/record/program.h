/* program.h: can a program file be recorded by preloading a library, and if not, why not.
 *
 * The dynamic loader preloads libraries into dynamically linked programs that do not run with raised privileges. A
 * program whose own symbol table defines malloc calls that one, whatever is preloaded.
 */
#ifndef FAULTLINE_TRACES_RECORD_PROGRAM_H
#define FAULTLINE_TRACES_RECORD_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

/* Finds `name` as execvp would and stores the path; false: there is none that can be executed. */
bool program_find(const char *name, char *path, size_t capacity);

/* Stores why `path` (a script: its interpreter) cannot be recorded, in words that complete "nothing was recorded: ".
 * False: no reason was found in the file. */
bool program_obstacle(const char *path, char *reason, size_t capacity);

#endif
