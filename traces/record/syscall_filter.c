#include "config.h"

#include "traces/record/syscall_filter.h"

#include "traces/memory_call.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CALLS_MAX 48u
#define FRAME 5u /* instructions beside one per call */

#if defined(__x86_64__)
#define MACHINE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define MACHINE AUDIT_ARCH_AARCH64
#elif defined(__riscv)
#define MACHINE AUDIT_ARCH_RISCV64
#else
#error "which AUDIT_ARCH_ has this machine? (linux/audit.h)"
#endif

/*   machine? no: allow | number of call 1? ... number of call n? yes: trace | allow | trace */
static unsigned short build(struct sock_filter *code)
{
	uint32_t numbers[CALLS_MAX];
	size_t calls = 0, length = 0;

	for (size_t i = 0; memory_call_at(i); i++) {
		if (memory_call_at(i)->number >= 0 && calls < CALLS_MAX)
			numbers[calls++] = (uint32_t)memory_call_at(i)->number;
	}
	code[length++] =
	    (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
	code[length++] =
	    (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MACHINE, 0, (uint8_t)(calls + 1));
	code[length++] =
	    (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < calls; i++)
		code[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, numbers[i],
							      (uint8_t)(calls - i), 0);
	code[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	code[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
	return (unsigned short)length;
}

int syscall_filter_install(void)
{
	struct sock_filter code[CALLS_MAX + FRAME];
	struct sock_fprog program = {.len = build(code), .filter = code};

	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0)
		return 0;
	if (errno != EACCES || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return errno;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0 ? 0 : errno;
}
