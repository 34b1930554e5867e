#include "config.h"

#include "bench/replay/session.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static uint64_t page_aligned(uint64_t bytes)
{
	return (bytes + 4095) & ~UINT64_C(4095);
}

void session_lay_out(struct session *session)
{
	const struct session_request *request = &session->request;
	bool paced = request->pace == PACE_RECORDED, placing = request->pass == PASS_PLACEMENT;

	session->lanes_offset = page_aligned(sizeof(*session));
	session->spans_offset =
	    session->lanes_offset + page_aligned(request->lanes * sizeof(struct session_lane));
	session->operations_offset =
	    session->spans_offset + page_aligned(request->lanes * sizeof(struct session_span));
	session->times_offset =
	    session->operations_offset + page_aligned(request->chunk_operations * sizeof(struct operation));
	session->places_offset =
	    session->times_offset + (paced ? page_aligned(request->chunk_operations * sizeof(uint64_t)) : 0);
	session->bytes =
	    session->places_offset +
	    (placing ? page_aligned(request->chunk_operations * sizeof(struct session_place)) : 0);
}

bool session_wait(_Atomic uint32_t *word, uint32_t seen, int timeout_ms)
{
	struct timespec limit = {.tv_sec = timeout_ms / 1000, .tv_nsec = timeout_ms % 1000 * 1000000L};

	while (atomic_load_explicit(word, memory_order_acquire) == seen) {
		long result =
		    syscall(SYS_futex, word, FUTEX_WAIT, seen, timeout_ms < 0 ? NULL : &limit, NULL, 0);

		if (result != 0 && errno == ETIMEDOUT)
			return atomic_load_explicit(word, memory_order_acquire) != seen;
	}
	return true;
}

void session_wake(_Atomic uint32_t *word)
{
	(void)syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}
