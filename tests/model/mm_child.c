#include "config.h"

#include "tests/model/mm_real.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* This is the server and what it forks: from real_serve() on nothing here may use the heap or map memory, but by the
 * sequence's own calls. */
enum { EXCHANGE_FD = 100, REQUEST_FD = 101, ANSWER_FD = 102 };

static struct exchange *exchange;
static struct surroundings *around;
static int files[STEP_FILES];
static char text[1 << 16];
static unsigned char residency[RESIDENCY_PAGES];
static sigjmp_buf before_touch;
static volatile int touch_signal, touch_code;

/* --- What a process sees of itself -------------------------------------------------------------------------------- */

static bool read_whole(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t used = 0;
	ssize_t got;

	if (fd < 0)
		return false;
	while (used < sizeof(text) - 1 && (got = read(fd, text + used, sizeof(text) - 1 - used)) > 0)
		used += (size_t)got;
	text[used] = '\0';
	(void)close(fd);
	return used < sizeof(text) - 1;
}

static uint64_t number_at(const char **at, unsigned base)
{
	uint64_t number = 0;

	for (;; (*at)++) {
		char c = **at;
		unsigned digit = c >= '0' && c <= '9'	? (unsigned)(c - '0')
				 : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
							: 99;

		if (digit >= base)
			return number;
		number = number * base + digit;
	}
}

/* "start-end rights offset device inode name" */
static void read_line(const char *line, struct seen *seen)
{
	memset(seen, 0, sizeof(*seen));
	seen->start = number_at(&line, 16);
	line++;
	seen->end = number_at(&line, 16);
	line++;
	memcpy(seen->rights, line, 4);
	line += 5;
	seen->offset = number_at(&line, 16);
	line++;
	line = strchr(line, ' ') + 1;
	uint64_t inode = number_at(&line, 10);

	while (*line == ' ')
		line++;
	seen->is_stack = strncmp(line, "[stack]", 7) == 0;
	seen->is_special = strncmp(line, "[v", 2) == 0;
	seen->file = inode == 0			      ? FILE_ANONYMOUS
		     : inode == around->memory_inode  ? FILE_MEMORY
		     : inode == around->regular_inode ? FILE_REGULAR_READ
						      : FILE_BAD;
}

static uint64_t status_line(const char *name)
{
	const char *at = strstr(text, name);

	if (!at)
		return 0;
	at += strlen(name);
	while (*at == ' ' || *at == '\t')
		at++;
	return number_at(&at, 10);
}

static void look_at_pages(struct seen *seen)
{
	size_t pages = (size_t)((seen->end - seen->start) >> 12);

	if (pages > sizeof(residency) ||
	    syscall(SYS_mincore, seen->start, seen->end - seen->start, residency) != 0) {
		seen->resident = UINT64_MAX;
		return;
	}
	for (size_t i = 0; i < pages; i++) {
		if (!(residency[i] & 1))
			continue;
		seen->resident++;
		seen->which = seen_hash(seen->which, i);
	}
}

static void look_around(struct report *report)
{
	report->count = 0;
	report->too_many = !read_whole("/proc/self/maps");
	for (const char *line = text; *line && !report->too_many; line = strchr(line, '\n') + 1) {
		struct seen seen;

		read_line(line, &seen);
		if (!is_in_windows(around, seen.start, seen.end))
			continue;
		report->too_many = report->count == SEEN_MAX;
		if (!report->too_many)
			report->seen[report->count++] = seen;
	}
	for (uint32_t i = 0; i < report->count; i++)
		look_at_pages(&report->seen[i]);
	(void)read_whole("/proc/self/status");
	report->total_kib = status_line("VmSize:");
	report->locked_kib = status_line("VmLck:");
	report->data_kib = status_line("VmData:");
	report->stack_kib = status_line("VmStk:");
}

/* --- Steps -------------------------------------------------------------------------------------------------------- */

static void on_fault(int signal, siginfo_t *info, void *context)
{
	(void)context;
	touch_signal = signal;
	touch_code = info->si_code;
	siglongjmp(before_touch, 1);
}

static void touch(const struct step *step, struct report *report)
{
	volatile unsigned char *byte = (volatile unsigned char *)step->argument[0]; // NOLINT: an address

	touch_signal = touch_code = 0;
	if (sigsetjmp(before_touch, 0) == 0) {
		if (step->call == STEP_WRITE)
			*byte = 1;
		else
			(void)*byte;
	}
	report->signal = touch_signal;
	report->code = touch_code;
}

static long drop_locking(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];
	unsigned bit = 1u << CAP_IPC_LOCK;

	if (syscall(SYS_capget, &header, data) != 0)
		return -1;
	data[0].effective &= ~bit;
	data[0].permitted &= ~bit;
	data[0].inheritable &= ~bit;
	return syscall(SYS_capset, &header, data);
}

static long set_limit(const struct step *step)
{
	static const int resources[] = {RLIMIT_AS, RLIMIT_DATA, RLIMIT_STACK, RLIMIT_MEMLOCK};
	struct rlimit limit;
	uint64_t bytes = step->argument[1];

	if (step->argument[0] >= sizeof(resources) / sizeof(resources[0]))
		return -1;
	if (step->argument[0] == LIMIT_ADDRESS_SPACE)
		bytes += around->total_kib << 10;
	if (step->argument[0] == LIMIT_DATA)
		bytes += around->data_kib << 10;
	if (getrlimit(resources[step->argument[0]], &limit) != 0)
		return -1;
	limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
	if (step->argument[0] == LIMIT_LOCKED && drop_locking() != 0)
		return -1;
	return setrlimit(resources[step->argument[0]], &limit);
}

/* Never MADV_HWPOISON and MADV_SOFT_OFFLINE: they would take memory away from the machine. */
static long advise(const uint64_t *a)
{
	if ((int)a[2] == 100 || (int)a[2] == 101) {
		errno = EINVAL;
		return -1;
	}
	return syscall(SYS_madvise, a[0], a[1], a[2]);
}

static long call_kernel(const struct step *step)
{
	const uint64_t *a = step->argument;

	switch (step->call) {
	case STEP_MMAP:
		return syscall(SYS_mmap, a[0], a[1], a[2], a[3], files[a[4]], a[5]);
	case STEP_MUNMAP:
		return syscall(SYS_munmap, a[0], a[1]);
	case STEP_MREMAP:
		return syscall(SYS_mremap, a[0], a[1], a[2], a[3], a[4]);
	case STEP_BRK:
		return syscall(SYS_brk, around->start_brk + a[0]);
	case STEP_MPROTECT:
		return syscall(SYS_mprotect, a[0], a[1], a[2]);
	case STEP_MADVISE:
		return advise(a);
	case STEP_MLOCK:
		return syscall(SYS_mlock, a[0], a[1]);
	case STEP_MLOCK2:
		return syscall(SYS_mlock2, a[0], a[1], a[2]);
	case STEP_MUNLOCK:
		return syscall(SYS_munlock, a[0], a[1]);
	case STEP_MLOCKALL:
		return syscall(SYS_mlockall, a[0]);
	case STEP_MUNLOCKALL:
		return syscall(SYS_munlockall);
	case STEP_MINCORE:
		return syscall(SYS_mincore, a[0], a[1], residency);
	case STEP_MSYNC:
		return syscall(SYS_msync, a[0], a[1], a[2]);
	case STEP_LIMIT:
		return set_limit(step);
	default:
		return 0;
	}
}

static void do_step(const struct step *step, struct report *report)
{
	long value = 0;

	report->signal = report->code = 0;
	errno = 0;
	if (step->call == STEP_READ || step->call == STEP_WRITE)
		touch(step, report);
	else
		value = call_kernel(step);
	report->error = value == -1 ? errno : 0;
	report->value = value == -1 ? 0 : (uint64_t)value;
	look_around(report);
	report->was_done = true;
}

/* --- Processes 0 and 1 -------------------------------------------------------------------------------------------- */

static int to_second[2], from_second[2];

/* Process 1: a byte is the number of the step it is to do. */
static _Noreturn void be_second(void)
{
	unsigned char number;

	(void)close(to_second[1]);
	while (read(to_second[0], &number, 1) == 1) {
		const struct step *step = &exchange->sequence.steps[number];

		if (step->call == STEP_FORK) {
			struct report *report = &exchange->reports[number][1];

			report->error = 0;
			report->value = 0;
			report->signal = report->code = 0;
			look_around(report);
			report->was_done = true;
		} else {
			do_step(step, &exchange->reports[number][1]);
		}
		if (write(from_second[1], &number, 1) != 1)
			break;
	}
	_exit(0);
}

static bool second_does(unsigned char number)
{
	return write(to_second[1], &number, 1) == 1 && read(from_second[0], &number, 1) == 1;
}

static pid_t start_second(void)
{
	if (pipe2(to_second, O_CLOEXEC) != 0 || pipe2(from_second, O_CLOEXEC) != 0)
		_exit(1);
	errno = 0;
	pid_t second = (pid_t)syscall(SYS_fork);

	if (second == 0)
		be_second();
	int error = errno;

	(void)close(to_second[0]);
	(void)close(from_second[1]);
	errno = error;
	return second;
}

static void end_second(pid_t *second)
{
	(void)close(to_second[1]);
	(void)close(from_second[0]);
	if (*second > 0)
		(void)waitpid(*second, NULL, 0);
	*second = 0;
}

static void fork_step(size_t i, pid_t *second)
{
	struct report *report = &exchange->reports[i][0];

	if (*second > 0)
		return;
	*second = start_second();
	report->value = 0;
	report->error = *second < 0 ? errno : 0;
	report->signal = report->code = 0;
	look_around(report);
	report->was_done = true;
	if (*second < 0)
		end_second(second);
	else if (!second_does((unsigned char)i))
		_exit(1);
}

static void watch_faults(void)
{
	struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER};

	(void)sigaction(SIGSEGV, &action, NULL);
	(void)sigaction(SIGBUS, &action, NULL);
}

static _Noreturn void run_sequence(void)
{
	pid_t second = 0;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	watch_faults();
	for (size_t i = 0; i < exchange->sequence.count; i++) {
		const struct step *step = &exchange->sequence.steps[i];

		if (step->call == STEP_FORK)
			fork_step(i, &second);
		else if (step->process == 0)
			do_step(step, &exchange->reports[i][0]);
		else if (second > 0 && step->call == STEP_EXIT)
			end_second(&second);
		else if (second > 0 && !second_does((unsigned char)i))
			_exit(1);
	}
	if (second > 0)
		end_second(&second);
	_exit(0);
}

/* --- The server --------------------------------------------------------------------------------------------------- */

static _Noreturn void give_up(const char *why)
{
	(void)strncpy(exchange->trouble, why, sizeof(exchange->trouble) - 1);
	(void)!write(ANSWER_FD, "", 1);
	_exit(0);
}

static uint64_t stat_field(unsigned field)
{
	const char *at = strrchr(text, ')') + 2;

	for (unsigned i = 3; i < field; i++)
		at = strchr(at, ' ') + 1;
	return number_at(&at, 10);
}

static uint64_t inode_of(int fd)
{
	struct stat stat;

	return fstat(fd, &stat) == 0 ? stat.st_ino : 0;
}

static void open_files(void)
{
	static char bytes[FILE_BYTES];
	char path[] = "/tmp/mm_calls-XXXXXX";
	int memory = memfd_create("file", MFD_CLOEXEC), made = mkstemp(path), pipes[2];

	memset(bytes, 7, sizeof(bytes));
	if (memory < 0 || ftruncate(memory, FILE_BYTES) != 0 || made < 0 || pipe2(pipes, O_CLOEXEC) != 0)
		give_up("no files");
	char self[] = "/proc/self/fd/ ";

	self[sizeof(self) - 2] = (char)('0' + memory);
	files[FILE_ANONYMOUS] = files[FILE_BAD] = -1;
	files[FILE_MEMORY] = memory;
	files[FILE_MEMORY_READ] = open(self, O_RDONLY | O_CLOEXEC);
	files[FILE_MEMORY_WRITE] = open(self, O_WRONLY | O_CLOEXEC);
	files[FILE_REGULAR_READ] = open(path, O_RDONLY | O_CLOEXEC);
	files[FILE_PIPE] = pipes[0];
	if (memory > 9 || write(made, bytes, FILE_BYTES) != FILE_BYTES || fsync(made) != 0 ||
	    files[FILE_MEMORY_READ] < 0 || files[FILE_MEMORY_WRITE] < 0 || files[FILE_REGULAR_READ] < 0)
		give_up("no files");
	(void)unlink(path);
	around->memory_inode = inode_of(memory);
	around->regular_inode = inode_of(files[FILE_REGULAR_READ]);
}

/* Shared memory begins empty for each sequence, and the regular file in memory, whoever emptied the page cache. */
static void restore_files(void)
{
	static char bytes[FILE_BYTES];

	if (pread(files[FILE_REGULAR_READ], bytes, sizeof(bytes), 0) != FILE_BYTES)
		give_up("the regular file cannot be read");
	if (ftruncate(files[FILE_MEMORY], 0) != 0 || ftruncate(files[FILE_MEMORY], FILE_BYTES) != 0)
		give_up("the file in memory cannot be emptied");
}

static void see_everything(void)
{
	around->count = 0;
	if (!read_whole("/proc/self/maps"))
		give_up("/proc/self/maps cannot be read");
	for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
		if (around->count == FOREIGN_MAX)
			give_up("too many mappings");
		read_line(line, &around->seen[around->count]);
		if (around->seen[around->count].end <= TASK_BYTES)
			around->count++;
	}
}

/* Fills [start, end) but for the windows. */
static void fill(int fd, uint64_t start, uint64_t end)
{
	uint64_t windows[3][2] = {{LOW_WINDOW_START, LOW_WINDOW_BYTES},
				  {around->start_brk, BRK_WINDOW_BYTES},
				  {WINDOW_START, WINDOW_BYTES}};

	for (unsigned i = 0; i < 3; i++) {
		uint64_t from = windows[i][0], to = from + windows[i][1];

		if (to <= start || from >= end)
			continue;
		if (start < from)
			fill(fd, start, from);
		start = to;
	}
	if (start < end && (uint64_t)syscall(SYS_mmap, start, end - start, PROT_NONE,
					     MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0) != start)
		give_up("the address space cannot be filled: mmap of 2^46 bytes is refused");
}

static void fill_everything(void)
{
	int fd = memfd_create("filler", MFD_CLOEXEC);
	uint64_t at = around->lowest_address;

	see_everything();
	for (uint32_t i = 0; i < around->count; i++) {
		if (at < around->seen[i].start)
			fill(fd, at, around->seen[i].start);
		at = around->seen[i].end;
	}
	fill(fd, at, TASK_BYTES);
	(void)close(fd);
	see_everything();
}

static void prepare(void)
{
	struct rlimit limit;
	volatile char deep[1 << 17];

	for (size_t i = 0; i < sizeof(deep); i += 4096)
		deep[i] = 0;
	(void)prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	if (!read_whole("/proc/self/stat"))
		give_up("/proc/self/stat cannot be read");
	around->start_brk = stat_field(47);
	(void)syscall(SYS_brk, around->start_brk);
	if ((uint64_t)syscall(SYS_brk, 0) != around->start_brk)
		give_up("/proc/self/stat does not tell where the heap begins");
	around->brk = around->start_brk;
	const char *at = text;

	if (!read_whole("/proc/sys/vm/mmap_min_addr"))
		give_up("/proc/sys/vm/mmap_min_addr cannot be read");
	around->lowest_address = number_at(&at, 10);
	open_files();
	if (getrlimit(RLIMIT_STACK, &limit) == 0)
		around->stack_bytes = limit.rlim_cur;
	if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0)
		around->locked_bytes = limit.rlim_cur;
	fill_everything();
	(void)read_whole("/proc/self/status");
	around->total_kib = status_line("VmSize:");
	around->locked_kib = status_line("VmLck:");
	around->data_kib = status_line("VmData:");
	around->stack_kib = status_line("VmStk:");
}

void real_serve(int argc, char **argv)
{
	char byte;

	if (argc != 2 || strcmp(argv[1], "--serve") != 0)
		return;
	exchange = mmap(NULL, sizeof(struct exchange), PROT_READ | PROT_WRITE, MAP_SHARED, EXCHANGE_FD, 0);
	if (exchange == MAP_FAILED)
		_exit(4);
	around = &exchange->around;
	prepare();
	(void)!write(ANSWER_FD, "", 1);
	while (read(REQUEST_FD, &byte, 1) == 1) {
		int status = -1;

		restore_files();
		pid_t child = (pid_t)syscall(SYS_fork);

		if (child == 0)
			run_sequence();
		if (child > 0)
			(void)waitpid(child, &status, 0);
		byte = status == 0 ? 1 : 0;
		if (write(ANSWER_FD, &byte, 1) != 1)
			break;
	}
	_exit(0);
}
