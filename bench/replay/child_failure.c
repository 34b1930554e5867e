#include "config.h"

#include "bench/replay/child.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct session *reporting;
static _Thread_local uint32_t current_lane;

static struct session_failure *claim(struct session *session)
{
	static atomic_flag taken = ATOMIC_FLAG_INIT;

	while (atomic_flag_test_and_set(&taken))
		(void)pause(); /* someone else is about to end the process */
	return &session->failure;
}

static _Noreturn void publish(struct session_failure *failure, enum failure_kind kind)
{
	atomic_store(&failure->kind, kind);
	_exit(CHILD_FAILED);
}

_Noreturn void child_fail(struct lane *lane, enum failure_kind kind, uintptr_t address, uint64_t detail)
{
	struct session_failure *failure = claim(lane->child->session);

	failure->lane = lane->number;
	failure->operation = atomic_load_explicit(&lane->state->operation, memory_order_relaxed);
	failure->address = address;
	failure->detail = detail;
	publish(failure, kind);
}

_Noreturn void child_fail_setup(struct session *session, const char *what, const char *which)
{
	struct session_failure *failure = claim(session);
	size_t length = strlen(what), room = sizeof(failure->text) - 1;

	length = length < room ? length : room;
	memcpy(failure->text, what, length);
	(void)strncpy(failure->text + length, which, room - length);
	publish(failure, FAILURE_SETUP);
}

static void on_signal(int number, siginfo_t *information, void *context)
{
	struct session_failure *failure = claim(reporting);

	(void)context;
	failure->lane = current_lane;
	failure->operation =
	    atomic_load_explicit(&session_lanes(reporting)[current_lane].operation, memory_order_relaxed);
	failure->address = (uintptr_t)information->si_addr;
	failure->detail = (uint64_t)number;
	publish(failure, FAILURE_SIGNAL);
}

void child_signals_catch(struct session *session)
{
	static const int numbers[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS};
	static char stack[65536];
	stack_t alternative = {.ss_sp = stack, .ss_size = sizeof(stack)};
	struct sigaction action = {.sa_sigaction = on_signal,
				   .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};

	reporting = session;
	(void)sigaltstack(&alternative, NULL);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		(void)sigaction(numbers[i], &action, NULL);
}

void child_lane_enter(uint32_t number)
{
	current_lane = number;
}
