#include "config.h"

#include "traces/import/ledger.h"

#define MAX_ALIGNMENT (UINT64_C(1) << 62)

bool ledger_create(struct ledger *ledger, struct event_sink *sink, struct warnings *warnings, uint64_t seed)
{
	*ledger = (struct ledger){.sink = sink, .warnings = warnings};
	return address_map_create(&ledger->live, seed);
}

void ledger_destroy(struct ledger *ledger)
{
	address_map_destroy(&ledger->live);
}

bool ledger_is_live(const struct ledger *ledger, uint32_t process, uint64_t address)
{
	return address && address_map_find(&ledger->live, process, address);
}

static struct event event_of(const struct heap_call *call)
{
	return (struct event){
	    .time_ns = call->time_ns,
	    .thread = call->place.thread,
	    .process = call->place.process,
	    .kind = (uint8_t)call->kind,
	};
}

static enum trace_status put(struct ledger *ledger, const struct event *event, struct trace_error *error)
{
	ledger->events++;
	if (ledger->live.live_bytes > ledger->peak_live_bytes)
		ledger->peak_live_bytes = ledger->live.live_bytes;
	return ledger->sink->put(ledger->sink, event, error);
}

static enum trace_status next_object(struct ledger *ledger, uint64_t *object, struct trace_error *error)
{
	if (ledger->objects + 1 >= EVENT_MAX_OBJECTS)
		return trace_fail(error, TRACE_BAD_INPUT, "more blocks than the 2^40 that a trace can hold");
	*object = ++ledger->objects;
	return TRACE_OK;
}

/* Makes the call's result live under a new id. */
static enum trace_status give_birth(struct ledger *ledger, const struct heap_call *call, uint64_t size,
				    uint64_t *object, struct trace_error *error)
{
	enum trace_status status = next_object(ledger, object, error);
	struct address_entry entry = {
	    .address = call->address,
	    .size = size,
	    .process = call->place.process,
	};

	if (status != TRACE_OK)
		return status;
	entry.object = *object;
	if (!address_map_add(&ledger->live, &entry))
		return trace_fail(error, TRACE_NO_MEMORY, "no memory for %zu live blocks",
				  ledger->live.entries + 1);
	return TRACE_OK;
}

/* The block that still lies at the call's result must have been freed unseen. */
static enum trace_status free_unseen(struct ledger *ledger, const struct heap_call *call,
				     struct trace_error *error)
{
	const struct address_entry *entry =
	    address_map_find(&ledger->live, call->place.process, call->address);
	struct event event = event_of(call);
	enum trace_status status;

	if (!entry)
		return TRACE_OK;
	status = warnings_add(ledger->warnings, "address handed out while still live", error,
			      "the block that this line hands out is still live; its free is missing before "
			      "it, one was put in");
	if (status != TRACE_OK)
		return status;
	event.kind = EVENT_FREE;
	event.object = entry->object;
	address_map_remove(&ledger->live, entry);
	return put(ledger, &event, error);
}

static enum trace_status warn_unknown(struct ledger *ledger, const char *what, uint64_t address,
				      struct trace_error *error)
{
	return warnings_add(
	    ledger->warnings, what, error,
	    "0x%llx was not allocated by any line before; it is taken as born before the recording",
	    (unsigned long long)address);
}

/* What the call asked for, or a size that no call can be given: then it is kept as one that failed. */
static enum trace_status check_request(struct ledger *ledger, const struct heap_call *call,
				       struct event *event, struct trace_error *error)
{
	bool overflows = call->kind == EVENT_CALLOC && call->count && call->size > UINT64_MAX / call->count;
	uint64_t live_bytes = ledger->live.live_bytes;

	event->size = call->kind == EVENT_CALLOC ? call->size * call->count : call->size;
	if (overflows)
		event->size = UINT64_MAX;
	event->count = call->kind == EVENT_CALLOC ? call->count : 0;
	if ((overflows || !call->address) && event->size)
		event->flags |= EVENT_FAILED;
	if (!call->address)
		return TRACE_OK;
	if (overflows || event->size > LEDGER_MAX_LIVE_BYTES ||
	    live_bytes > LEDGER_MAX_LIVE_BYTES - event->size) {
		event->flags |= EVENT_FAILED;
		return warnings_add(
		    ledger->warnings, "impossible size", error,
		    "a block of that size cannot exist beside the %llu bytes that are live; kept as a call "
		    "that failed",
		    (unsigned long long)live_bytes);
	}
	return TRACE_OK;
}

static enum trace_status check_alignment(struct ledger *ledger, uint64_t alignment, struct event *event,
					 struct trace_error *error)
{
	event->alignment = alignment;
	if (alignment && !(alignment & (alignment - 1)) && alignment <= MAX_ALIGNMENT)
		return TRACE_OK;
	event->alignment = 1;
	while (event->alignment < alignment && event->alignment < MAX_ALIGNMENT)
		event->alignment <<= 1;
	return warnings_add(ledger->warnings, "alignment is no power of two", error,
			    "the alignment %llu should be a power of two; taken as %llu",
			    (unsigned long long)alignment, (unsigned long long)event->alignment);
}

static enum trace_status book_birth(struct ledger *ledger, const struct heap_call *call,
				    struct trace_error *error)
{
	struct event event = event_of(call);
	enum trace_status status = check_request(ledger, call, &event, error);

	if (status == TRACE_OK && call->kind == EVENT_MEMALIGN)
		status = check_alignment(ledger, call->alignment, &event, error);
	if (status == TRACE_OK && call->address && !(event.flags & EVENT_FAILED)) {
		status = free_unseen(ledger, call, error);
		if (status == TRACE_OK)
			status = give_birth(ledger, call, event.size, &event.object, error);
	}
	return status == TRACE_OK ? put(ledger, &event, error) : status;
}

static enum trace_status book_free(struct ledger *ledger, const struct heap_call *call,
				   struct trace_error *error)
{
	const struct address_entry *entry = NULL;
	struct event event = event_of(call);
	enum trace_status status = TRACE_OK;

	if (call->address)
		entry = address_map_find(&ledger->live, call->place.process, call->address);
	if (entry) {
		event.object = entry->object;
		address_map_remove(&ledger->live, entry);
	} else if (call->address) {
		event.flags = EVENT_FOREIGN;
		status = warn_unknown(ledger, "free of an unknown pointer", call->address, error);
		if (status == TRACE_OK)
			status = next_object(ledger, &event.object, error);
	}
	return status == TRACE_OK ? put(ledger, &event, error) : status;
}

/* Finds or invents the id of realloc's old block. A foreign one that stays alive, because the call failed, is
 * known from then on. */
static enum trace_status name_old(struct ledger *ledger, const struct heap_call *call, struct event *event,
				  struct trace_error *error)
{
	const struct address_entry *entry =
	    address_map_find(&ledger->live, call->place.process, call->old_address);
	struct heap_call born_before = {.place = call->place, .address = call->old_address};
	enum trace_status status;

	if (entry) {
		event->old_object = entry->object;
		return TRACE_OK;
	}
	event->flags |= EVENT_FOREIGN;
	status = warn_unknown(ledger, "realloc of an unknown pointer", call->old_address, error);
	if (status != TRACE_OK)
		return status;
	return give_birth(ledger, &born_before, 0, &event->old_object, error);
}

static enum trace_status book_realloc(struct ledger *ledger, const struct heap_call *call,
				      struct trace_error *error)
{
	struct event event = event_of(call);
	enum trace_status status = check_request(ledger, call, &event, error);
	bool failed = event.flags & EVENT_FAILED;

	/* The implicit free comes before this event, so it must happen before a foreign block gets its id. */
	if (status == TRACE_OK && call->address && !failed && call->address != call->old_address)
		status = free_unseen(ledger, call, error);
	if (status == TRACE_OK && call->old_address)
		status = name_old(ledger, call, &event, error);
	if (status == TRACE_OK && call->old_address && !failed)
		address_map_remove(&ledger->live,
				   address_map_find(&ledger->live, call->place.process, call->old_address));
	if (status == TRACE_OK && call->address && !failed)
		status = give_birth(ledger, call, event.size, &event.object, error);
	return status == TRACE_OK ? put(ledger, &event, error) : status;
}

enum trace_status ledger_book(struct ledger *ledger, const struct heap_call *call, struct trace_error *error)
{
	switch (call->kind) {
	case EVENT_REALLOC:
		return book_realloc(ledger, call, error);
	case EVENT_FREE:
		return book_free(ledger, call, error);
	default:
		return book_birth(ledger, call, error);
	}
}

enum trace_status ledger_end_thread(struct ledger *ledger, const struct roster_place *place, uint64_t time_ns,
				    struct trace_error *error)
{
	struct event event = {
	    .time_ns = time_ns,
	    .thread = place->thread,
	    .process = place->process,
	    .kind = EVENT_THREAD_EXIT,
	};

	return put(ledger, &event, error);
}
