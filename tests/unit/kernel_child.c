#include "config.h"

#include "tests/unit/kernel_child.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096u
#define REGION_BYTES ((uint64_t)64 << 30)
#define TEXT_BYTES 65536u
#define WINDOW_PAGES 8192u
#define WARM_PAGE (((uint64_t)1 << 40) / PAGE) /* shares no table with the region */

struct message {
	struct step step;
	struct step_figures figures;
};

struct kernel_family {
	pid_t pid;
	int file;
	int to[KERNEL_CHILD_PROCESSES];					     /* requests */
	int from[KERNEL_CHILD_PROCESSES];				     /* answers */
	int request[KERNEL_CHILD_PROCESSES], answer[KERNEL_CHILD_PROCESSES]; /* the children's ends */
	int64_t empty_table_pages;
	int64_t forked_table_pages;
	bool has_forked;
};

/* --- Measuring, in the child --------------------------------------------------------------------------------------- */

static char text[TEXT_BYTES];
static uint64_t window[WINDOW_PAGES];
static sigjmp_buf back;
static volatile siginfo_t caught;
static volatile unsigned char sink;

static size_t read_text(const char *path)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);
	size_t length = 0;
	ssize_t got;

	if (file < 0)
		return 0;
	while ((got = read(file, text + length, TEXT_BYTES - 1 - length)) > 0)
		length += (size_t)got;
	(void)close(file);
	text[length] = '\0';
	return length;
}

static uint64_t field_kib(const char *from, const char *name)
{
	const char *at = strstr(from, name);

	return at ? strtoull(at + strlen(name), NULL, 10) : 0;
}

/* The lines of smaps about mappings inside the region, added up. */
static void measure_region(struct step_figures *figures)
{
	char *line = text;
	bool inside = false;

	(void)read_text("/proc/self/smaps");
	while (*line != '\0') {
		char *end = strchr(line, '\n');
		char *after;
		uint64_t address = strtoull(line, &after, 16);

		if (end)
			*end = '\0';
		if (after != line && *after == '-')
			inside = address >= KERNEL_CHILD_BASE && address < KERNEL_CHILD_BASE + REGION_BYTES;
		else if (inside && strncmp(line, "Rss:", 4) == 0)
			figures->resident_pages += field_kib(line, "Rss:") / 4;
		else if (inside && strncmp(line, "Anonymous:", 10) == 0)
			figures->anonymous_pages += field_kib(line, "Anonymous:") / 4;
		else if (inside && strncmp(line, "LazyFree:", 9) == 0)
			figures->lazyfree_pages += field_kib(line, "LazyFree:") / 4;
		else if (inside && strncmp(line, "AnonHugePages:", 14) == 0)
			figures->huge_pages += field_kib(line, "AnonHugePages:") / 4;
		line = end ? end + 1 : line + strlen(line);
	}
}

static void measure_mapped(struct step_figures *figures)
{
	int file = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

	for (uint64_t page = 0; page < KERNEL_CHILD_WINDOW; page += WINDOW_PAGES) {
		off_t offset = (off_t)((KERNEL_CHILD_BASE / PAGE + page) * 8);
		ssize_t got = pread(file, window, sizeof(window), offset);

		for (uint64_t i = 0; got > 0 && i < (uint64_t)got / 8; i++) {
			if (!(window[i] >> 63))
				continue;
			figures->mapped_pages++;
			figures->mapped_hash = kernel_child_hash(figures->mapped_hash, page + i);
		}
	}
	(void)close(file);
}

static int64_t table_pages(void)
{
	(void)read_text("/proc/self/status");
	return (int64_t)field_kib(text, "VmPTE:") / 4;
}

static void measure(struct step_figures *figures)
{
	measure_region(figures);
	measure_mapped(figures);
	figures->table_pages = table_pages();
}

/* --- The steps, in the child --------------------------------------------------------------------------------------- */

static void on_signal(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	caught.si_signo = info->si_signo;
	caught.si_code = info->si_code;
	siglongjmp(back, 1);
}

/* Not instrumented: a sanitizer's shadow would fault, too. */
__attribute__((no_sanitize("address", "undefined"))) static void touch(const struct step *step,
								       volatile unsigned char *base)
{
	uint64_t stride = step->extra ? step->extra : 1;

	for (uint64_t page = 0; page < step->pages; page += stride) {
		volatile unsigned char *at = base + page * PAGE;

		if (step->call == STEP_READ)
			sink = *at;
		else if (step->call == STEP_WRITE)
			*at = 0xc3;
		else
			((void (*)(void))(uintptr_t)at)();
	}
}

static void map(const struct step *step, void *base, int file)
{
	int prot = (int)(step->flags & (PROT_READ | PROT_WRITE | PROT_EXEC));
	int flags = MAP_FIXED | (step->flags & STEP_SHARED ? MAP_SHARED : MAP_PRIVATE) |
		    (step->flags & STEP_FILE ? 0 : MAP_ANONYMOUS) |
		    (step->flags & STEP_POPULATE ? MAP_POPULATE : 0);

	if (!(step->flags & STEP_FILE))
		file = -1;
	(void)!mmap(base, step->pages * PAGE, prot, flags, file,
		    step->flags & STEP_FILE ? (off_t)(step->extra * PAGE) : 0);
}

static void await_page(void *page)
{
	unsigned char resident = 0;

	for (unsigned i = 0; i < 5000 && mincore(page, PAGE, &resident) == 0 && !(resident & 1); i++)
		(void)usleep(1000);
}

static void call(const struct step *step, int file)
{
	unsigned char *base = (unsigned char *)(uintptr_t)KERNEL_CHILD_BASE + step->page * PAGE;
	size_t bytes = step->pages * PAGE;

	errno = 0;
	switch (step->call) {
	case STEP_MAP:
		map(step, base, file);
		break;
	case STEP_UNMAP:
		(void)munmap(base, bytes);
		break;
	case STEP_PROTECT:
		(void)mprotect(base, bytes, (int)(step->flags & (PROT_READ | PROT_WRITE | PROT_EXEC)));
		break;
	case STEP_ADVISE:
		(void)madvise(base, bytes, (int)step->extra);
		break;
	case STEP_MOVE:
		(void)!mremap(base, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED,
			      (unsigned char *)(uintptr_t)KERNEL_CHILD_BASE + step->extra * PAGE);
		break;
	case STEP_LOCK:
		(void)mlock(base, bytes);
		break;
	case STEP_SYNC:
		(void)msync(base, bytes, MS_SYNC);
		break;
	case STEP_EVICT:
		(void)fsync(file);
		(void)posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
		break;
	case STEP_AWAIT:
		await_page(base);
		break;
	default:
		if (sigsetjmp(back, 1) == 0)
			touch(step, base);
		break;
	}
}

static void do_step(const struct step *step, struct step_figures *figures, int file)
{
	struct rusage before, after;

	caught.si_signo = 0;
	caught.si_code = 0;
	(void)getrusage(RUSAGE_SELF, &before);
	call(step, file);
	figures->error = step->call >= STEP_READ && step->call <= STEP_EXECUTE ? 0 : errno;
	(void)getrusage(RUSAGE_SELF, &after);
	figures->signal = caught.si_signo;
	figures->code = caught.si_code;
	figures->minor = (uint64_t)(after.ru_minflt - before.ru_minflt);
	figures->major = (uint64_t)(after.ru_majflt - before.ru_majflt);
	measure(figures);
}

/* Everything that a step uses is touched once: its code, its stack, its buffers, the way through a signal. */
static void warm_up(int file)
{
	struct step_figures figures = {0};
	static const enum step_call calls[] = {STEP_READ, STEP_MAP,  STEP_READ,	 STEP_PROTECT, STEP_ADVISE,
					       STEP_LOCK, STEP_SYNC, STEP_AWAIT, STEP_MOVE,    STEP_UNMAP};

	memset(text, 1, sizeof(text));
	memset(window, 1, sizeof(window));
	for (unsigned i = 0; i < 3; i++) {
		for (size_t call = 0; call < sizeof(calls) / sizeof(calls[0]); call++) {
			struct step step = {.call = calls[call],
					    .page = calls[call] == STEP_UNMAP ? WARM_PAGE + 1 : WARM_PAGE,
					    .pages = 1,
					    .flags = STEP_PROT_READ,
					    .extra = calls[call] == STEP_MOVE ? WARM_PAGE + 1 : 0};

			do_step(&step, &figures, file);
		}
	}
}

static void serve(struct kernel_family *family, unsigned process);

static void fork_second(struct kernel_family *family, struct message *message)
{
	pid_t pid = fork();

	if (pid == 0) {
		serve(family, 1);
		_exit(0);
	}
	message->figures.error = pid < 0 ? errno : 0;
	warm_up(family->file);
	measure(&message->figures);
}

static void serve(struct kernel_family *family, unsigned process)
{
	struct message message;

	warm_up(family->file);
	if (process == 1) {
		memset(&message, 0, sizeof(message));
		measure(&message.figures);
		if (write(family->answer[1], &message, sizeof(message)) != (ssize_t)sizeof(message))
			return;
	}
	while (read(family->request[process], &message, sizeof(message)) == (ssize_t)sizeof(message)) {
		memset(&message.figures, 0, sizeof(message.figures));
		if (message.step.call == STEP_FORK)
			fork_second(family, &message);
		else if (message.step.call != STEP_EXIT)
			do_step(&message.step, &message.figures, family->file);
		if (message.step.call == STEP_EXIT && process == 1)
			_exit(write(family->answer[process], &message, sizeof(message)) < 0);
		if (message.step.call == STEP_EXIT)
			(void)waitpid(-1, NULL, 0);
		if (write(family->answer[process], &message, sizeof(message)) != (ssize_t)sizeof(message))
			return;
	}
}

static void prepare(bool thp_off)
{
	static unsigned char stack[65536];
	struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK};
	stack_t alternative = {.ss_sp = stack, .ss_size = sizeof(stack)};

	memset(stack, 1, sizeof(stack));
	(void)sigaltstack(&alternative, NULL);
	(void)sigaction(SIGSEGV, &action, NULL);
	(void)sigaction(SIGBUS, &action, NULL);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (thp_off)
		(void)prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
}

/* --- The parent ---------------------------------------------------------------------------------------------------- */

static bool ask(struct kernel_family *family, unsigned process, struct message *message)
{
	return write(family->to[process], message, sizeof(*message)) == (ssize_t)sizeof(*message) &&
	       read(family->from[process], message, sizeof(*message)) == (ssize_t)sizeof(*message);
}

static void close_ends(struct kernel_family *family, bool is_parent)
{
	for (unsigned i = 0; i < KERNEL_CHILD_PROCESSES; i++) {
		(void)close(is_parent ? family->request[i] : family->to[i]);
		(void)close(is_parent ? family->answer[i] : family->from[i]);
	}
}

/* The tables of a process, and of its child, whose regions are empty. */
static bool calibrate(struct kernel_family *family)
{
	struct message message = {.step = {.call = STEP_READ}};

	if (!ask(family, 0, &message))
		return false;
	family->empty_table_pages = message.figures.table_pages;
	message.step = (struct step){.call = STEP_FORK};
	if (!ask(family, 0, &message) ||
	    read(family->from[1], &message, sizeof(message)) != (ssize_t)sizeof(message))
		return false;
	family->forked_table_pages = message.figures.table_pages;
	message.step = (struct step){.call = STEP_EXIT};
	return ask(family, 1, &message) && ask(family, 0, &message);
}

static bool open_pipes(struct kernel_family *family)
{
	int ends[2];

	for (unsigned i = 0; i < KERNEL_CHILD_PROCESSES; i++) {
		family->to[i] = -1;
		family->from[i] = -1;
	}
	for (unsigned i = 0; i < KERNEL_CHILD_PROCESSES; i++) {
		if (pipe(ends) != 0)
			return false;
		family->request[i] = ends[0];
		family->to[i] = ends[1];
		if (pipe(ends) != 0)
			return false;
		family->from[i] = ends[0];
		family->answer[i] = ends[1];
	}
	return true;
}

struct kernel_family *kernel_family_start(int file, bool thp_off, const char **why)
{
	struct kernel_family *family = calloc(1, sizeof(*family));

	*why = "no memory, no pipe or no process for the test's child";
	if (!family)
		return NULL;
	family->file = file;
	if (!open_pipes(family)) {
		kernel_family_end(family);
		return NULL;
	}
	family->pid = fork();
	if (family->pid == 0) {
		close_ends(family, false);
		prepare(thp_off);
		serve(family, 0);
		_exit(0);
	}
	close_ends(family, true);
	if (family->pid < 0 || !calibrate(family)) {
		kernel_family_end(family);
		return NULL;
	}
	return family;
}

void kernel_family_end(struct kernel_family *family)
{
	for (unsigned i = 0; i < KERNEL_CHILD_PROCESSES; i++) {
		(void)close(family->to[i]);
		(void)close(family->from[i]);
	}
	if (family->pid > 0)
		(void)waitpid(family->pid, NULL, 0);
	free(family);
}

struct step_figures kernel_family_step(struct kernel_family *family, const struct step *step)
{
	struct message message = {.step = *step};

	if (!ask(family, step->process, &message) || (step->call == STEP_EXIT && !ask(family, 0, &message)))
		message.figures.error = EPIPE;
	if (step->call == STEP_FORK &&
	    read(family->from[1], &message, sizeof(message)) != (ssize_t)sizeof(message))
		message.figures.error = EPIPE;
	message.figures.table_pages -= step->process == 1 || step->call == STEP_FORK
					   ? family->forked_table_pages
					   : family->empty_table_pages;
	return message.figures;
}

const char *step_difference(const struct step_figures *kernel, const struct step_figures *model)
{
	if (kernel->signal != model->signal || kernel->code != model->code)
		return "signal";
	if (kernel->minor != model->minor)
		return "minor faults";
	if (kernel->major != model->major)
		return "major faults";
	if (kernel->resident_pages != model->resident_pages)
		return "resident pages";
	if (kernel->anonymous_pages != model->anonymous_pages)
		return "anonymous pages";
	if (kernel->huge_pages != model->huge_pages)
		return "huge pages";
	if (kernel->mapped_pages != model->mapped_pages || kernel->mapped_hash != model->mapped_hash)
		return "pages mapped";
	if (kernel->table_pages != model->table_pages)
		return "pages of page tables";
	return NULL;
}
