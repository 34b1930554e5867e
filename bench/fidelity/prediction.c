#include "config.h"

#include "bench/fidelity/prediction.h"

#include "bench/spaces/exec_pages.h"
#include "bench/spaces/spaces.h"

#include <stdlib.h>
#include <string.h>

/* What becomes of a reference. */
enum reference_class {
	CLASS_USER,
	CLASS_KERNEL,
	CLASS_UNPLACED,
};

struct run {
	struct prediction *prediction;
	const struct prediction_options *options;
	struct pairing *pairing;
	struct spaces *spaces;
	uint64_t
	    *last; /* by emulated process: number of its last run of references, from 1; 0: it has none */
	uint64_t runs_done;
	uint64_t *next;			/* by native process: position of the event to be done next */
	uint64_t emulated;		/* position of the emulated event to be done next */
	struct access_batch batch;	/* of the emulated recording */
	struct access_batch native;	/* the same with native places and threads */
	struct access_context *context; /* of `native` */
	struct access_run *runs;	/* of `native` */
	uint32_t *bytes;		/* by context: that have a place, 0 none */
	size_t placed;			/* contexts that have been looked up */
	size_t run_capacity;
};

static uint64_t minor_of(const struct run *run, uint64_t process)
{
	return spaces_process(run->spaces, (uint32_t)process).faults.minor;
}

/* --- Events ----------------------------------------------------------------------------------------------------------------- */

/* What the model has, now that the process is about to end. */
static void take_figures(struct run *run, uint32_t process)
{
	struct spaces_process now = spaces_process(run->spaces, process);
	struct predicted_process *predicted = &run->prediction->process[process];
	const struct prediction_faults *minor = &predicted->minor;
	char *maps = recording_last(run->pairing->native, process, "maps");

	predicted->figures = (struct figures){
	    .minor = minor->user + minor->kernel + minor->calls,
	    .major = now.faults.major,
	    .resident_pages = now.resident_pages,
	    .anonymous_pages = now.anonymous_pages,
	    .file_pages = now.file_pages,
	    .shared_memory_pages = now.shared_memory_pages,
	    .table_pages = now.table_pages,
	    .huge_pages = now.huge_pages,
	};
	if (maps)
		predicted->listing =
		    listing_compare(spaces_mm(run->spaces, process), maps, run->options->differences);
	free(maps);
}

static enum trace_status do_event(struct run *run, uint64_t position, struct trace_error *error)
{
	const struct event *event = &run->pairing->native->event[position];
	uint64_t before = minor_of(run, event->process);
	enum trace_status status;

	if (event->kind == EVENT_FAULT)
		return TRACE_OK;
	if (event->kind == EVENT_EXIT)
		take_figures(run, event->process);
	status = spaces_event(run->spaces, event, position, error);
	if (event->kind >= EVENT_MMAP && event->kind < EVENT_FAULT)
		run->prediction->process[event->process].minor.calls +=
		    minor_of(run, event->process) - before;
	return status;
}

/* The native events of the process up to `last`. */
static enum trace_status advance(struct run *run, uint64_t process, uint64_t last, struct trace_error *error)
{
	const struct recording *native = run->pairing->native;
	uint64_t *next = &run->next[process];
	enum trace_status status = TRACE_OK;

	for (; status == TRACE_OK && *next <= last && *next < native->events; (*next)++) {
		if (native->event[*next].process == process)
			status = do_event(run, *next, error);
	}
	return status;
}

/* Places have changed: all contexts are looked up again, and the batch is another to those who know it by its beginning. */
static void forget_places(struct run *run)
{
	run->placed = 0;
	run->native.first++;
}

/* Emulated events before `position`: their native partners, and what these processes did natively before those. */
static enum trace_status catch_up(struct run *run, uint64_t position, struct trace_error *error)
{
	const struct pairing *pairing = run->pairing;
	enum trace_status status = TRACE_OK;
	unsigned kind;

	for (; status == TRACE_OK && run->emulated < position; run->emulated++) {
		uint64_t partner = pairing->event[run->emulated];
		if (partner != PAIRING_NONE)
			status = advance(run, pairing->native->event[partner].process, partner, error);
		pairing_apply(run->pairing, run->emulated);
		kind = pairing->emulated->event[run->emulated].kind;
		if (kind == EVENT_MREMAP || kind == EVENT_BRK)
			forget_places(run);
	}
	return status;
}

/* --- The start of the program ------------------------------------------------------------------------------------------------- */

/* The private pages that exec itself made: arguments, and the rest of the last page of initialised data. */
static enum trace_status touch_first_pages(struct run *run, struct trace_error *error)
{
	char *pages = recording_first(run->pairing->native, 0, "pages");
	struct mm *mm = spaces_mm(run->spaces, 0);
	bool done = pages && mm && exec_pages_touch(mm, pages);

	free(pages);
	return done ? TRACE_OK
		    : trace_fail(error, TRACE_BAD_INPUT,
				 "%s does not say which pages were there after exec (snapshot \"pages\"), or "
				 "they are in no mapping",
				 flt_reader_name(run->pairing->native->reader));
}

/* Everything up to the program's first call. */
static enum trace_status start(struct run *run, struct trace_error *error)
{
	const struct recording *native = run->pairing->native;
	uint64_t first = recording_begin(native, 0);
	enum trace_status status;

	while (first < native->events &&
	       (native->event[first].process != 0 || native->event[first].kind < EVENT_MMAP))
		first++;
	if (first == native->events)
		return trace_fail(error, TRACE_BAD_INPUT, "%s has no memory calls; record it with --mm",
				  flt_reader_name(native->reader));
	status = advance(run, 0, first - 1, error);
	return status == TRACE_OK ? touch_first_pages(run, error) : status;
}

/* --- References ------------------------------------------------------------------------------------------------------------- */

static void place_contexts(struct run *run, size_t contexts)
{
	const struct pairing *pairing = run->pairing;

	for (; run->placed < contexts; run->placed++) {
		const struct access_context *from = &run->batch.contexts_table[run->placed];
		struct access_context *to = &run->context[run->placed];
		uint64_t process =
		    from->process < pairing->processes ? pairing->process[from->process] : PAIRING_NONE;
		*to = (struct access_context){.place = ACCESS_ABSOLUTE, .process = (uint32_t)process};
		struct pairing_place place = {0};
		bool is_known = process != PAIRING_NONE && pairing_address(pairing, from, &place);
		to->start = place.address;
		run->bytes[run->placed] = is_known ? place.bytes : 0;
	}
}

static enum reference_class class_of(const struct run *run, size_t index)
{
	const struct access_batch *batch = &run->batch;
	const struct access_shape *shape = &batch->shapes_table[batch->shape[index]];
	uint32_t bytes = run->bytes[batch->context[index]], last = batch->offset[index] + shape->size - 1u;

	if (bytes == 0 || (last >= bytes && bytes < ACCESS_WINDOW_BYTES))
		return CLASS_UNPLACED;
	return shape->kind & ACCESS_KERNEL ? CLASS_KERNEL : CLASS_USER;
}

/* References of one class. */
static enum trace_status put_stretch(struct run *run, const struct spaces_stretch *stretch,
				     enum reference_class class, struct trace_error *error)
{
	uint32_t process = run->pairing->native->summary->thread[run->runs[stretch->run].thread].process;
	struct prediction_faults *minor = &run->prediction->process[process].minor;
	uint64_t before = minor_of(run, process);
	enum trace_status status;

	if (class == CLASS_UNPLACED) {
		run->prediction->unplaced += stretch->count;
		return TRACE_OK;
	}
	run->prediction->references += stretch->count;
	status = spaces_references(run->spaces, stretch, error);
	*(class == CLASS_KERNEL ? &minor->kernel : &minor->user) += minor_of(run, process) - before;
	return status;
}

/* A child whose last reference is done has nothing more to do but to end. When the recorder came to know of that end says
 * nothing: its parent may have gone on since. */
static enum trace_status end_if_last(struct run *run, uint32_t thread, struct trace_error *error)
{
	const struct pairing *pairing = run->pairing;
	uint32_t process = pairing->emulated->summary->thread[thread].process;
	uint64_t native = pairing->process[process];

	if (++run->runs_done != run->last[process] || process == 0 || native == PAIRING_NONE)
		return TRACE_OK;
	return advance(run, native, pairing->native->events, error);
}

static enum trace_status put_run(struct run *run, size_t index, struct trace_error *error)
{
	const struct access_run *from = &run->batch.run[index];
	struct spaces_stretch stretch = {.batch = &run->native, .run = index, .first = from->first};
	size_t end = (size_t)from->first + from->count;
	enum trace_status status = catch_up(run, from->position, error);

	if (status == TRACE_OK)
		place_contexts(run, from->contexts);
	while (status == TRACE_OK && stretch.first < end) {
		enum reference_class class = class_of(run, stretch.first);
		size_t next = stretch.first + 1;
		while (next < end && class_of(run, next) == class)
			next++;
		stretch.count = next - stretch.first;
		status = put_stretch(run, &stretch, class, error);
		stretch.first = next;
	}
	return status == TRACE_OK ? end_if_last(run, from->thread, error) : status;
}

/* The native thread of the emulated thread's process; 0 where there is none, whose references are not placed anyway. */
static uint32_t native_thread(const struct pairing *pairing, uint32_t thread)
{
	uint32_t process = pairing->emulated->summary->thread[thread].process;
	uint64_t native = pairing->process[process] == PAIRING_NONE
			      ? RECORDING_NONE
			      : recording_thread(pairing->native, (uint32_t)pairing->process[process]);

	return native == RECORDING_NONE ? 0 : (uint32_t)native;
}

/* Makes run->native of run->batch. False: no memory. */
static bool translate(struct run *run)
{
	const struct access_batch *batch = &run->batch;
	uint64_t first = run->native.first;

	if (batch->runs > run->run_capacity) {
		struct access_run *larger = reallocarray(run->runs, batch->runs, sizeof(*larger));
		if (!larger)
			return false;
		run->runs = larger;
		run->run_capacity = batch->runs;
	}
	for (size_t i = 0; i < batch->runs; i++) {
		run->runs[i] = batch->run[i];
		run->runs[i].thread = native_thread(run->pairing, batch->run[i].thread);
	}
	run->native = *batch;
	run->native.first = first;
	run->native.run = run->runs;
	run->native.contexts_table = run->context;
	forget_places(run);
	return true;
}

static enum trace_status put_batch(struct run *run, struct trace_error *error)
{
	enum trace_status status = TRACE_OK;

	if (!translate(run))
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for references");
	for (size_t i = 0; status == TRACE_OK && i < run->batch.runs; i++)
		status = put_run(run, i, error);
	return status;
}

static enum trace_status find_last_runs(struct run *run, struct trace_error *error)
{
	const struct recording *emulated = run->pairing->emulated;
	enum trace_status status = flt_reader_seek_accesses(emulated->reader, 0, error);
	struct access_batch batch;
	uint64_t runs = 0;

	/* One process ends last in any case. */
	if (emulated->summary->processes < 2)
		return status;
	while (status == TRACE_OK &&
	       (status = flt_reader_accesses(emulated->reader, &batch, error)) == TRACE_OK) {
		for (size_t i = 0; i < batch.runs; i++)
			run->last[emulated->summary->thread[batch.run[i].thread].process] = ++runs;
	}
	return status == TRACE_END ? flt_reader_seek_accesses(emulated->reader, 0, error) : status;
}

static enum trace_status put_all(struct run *run, struct trace_error *error)
{
	const struct recording *native = run->pairing->native, *emulated = run->pairing->emulated;
	enum trace_status status = find_last_runs(run, error);

	while (status == TRACE_OK &&
	       (status = flt_reader_accesses(emulated->reader, &run->batch, error)) == TRACE_OK)
		status = put_batch(run, error);
	if (status == TRACE_END)
		status = catch_up(run, emulated->events, error);
	for (uint32_t i = 0; status == TRACE_OK && i < native->summary->processes; i++)
		status = advance(run, i, native->events, error);
	return status;
}

/* --- All -------------------------------------------------------------------------------------------------------------------- */

static void find_complete(struct prediction *prediction, const struct pairing *pairing)
{
	for (uint32_t i = 0; i < pairing->processes; i++) {
		uint64_t process = pairing->process[i];
		if (process < prediction->processes)
			prediction->process[process].is_complete =
			    recording_ends(pairing->native, (uint32_t)process) &&
			    recording_ends(pairing->emulated, i) &&
			    (process == 0 || !recording_executes(pairing->native, (uint32_t)process));
	}
}

static enum trace_status create_run(struct run *run, struct trace_error *error)
{
	const struct recording *native = run->pairing->native;
	const struct spaces_options options = {.reader = native->reader,
					       .platform = {.policy = run->options->policy},
					       .addresses = run->options->addresses,
					       .process = SPACES_ALL_PROCESSES,
					       .files_are_aligned = true};
	uint32_t processes = native->summary->processes;

	run->prediction->processes = processes;
	run->prediction->process = calloc((size_t)processes + 1, sizeof(*run->prediction->process));
	run->last = calloc((size_t)run->pairing->processes + 1, sizeof(*run->last));
	run->next = calloc((size_t)processes + 1, sizeof(*run->next));
	run->context = calloc(ACCESS_BATCH_CONTEXTS, sizeof(*run->context));
	run->bytes = calloc(ACCESS_BATCH_CONTEXTS, sizeof(*run->bytes));
	if (!run->prediction->process || !run->last || !run->next || !run->context || !run->bytes)
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for %u processes", processes);
	return spaces_create(&run->spaces, &options, error);
}

enum trace_status prediction_make(struct prediction *prediction, struct pairing *pairing,
				  const struct prediction_options *options, struct trace_error *error)
{
	struct run run = {.prediction = prediction, .options = options, .pairing = pairing};
	enum trace_status status;

	*prediction = (struct prediction){0};
	status = create_run(&run, error);
	if (status == TRACE_OK)
		status = start(&run, error);
	if (status == TRACE_OK)
		status = put_all(&run, error);
	if (status == TRACE_OK) {
		find_complete(prediction, pairing);
		prediction->unmapped = spaces_reference_counts(run.spaces).mappings_made;
		prediction->calls_moved = spaces_call_counts(run.spaces).moved;
	}
	if (run.spaces)
		spaces_destroy(run.spaces);
	free(run.last);
	free(run.next);
	free(run.context);
	free(run.bytes);
	free(run.runs);
	if (status != TRACE_OK)
		prediction_destroy(prediction);
	return status;
}

void prediction_destroy(struct prediction *prediction)
{
	free(prediction->process);
	*prediction = (struct prediction){0};
}
