/* call.h: the program's system calls, as the plugin sees them.
 *
 * Memory system calls become records with their arguments, result and file. What the kernel reads and writes for a call in
 * the program's memory, without any instruction of the program, becomes references of the kernel's, derived from
 * arguments and result. Calls of the guest library (guest_call.h) are not the program's: they carry heap events.
 */
#ifndef FAULTLINE_TRACES_RECORD_PLUGIN_CALL_H
#define FAULTLINE_TRACES_RECORD_PLUGIN_CALL_H

#include "traces/record/plugin/qemu_plugin.h"

#include <stdbool.h>

void call_begins(qemu_plugin_id_t id, unsigned index, int64_t number, uint64_t a1, uint64_t a2, uint64_t a3,
		 uint64_t a4, uint64_t a5, uint64_t a6, uint64_t a7, uint64_t a8);
void call_returns(qemu_plugin_id_t id, unsigned index, int64_t number, int64_t result);

/* A new thread is being made; called in the thread that makes it. */
void call_new_vcpu(qemu_plugin_id_t id, unsigned index);

/* Is code at this address the guest library's? */
bool call_is_own_code(uint64_t address);

#endif
