/* syscall_filter.h: a seccomp filter that stops a traced process at memory system calls and nowhere else.
 *
 * It stays for good and in all that the process starts. Without a tracer the calls it stops at fail (ENOSYS).
 */
#ifndef FAULTLINE_TRACES_RECORD_SYSCALL_FILTER_H
#define FAULTLINE_TRACES_RECORD_SYSCALL_FILTER_H

/* Installs it in this process. Without CAP_SYS_ADMIN the process also gives up gaining privileges by exec. Returns 0 or an
 * errno. */
int syscall_filter_install(void);

#endif
