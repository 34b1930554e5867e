#include "config.h"

#include "bench/physical/kmem_pass.h"

#include "bench/physical/kmem_start.h"
#include "engine/base/check.h"
#include "traces/flt_tables.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define CPUS_MAX SLAB_CPUS_MAX
#define MODEL_PAGES_MIN (UINT64_C(1) << 16)
#define ORDER_MAX 13u /* of a block of pages: arm64 with pages of 64 KiB */

/* --- What there is to be driven ----------------------------------------------------------------------------------- */

/* The texts that are read twice. */
enum text_name {
	TEXT_SLABINFO,
	TEXT_VMALLOCINFO,
	TEXTS,
};

static const char *const text_names[TEXTS] = {
    [TEXT_SLABINFO] = "slabinfo", [TEXT_VMALLOCINFO] = "vmallocinfo"};

static void note_text(struct text_places *places, const struct event_snapshot *snapshot, uint32_t number)
{
	for (unsigned i = 0; i < TEXTS; i++) {
		if (strcmp(snapshot->name, text_names[i]) != 0 || places[i].after)
			continue;
		*(places[i].before ? &places[i].after : &places[i].before) = number;
	}
}

static enum trace_status find_texts(struct flt_reader *reader, struct text_places *places,
				    struct trace_error *error)
{
	uint32_t snapshots = flt_reader_tables(reader)->places.snapshots;

	for (uint32_t number = 1; number <= snapshots; number++) {
		struct event_snapshot snapshot;
		enum trace_status status = flt_reader_snapshot(reader, number, &snapshot, error);

		if (status != TRACE_OK)
			return status;
		note_text(places, &snapshot, number);
	}
	return TRACE_OK;
}

static enum trace_status read_slabinfo(struct slabinfo_text *info, struct flt_reader *reader, uint32_t number,
				       struct trace_error *error)
{
	struct event_snapshot snapshot;
	enum trace_status status = flt_reader_snapshot(reader, number, &snapshot, error);

	return status == TRACE_OK ? slabinfo_text_parse(info, snapshot.bytes, snapshot.length, error)
				  : status;
}

static enum trace_status read_texts(struct kmem_pass *pass, struct flt_reader *reader,
				    const struct text_places *places, struct trace_error *error)
{
	if (!places->before)
		return trace_fail(
		    error, TRACE_UNSUPPORTED,
		    "the recording has no /proc/slabinfo, so that nothing is known of its slabs; "
		    "`faultline record --kernel` as a privileged user takes it");
	enum trace_status status = read_slabinfo(&pass->before, reader, places->before, error);

	if (status != TRACE_OK || !places->after)
		return status;
	pass->has_after = true;
	return read_slabinfo(&pass->after, reader, places->after, error);
}

/* An event and its `count`. */
struct position {
	uint64_t number, count;
};

static void note_event(struct kmem_pass *pass, struct text_places *places, enum event_kind kind,
		       const struct position *event)
{
	if (kind == EVENT_SWITCH && event->count >= pass->cpus && event->count < CPUS_MAX)
		pass->cpus = (unsigned)event->count + 1;
	for (unsigned i = 0; kind == EVENT_SNAPSHOT && i < TEXTS; i++) {
		if (event->count == places[i].before)
			places[i].begin = event->number;
		else if (event->count == places[i].after)
			places[i].end = event->number;
	}
}

/* Where the events are that name the texts, and how many CPUs the switches name. */
static enum trace_status find_ranges(struct kmem_pass *pass, struct flt_reader *reader,
				     struct text_places *places, struct trace_error *error)
{
	enum trace_status status;
	struct flt_batch batch;

	for (unsigned i = 0; i < TEXTS; i++)
		places[i].end = flt_reader_summary(reader)->events;
	pass->cpus = 1;
	while ((status = flt_reader_batch(reader, FLT_KIND | FLT_DETAIL, &batch, error)) == TRACE_OK) {
		for (size_t i = 0; i < batch.events; i++)
			note_event(pass, places, batch.kind[i],
				   &(struct position){batch.first + i, batch.count[i]});
	}
	if (status == TRACE_END)
		status = flt_reader_seek(reader, 0, error);
	for (unsigned i = 0; i < TEXTS && status == TRACE_OK; i++) {
		if (places[i].begin > places[i].end)
			status = trace_fail(error, TRACE_BAD_INPUT, "the second %s was read before the first",
					    text_names[i]);
	}
	pass->begin = places[TEXT_SLABINFO].begin;
	pass->end = places[TEXT_SLABINFO].end;
	return status;
}

static enum trace_status read_recording(struct kmem_pass *pass, struct flt_reader *reader,
					struct text_places *places, struct trace_error *error)
{
	const struct flt_summary *trace = flt_reader_summary(reader);
	enum trace_status status;

	if (trace->kinds[EVENT_KMEM_ALLOC] + trace->kinds[EVENT_KMEM_FREE] == 0)
		return trace_fail(
		    error, TRACE_UNSUPPORTED,
		    "the recording has no events of a slab allocator; `faultline record --kernel` or "
		    "--kernel=slab makes them");
	status = find_texts(reader, places, error);
	if (status == TRACE_OK)
		status = read_texts(pass, reader, &places[TEXT_SLABINFO], error);
	if (status == TRACE_OK)
		status = find_ranges(pass, reader, places, error);
	if (status == TRACE_OK)
		status = kmem_names_create(&pass->names, trace, &pass->before, error);
	if (status != TRACE_OK)
		return status;
	struct slab_survey survey = {.reader = reader,
				     .begin = pass->begin,
				     .end = pass->end,
				     .info = &pass->before,
				     .names = &pass->names,
				     .places = &pass->places};

	status = slab_survey_run(&survey, error);
	pass->guessed = survey.guessed;
	return status;
}

/* --- Making ------------------------------------------------------------------------------------------------------- */

/* How many caches rule `linux` gives the recorded order with so many CPUs. */
static uint32_t count_fits(const struct slabinfo_text *info, const struct policy *policy, unsigned cpus)
{
	uint32_t fits = 0;

	for (uint32_t i = 0; i < info->rows; i++) {
		unsigned order = slab_geometry_linux_order(info->row[i].objsize, policy->slab_order, cpus);

		fits += order <= SLAB_ORDER_MAX && 1u << order == info->row[i].pagesperslab;
	}
	return fits;
}

/* A kernel counts the CPUs that there could be, and makes its slabs for these; the switches show those that ran. */
static unsigned possible_cpus(const struct kmem_pass *pass, const struct policy *policy)
{
	unsigned best = pass->cpus;
	uint32_t most = count_fits(&pass->before, policy, best);

	for (unsigned cpus = pass->cpus + 1; cpus <= CPUS_MAX; cpus++) {
		uint32_t fits = count_fits(&pass->before, policy, cpus);

		if (fits > most) {
			most = fits;
			best = cpus;
		}
	}
	return best;
}

/* As many pages as the machine has, as far as that is known: at least twice what its slabs took. */
static uint64_t model_pages(const struct kmem_pass *pass)
{
	uint64_t slabs = 2 * slabinfo_text_pages(&pass->before) + MODEL_PAGES_MIN;
	uint64_t pages =
	    slabs > pass->places.frames && slabs < SLAB_PLACES_FRAMES_MAX ? slabs : pass->places.frames;

	return round_up(pages, (uint64_t)1 << BUDDY_KERNEL_ORDER);
}

static enum trace_status create_model(struct kmem_pass *pass, const struct policy *policy,
				      struct trace_error *error)
{
	struct memory_shape shape = {.size = {.layout = MEMORY_X86_64, .pages = model_pages(pass)},
				     .backing = ARENA_NONE,
				     .max_order = BUDDY_KERNEL_ORDER,
				     .cpus = pass->cpus};
	struct kernel_memory_shape kernel = {.cpus = possible_cpus(pass, policy), .seed = 1};
	enum status status = memory_create(&pass->frames, &shape);

	if (status == STATUS_OK) {
		status = kernel_memory_create(&pass->memory, &pass->frames, policy, &kernel);
		if (status != STATUS_OK)
			memory_destroy(&pass->frames);
	}
	if (status == STATUS_OK)
		return TRACE_OK;
	pass->frames.zones = 0;
	return trace_fail(error, TRACE_NO_MEMORY, "cannot model a machine of %" PRIu64 " pages: %s",
			  model_pages(pass), status_name(status));
}

static enum trace_status create_threads(struct kmem_pass *pass, uint32_t threads, struct trace_error *error)
{
	pass->threads = threads;
	pass->cpu = malloc((threads + 1) * sizeof(*pass->cpu));
	if (!pass->cpu)
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for the machine's threads");
	for (uint32_t i = 0; i < threads; i++)
		pass->cpu[i] = -1;
	return TRACE_OK;
}

enum trace_status kmem_pass_create(struct kmem_pass *pass, const struct policy *policy,
				   struct flt_reader *reader, struct trace_error *error)
{
	struct text_places places[TEXTS] = {{0}};

	*pass = (struct kmem_pass){0};
	enum trace_status status = read_recording(pass, reader, places, error);

	if (status == TRACE_OK)
		status = create_threads(pass, flt_reader_summary(reader)->threads, error);
	if (status == TRACE_OK)
		status = create_model(pass, policy, error);
	if (status == TRACE_OK)
		status = kmem_start_caches(pass, error);
	if (status == TRACE_OK)
		status = kmem_start_fill(pass, error);
	if (status == TRACE_OK)
		status = vmalloc_pass_create(&pass->areas, &pass->memory.space, reader,
					     &places[TEXT_VMALLOCINFO], error);
	if (status != TRACE_OK)
		kmem_pass_destroy(pass);
	return status;
}

void kmem_pass_destroy(struct kmem_pass *pass)
{
	if (pass->frames.zones > 0) {
		kernel_memory_abandon(&pass->memory);
		memory_destroy(&pass->frames);
	}
	vmalloc_pass_destroy(&pass->areas);
	free(pass->cache);
	free(pass->cpu);
	slab_places_destroy(&pass->places);
	kmem_names_destroy(&pass->names);
	slabinfo_text_destroy(&pass->before);
	slabinfo_text_destroy(&pass->after);
	*pass = (struct kmem_pass){0};
}

/* --- Events ------------------------------------------------------------------------------------------------------- */

static int cpu_of(const struct kmem_pass *pass, const struct event *event)
{
	int cpu = event->thread < pass->threads ? pass->cpu[event->thread] : -1;

	return cpu < (int)pass->cpus ? cpu : -1;
}

/* The slab that was there is no more: its objects were freed before. */
static void end_place(struct kmem_pass *pass, struct slab_place *place, int cpu)
{
	for (uint32_t slot = 0; slot < place->slots; slot++) {
		if (place->object[slot] == 0)
			continue;
		kmem_cache_free(pass->cache[place->row], cpu, place->object[slot]);
		pass->counts.ended++;
	}
	slab_places_close(&pass->places, place);
}

static void end_places(struct kmem_pass *pass, uint64_t first, uint64_t pages, int cpu)
{
	for (uint64_t frame = first; frame < first + pages && frame < pass->places.frames; frame++) {
		struct slab_place *place = slab_places_find(&pass->places, frame);

		if (place)
			end_place(pass, place, cpu);
	}
}

/* The place of an object of that cache, which is opened where it must be; NULL: the address is none of such a slab's. */
static enum trace_status place_of(struct kmem_pass *pass, const struct event *event, uint32_t row,
				  struct slab_place **place)
{
	uint64_t frame;

	*place = NULL;
	if (!slab_places_frame(&pass->places, event->kernel.address, &frame))
		return TRACE_OK;
	*place = slab_places_find(&pass->places, frame);
	if ((*place && (*place)->row == row) || row == SLABINFO_NO_ROW)
		return TRACE_OK;
	const struct slabinfo_row *cache = &pass->before.row[row];

	end_places(pass, slab_places_first(cache, frame), cache->pagesperslab, cpu_of(pass, event));
	return slab_places_open(&pass->places, &pass->before, row, frame, place);
}

static enum trace_status drive_alloc(struct kmem_pass *pass, const struct event *event)
{
	uint32_t row = kmem_names_row(&pass->names, event), slot = SLAB_PLACE_NO_SLOT;
	struct gfp gfp = kmem_names_gfp(&pass->names, event, cpu_of(pass, event));
	struct slab_place *place = NULL;
	enum trace_status status = TRACE_OK;

	if (kmem_names_is_large(event)) {
		pass->counts.large++;
		return TRACE_OK;
	}
	if (row != SLABINFO_NO_ROW)
		status = place_of(pass, event, row, &place);
	if (place)
		slot = slab_places_slot(&pass->places, place, event->kernel.address);
	if (slot == SLAB_PLACE_NO_SLOT) {
		pass->counts.unattributed++;
		return status;
	}
	if (place->object[slot] != 0) {
		kmem_cache_free(pass->cache[row], gfp.cpu, place->object[slot]);
		pass->counts.reused++;
	}
	place->object[slot] = kmem_cache_alloc(pass->cache[row], &gfp);
	pass->counts.allocs += place->object[slot] != 0;
	pass->counts.refused += place->object[slot] == 0;
	return status;
}

static enum trace_status drive_free(struct kmem_pass *pass, const struct event *event)
{
	struct slab_place *place;
	enum trace_status status = place_of(pass, event, kmem_names_row(&pass->names, event), &place);
	uint32_t slot =
	    place ? slab_places_slot(&pass->places, place, event->kernel.address) : SLAB_PLACE_NO_SLOT;

	if (slot == SLAB_PLACE_NO_SLOT) {
		pass->counts.unattributed++;
		return status;
	}
	if (place->object[slot] == 0) {
		pass->counts.unborn++;
		return status;
	}
	kmem_cache_free(pass->cache[place->row], cpu_of(pass, event), place->object[slot]);
	place->object[slot] = 0;
	pass->counts.frees++;
	return status;
}

static enum trace_status drive(struct kmem_pass *pass, const struct event *event)
{
	switch (event->kind) {
	case EVENT_KMEM_ALLOC:
		return event->kernel.address != 0 ? drive_alloc(pass, event) : TRACE_OK;
	case EVENT_KMEM_FREE:
		return event->kernel.address != 0 ? drive_free(pass, event) : TRACE_OK;
	case EVENT_PAGE_ALLOC:
	case EVENT_PAGE_FREE:
		if (!(event->flags & EVENT_FAILED) && event->kernel.order <= ORDER_MAX)
			end_places(pass, event->kernel.frame, (uint64_t)1 << event->kernel.order,
				   cpu_of(pass, event));
		return TRACE_OK;
	default:
		return TRACE_OK;
	}
}

enum trace_status kmem_pass_event(struct kmem_pass *pass, const struct event *event,
				  struct trace_error *error)
{
	uint64_t position = pass->position++;

	if (event->kind == EVENT_SWITCH && event->thread < pass->threads)
		pass->cpu[event->thread] = (int16_t)(event->count < CPUS_MAX ? (int)event->count : -1);
	enum trace_status status = vmalloc_pass_event(&pass->areas, event, position, error);

	if (status != TRACE_OK)
		return status;
	if (position < pass->begin || position >= pass->end || drive(pass, event) == TRACE_OK)
		return TRACE_OK;
	return trace_fail(error, TRACE_NO_MEMORY,
			  "event %" PRIu64 ": not enough memory for the machine's slabs", position);
}

const char *kmem_pass_check(const struct kmem_pass *pass)
{
	const char *broken = slab_places_check(&pass->places, &pass->before);

	if (!broken)
		broken = vmalloc_pass_check(&pass->areas);
	return broken ? broken : kernel_memory_check(&pass->memory);
}

static void prove(const struct kmem_pass *pass)
{
	const char *broken = kmem_pass_check(pass);

	CHECK(!broken, broken);
}

enum trace_status kmem_pass_run(struct kmem_pass *pass, struct flt_reader *reader, uint64_t checks,
				struct trace_error *error)
{
	enum trace_status status;
	struct event event;

	while ((status = flt_reader_next(reader, &event, error)) == TRACE_OK) {
		status = kmem_pass_event(pass, &event, error);
		if (status != TRACE_OK)
			return status;
		if (checks > 0 && pass->position % checks == 0)
			prove(pass);
	}
	if (checks > 0)
		prove(pass);
	return status == TRACE_END ? TRACE_OK : status;
}
