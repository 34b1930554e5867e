#include "config.h"

#include "traces/import/constant.h"

#include <string.h>

struct constant {
	const char *name;
	uint64_t value;
};

/* include/uapi: mman-common.h, mman.h, ipc.h, shm.h, sched.h, prctl.h. */
static const struct constant constants[] = {
    {"NULL", 0},
    {"PROT_NONE", 0},
    {"PROT_READ", 1},
    {"PROT_WRITE", 2},
    {"PROT_EXEC", 4},
    {"PROT_SEM", 8},
    {"PROT_GROWSDOWN", 0x1000000},
    {"PROT_GROWSUP", 0x2000000},
    {"MAP_FILE", 0},
    {"MAP_SHARED", 1},
    {"MAP_PRIVATE", 2},
    {"MAP_SHARED_VALIDATE", 3},
    {"MAP_DROPPABLE", 8},
    {"MAP_FIXED", 0x10},
    {"MAP_ANONYMOUS", 0x20},
    {"MAP_ANON", 0x20},
    {"MAP_32BIT", 0x40},
    {"MAP_GROWSDOWN", 0x100},
    {"MAP_DENYWRITE", 0x800},
    {"MAP_EXECUTABLE", 0x1000},
    {"MAP_LOCKED", 0x2000},
    {"MAP_NORESERVE", 0x4000},
    {"MAP_POPULATE", 0x8000},
    {"MAP_NONBLOCK", 0x10000},
    {"MAP_STACK", 0x20000},
    {"MAP_HUGETLB", 0x40000},
    {"MAP_SYNC", 0x80000},
    {"MAP_FIXED_NOREPLACE", 0x100000},
    {"MAP_UNINITIALIZED", 0x4000000},
    {"MREMAP_MAYMOVE", 1},
    {"MREMAP_FIXED", 2},
    {"MREMAP_DONTUNMAP", 4},
    {"MADV_NORMAL", 0},
    {"MADV_RANDOM", 1},
    {"MADV_SEQUENTIAL", 2},
    {"MADV_WILLNEED", 3},
    {"MADV_DONTNEED", 4},
    {"MADV_FREE", 8},
    {"MADV_REMOVE", 9},
    {"MADV_DONTFORK", 10},
    {"MADV_DOFORK", 11},
    {"MADV_MERGEABLE", 12},
    {"MADV_UNMERGEABLE", 13},
    {"MADV_HUGEPAGE", 14},
    {"MADV_NOHUGEPAGE", 15},
    {"MADV_DONTDUMP", 16},
    {"MADV_DODUMP", 17},
    {"MADV_WIPEONFORK", 18},
    {"MADV_KEEPONFORK", 19},
    {"MADV_COLD", 20},
    {"MADV_PAGEOUT", 21},
    {"MADV_POPULATE_READ", 22},
    {"MADV_POPULATE_WRITE", 23},
    {"MADV_DONTNEED_LOCKED", 24},
    {"MADV_COLLAPSE", 25},
    {"MADV_HWPOISON", 100},
    {"MADV_SOFT_OFFLINE", 101},
    {"MADV_GUARD_INSTALL", 102},
    {"MADV_GUARD_REMOVE", 103},
    {"MS_ASYNC", 1},
    {"MS_INVALIDATE", 2},
    {"MS_SYNC", 4},
    {"MCL_CURRENT", 1},
    {"MCL_FUTURE", 2},
    {"MCL_ONFAULT", 4},
    {"MLOCK_ONFAULT", 1},
    {"IPC_PRIVATE", 0},
    {"IPC_CREAT", 01000},
    {"IPC_EXCL", 02000},
    {"IPC_NOWAIT", 04000},
    {"IPC_RMID", 0},
    {"IPC_SET", 1},
    {"IPC_STAT", 2},
    {"IPC_INFO", 3},
    {"IPC_64", 0x100},
    {"SHM_R", 0400},
    {"SHM_W", 0200},
    {"SHM_HUGETLB", 04000},
    {"SHM_NORESERVE", 010000},
    {"SHM_RDONLY", 010000},
    {"SHM_RND", 020000},
    {"SHM_REMAP", 040000},
    {"SHM_EXEC", 0100000},
    {"SHM_LOCK", 11},
    {"SHM_UNLOCK", 12},
    {"SHM_STAT", 13},
    {"SHM_INFO", 14},
    {"SHM_STAT_ANY", 15},
    {"CLONE_NEWTIME", 0x80},
    {"CLONE_VM", 0x100},
    {"CLONE_FS", 0x200},
    {"CLONE_FILES", 0x400},
    {"CLONE_SIGHAND", 0x800},
    {"CLONE_PIDFD", 0x1000},
    {"CLONE_PTRACE", 0x2000},
    {"CLONE_VFORK", 0x4000},
    {"CLONE_PARENT", 0x8000},
    {"CLONE_THREAD", 0x10000},
    {"CLONE_NEWNS", 0x20000},
    {"CLONE_SYSVSEM", 0x40000},
    {"CLONE_SETTLS", 0x80000},
    {"CLONE_PARENT_SETTID", 0x100000},
    {"CLONE_CHILD_CLEARTID", 0x200000},
    {"CLONE_DETACHED", 0x400000},
    {"CLONE_UNTRACED", 0x800000},
    {"CLONE_CHILD_SETTID", 0x1000000},
    {"CLONE_NEWCGROUP", 0x2000000},
    {"CLONE_NEWUTS", 0x4000000},
    {"CLONE_NEWIPC", 0x8000000},
    {"CLONE_NEWUSER", 0x10000000},
    {"CLONE_NEWPID", 0x20000000},
    {"CLONE_NEWNET", 0x40000000},
    {"CLONE_IO", 0x80000000},
    {"SIGCHLD", 17},
    {"PR_SET_MM", 35},
    {"PR_SET_THP_DISABLE", 41},
    {"PR_SET_VMA", 0x53564d41},
    {"PR_SET_VMA_ANON_NAME", 0},
    {"PR_SET_MM_START_CODE", 1},
    {"PR_SET_MM_END_CODE", 2},
    {"PR_SET_MM_START_DATA", 3},
    {"PR_SET_MM_END_DATA", 4},
    {"PR_SET_MM_START_STACK", 5},
    {"PR_SET_MM_START_BRK", 6},
    {"PR_SET_MM_BRK", 7},
    {"PR_SET_MM_ARG_START", 8},
    {"PR_SET_MM_ARG_END", 9},
    {"PR_SET_MM_ENV_START", 10},
    {"PR_SET_MM_ENV_END", 11},
    {"PR_SET_MM_AUXV", 12},
    {"PR_SET_MM_EXE_FILE", 13},
    {"PR_SET_MM_MAP", 14},
    {"PR_SET_MM_MAP_SIZE", 15},
};

#define HIGHEST_ERRNO 133

bool constant_find(const char *name, size_t length, uint64_t *value)
{
	for (size_t i = 0; i < sizeof(constants) / sizeof(constants[0]); i++) {
		if (strlen(constants[i].name) == length && memcmp(constants[i].name, name, length) == 0) {
			*value = constants[i].value;
			return true;
		}
	}
	return false;
}

uint32_t constant_errno(const char *name, size_t length)
{
	for (int number = 1; number <= HIGHEST_ERRNO; number++) {
		const char *known = strerrorname_np(number);
		if (known && strlen(known) == length && memcmp(known, name, length) == 0)
			return (uint32_t)number;
	}
	return 0;
}
