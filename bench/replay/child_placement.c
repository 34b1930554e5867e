#include "config.h"

#include "bench/replay/call_trap.h"
#include "bench/replay/child.h"

#include <stdatomic.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Is it about memory of the child's own? */
static bool is_own(const struct trapped_call *call)
{
	return call->number != SYS_brk && call->argument[0] >= CHILD_PLACE &&
	       call->argument[0] < CHILD_PLACE_END;
}

/* Runs in a signal handler: one system call, no memory but its own. */
static void tell(void *context, const struct trapped_call *call)
{
	struct child *child = context;
	struct session *session = child->session;
	struct session_call told = {
	    .operation = atomic_load_explicit(&child->placing, memory_order_relaxed),
	    .number = call->number,
	    .result = call->result,
	};
	uint64_t count = atomic_load_explicit(&session->chunk.calls, memory_order_relaxed);
	const uint64_t write[6] = {(uint64_t)child->session_descriptor, (uint64_t)(uintptr_t)&told,
				   sizeof(told), session->bytes + count * sizeof(told)};

	if (is_own(call))
		return;
	for (unsigned i = 0; i < 6; i++)
		told.argument[i] = call->argument[i];
	if (call_trap_call(SYS_pwrite64, write) != (long)sizeof(told))
		child_fail_setup(session, "no memory for the allocator's memory system calls", "");
	atomic_store_explicit(&session->chunk.calls, count + 1, memory_order_release);
}

void child_placement_start(struct child *child)
{
	int persona = personality(0xffffffff);
	const char *refused;

	if (persona == -1 || !(persona & ADDR_NO_RANDOMIZE))
		child_fail_setup(
		    child->session,
		    "no placement: this system does not permit switching off the randomisation of "
		    "addresses (personality(ADDR_NO_RANDOMIZE))",
		    "");
	refused = call_trap_install(tell, child);
	if (refused)
		child_fail_setup(child->session, "no placement: ", refused);
	atomic_store_explicit(&child->session->chunk.ready, 1, memory_order_release);
	session_wake(&child->session->chunk.ready);
}
