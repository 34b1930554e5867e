#include "config.h"

#include "bench/replay/call_trap.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

/* The address that the filter sees is that of the instruction behind the call. */
__asm__(".text\n"
	".p2align 4\n"
	".globl call_trap_call\n"
	".type call_trap_call, @function\n"
	"call_trap_call:\n"
	"	movq %rdi, %rax\n"
	"	movq %rsi, %r11\n"
	"	movq 0(%r11), %rdi\n"
	"	movq 8(%r11), %rsi\n"
	"	movq 16(%r11), %rdx\n"
	"	movq 24(%r11), %r10\n"
	"	movq 32(%r11), %r8\n"
	"	movq 40(%r11), %r9\n"
	"	syscall\n"
	".globl call_trap_return\n"
	".hidden call_trap_return\n"
	"call_trap_return:\n"
	"	ret\n"
	".size call_trap_call, .-call_trap_call\n");

extern const char call_trap_return[];

static const long caught[] = {SYS_mmap,	   SYS_munmap,	 SYS_mremap,	    SYS_brk,
			      SYS_madvise, SYS_mprotect, SYS_rt_sigprocmask};

#define CAUGHT (sizeof(caught) / sizeof(caught[0]))
#define INSTRUCTIONS (CAUGHT + 10)

static call_trap_sink *told;
static void *told_context;
static atomic_flag busy = ATOMIC_FLAG_INIT;

/* --- The filter --------------------------------------------------------------------------------------------------------- */

/*   0 machine  1 x86-64? no: allow  2 number  3 ... caught? yes: who  allow  who: low half of the address?  high half?  allow  trap */
static void build(struct sock_filter code[INSTRUCTIONS])
{
	const uint64_t exempt = (uint64_t)(uintptr_t)call_trap_return;
	const uint32_t address = offsetof(struct seccomp_data, instruction_pointer);
	size_t length = 0;

	code[length++] =
	    (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
	code[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0,
						      (uint8_t)(CAUGHT + 1));
	code[length++] =
	    (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < CAUGHT; i++)
		code[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)caught[i],
							      (uint8_t)(CAUGHT - i), 0);
	code[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	code[length++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, address);
	code[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)exempt, 0, 3);
	code[length++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, address + 4);
	code[length++] =
	    (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(exempt >> 32), 0, 1);
	code[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	code[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP);
}

/* --- The handler -------------------------------------------------------------------------------------------------------- */

static void pause_a_moment(void)
{
	static const uint64_t none[6];

	(void)call_trap_call(SYS_sched_yield, none);
}

static int64_t make_and_tell(struct trapped_call *call)
{
	while (atomic_flag_test_and_set_explicit(&busy, memory_order_acquire))
		pause_a_moment();
	call->result = call_trap_call((long)call->number, call->argument);
	told(told_context, call);
	atomic_flag_clear_explicit(&busy, memory_order_release);
	return call->result;
}

/* rt_sigprocmask(how, set, old, bytes) of the interrupted code, whose mask comes back when the handler returns. */
static int64_t change_mask(ucontext_t *interrupted, const uint64_t argument[6])
{
	void *set = (void *)(uintptr_t)argument[1]; /* NOLINT(performance-no-int-to-ptr) */
	void *old = (void *)(uintptr_t)argument[2]; /* NOLINT(performance-no-int-to-ptr) */
	uint64_t mask, wanted = 0;

	if (argument[3] != sizeof(mask))
		return -EINVAL;
	memcpy(&mask, &interrupted->uc_sigmask, sizeof(mask));
	if (set)
		memcpy(&wanted, set, sizeof(wanted));
	if (old)
		memcpy(old, &mask, sizeof(mask));
	if (!set)
		return 0;
	switch ((int)argument[0]) {
	case SIG_BLOCK:
		mask |= wanted;
		break;
	case SIG_UNBLOCK:
		mask &= ~wanted;
		break;
	case SIG_SETMASK:
		mask = wanted;
		break;
	default:
		return -EINVAL;
	}
	mask &= ~(UINT64_C(1) << (SIGSYS - 1));
	memcpy(&interrupted->uc_sigmask, &mask, sizeof(mask));
	return 0;
}

static void on_call(int number, siginfo_t *information, void *context)
{
	ucontext_t *interrupted = context;
	greg_t *registers = interrupted->uc_mcontext.gregs;
	struct trapped_call call = {
	    .number = (uint64_t)information->si_syscall,
	    .argument = {(uint64_t)registers[REG_RDI], (uint64_t)registers[REG_RSI],
			 (uint64_t)registers[REG_RDX], (uint64_t)registers[REG_R10],
			 (uint64_t)registers[REG_R8], (uint64_t)registers[REG_R9]},
	};

	(void)number;
	registers[REG_RAX] = call.number == SYS_rt_sigprocmask ? change_mask(interrupted, call.argument)
							       : make_and_tell(&call);
}

/* --- Installing --------------------------------------------------------------------------------------------------------- */

const char *call_trap_install(call_trap_sink *sink, void *context)
{
	struct sock_filter code[INSTRUCTIONS];
	struct sock_fprog program = {.len = INSTRUCTIONS, .filter = code};
	struct sigaction action = {.sa_sigaction = on_call, .sa_flags = SA_SIGINFO | SA_RESTART};
	sigset_t unblocked;

	told = sink;
	told_context = context;
	build(code);
	if (sigemptyset(&unblocked) != 0 || sigaddset(&unblocked, SIGSYS) != 0 ||
	    sigprocmask(SIG_UNBLOCK, &unblocked, NULL) != 0 || sigaction(SIGSYS, &action, NULL) != 0)
		return "SIGSYS cannot be caught";
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return "prctl(PR_SET_NO_NEW_PRIVS) failed";
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) != 0)
		return "the system permits no seccomp filter";
	return NULL;
}
