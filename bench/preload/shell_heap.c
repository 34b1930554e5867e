#include "config.h"

#include "bench/preload/shell_heap.h"

#include "engine/heap/direct_source.h"
#include "engine/phys/buddy.h"
#include "engine/policy_memory.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define ARENA_BYTES_MAX ((uint64_t)1 << 40)
#define ARENA_BYTES_MIN ((uint64_t)1 << 22)
/* Out of the way of programs that count on their first descriptors' numbers. */
#define REPORT_FD_MIN 200

/* Everything the process-wide malloc needs, in one place. */
static struct {
	struct lock start_lock;
	_Atomic bool started;
	bool failed;   /* the heap could not be started */
	bool report;   /* FAULTLINE_HEAP_REPORT */
	int report_fd; /* a copy of standard error, which programs may close before they end, or a file */
	bool keyed;    /* exit_key exists */
	pthread_key_t exit_key; /* its destructor ends the thread's handle */
	uint32_t shared_calls;	/* policy key */
	struct lock shared_lock;
	struct heap_thread *shared;
	struct arena arena;
	struct buddy buddy;
	struct reservation buddy_memory;
	struct direct_source source;
	_Atomic uint64_t allocations, releases, failures, resizes;
} shell;

struct heap shell_heap;
_Thread_local struct heap_thread *shell_thread __attribute__((tls_model("initial-exec")));
/* The thread's own handle (the same, unless the report keeps the fast path off), and its calls without
 * one. */
static _Thread_local struct heap_thread *own_thread __attribute__((tls_model("initial-exec")));
static _Thread_local uint32_t shared_call_count __attribute__((tls_model("initial-exec")));
/* Set when the thread's exit has begun: it gets no new handle. */
static _Thread_local bool exiting __attribute__((tls_model("initial-exec")));

static _Noreturn void die(const char *text)
{
	if (write(STDERR_FILENO, text, strlen(text)) < 0)
		_exit(1);
	_exit(1);
}

/* Opened now: the program may leave the directory or lose its rights. */
static int open_report(const char *path)
{
	int opened, kept;

	if (strcmp(path, "1") == 0)
		return fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, REPORT_FD_MIN);
	opened = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
	if (opened < 0)
		die("libfaultline-heap.so: FAULTLINE_HEAP_REPORT is neither 1, for standard error, nor a "
		    "file "
		    "that can be written\n");
	kept = fcntl(opened, F_DUPFD_CLOEXEC, REPORT_FD_MIN);
	if (kept < 0)
		return opened;
	(void)close(opened);
	return kept;
}

static void read_policy(struct policy *policy)
{
	const char *text = getenv("FAULTLINE_HEAP");
	const char *report = getenv("FAULTLINE_HEAP_REPORT");

	*policy = *policy_find("default");
	if (text && policy_parse(policy, text) != STATUS_OK)
		die("libfaultline-heap.so: FAULTLINE_HEAP is not POLICY,key=value,...; `faultline policies` "
		    "lists what is\n");
	shell.report = report && *report && strcmp(report, "0") != 0;
	if (shell.report)
		shell.report_fd = open_report(report);
}

/* Half of what the process may map, or may map for data; the rest is for its stacks and files. */
static uint64_t limit_bytes(void)
{
	struct rlimit space = {RLIM_INFINITY, RLIM_INFINITY}, data = space;

	(void)getrlimit(RLIMIT_AS, &space);
	(void)getrlimit(RLIMIT_DATA, &data);
	return (space.rlim_cur < data.rlim_cur ? space.rlim_cur : data.rlim_cur) / 2;
}

/* The largest arena that the system grants and that leaves half of a limited address space to the program;
 * aligned to a thousandth of itself, 1 GiB for 1 TiB. */
static enum status create_arena(void)
{
	uint64_t bytes = ARENA_BYTES_MAX;
	uint64_t limit = limit_bytes();
	enum status status = STATUS_NO_MEMORY;

	while (bytes > ARENA_BYTES_MIN && bytes > limit)
		bytes /= 2;
	for (; status != STATUS_OK && bytes >= ARENA_BYTES_MIN; bytes /= 2) {
		struct arena_shape shape = {
		    .pages = bytes >> PAGE_SHIFT, .alignment_bytes = bytes >> 10, .backing = ARENA_REAL};

		status = arena_create(&shell.arena, &shape);
	}
	return status;
}

/* From the top downwards: order-first begins where a block became free last, and the page maps cost least
 * when the pages in use begin at the lowest address. */
static void add_frames(void)
{
	uint64_t step = (uint64_t)1 << BUDDY_ORDER_MAX;

	for (uint64_t end = shell.arena.pages; end > 0;) {
		uint64_t pages = end % step != 0 ? end % step : step;

		end -= pages;
		buddy_add(&shell.buddy, end, pages);
	}
}

static enum status create_source(const struct policy *policy)
{
	struct buddy_shape shape = {.pages = shell.arena.pages, .max_order = BUDDY_ORDER_MAX};
	struct page_runs runs;
	enum status status;

	shape.placement = policy_placement(policy);
	status = reservation_create(&shell.buddy_memory, buddy_bytes(&shape), PAGE_BYTES);
	if (status == STATUS_OK)
		status = buddy_create(&shell.buddy, &shape, shell.buddy_memory.memory);
	if (status != STATUS_OK)
		return status;
	add_frames();
	runs = page_runs_of_buddy(&shell.buddy);
	return direct_source_create(&shell.source, &shell.arena, &runs, policy->purge_delay);
}

static void end_thread(void *thread)
{
	(void)thread;
	if (!own_thread)
		return;
	shell_thread = NULL;
	exiting = true;
	heap_thread_destroy(own_thread);
	own_thread = NULL;
}

static void start_heap(void)
{
	struct policy policy;
	enum status status;

	read_policy(&policy);
	status = create_arena();
	if (status == STATUS_OK)
		status = create_source(&policy);
	if (status == STATUS_OK)
		status = heap_create(&shell_heap, &policy, &shell.source.source, 0);
	if (status == STATUS_OK)
		shell.shared = heap_thread_create(&shell_heap);
	shell.failed = !shell.shared;
	shell.shared_calls = policy.shared_calls;
	shell.keyed = pthread_key_create(&shell.exit_key, end_thread) == 0;
}

static bool start(void)
{
	if (!atomic_load_explicit(&shell.started, memory_order_acquire)) {
		lock_acquire(&shell.start_lock);
		if (!atomic_load_explicit(&shell.started, memory_order_relaxed)) {
			start_heap();
			atomic_store_explicit(&shell.started, true, memory_order_release);
		}
		lock_release(&shell.start_lock);
	}
	return !shell.failed;
}

/* Gives the thread a handle of its own. own_thread is set before pthread_setspecific, which may allocate. */
static void begin_thread(void)
{
	own_thread = heap_thread_create(&shell_heap);
	if (!own_thread)
		return;
	if (pthread_setspecific(shell.exit_key, own_thread) != 0)
		exiting = true;
	if (!shell.report)
		shell_thread = own_thread;
}

static void count(enum shell_call call)
{
	if (call == SHELL_ALLOCATION)
		atomic_fetch_add_explicit(&shell.allocations, 1, memory_order_relaxed);
	else if (call == SHELL_RELEASE)
		atomic_fetch_add_explicit(&shell.releases, 1, memory_order_relaxed);
}

struct heap_thread *shell_enter(enum shell_call call)
{
	if (!own_thread) {
		if (!start())
			return NULL;
		if (!exiting && shell.keyed && shared_call_count++ >= shell.shared_calls)
			begin_thread();
	}
	if (shell.report)
		count(call);
	if (own_thread)
		return own_thread;
	lock_acquire(&shell.shared_lock);
	return shell.shared;
}

void shell_leave(struct heap_thread *thread)
{
	if (thread && thread != own_thread)
		lock_release(&shell.shared_lock);
}

void shell_count_failure(void)
{
	if (shell.report)
		atomic_fetch_add_explicit(&shell.failures, 1, memory_order_relaxed);
}

void shell_count_resize(void)
{
	if (shell.report)
		atomic_fetch_add_explicit(&shell.resizes, 1, memory_order_relaxed);
}

static void prepare_fork(void)
{
	lock_acquire(&shell.shared_lock);
	heap_fork_prepare(&shell_heap);
}

static void resume_parent(void)
{
	heap_fork_parent(&shell_heap);
	lock_release(&shell.shared_lock);
}

static void resume_child(void)
{
	heap_fork_child(&shell_heap);
	shell.shared_lock = LOCK_FREE;
}

/* Early, so that our handlers take the locks after all others have run in prepare, and release them before
 * in parent and child. */
__attribute__((constructor)) static void watch_forks(void)
{
	if (start())
		(void)pthread_atfork(prepare_fork, resume_parent, resume_child);
}

__attribute__((destructor)) static void report(void)
{
	char text[256];
	uint64_t allocations = shell.allocations + shell.resizes;
	int length;

	if (!shell.report || shell.report_fd < 0)
		return;
	length = snprintf(
	    text, sizeof(text),
	    "faultline-heap: pid %ld: served %llu allocations and %llu frees; could not serve %llu\n",
	    (long)getpid(), (unsigned long long)(allocations - shell.failures),
	    (unsigned long long)shell.releases, (unsigned long long)shell.failures);
	if (length > 0 && write(shell.report_fd, text, (size_t)length) < 0)
		return;
}
