#include "config.h"

#include "bench/replay/child.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

static struct session *session_map(struct child *child)
{
	int descriptor = child->session_descriptor;
	struct session_request request;
	struct stat status;
	void *wanted = NULL;

	if (fstat(descriptor, &status) != 0 || (size_t)status.st_size < sizeof(struct session) ||
	    pread(descriptor, &request, sizeof(request), offsetof(struct session, request)) !=
		(ssize_t)sizeof(request))
		return NULL;
	if (request.pass == PASS_PLACEMENT) {
		wanted = (void *)(uintptr_t)CHILD_PLACE; /* NOLINT(performance-no-int-to-ptr) */
		child->next_place = CHILD_PLACE + (((uintptr_t)status.st_size + 4095) & ~(uintptr_t)4095);
	}
	struct session *session = mmap(wanted, (size_t)status.st_size, PROT_READ | PROT_WRITE,
				       MAP_SHARED | MAP_POPULATE, descriptor, 0);

	if (session == MAP_FAILED || session->request.magic != SESSION_MAGIC ||
	    session->bytes != (uint64_t)status.st_size)
		return NULL;
	return session;
}

static void tables_create(struct child *child)
{
	const struct session_request *request = &child->session->request;
	size_t slots = request->slots + 1; /* operations without a block name slot 0 */

	child->operations = session_operations(child->session);
	child->slots = child_memory_map(child, slots * sizeof(child->slots[0]));
	if (request->mode == MODE_PARALLEL)
		child->hand_overs = child_memory_map(child, slots * sizeof(child->hand_overs[0]));
	if (request->pass == PASS_MEMORY)
		child->granted = child_memory_map(child, slots * sizeof(child->granted[0]));
	if (request->pass == PASS_VERIFY)
		child->tags = child_memory_map(child, slots * sizeof(child->tags[0]));
	child_lanes_create(child);
}

int main(int argc, char **argv)
{
	static struct child child;

	if (argc != 2) {
		(void)fputs("faultline-replay is started by `faultline replay` and `faultline compare`\n",
			    stderr);
		return 2;
	}
	child.session_descriptor = atoi(argv[1]); /* NOLINT(cert-err34-c): a wrong number is no session */
	child.session = session_map(&child);
	if (!child.session) {
		(void)fputs("faultline-replay: the descriptor holds no session of this version\n", stderr);
		return 2;
	}
	if (prctl(PR_SET_THP_DISABLE, child.session->request.thp_disable, 0, 0, 0) != 0)
		child_fail_setup(child.session, "prctl(PR_SET_THP_DISABLE) failed", "");
	(void)prctl(PR_SET_PDEATHSIG, 9);
	child.memory_descriptor = open("/proc/self/smaps_rollup", O_RDONLY | O_CLOEXEC);
	if (child.memory_descriptor < 0)
		child_fail_setup(child.session, "cannot open /proc/self/smaps_rollup", "");
	child_signals_catch(child.session);
	tables_create(&child);
	child_calls_find(&child);
	clock_measure(&child.clock);
	child_memory_read(&child, &child.session->reply.baseline);
	child.start_ns = clock_now_ns();
	if (child.session->request.pass == PASS_PLACEMENT)
		child_placement_start(&child);
	child_run(&child);
	return 0;
}
