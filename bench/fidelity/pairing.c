#include "config.h"

#include "bench/fidelity/pairing.h"

#include "bench/spaces/maps.h"

#include <stdlib.h>
#include <string.h>

#define PAGE UINT64_C(4096)
#define LOOK_AHEAD 256u /* events that may be alone on one side before the next pair */
#define SIMILAR_BYTES (4 * PAGE)

/* --- Processes -------------------------------------------------------------------------------------------------------------- */

/* The children of two paired processes are paired in the order of their birth. */
static void pair_children(struct pairing *pairing, uint32_t emulated)
{
	const struct recording *native = pairing->native;
	uint64_t at = 0, parent = pairing->process[emulated];

	for (uint64_t i = 0; i < pairing->emulated->events; i++) {
		const struct event *birth = &pairing->emulated->event[i];
		if (birth->process != emulated || !event_makes_child(birth))
			continue;
		while (at < native->events &&
		       (native->event[at].process != parent || !event_makes_child(&native->event[at])))
			at++;
		if (at == native->events)
			return;
		if (birth->count < pairing->processes)
			pairing->process[birth->count] = native->event[at].count;
		at++;
	}
}

static void pair_processes(struct pairing *pairing)
{
	for (uint32_t i = 0; i < pairing->processes; i++)
		pairing->process[i] = PAIRING_NONE;
	if (pairing->processes == 0 || pairing->native->summary->processes == 0)
		return;
	pairing->process[0] = 0;
	for (uint32_t i = 0; i < pairing->processes; i++) {
		if (pairing->process[i] != PAIRING_NONE)
			pair_children(pairing, i);
	}
}

/* --- Calls ------------------------------------------------------------------------------------------------------------------ */

static bool is_paired_kind(const struct event *event)
{
	switch (event->kind) {
	case EVENT_MMAP:
	case EVENT_MUNMAP:
	case EVENT_MREMAP:
	case EVENT_BRK:
	case EVENT_MPROTECT:
	case EVENT_MADVISE:
	case EVENT_MLOCK:
	case EVENT_MLOCK2:
	case EVENT_MUNLOCK:
	case EVENT_MLOCKALL:
	case EVENT_MUNLOCKALL:
	case EVENT_MSYNC:
	case EVENT_MINCORE:
	case EVENT_FORK:
	case EVENT_VFORK:
	case EVENT_CLONE:
	case EVENT_EXIT:
		return true;
	default:
		return false;
	}
}

/* Where the heap of brk begins: what the program is told first, a whole page. */
static uint64_t find_break_start(const struct recording *recording)
{
	for (uint64_t i = recording_begin(recording, 0); i < recording->events; i++) {
		const struct event *event = &recording->event[i];
		if (event->kind == EVENT_BRK && event->process == 0)
			return (event->call.result + PAGE - 1) & ~(PAGE - 1);
	}
	return 0;
}

/* Kinds that differ only in how a child came about; the emulator makes forks of all. */
static unsigned general_kind(const struct event *event)
{
	return event->kind == EVENT_VFORK || event->kind == EVENT_CLONE ? EVENT_FORK : event->kind;
}

/* The same call of the program, but for addresses. */
static bool is_same_call(const struct pairing *pairing, uint64_t native, uint64_t emulated)
{
	const struct event *one = &pairing->native->event[native],
			   *other = &pairing->emulated->event[emulated];
	const struct event_call *a = &one->call, *b = &other->call;

	if (general_kind(one) != general_kind(other))
		return false;
	switch (one->kind) {
	case EVENT_MMAP:
		return a->length == b->length && a->protection == b->protection && a->flags == b->flags &&
		       (a->file == 0) == (b->file == 0) && ((one->flags ^ other->flags) & EVENT_FAILED) == 0;
	case EVENT_MREMAP:
		return a->length == b->length && a->new_length == b->new_length && a->flags == b->flags;
	case EVENT_BRK:
		return a->result - pairing->break_start == b->result - pairing->emulated_break_start;
	case EVENT_MPROTECT:
		return a->length == b->length && a->protection == b->protection;
	case EVENT_MADVISE:
		return a->length == b->length && a->flags == b->flags;
	case EVENT_FORK:
	case EVENT_VFORK:
	case EVENT_CLONE:
	case EVENT_EXIT:
		return true;
	default:
		return a->length == b->length;
	}
}

/* The calls of one process on both sides, as positions. */
struct sequences {
	uint64_t *native, *emulated;
	size_t natives, emulateds;
	bool *is_paired; /* of the native ones */
};

static bool collect(const struct recording *recording, uint32_t process, uint64_t **list, size_t *count)
{
	uint64_t begin = recording_begin(recording, process);

	*list = calloc(recording->events + 1, sizeof(**list));
	*count = 0;
	for (uint64_t i = begin; *list && i < recording->events; i++) {
		const struct event *event = &recording->event[i];
		if (event->process == process && is_paired_kind(event))
			(*list)[(*count)++] = i;
	}
	return *list != NULL;
}

/* How far apart the next two are that are the same: the fewest to skip on both sides together. */
static bool find_next(const struct pairing *pairing, const struct sequences *calls, size_t *native,
		      size_t *emulated)
{
	for (size_t skipped = 0; skipped <= LOOK_AHEAD; skipped++) {
		for (size_t of_native = 0; of_native <= skipped; of_native++) {
			size_t n = *native + of_native, e = *emulated + skipped - of_native;
			if (n < calls->natives && e < calls->emulateds &&
			    is_same_call(pairing, calls->native[n], calls->emulated[e])) {
				*native = n;
				*emulated = e;
				return true;
			}
		}
	}
	return false;
}

/* Memory that is asked for in other portions: the loader's own, of which it needs more where there is a vdso; and a heap that
 * is larger on one side, because a program's tables depend on addresses. */
static bool is_similar_call(const struct pairing *pairing, uint64_t native, uint64_t emulated)
{
	const struct event *one = &pairing->native->event[native],
			   *other = &pairing->emulated->event[emulated];
	const struct event_call *a = &one->call, *b = &other->call;
	uint64_t longer = a->length > b->length ? a->length - b->length : b->length - a->length;

	if (one->kind != other->kind || (one->kind != EVENT_MMAP && one->kind != EVENT_BRK))
		return false;
	return a->protection == b->protection && a->flags == b->flags && a->file == 0 && b->file == 0 &&
	       longer <= SIMILAR_BYTES;
}

typedef bool (*call_comparison)(const struct pairing *pairing, uint64_t native, uint64_t emulated);

/* Calls that are alone on both sides, at other places in the order. */
static size_t pair_strays(struct pairing *pairing, const struct sequences *calls, call_comparison is_like)
{
	size_t paired = 0, n = 0;

	for (size_t e = 0; e < calls->emulateds; e++) {
		uint64_t stray = calls->emulated[e];
		size_t at = n;
		if (pairing->event[stray] != PAIRING_NONE)
			continue;
		while (at < calls->natives &&
		       (calls->is_paired[at] || !is_like(pairing, calls->native[at], stray)))
			at++;
		if (at == calls->natives)
			continue;
		pairing->event[stray] = calls->native[at];
		calls->is_paired[at] = true;
		n = at + 1;
		paired++;
	}
	return paired;
}

static bool pair_calls(struct pairing *pairing, uint32_t emulated)
{
	struct sequences calls = {0};
	size_t n = 0, e = 0, paired = 0;
	bool done =
	    collect(pairing->native, (uint32_t)pairing->process[emulated], &calls.native, &calls.natives) &&
	    collect(pairing->emulated, emulated, &calls.emulated, &calls.emulateds);

	if (done)
		calls.is_paired = calloc(calls.natives + 1, sizeof(*calls.is_paired));
	done = calls.is_paired != NULL;
	while (done && find_next(pairing, &calls, &n, &e)) {
		calls.is_paired[n] = true;
		pairing->event[calls.emulated[e++]] = calls.native[n++];
		paired++;
	}
	if (done)
		paired += pair_strays(pairing, &calls, is_same_call);
	if (done)
		paired += pair_strays(pairing, &calls, is_similar_call);
	free(calls.is_paired);
	pairing->paired += paired;
	pairing->native_alone += calls.natives - paired;
	pairing->emulated_alone += calls.emulateds - paired;
	free(calls.native);
	free(calls.emulated);
	return done;
}

/* --- Places ----------------------------------------------------------------------------------------------------------------- */

static const struct event_region *region_at(const struct pairing *pairing, uint32_t number)
{
	return &pairing->emulated->summary->region[number - 1];
}

static void place(struct pairing *pairing, uint32_t number, uint64_t address)
{
	pairing->length[number - 1] = UINT64_MAX;
	pairing->is_placed[number - 1] = true;
	pairing->shift[number - 1] = address - region_at(pairing, number)->address;
}

/* Where the lowest mapping of the file is: natively right after exec, or in the emulator at the start. */
static bool lowest_native(const char *maps, const char *path, uint64_t *address)
{
	struct maps text = maps_of(maps, strlen(maps));
	struct maps_line line;

	while (maps_next(&text, &line)) {
		if (line.name && maps_is_named(&line, path)) {
			*address = line.start;
			return true;
		}
	}
	return false;
}

static uint64_t lowest_emulated(const struct pairing *pairing, uint32_t file)
{
	const struct flt_summary *summary = pairing->emulated->summary;
	uint64_t lowest = UINT64_MAX;

	for (uint32_t i = 0; i < summary->regions; i++) {
		const struct event_region *region = &summary->region[i];
		if (region->file == file && region->event == UINT64_MAX && region->address < lowest)
			lowest = region->address;
	}
	return lowest;
}

static void place_files(struct pairing *pairing, const char *maps)
{
	const struct flt_summary *summary = pairing->emulated->summary;

	for (uint32_t i = 0; i < summary->regions; i++) {
		const struct event_region *region = &summary->region[i];
		uint64_t native;
		if (region->event == UINT64_MAX && region->file != 0 &&
		    lowest_native(maps, summary->file[region->file - 1].path, &native))
			place(pairing, i + 1,
			      native + (region->address - lowest_emulated(pairing, region->file)));
	}
}

/* Memory without a file that begins where a file's mapping ends belongs to it (bss). */
static void place_rest(struct pairing *pairing)
{
	const struct flt_summary *summary = pairing->emulated->summary;

	for (uint32_t i = 0; i < summary->regions; i++) {
		const struct event_region *region = &summary->region[i];
		for (uint32_t k = 0; region->event == UINT64_MAX && region->file == 0 && k < summary->regions;
		     k++) {
			const struct event_region *before = &summary->region[k];
			if (pairing->is_placed[k] && before->event == UINT64_MAX &&
			    before->address + before->length == region->address)
				place(pairing, i + 1, region->address + pairing->shift[k]);
		}
	}
}

static uint64_t find_stack_end(const char *maps)
{
	struct maps text = maps_of(maps, strlen(maps));
	struct maps_line line;
	uint64_t end = 0;

	while (maps_next(&text, &line)) {
		if (line.name && maps_is_named(&line, "[stack]"))
			end = line.end;
	}
	return end;
}

static enum trace_status place_start(struct pairing *pairing, struct trace_error *error)
{
	char *maps = recording_first(pairing->native, 0, "maps");

	if (!maps)
		return trace_fail(error, TRACE_BAD_INPUT,
				  "%s: its program has no maps from its exec; record it with --mm",
				  flt_reader_name(pairing->native->reader));
	place_files(pairing, maps);
	place_rest(pairing);
	pairing->stack_end = find_stack_end(maps);
	free(maps);
	return TRACE_OK;
}

/* --- All -------------------------------------------------------------------------------------------------------------------- */

static bool allocate(struct pairing *pairing)
{
	const struct flt_summary *summary = pairing->emulated->summary;
	size_t regions = (size_t)summary->regions + 1, events = pairing->emulated->events + 1;

	pairing->processes = summary->processes;
	pairing->process = calloc((size_t)summary->processes + 1, sizeof(*pairing->process));
	pairing->break_bytes = calloc((size_t)summary->processes + 1, sizeof(*pairing->break_bytes));
	pairing->event = malloc(events * sizeof(*pairing->event));
	pairing->region = calloc(events, sizeof(*pairing->region));
	pairing->is_placed = calloc(regions, sizeof(*pairing->is_placed));
	pairing->shift = calloc(regions, sizeof(*pairing->shift));
	pairing->length = calloc(regions, sizeof(*pairing->length));
	if (!pairing->process || !pairing->break_bytes || !pairing->event || !pairing->region ||
	    !pairing->is_placed || !pairing->shift || !pairing->length)
		return false;
	for (size_t i = 0; i < events; i++)
		pairing->event[i] = PAIRING_NONE;
	for (uint32_t i = 0; i < summary->regions; i++) {
		if (summary->region[i].event < pairing->emulated->events)
			pairing->region[summary->region[i].event] = i + 1;
	}
	return true;
}

enum trace_status pairing_create(struct pairing *pairing, const struct recording *native,
				 const struct recording *emulated, struct trace_error *error)
{
	enum trace_status status;
	bool done;

	*pairing = (struct pairing){.native = native, .emulated = emulated};
	done = allocate(pairing);
	if (done) {
		pair_processes(pairing);
		pairing->break_start = find_break_start(native);
		pairing->emulated_break_start = find_break_start(emulated);
	}
	for (uint32_t i = 0; done && i < pairing->processes; i++) {
		if (pairing->process[i] != PAIRING_NONE)
			done = pair_calls(pairing, i);
	}
	status = done ? place_start(pairing, error)
		      : trace_fail(error, TRACE_NO_MEMORY, "not enough memory to pair two recordings");
	if (status != TRACE_OK)
		pairing_destroy(pairing);
	return status;
}

void pairing_destroy(struct pairing *pairing)
{
	free(pairing->process);
	free(pairing->break_bytes);
	free(pairing->event);
	free(pairing->region);
	free(pairing->is_placed);
	free(pairing->shift);
	free(pairing->length);
	*pairing = (struct pairing){0};
}

/* A mapping that the emulator could leave where it was, and the kernel could not. */
static void move_regions(struct pairing *pairing, const struct event *emulated, const struct event *native)
{
	const struct flt_summary *summary = pairing->emulated->summary;

	for (uint32_t i = 0; i < summary->regions; i++) {
		const struct event_region *region = &summary->region[i];
		uint64_t inside = emulated->call.address - region->address;
		if (pairing->is_placed[i] && inside < region->length &&
		    region->address + pairing->shift[i] + inside == native->call.address)
			place(pairing, i + 1, native->call.result - inside);
	}
}

void pairing_apply(struct pairing *pairing, uint64_t position)
{
	const struct event *emulated = &pairing->emulated->event[position], *native;
	uint32_t made = pairing->region[position];

	if (made != 0 && emulated->kind == EVENT_BRK) {
		place(pairing, made, pairing->break_start);
		pairing->break_region = made;
	}
	if (event_makes_child(emulated) && emulated->count < pairing->processes)
		pairing->break_bytes[emulated->count] = pairing->break_bytes[emulated->process];
	if (pairing->event[position] == PAIRING_NONE)
		return;
	native = &pairing->native->event[pairing->event[position]];
	if (emulated->kind == EVENT_BRK) {
		pairing->break_bytes[emulated->process] = native->call.result - pairing->break_start;
		return;
	}
	if (native->flags & EVENT_FAILED || emulated->flags & EVENT_FAILED)
		return;
	if (made != 0) {
		place(pairing, made, native->call.result);
		if (native->call.length < emulated->call.length)
			pairing->length[made - 1] = (native->call.length + PAGE - 1) & ~(PAGE - 1);
	} else if (emulated->kind == EVENT_MREMAP) {
		move_regions(pairing, emulated, native);
	}
}

bool pairing_address(const struct pairing *pairing, const struct access_context *context,
		     struct pairing_place *place)
{
	uint64_t region = context->base, length;

	place->bytes = ACCESS_WINDOW_BYTES;
	if (context->place == ACCESS_STACK && pairing->stack_end != 0) {
		place->address = pairing->stack_end + context->start;
		return true;
	}
	if (context->place != ACCESS_REGION || region == 0 || region > pairing->emulated->summary->regions ||
	    !pairing->is_placed[region - 1])
		return false;
	length = region == pairing->break_region ? pairing->break_bytes[context->process]
						 : pairing->length[region - 1];
	if (length <= context->start)
		return false;
	if (length - context->start < place->bytes)
		place->bytes = (uint32_t)(length - context->start);
	place->address =
	    region_at(pairing, (uint32_t)region)->address + pairing->shift[region - 1] + context->start;
	return true;
}
