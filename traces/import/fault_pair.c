#include "config.h"

#include "traces/import/fault_pair.h"

uint32_t fault_code_flags(uint64_t code)
{
	return EVENT_FAULT_FROM_TRACEPOINT | (code & FAULT_CODE_PRESENT ? EVENT_FAULT_PROTECTION : 0u) |
	       (code & FAULT_CODE_WRITE ? EVENT_FAULT_WRITE : 0u) |
	       (code & FAULT_CODE_FETCH ? EVENT_FAULT_EXECUTE : 0u) |
	       (code & FAULT_CODE_USER ? 0u : EVENT_FAULT_KERNEL);
}

static enum trace_status give_out(struct importer *importer, const struct fault_half *half)
{
	struct event event = {.kind = EVENT_FAULT,
			      .time_ns = half->time_ns,
			      .call = {.address = half->address, .flags = half->flags}};
	uint64_t process_id = half->process_id ? half->process_id : half->thread_id;
	struct roster_place place;
	enum trace_status status = importer_place(importer, process_id, half->thread_id, &place);

	if (status != TRACE_OK)
		return status;
	event.thread = place.thread;
	event.process = place.process;
	return importer_put(importer, &event);
}

static enum trace_status release(struct fault_pair *pair, struct importer *importer, size_t place)
{
	if (!pair->waits[place])
		return TRACE_OK;
	pair->waits[place] = false;
	return give_out(importer, &pair->waiting[place]);
}

enum trace_status fault_pair_put(struct fault_pair *pair, struct importer *importer,
				 const struct fault_half *half)
{
	size_t place = half->thread_id % FAULT_PAIR_THREADS;
	const struct fault_half *reason = &pair->waiting[place];
	struct fault_half whole = *half;
	enum trace_status status;

	if ((half->flags & EVENT_FAULT_SOURCE) == EVENT_FAULT_FROM_SOFTWARE) {
		whole.flags |= EVENT_FAULT_ACCESS_UNKNOWN;
		if (pair->waits[place] && reason->thread_id == half->thread_id &&
		    reason->address == half->address) {
			pair->waits[place] = false;
			whole.flags = half->flags | (reason->flags & ~EVENT_FAULT_SOURCE);
		}
		status = release(pair, importer, place);
		return status == TRACE_OK ? give_out(importer, &whole) : status;
	}
	status = release(pair, importer, place);
	pair->waiting[place] = *half;
	pair->waits[place] = true;
	return status;
}

enum trace_status fault_pair_finish(struct fault_pair *pair, struct importer *importer)
{
	enum trace_status status = TRACE_OK;
	size_t earliest;

	do {
		earliest = FAULT_PAIR_THREADS;
		for (size_t i = 0; i < FAULT_PAIR_THREADS; i++) {
			if (pair->waits[i] && (earliest == FAULT_PAIR_THREADS ||
					       pair->waiting[i].time_ns < pair->waiting[earliest].time_ns))
				earliest = i;
		}
		if (earliest < FAULT_PAIR_THREADS)
			status = release(pair, importer, earliest);
	} while (status == TRACE_OK && earliest < FAULT_PAIR_THREADS);
	return status;
}
