#include "config.h"

#include "bench/physical/slab_survey.h"

#include "bench/physical/frame_sets.h"
#include "traces/frame_kinds.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define MAP_ALIGNMENT (UINT64_C(1) << 30)
#define X86_64_BASE                                                                                          \
	UINT64_C(0xffff888000000000) /* of the direct map with four levels, where it is not randomised */
#define SAMPLES 4096u
#define ORDER_MAX 13u /* of a block of pages: arm64 with pages of 64 KiB */

/* Of a frame. */
#define WAS_SLAB 0x01u /* in the snapshot before */
#define IS_NEW 0x02u   /* the page allocator had it since the beginning: a slab there is none of the first */

struct task {
	struct slab_survey *survey;
	uint64_t frames;
	bool is_told; /* the recording has a snapshot of them; else any may have been a slab's */
	struct reservation memory;
	uint8_t *kind; /* [frame] */
	uint64_t *kfreed;
	size_t kfreed_count, kfreed_capacity;
};

/* --- The snapshot of the frames ----------------------------------------------------------------------------------- */

/* May objects of the beginning lie in the frame? */
static bool was_slab(const struct task *task, uint64_t frame)
{
	return frame < task->frames && (!task->is_told || (task->kind[frame] & WAS_SLAB));
}

static enum trace_status mark(void *context, const struct event_snapshot *part, struct trace_error *error)
{
	struct task *task = context;
	struct frame_reader frames;
	struct frame_run run;

	if (!frame_reader_start(&frames, part->bytes, part->length))
		return trace_fail(error, TRACE_BAD_INPUT, "snapshot '%s': it has no first line", part->name);
	while (frame_reader_next(&frames, &run)) {
		if ((run.value & 0xfu) == FRAME_SLAB)
			memset(&task->kind[run.first], WAS_SLAB, run.frames);
	}
	return TRACE_OK;
}

/* Without a snapshot: as many frames as the objects' addresses ask for. */
static enum trace_status count_frames(struct task *task, struct trace_error *error)
{
	enum trace_status status;
	struct flt_batch batch;

	while ((status = flt_reader_batch(task->survey->reader, FLT_KIND | FLT_KERNEL, &batch, error)) ==
	       TRACE_OK) {
		for (size_t i = 0; i < batch.events && batch.kernel; i++) {
			uint64_t frame = (batch.kernel[i].address - X86_64_BASE) >> PAGE_SHIFT;

			if ((batch.kind[i] == EVENT_KMEM_ALLOC || batch.kind[i] == EVENT_KMEM_FREE) &&
			    frame >= task->frames && frame < SLAB_PLACES_FRAMES_MAX)
				task->frames = frame + 1;
		}
	}
	return status == TRACE_END ? flt_reader_seek(task->survey->reader, 0, error) : status;
}

static enum trace_status find_kinds(struct task *task, struct trace_error *error)
{
	struct flt_reader *reader = task->survey->reader;
	const struct frame_visitor visitor = {mark, task};
	struct frame_sets sets;
	enum trace_status status = frame_sets_find(&sets, reader, error);

	task->frames = sets.frames;
	task->is_told = sets.frames > 0;
	if (status == TRACE_OK && !task->is_told)
		status = count_frames(task, error);
	if (status != TRACE_OK)
		return status;
	if (reservation_create(&task->memory, task->frames, PAGE_BYTES) != STATUS_OK)
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for the machine's frames");
	task->kind = task->memory.memory;
	return task->is_told ? frame_set_visit(&sets.set[0], reader, &visitor, error) : TRACE_OK;
}

/* --- The base of the direct map ----------------------------------------------------------------------------------- */

static size_t sample(struct task *task, uint64_t *addresses, struct trace_error *error,
		     enum trace_status *status)
{
	struct event event;
	size_t count = 0;

	while (count < SAMPLES &&
	       (*status = flt_reader_next(task->survey->reader, &event, error)) == TRACE_OK) {
		if ((event.kind == EVENT_KMEM_ALLOC || event.kind == EVENT_KMEM_FREE) &&
		    event.kernel.address != 0)
			addresses[count++] = event.kernel.address;
	}
	if (*status == TRACE_OK || *status == TRACE_END)
		*status = flt_reader_seek(task->survey->reader, 0, error);
	return count;
}

static size_t score(const struct task *task, uint64_t base, const uint64_t *addresses, size_t count)
{
	size_t hits = 0;

	for (size_t i = 0; i < count; i++) {
		hits += was_slab(task, (addresses[i] - base) >> PAGE_SHIFT);
	}
	return hits;
}

static enum trace_status find_base(struct task *task, uint64_t *base, struct trace_error *error)
{
	uint64_t *addresses = malloc(SAMPLES * sizeof(*addresses));
	enum trace_status status;
	uint64_t lowest = UINT64_MAX;
	size_t best = 0;

	if (!addresses)
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for a sample of addresses");
	size_t count = sample(task, addresses, error, &status);

	for (size_t i = 0; i < count; i++)
		lowest = addresses[i] < lowest ? addresses[i] : lowest;
	*base = task->is_told && count > 0 ? lowest / MAP_ALIGNMENT * MAP_ALIGNMENT : X86_64_BASE;
	uint64_t tried = *base;

	for (uint64_t gib = 0;
	     count > 0 && gib <= (task->is_told ? task->frames >> 18 : 0) && tried >= MAP_ALIGNMENT; gib++) {
		size_t hits = score(task, tried, addresses, count);

		if (hits > best) {
			best = hits;
			*base = tried;
		}
		tried -= MAP_ALIGNMENT;
	}
	free(addresses);
	if (status == TRACE_OK && best < (count + 1) / 2)
		return trace_fail(error, TRACE_UNSUPPORTED,
				  "the recorded addresses of objects are not those of slabs' frames (%zu of "
				  "%zu): they may be "
				  "hashed",
				  best, count);
	return status;
}

/* --- Events ------------------------------------------------------------------------------------------------------- */

static void note_pages(struct task *task, const struct event *event)
{
	struct slab_places *places = task->survey->places;
	uint64_t first = event->kernel.frame;
	uint64_t pages = event->kernel.order <= ORDER_MAX ? (uint64_t)1 << event->kernel.order : 0;

	for (uint64_t frame = first; frame < first + pages && frame < task->frames; frame++) {
		struct slab_place *place = slab_places_find(places, frame);

		task->kind[frame] |= IS_NEW;
		if (place)
			place->ends = true;
	}
}

static enum trace_status note_kfree(struct task *task, uint64_t address)
{
	if (task->kfreed_count == task->kfreed_capacity) {
		size_t capacity = task->kfreed_capacity > 0 ? 2 * task->kfreed_capacity : 1024;
		uint64_t *more = realloc(task->kfreed, capacity * sizeof(*more));

		if (!more)
			return TRACE_NO_MEMORY;
		task->kfreed = more;
		task->kfreed_capacity = capacity;
	}
	task->kfreed[task->kfreed_count++] = address;
	return TRACE_OK;
}

static void note_slot(struct task *task, struct slab_place *place, const struct event *event,
		      uint64_t position)
{
	uint32_t slot = slab_places_slot(task->survey->places, place, event->kernel.address);

	if (slot == SLAB_PLACE_NO_SLOT || place->object[slot] != SLAB_SURVEY_UNKNOWN)
		return;
	bool is_alloc = event->kind == EVENT_KMEM_ALLOC;

	place->object[slot] = is_alloc ? SLAB_SURVEY_FREE : SLAB_SURVEY_LIVE;
	if (is_alloc && position < place->first_alloc)
		place->first_alloc = position;
}

/* Slabs in frames that one of this cache would have: it came when they had gone, of which no event tells. False: there are none. */
static bool end_neighbours(struct task *task, const struct slabinfo_row *row, uint64_t frame)
{
	uint64_t first = slab_places_first(row, frame);
	bool are_there = false;

	for (uint64_t i = first; i < first + row->pagesperslab; i++) {
		struct slab_place *place = slab_places_find(task->survey->places, i);

		if (place)
			place->ends = true;
		are_there |= place != NULL;
	}
	return are_there;
}

static enum trace_status note_object(struct task *task, const struct event *event, uint64_t position)
{
	struct slab_survey *survey = task->survey;
	uint32_t row = kmem_names_row(survey->names, event);
	uint64_t frame;

	if (!slab_places_frame(survey->places, event->kernel.address, &frame) || (task->kind[frame] & IS_NEW))
		return TRACE_OK;
	struct slab_place *place = slab_places_find(survey->places, frame);
	enum trace_status status = TRACE_OK;

	if (!place && row == SLABINFO_NO_ROW)
		return event->kind == EVENT_KMEM_FREE && event->kernel.cache == 0
			   ? note_kfree(task, event->kernel.address)
			   : TRACE_OK;
	if (!place && end_neighbours(task, &survey->info->row[row], frame))
		return TRACE_OK;
	if (!place)
		status = slab_places_open(survey->places, survey->info, row, frame, &place);
	if (place && (row == SLABINFO_NO_ROW || row == place->row))
		note_slot(task, place, event, position);
	else if (place)
		place->ends = true;
	return status;
}

static enum trace_status note_event(struct task *task, const struct event *event, uint64_t position)
{
	switch (event->kind) {
	case EVENT_PAGE_ALLOC:
		if (!(event->flags & EVENT_FAILED))
			note_pages(task, event);
		return TRACE_OK;
	case EVENT_PAGE_FREE:
		note_pages(task, event);
		return TRACE_OK;
	case EVENT_KMEM_ALLOC:
	case EVENT_KMEM_FREE:
		return event->kernel.address != 0 ? note_object(task, event, position) : TRACE_OK;
	default:
		return TRACE_OK;
	}
}

static enum trace_status note_events(struct task *task, struct trace_error *error)
{
	struct slab_survey *survey = task->survey;
	enum trace_status status = flt_reader_seek(survey->reader, survey->begin, error);
	struct event event;

	for (uint64_t position = survey->begin; status == TRACE_OK && position < survey->end; position++) {
		status = flt_reader_next(survey->reader, &event, error);
		if (status == TRACE_OK && note_event(task, &event, position) != TRACE_OK)
			status =
			    trace_fail(error, TRACE_NO_MEMORY, "not enough memory for the machine's slabs");
	}
	return status;
}

/* --- Frees that do not say of what -------------------------------------------------------------------------------- */

static int compare_addresses(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

/* How many of the addresses from the first on lie in the slab that a cache would have there; 0 when one of them begins no slot. */
static size_t count_in_slab(const struct task *task, const struct slabinfo_row *row, const uint64_t *address,
			    size_t count)
{
	const struct slab_places *places = task->survey->places;
	uint64_t first = slab_places_first(row, (address[0] - places->base) >> PAGE_SHIFT);
	uint64_t start = places->base + (first << PAGE_SHIFT), end = start + row->pagesperslab * PAGE_BYTES;
	size_t inside = 0;

	for (; inside < count && address[inside] < end; inside++) {
		uint64_t distance = address[inside] - start;

		if (distance % row->objsize != 0 || distance / row->objsize >= row->objperslab)
			return 0;
	}
	return inside;
}

/* Nobody else has these frames, which were slabs'. */
static bool may_be_slab(const struct task *task, const struct slabinfo_row *row, uint64_t frame)
{
	uint64_t first = slab_places_first(row, frame);

	for (uint64_t i = first; i < first + row->pagesperslab; i++) {
		if (!was_slab(task, i) || (task->kind[i] & IS_NEW) ||
		    slab_places_find(task->survey->places, i))
			return false;
	}
	return true;
}

static uint32_t guess(const struct task *task, const uint64_t *address, size_t count)
{
	const struct slab_survey *survey = task->survey;
	uint64_t frame = (address[0] - survey->places->base) >> PAGE_SHIFT;
	uint32_t best = SLABINFO_NO_ROW;

	for (uint32_t i = 0; i < survey->info->rows; i++) {
		const struct slabinfo_row *row = &survey->info->row[i];

		if (!survey->names->is_kmalloc[i] || row->num_slabs == 0 || !may_be_slab(task, row, frame) ||
		    count_in_slab(task, row, address, count) == 0)
			continue;
		const struct slabinfo_row *other = best != SLABINFO_NO_ROW ? &survey->info->row[best] : NULL;

		if (!other || row->objsize > other->objsize ||
		    (row->objsize == other->objsize && row->num_slabs > other->num_slabs))
			best = i;
	}
	return best;
}

static enum trace_status place_kfreed(struct task *task)
{
	struct slab_survey *survey = task->survey;

	if (task->kfreed_count > 0)
		qsort(task->kfreed, task->kfreed_count, sizeof(*task->kfreed), compare_addresses);
	for (size_t i = 0; i < task->kfreed_count; i++) {
		uint64_t address = task->kfreed[i], frame = (address - survey->places->base) >> PAGE_SHIFT;
		struct slab_place *place = slab_places_find(survey->places, frame);
		uint32_t row = place ? place->row : guess(task, &task->kfreed[i], task->kfreed_count - i);

		if (!place && row != SLABINFO_NO_ROW) {
			if (slab_places_open(survey->places, survey->info, row, frame, &place) != TRACE_OK)
				return TRACE_NO_MEMORY;
			survey->guessed++;
		}
		uint32_t slot = place ? slab_places_slot(survey->places, place, address) : SLAB_PLACE_NO_SLOT;

		if (slot != SLAB_PLACE_NO_SLOT)
			place->object[slot] = SLAB_SURVEY_LIVE;
		else
			survey->unattributed++;
	}
	return TRACE_OK;
}

/* --- The whole ---------------------------------------------------------------------------------------------------- */

static enum trace_status survey_places(struct task *task, struct trace_error *error)
{
	enum trace_status status = note_events(task, error);

	if (status != TRACE_OK)
		return status;
	if (place_kfreed(task) != TRACE_OK)
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for the machine's slabs");
	return flt_reader_seek(task->survey->reader, 0, error);
}

enum trace_status slab_survey_run(struct slab_survey *survey, struct trace_error *error)
{
	struct task task = {.survey = survey};
	uint64_t base = 0;
	enum trace_status status = find_kinds(&task, error);

	survey->guessed = survey->unattributed = 0;
	if (status == TRACE_OK)
		status = find_base(&task, &base, error);
	if (status == TRACE_OK)
		status = slab_places_create(survey->places, base, task.frames, error);
	if (status == TRACE_OK)
		status = survey_places(&task, error);
	free(task.kfreed);
	reservation_destroy(&task.memory);
	return status;
}
