#include "config.h"

#include "traces/record/plugin/call.h"

#include "traces/record/guest_call.h"
#include "traces/record/plugin/guest_memory.h"
#include "traces/record/plugin/kernel_copy.h"
#include "traces/record/plugin/mapping.h"
#include "traces/record/plugin/vcpu.h"
#include "traces/record/preload/recording.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>

/* The guest library's code. It may be loaded again by nobody: one range is enough. */
static uint64_t own_code, own_code_end;

/* Of the clone in progress on this thread. */
static __thread uint64_t clone_stack;

bool call_is_own_code(uint64_t address)
{
	return address - own_code < own_code_end - own_code;
}

static void serve_guest(struct vcpu *vcpu, uint64_t operation, const uint64_t *argument)
{
	if (operation == GUEST_ATTACH) {
		own_code = argument[0];
		own_code_end = argument[1];
		guest_memory_answer(argument[2]);
	} else if (operation == GUEST_HEAP && argument[0] >= ARENA_MALLOC &&
		   argument[0] <= ARENA_REALLOC_END && recording_may(&recording_thread)) {
		vcpu_hand_over(vcpu);
		/* NOLINTNEXTLINE(performance-no-int-to-ptr): an address of the program's, never followed */
		recording_event_with(&recording_thread, (enum arena_kind)argument[0], (void *)argument[1],
				     argument[2], argument[3]);
	}
}

static void note_status(uint64_t status)
{
	if (recording_is_own_process())
		atomic_store(&recording.process->exit_status, 256u + ((unsigned)status & 255u));
}

/* Says in the slot what is being tried; a successful exec leaves it standing there. */
static void note_exec(uint64_t path)
{
	if (!recording_is_own_process())
		return;
	(void)guest_memory_text(path, recording.process->exec_path, ARENA_TEXT_BYTES);
	atomic_store(&recording.process->exec_pending, 1);
}

static bool is_memory_call(int64_t number)
{
	switch (number) {
	case SYS_mmap:
	case SYS_munmap:
	case SYS_mremap:
	case SYS_brk:
	case SYS_mprotect:
	case SYS_madvise:
	case SYS_mlock:
	case SYS_mlock2:
	case SYS_munlock:
	case SYS_mlockall:
	case SYS_munlockall:
	case SYS_msync:
	case SYS_mincore:
	case SYS_shmget:
	case SYS_shmat:
	case SYS_shmdt:
	case SYS_shmctl:
	case SYS_ftruncate:
		return true;
	default:
		return false;
	}
}

void call_begins(qemu_plugin_id_t id, unsigned index, int64_t number, uint64_t a1, uint64_t a2, uint64_t a3,
		 uint64_t a4, uint64_t a5, uint64_t a6, uint64_t a7, uint64_t a8)
{
	struct vcpu *vcpu = vcpu_of(index);
	const uint64_t argument[6] = {a1, a2, a3, a4, a5, a6};

	(void)id;
	(void)a7;
	(void)a8;
	if (number == GUEST_CALL_NUMBER) {
		serve_guest(vcpu, a1, argument + 1);
		return;
	}
	for (unsigned i = 0; i < 6; i++)
		vcpu->argument[i] = argument[i];
	vcpu_hand_over(vcpu);
	if (number == SYS_exit_group)
		note_status(a1);
	else if (number == SYS_exit)
		vcpu_finish(vcpu);
	else if (number == SYS_execve)
		note_exec(a1);
	else if (number == SYS_execveat)
		note_exec(a2);
	clone_stack = number == SYS_clone && a1 & CLONE_VM ? a2 : 0;
}

void call_new_vcpu(qemu_plugin_id_t id, unsigned index)
{
	(void)id;
	if (clone_stack == 0)
		return;
	vcpu_be_many();
	vcpu_of(index)->stack_top = clone_stack;
}

static void write_call(int64_t number, const uint64_t *argument, int64_t result)
{
	bool maps_file = number == SYS_mmap && !(argument[3] & MAP_ANONYMOUS);

	if (!recording.arena.control->calls || !recording_may(&recording_thread))
		return;
	if (maps_file)
		mapping_write_file((int)argument[4]);
	else if (number == SYS_ftruncate)
		mapping_write_file((int)argument[0]);
	recording_write_words(&recording_thread, ARENA_CALL_ARGUMENTS, argument);
	recording_write_words(&recording_thread, ARENA_CALL_ARGUMENTS, argument + 3);
	recording_write(&recording_thread, ARENA_CALL, (uint64_t)number, (uint64_t)result);
}

void call_returns(qemu_plugin_id_t id, unsigned index, int64_t number, int64_t result)
{
	struct vcpu *vcpu = vcpu_of(index);

	(void)id;
	if (number == GUEST_CALL_NUMBER)
		return;
	if ((number == SYS_execve || number == SYS_execveat) && recording.process)
		atomic_store(&recording.process->exec_pending, 0);
	if (is_memory_call(number))
		write_call(number, vcpu->argument, result);
	kernel_copy_put(vcpu, number, vcpu->argument, result);
}
