/* kernel_copy.h: what the kernel reads and writes in the program's memory for a system call.
 *
 * A table says which argument of which call points to what: so many bytes by the result or by another argument, a
 * structure, a path, or a list of buffers. What is not in the table makes no references.
 */
#ifndef FAULTLINE_TRACES_RECORD_PLUGIN_KERNEL_COPY_H
#define FAULTLINE_TRACES_RECORD_PLUGIN_KERNEL_COPY_H

#include "traces/record/plugin/vcpu.h"

#include <stdint.h>

/* Puts the references of a call that returned `result` (-1 to -4095: an errno). */
void kernel_copy_put(struct vcpu *vcpu, int64_t number, const uint64_t argument[6], int64_t result);

#endif
