#include "config.h"

#include "traces/record/guest_call.h"
#include "traces/record/plugin/call.h"
#include "traces/record/plugin/operand.h"
#include "traces/record/plugin/qemu_plugin.h"
#include "traces/record/plugin/vcpu.h"
#include "traces/record/preload/recording.h"

#include <string.h>

#define PAGE_BYTES 4096u

int qemu_plugin_version = QEMU_PLUGIN_VERSION;

/* --- Made by translated code, once per piece of an access ---------------------------------------------------------------- */

/* What the interface's functions say of an access, as a word without address; kept, for they are calls. An entry is the
 * access's info in the upper half and the word's upper 16 bits in the lower, so that threads may write it at any time. */
#define KNOWN 256u
static _Atomic uint64_t known[KNOWN];

static _Atomic uint64_t *entry_of(qemu_plugin_meminfo_t info)
{
	return &known[(info >> 4 ^ info >> 12) % KNOWN];
}

/* What is kept of `info`; false: nothing. The lower half has the upper 16 bits of the word. */
static inline bool is_known(qemu_plugin_meminfo_t info, uint64_t *told)
{
	*told = atomic_load_explicit(entry_of(info), memory_order_relaxed);
	return *told >> 32 == info && (uint32_t)*told != 0;
}

static uint64_t ask(qemu_plugin_meminfo_t info)
{
	unsigned kind = qemu_plugin_mem_is_store(info) ? ACCESS_WORD_STORE : ACCESS_WORD_LOAD;
	uint64_t word = access_word(kind, UINT64_C(1) << qemu_plugin_mem_size_shift(info), 0);

	atomic_store_explicit(entry_of(info), (uint64_t)info << 32 | word >> ACCESS_WORD_BYTES_SHIFT,
			      memory_order_relaxed);
	return word;
}

static inline uint64_t word_of(qemu_plugin_meminfo_t info, uint64_t address)
{
	uint64_t told;
	uint64_t word =
	    __builtin_expect(is_known(info, &told), 1) ? told << ACCESS_WORD_BYTES_SHIFT : ask(info);

	return word | (address & ACCESS_WORD_ADDRESS);
}

/* Apart, as vcpu_put_rarely. */
static __attribute__((noinline)) void on_new_access(unsigned index, qemu_plugin_meminfo_t info,
						    uint64_t address)
{
	vcpu_put(vcpu_of(index), ask(info) | (address & ACCESS_WORD_ADDRESS));
}

static void on_access(unsigned index, qemu_plugin_meminfo_t info, uint64_t address, void *data)
{
	uint64_t told;

	(void)data;
	if (__builtin_expect(is_known(info, &told), 1))
		vcpu_put(vcpu_of(index), told << ACCESS_WORD_BYTES_SHIFT | (address & ACCESS_WORD_ADDRESS));
	else
		on_new_access(index, info, address);
}

#define AS_MODIFY ((uint64_t)ACCESS_WORD_MODIFY << ACCESS_WORD_KIND_SHIFT)

/* A load and then a store; or, of an atomic operation, one access that QEMU calls a store. */
static void on_modify(unsigned index, qemu_plugin_meminfo_t info, uint64_t address, void *data)
{
	struct vcpu *vcpu = vcpu_of(index);
	uint64_t word = word_of(info, address);
	bool loads = access_word_kind(word) == ACCESS_WORD_LOAD, was_loaded = vcpu->loaded;

	(void)data;
	vcpu->loaded = loads;
	if (loads || !was_loaded)
		vcpu_put(vcpu, word | AS_MODIFY);
}

static void on_wide_begin(unsigned index, void *data)
{
	struct vcpu *vcpu = vcpu_of(index);

	(void)data;
	vcpu->merge = vcpu->at;
}

/* Does `word` go on where `before` ends, as the same kind? */
static bool continues(uint64_t before, uint64_t word)
{
	return access_word_kind(before) == access_word_kind(word) &&
	       access_word_address(before) + access_word_bytes(before) == access_word_address(word);
}

static void put_wide(struct vcpu *vcpu, uint64_t word)
{
	uint64_t *last = vcpu->at - 1;

	if (vcpu->at > vcpu->merge && continues(*last, word)) {
		*last += (uint64_t)access_word_bytes(word) << ACCESS_WORD_BYTES_SHIFT;
		return;
	}
	vcpu_put(vcpu, word);
}

static void on_wide(unsigned index, qemu_plugin_meminfo_t info, uint64_t address, void *data)
{
	(void)data;
	put_wide(vcpu_of(index), word_of(info, address));
}

/* cmpxchg16b: loads of two pieces and then stores of two, or an atomic operation's one access. */
static void on_wide_modify(unsigned index, qemu_plugin_meminfo_t info, uint64_t address, void *data)
{
	struct vcpu *vcpu = vcpu_of(index);
	uint64_t word = word_of(info, address);

	(void)data;
	if (access_word_kind(word) == ACCESS_WORD_LOAD || vcpu->at == vcpu->merge)
		put_wide(vcpu, word | AS_MODIFY);
}

/* The elements of a repeated instruction: one reference per page and run. movs has two under way at once. */
static void on_repeated(unsigned index, qemu_plugin_meminfo_t info, uint64_t address, void *data)
{
	struct vcpu *vcpu = vcpu_of(index);
	uint64_t instruction = (uintptr_t)data, word = word_of(info, address);
	bool goes_on = vcpu->repeated && vcpu->repeated == vcpu->at && vcpu->repeated_at == instruction;

	for (uint64_t *before = vcpu->at - 1; goes_on && before >= vcpu->from && before >= vcpu->at - 2;
	     before--) {
		if (continues(*before, word) && address % PAGE_BYTES != 0) {
			*before += (uint64_t)access_word_bytes(word) << ACCESS_WORD_BYTES_SHIFT;
			return;
		}
	}
	vcpu_put(vcpu, word);
	vcpu->repeated = vcpu->at;
	vcpu->repeated_at = instruction;
}

static void on_fetch(unsigned index, void *data)
{
	vcpu_put(vcpu_of(index), (uintptr_t)data);
}

/* A block that begins with a repeated instruction begins anew for each element. */
static void on_repeated_fetch(unsigned index, void *data)
{
	struct vcpu *vcpu = vcpu_of(index);
	uint64_t word = (uintptr_t)data;

	if (vcpu->repeated && vcpu->repeated == vcpu->at && vcpu->repeated_at == access_word_address(word))
		return;
	vcpu_put(vcpu, word);
}

static void on_sign(unsigned index, void *data)
{
	vcpu_put_sign(vcpu_of(index), access_word((unsigned)(uintptr_t)data, 0, 1));
}

/* --- Made once per translated block ---------------------------------------------------------------------------------------- */

static void *as_data(uint64_t word)
{
	return (void *)(uintptr_t)word; /* NOLINT(performance-no-int-to-ptr): handed back as it is */
}

/* All accesses go to one callback: version 7.2 gives loads to callbacks that asked for stores, and stores to both kinds. */
static void watch_memory(struct qemu_plugin_insn *instruction, enum operand_class class)
{
	static const qemu_plugin_vcpu_mem_cb_t callbacks[] = {
	    [OPERAND_PLAIN] = on_access,      [OPERAND_MODIFY] = on_modify,
	    [OPERAND_WIDE] = on_wide,	      [OPERAND_WIDE_MODIFY] = on_wide_modify,
	    [OPERAND_REPEATED] = on_repeated,
	};

	if (class == OPERAND_WIDE || class == OPERAND_WIDE_MODIFY)
		qemu_plugin_register_vcpu_insn_exec_cb(instruction, on_wide_begin, QEMU_PLUGIN_CB_NO_REGS,
						       NULL);
	qemu_plugin_register_vcpu_mem_cb(instruction, callbacks[class], QEMU_PLUGIN_CB_NO_REGS,
					 QEMU_PLUGIN_MEM_RW,
					 as_data(qemu_plugin_insn_vaddr(instruction) & ACCESS_WORD_ADDRESS));
}

/* The guest library's signs: instructions that do nothing. */
static bool watch_sign(struct qemu_plugin_insn *instruction)
{
	static const uint8_t nop[] = {0x0f, 0x1f, 0x80};
	const uint8_t *bytes = qemu_plugin_insn_data(instruction);
	uint32_t sign;

	if (qemu_plugin_insn_size(instruction) != GUEST_SIGN_BYTES || memcmp(bytes, nop, sizeof(nop)) != 0)
		return false;
	memcpy(&sign, bytes + sizeof(nop), sizeof(sign));
	if (sign != GUEST_SIGN_ENTER && sign != GUEST_SIGN_LEAVE)
		return false;
	qemu_plugin_register_vcpu_insn_exec_cb(
	    instruction, on_sign, QEMU_PLUGIN_CB_NO_REGS,
	    as_data(sign == GUEST_SIGN_ENTER ? ACCESS_WORD_ENTER : ACCESS_WORD_LEAVE));
	return true;
}

static void watch_fetch(struct qemu_plugin_tb *block, uint64_t bytes)
{
	uint64_t at = qemu_plugin_tb_vaddr(block);
	struct qemu_plugin_insn *first = qemu_plugin_tb_get_insn(block, 0);
	bool repeated =
	    operand_class_of(qemu_plugin_insn_data(first), qemu_plugin_insn_size(first)) == OPERAND_REPEATED;

	if (bytes > ACCESS_WORD_BYTES_MAX)
		bytes = ACCESS_WORD_BYTES_MAX;
	qemu_plugin_register_vcpu_tb_exec_cb(block, repeated ? on_repeated_fetch : on_fetch,
					     QEMU_PLUGIN_CB_NO_REGS,
					     as_data(access_word(ACCESS_WORD_FETCH, bytes, at)));
}

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *block)
{
	uint32_t wanted = recording.arena.control->accesses;
	size_t count = qemu_plugin_tb_n_insns(block);
	uint64_t bytes = 0;

	(void)id;
	for (size_t i = 0; i < count; i++) {
		struct qemu_plugin_insn *instruction = qemu_plugin_tb_get_insn(block, i);
		size_t size = qemu_plugin_insn_size(instruction);
		bytes += size;
		if (watch_sign(instruction) || call_is_own_code(qemu_plugin_insn_vaddr(instruction)) ||
		    !(wanted & ARENA_ACCESS_DATA))
			continue;
		watch_memory(instruction, operand_class_of(qemu_plugin_insn_data(instruction), size));
	}
	if (wanted & ARENA_ACCESS_FETCH && count > 0 && !call_is_own_code(qemu_plugin_tb_vaddr(block)))
		watch_fetch(block, bytes);
}

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int count, char **arguments)
{
	(void)info;
	(void)count;
	(void)arguments;
	/* Nobody records: the program runs as it would, only slower. */
	if (!recording_may(&recording_thread) && !recording.process)
		return 0;
	qemu_plugin_register_vcpu_init_cb(id, call_new_vcpu);
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
	qemu_plugin_register_vcpu_syscall_cb(id, call_begins);
	qemu_plugin_register_vcpu_syscall_ret_cb(id, call_returns);
	return 0;
}
