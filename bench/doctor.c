#include "config.h"

#include "bench/doctor.h"

#include "bench/installation.h"
#include "bench/replay/call_trap.h"
#include "bench/targets/target.h"

#include "traces/record/clock.h"
#include "traces/record/ticks.h"

#include <errno.h>
#include <fcntl.h>
#include <gnu/libc-version.h>
#include <limits.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

void doctor_find(struct doctor *doctor, const char *group, const char *what, enum doctor_mark mark,
		 const char *format, ...)
{
	struct doctor_finding *finding;
	va_list arguments;

	if (doctor->findings == DOCTOR_MAX_FINDINGS)
		return;
	finding = &doctor->finding[doctor->findings++];
	finding->group = group;
	finding->mark = mark;
	(void)snprintf(finding->what, sizeof(finding->what), "%s", what);
	va_start(arguments, format);
	(void)vsnprintf(finding->text, sizeof(finding->text), format, arguments);
	va_end(arguments);
}

/* The first line of a file, without its end; false when it cannot be read. */
static bool read_line(const char *path, char *line, size_t capacity)
{
	FILE *file = fopen(path, "re");
	bool got;

	if (!file)
		return false;
	got = fgets(line, (int)capacity, file) != NULL;
	(void)fclose(file);
	if (got)
		line[strcspn(line, "\n")] = '\0';
	return got;
}

/* --- Recorders --------------------------------------------------------------------------------------------------------- */

static bool can_wipe_on_fork(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bool can = page != MAP_FAILED && madvise(page, 4096, MADV_WIPEONFORK) == 0;

	if (page != MAP_FAILED)
		(void)munmap(page, 4096);
	return can;
}

static bool can_share_memory(void)
{
	int fd = memfd_create("faultline-doctor", MFD_CLOEXEC);
	bool can = fd >= 0 && fallocate(fd, 0, 0, 65536) == 0;
	char path[64];
	int again;

	if (fd < 0)
		return false;
	(void)snprintf(path, sizeof(path), "/proc/%ld/fd/%d", (long)getpid(), fd);
	again = open(path, O_RDWR | O_CLOEXEC);
	if (again >= 0)
		(void)close(again);
	(void)close(fd);
	return can && again >= 0;
}

static void examine_heap_recorder(struct doctor *doctor)
{
	static const char group[] = "recorders";
	char path[PATH_MAX];
	long fd = syscall(SYS_pidfd_open, getpid(), 0);

	if (fd >= 0)
		(void)close((int)fd);
	if (!installation_find("libfaultline-record.so", path, sizeof(path)))
		doctor_find(doctor, group, "heap", DOCTOR_BAD, "its library is missing: %s", path);
	else if (!can_share_memory())
		doctor_find(doctor, group, "heap", DOCTOR_BAD,
			    "needs memfd_create and /proc, to share memory with the recorded program");
	else if (!can_wipe_on_fork())
		doctor_find(doctor, group, "heap", DOCTOR_BAD,
			    "needs MADV_WIPEONFORK (Linux 4.14), to notice forks");
	else if (fd < 0)
		doctor_find(
		    doctor, group, "heap", DOCTOR_LIMITED,
		    "works; without pidfd_open (Linux 5.3) the end of a program that nobody waits for is "
		    "seen late");
	else
		doctor_find(doctor, group, "heap", DOCTOR_GOOD,
			    "dynamically linked programs, no privileges needed");
	if (installation_find("libfaultline-record-stacks.so", path, sizeof(path)))
		doctor_find(doctor, group, "heap --stacks", DOCTOR_GOOD, "call stacks by libunwind");
	else
		doctor_find(doctor, group, "heap --stacks", DOCTOR_MISSING,
			    "built without libunwind (Debian: libunwind-dev, then configure again)");
}

/* --- Programs and libraries ---------------------------------------------------------------------------------------------- */

/* Runs argv and stores the first line that it prints. False when it cannot be run or fails. */
static bool first_line_of(char *const argv[], char *line, size_t capacity)
{
	posix_spawn_file_actions_t actions;
	int output[2], status = 1;
	size_t used = 0;
	ssize_t got;
	pid_t child;
	bool ran;

	if (pipe2(output, O_CLOEXEC) != 0)
		return false;
	if (posix_spawn_file_actions_init(&actions) != 0) {
		(void)close(output[0]);
		(void)close(output[1]);
		return false;
	}
	ran = posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO) == 0 &&
	      posix_spawnp(&child, argv[0], &actions, NULL, argv, environ) == 0;
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)close(output[1]);
	while (ran && used < capacity - 1 && (got = read(output[0], line + used, capacity - 1 - used)) > 0)
		used += (size_t)got;
	(void)close(output[0]);
	line[used] = '\0';
	line[strcspn(line, "\n")] = '\0';
	return ran && waitpid(child, &status, 0) == child && status == 0;
}

static void ignore_call(void *context, const struct trapped_call *call)
{
	(void)context;
	(void)call;
}

/* In a child, whose status says whether the system permits what a placement needs. */
static _Noreturn void try_placement(void)
{
	int persona = personality(0xffffffff);

	if (persona == -1 || personality((unsigned long)persona | ADDR_NO_RANDOMIZE) == -1)
		_exit(1);
	_exit(call_trap_install(ignore_call, NULL) ? 2 : 0);
}

static void examine_placement(struct doctor *doctor)
{
	static const char *const refusals[] = {NULL, "personality(ADDR_NO_RANDOMIZE) is not permitted",
					       "no seccomp filter is permitted"};
	pid_t child = fork();
	int status = -1;

	if (child == 0)
		try_placement();
	if (child > 0)
		(void)waitpid(child, &status, 0);
	if (child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		doctor_find(doctor, "allocators", "placement", DOCTOR_GOOD,
			    "fixed addresses and a seccomp filter: TLB misses and faults per allocator");
	else
		doctor_find(doctor, "allocators", "placement", DOCTOR_MISSING,
			    "%s: no TLB misses and faults of live allocators",
			    child > 0 && WIFEXITED(status) && WEXITSTATUS(status) <= 2
				? refusals[WEXITSTATUS(status)]
				: "it could not be tried");
}

static void examine_gnuplot(struct doctor *doctor)
{
	char name[] = "gnuplot", option[] = "--version";
	char *const argv[] = {name, option, NULL};
	char line[256];

	if (first_line_of(argv, line, sizeof(line)))
		doctor_find(doctor, "pictures", "gnuplot", DOCTOR_GOOD, "%s", line);
	else
		doctor_find(doctor, "pictures", "gnuplot", DOCTOR_MISSING,
			    "no charts without it (Debian: gnuplot-nox)");
}

/* What replay itself would say of the target, so that the two never differ. */
static void examine_allocator(struct doctor *doctor, const char *name, enum doctor_mark without)
{
	struct target target;
	struct target_error error;
	char real[PATH_MAX];

	if (!target_parse(&target, name, NULL, 0, &error)) {
		doctor_find(doctor, "allocators", name, without, "%.400s", error.message);
		return;
	}
	if (target.kind == TARGET_GLIBC)
		doctor_find(doctor, "allocators", name, DOCTOR_GOOD, "%s", gnu_get_libc_version());
	else if (target.library[0] == '\0')
		doctor_find(doctor, "allocators", name, DOCTOR_GOOD, "linked into the replaying program");
	else
		doctor_find(doctor, "allocators", name, DOCTOR_GOOD, "%.400s",
			    realpath(target.library, real) ? real : target.library);
	target_destroy(&target);
}

static void examine_allocators(struct doctor *doctor)
{
	examine_allocator(doctor, "glibc", DOCTOR_BAD);
	examine_allocator(doctor, "jemalloc", DOCTOR_MISSING);
	examine_allocator(doctor, "mimalloc", DOCTOR_MISSING);
	examine_allocator(doctor, "tcmalloc", DOCTOR_MISSING);
	examine_allocator(doctor, "engine", DOCTOR_BAD);
}

/* --- The machine ------------------------------------------------------------------------------------------------------------- */

static bool processor_has(const char *flag)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	char *line = NULL;
	size_t capacity = 0;
	bool has = false;

	if (!file)
		return false;
	while (!has && getline(&line, &capacity, file) > 0)
		has = strncmp(line, "flags", 5) == 0 && strstr(line, flag) != NULL;
	free(line);
	(void)fclose(file);
	return has;
}

static void examine_clock(struct doctor *doctor)
{
	struct tick_clock clock;
	char source[64] = "unknown";

	(void)read_line("/sys/devices/system/clocksource/clocksource0/current_clocksource", source,
			sizeof(source));
	tick_clock_start(&clock);
	tick_clock_calibrate(&clock);
	doctor_find(doctor, "clocks", "ticks", clock.resolution_ns <= 20 ? DOCTOR_GOOD : DOCTOR_LIMITED,
		    "%.0f MHz, steps of %llu ns, %.0f ns to read; nothing finer than a step is reported",
		    1e3 / clock.ns_per_tick, (unsigned long long)clock.resolution_ns, clock.read_ns);
	if (processor_has("constant_tsc") && processor_has("nonstop_tsc"))
		doctor_find(doctor, "clocks", "invariance", DOCTOR_GOOD,
			    "constant_tsc and nonstop_tsc, clock source %s", source);
	else
		doctor_find(
		    doctor, "clocks", "invariance", DOCTOR_LIMITED,
		    "the processor does not promise that its tick counter runs evenly (clock source %s): "
		    "times of recordings "
		    "may drift",
		    source);
}

static void examine_thp(struct doctor *doctor)
{
	char mode[128];
	const char *open, *close;

	if (!read_line("/sys/kernel/mm/transparent_hugepage/enabled", mode, sizeof(mode)) ||
	    !(open = strchr(mode, '[')) || !(close = strchr(open, ']'))) {
		doctor_find(doctor, "kernel", "huge pages", DOCTOR_LIMITED,
			    "transparent huge pages are not available");
		return;
	}
	doctor_find(doctor, "kernel", "huge pages", DOCTOR_GOOD,
		    "transparent: %.*s (replay sets it per child)", (int)(close - open - 1), open + 1);
}

static void examine_perf(struct doctor *doctor)
{
	char level[32];

	if (!read_line("/proc/sys/kernel/perf_event_paranoid", level, sizeof(level)))
		doctor_find(doctor, "kernel", "perf events", DOCTOR_LIMITED,
			    "not available: record --mm goes by ptrace, record --faults not at all");
	else if (geteuid() == 0 || strtol(level, NULL, 10) <= 1)
		doctor_find(doctor, "kernel", "perf events", DOCTOR_GOOD, "perf_event_paranoid is %s%s",
			    level, geteuid() == 0 ? ", and this is root" : "");
	else
		doctor_find(doctor, "kernel", "perf events", DOCTOR_LIMITED,
			    "perf_event_paranoid is %s: what that leaves to the recorders is said above",
			    level);
}

static void examine_ptrace(struct doctor *doctor)
{
	char scope[32];

	if (!read_line("/proc/sys/kernel/yama/ptrace_scope", scope, sizeof(scope)))
		doctor_find(doctor, "kernel", "ptrace scope", DOCTOR_GOOD, "no restriction");
	else
		doctor_find(doctor, "kernel", "ptrace scope", DOCTOR_GOOD,
			    "%s; recorders trace only what they start themselves", scope);
}

static void examine_limits(struct doctor *doctor)
{
	char random[32] = "?", overcommit[32] = "?";

	(void)read_line("/proc/sys/kernel/randomize_va_space", random, sizeof(random));
	(void)read_line("/proc/sys/vm/overcommit_memory", overcommit, sizeof(overcommit));
	doctor_find(doctor, "kernel", "address layout", DOCTOR_GOOD, "randomize_va_space is %s", random);
	doctor_find(
	    doctor, "kernel", "overcommit", overcommit[0] == '2' ? DOCTOR_LIMITED : DOCTOR_GOOD,
	    "overcommit_memory is %s%s", overcommit,
	    overcommit[0] == '2'
		? ": allocators that reserve much address space, the engine among them, may be refused"
		: "");
	doctor_find(doctor, "machine", "processors",
		    sysconf(_SC_NPROCESSORS_ONLN) >= 2 ? DOCTOR_GOOD : DOCTOR_LIMITED, "%ld%s",
		    sysconf(_SC_NPROCESSORS_ONLN),
		    sysconf(_SC_NPROCESSORS_ONLN) >= 2
			? ""
			: ": recorder and program share one, and recording slows it more");
	doctor_find(doctor, "machine", "memory", DOCTOR_GOOD, "%.1f GiB",
		    (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE) / 1073741824.0);
	doctor_find(doctor, "machine", "privileges", DOCTOR_GOOD,
		    "%s; recording the heap and replaying need none",
		    geteuid() == 0 ? "root" : "an ordinary user");
}

void doctor_examine(struct doctor *doctor)
{
	doctor->findings = 0;
	examine_heap_recorder(doctor);
	doctor_examine_kernel_recorders(doctor);
	doctor_examine_access_recorder(doctor);
	examine_allocators(doctor);
	examine_placement(doctor);
	examine_gnuplot(doctor);
	examine_clock(doctor);
	examine_thp(doctor);
	examine_perf(doctor);
	examine_ptrace(doctor);
	examine_limits(doctor);
}

bool doctor_is_bad(const struct doctor *doctor)
{
	for (size_t i = 0; i < doctor->findings; i++) {
		if (doctor->finding[i].mark == DOCTOR_BAD)
			return true;
	}
	return false;
}

const char *doctor_mark_name(enum doctor_mark mark)
{
	static const char *const names[] = {"good", "limited", "missing", "bad"};

	return names[mark];
}
