/* qemu_plugin.h: the part of QEMU's plugin interface, version 1 (QEMU 4.2 to 8.2; tried with 7.2), that we use.
 *
 * Distributions do not package QEMU's own header. The emulator exports these functions to the plugins it loads. What a
 * handle points to is QEMU's business; handles of blocks and instructions are valid only within the translation callback.
 */
#ifndef FAULTLINE_TRACES_RECORD_PLUGIN_QEMU_PLUGIN_H
#define FAULTLINE_TRACES_RECORD_PLUGIN_QEMU_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#define QEMU_PLUGIN_VERSION 1

typedef uint64_t qemu_plugin_id_t;
typedef uint32_t qemu_plugin_meminfo_t; /* what is known of one memory access; opaque */

struct qemu_plugin_tb;	 /* a block of translated instructions */
struct qemu_plugin_insn; /* one of them */
struct qemu_info;

/* What a callback does with the processor's registers: nothing. */
enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS };

enum qemu_plugin_mem_rw { QEMU_PLUGIN_MEM_R = 1, QEMU_PLUGIN_MEM_W, QEMU_PLUGIN_MEM_RW };

typedef void (*qemu_plugin_vcpu_simple_cb_t)(qemu_plugin_id_t id, unsigned vcpu);
typedef void (*qemu_plugin_vcpu_udata_cb_t)(unsigned vcpu, void *data);
typedef void (*qemu_plugin_vcpu_mem_cb_t)(unsigned vcpu, qemu_plugin_meminfo_t info, uint64_t address,
					  void *data);
typedef void (*qemu_plugin_tb_trans_cb_t)(qemu_plugin_id_t id, struct qemu_plugin_tb *block);
typedef void (*qemu_plugin_syscall_cb_t)(qemu_plugin_id_t id, unsigned vcpu, int64_t number, uint64_t a1,
					 uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5, uint64_t a6,
					 uint64_t a7, uint64_t a8);
typedef void (*qemu_plugin_syscall_ret_cb_t)(qemu_plugin_id_t id, unsigned vcpu, int64_t number,
					     int64_t result);

/* What a plugin defines. */
extern __attribute__((visibility("default"))) int qemu_plugin_version;
__attribute__((visibility("default"))) int
qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int count, char **arguments);

/* What the emulator defines. */
void qemu_plugin_register_vcpu_init_cb(qemu_plugin_id_t id, qemu_plugin_vcpu_simple_cb_t callback);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, qemu_plugin_tb_trans_cb_t callback);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *block, qemu_plugin_vcpu_udata_cb_t callback,
					  enum qemu_plugin_cb_flags flags, void *data);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *instruction,
					    qemu_plugin_vcpu_udata_cb_t callback,
					    enum qemu_plugin_cb_flags flags, void *data);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *instruction,
				      qemu_plugin_vcpu_mem_cb_t callback, enum qemu_plugin_cb_flags flags,
				      enum qemu_plugin_mem_rw which, void *data);
void qemu_plugin_register_vcpu_syscall_cb(qemu_plugin_id_t id, qemu_plugin_syscall_cb_t callback);
void qemu_plugin_register_vcpu_syscall_ret_cb(qemu_plugin_id_t id, qemu_plugin_syscall_ret_cb_t callback);

size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *block);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *block, size_t index);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *instruction);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *instruction);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *instruction);

/* log2 of an access's bytes. */
unsigned qemu_plugin_mem_size_shift(qemu_plugin_meminfo_t info);

/* Does it write? (An atomic operation, which also reads, does.) */
_Bool qemu_plugin_mem_is_store(qemu_plugin_meminfo_t info);

/* Guest address + guest_base = address in the emulator. Not part of the interface; NULL where it is not exported. */
extern __attribute__((weak)) uintptr_t guest_base;

#endif
