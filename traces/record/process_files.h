/* process_files.h: what /proc says about a process that stands still.
 *
 * Texts are allocated for the caller; NULL where the system tells nothing.
 */
#ifndef FAULTLINE_TRACES_RECORD_PROCESS_FILES_H
#define FAULTLINE_TRACES_RECORD_PROCESS_FILES_H

#include "traces/record/kernel_record.h"

#include <stdbool.h>
#include <stdint.h>

#define PROCESS_TEXT_BYTES (UINT32_C(64) << 20) /* most that is read of any file */

/* The process that a thread belongs to, 0 if it cannot be said. */
uint32_t process_of_thread(uint32_t thread_id);

/* The parent of a process: whoever adopted it when its own has ended; 0 if it cannot be said. */
uint32_t process_parent(uint32_t process_id);

/* Its arguments with blanks between them. */
char *process_arguments(uint32_t process_id);

char *process_thread_name(uint32_t thread_id);

/* The path behind a file descriptor (a negative one: behind the program itself), and the file in *file. */
char *process_file(uint32_t process_id, int descriptor, struct kernel_file *file);

/* A file of /proc/ID, as a text ended by NUL. */
char *process_text(uint32_t id, const char *name);

/* Does the process run machine code of the recorder's own kind? */
bool process_is_native(uint32_t process_id);

#endif
