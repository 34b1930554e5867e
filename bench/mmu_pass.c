#include "config.h"

#include "bench/mmu_pass.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A pass that is going on. */
struct mmu_pass_live {
	struct mmu_pass *pass;
	struct spaces *spaces;
	struct mmu_pass_options options;
	struct tlb_geometry geometries[MMU_MODELS_MAX];
	unsigned models;
	struct spaces_watch watch;
	uint64_t every;	       /* references from point to point of the series */
	bool thins, is_at_end; /* how many points there will be is not known; the last one is being taken */
};

static enum trace_status no_memory(struct trace_error *error)
{
	return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for the pass through the MMUs");
}

/* --- Looking on ------------------------------------------------------------------------------------------------------- */

static void read_counts(const struct mmu_pass_live *running, struct spaces *spaces)
{
	const struct cpu_set *processors = &spaces_platform(spaces)->processors;

	for (unsigned i = 0; i < running->models; i++) {
		cpu_set_tlb_counts(processors, i, &running->pass->model[i].tlb);
		cpu_set_walk_counts(processors, i, &running->pass->model[i].walk);
	}
}

static bool is_watched(const struct mmu_pass_live *running, uint32_t process)
{
	return running->options.process == SPACES_ALL_PROCESSES || running->options.process == process;
}

static struct spaces_process figures_of(const struct mmu_pass_live *running, const struct spaces *spaces)
{
	return running->options.process == SPACES_ALL_PROCESSES
		   ? spaces_total(spaces)
		   : spaces_process(spaces, running->options.process);
}

static enum trace_status take_sample(void *context, struct spaces *spaces, uint64_t position,
				     struct trace_error *error)
{
	struct mmu_pass_live *running = context;
	struct spaces_process figures = figures_of(running, spaces);
	const char *broken = running->options.check ? spaces_check(spaces) : NULL;

	read_counts(running, spaces);
	struct mmu_point point = {.references = spaces_reference_counts(spaces).done,
				  .event = position,
				  .model = running->pass->model,
				  .faults = &figures.faults,
				  .resident_pages = figures.resident_pages,
				  .huge_pages = figures.huge_pages,
				  .page_table_pages = figures.table_pages};

	if (broken)
		return trace_fail(error, TRACE_UNSUPPORTED,
				  "event %" PRIu64 ": the engine broke an invariant: %s", position, broken);
	if (!mmu_series_add(running->pass->series, &point))
		return no_memory(error);
	if (running->thins && !running->is_at_end &&
	    mmu_series_points(running->pass->series) > running->options.samples) {
		mmu_series_thin(running->pass->series);
		running->every *= 2;
		spaces_sample_every(spaces, running->every);
	}
	return TRACE_OK;
}

static enum trace_status add_to_map(const struct mmu_pass_live *running, const struct spaces *spaces,
				    uint32_t process, struct trace_error *error)
{
	const struct mm *mm = spaces_mm(spaces, process);
	size_t count = spaces_stack_tops(spaces, process, NULL, 0);
	uint64_t *top = calloc(count + 1, sizeof(top[0]));

	if (!top)
		return no_memory(error);
	(void)spaces_stack_tops(spaces, process, top, count);
	bool is_added = space_map_add(running->pass->map, process, mm, (struct space_stacks){top, count});

	free(top);
	return is_added ? TRACE_OK : no_memory(error);
}

/* The address space is looked at right before it goes. */
static enum trace_status look(void *context, struct spaces *spaces, const struct event *event,
			      uint64_t position, struct trace_error *error)
{
	struct mmu_pass_live *running = context;
	const struct mm *mm;

	(void)position;
	if ((event->kind != EVENT_EXIT && event->kind != EVENT_EXEC) || event->flags & EVENT_FAILED ||
	    !is_watched(running, event->process))
		return TRACE_OK;
	mm = spaces_mm(spaces, event->process);
	if (!mm || mm->tree.count == 0)
		return TRACE_OK;
	return add_to_map(running, spaces, event->process, error);
}

static enum trace_status look_at_the_living(const struct mmu_pass_live *running, struct spaces *spaces,
					    uint32_t processes, struct trace_error *error)
{
	enum trace_status status = TRACE_OK;

	for (uint32_t i = 0; i < processes && status == TRACE_OK; i++) {
		if (is_watched(running, i) && spaces_mm(spaces, i))
			status = add_to_map(running, spaces, i, error);
	}
	return status;
}

/* --- The pass --------------------------------------------------------------------------------------------------------- */

static bool copy_names(struct mmu_pass *pass, const struct mmu_pass_options *options)
{
	pass->names = calloc(options->mmus, sizeof(char *));
	for (unsigned i = 0; pass->names && i < options->mmus; i++) {
		pass->names[i] = strdup(options->names[i]);
		if (!pass->names[i])
			return false;
	}
	return pass->names != NULL;
}

static void choose_models(struct mmu_pass_live *running)
{
	const struct mmu_pass_options *options = &running->options;

	running->models = options->mmus;
	memcpy(running->geometries, options->geometries, options->mmus * sizeof(options->geometries[0]));
	if (!options->has_sizes || options->mmus + MMU_SERIES_SIZES > MMU_MODELS_MAX)
		return;
	mmu_series_sizes(running->geometries + options->mmus);
	running->models += MMU_SERIES_SIZES;
}

static struct mmu_pass *make_pass(struct mmu_pass_live *running)
{
	const struct mmu_pass_options *options = &running->options;
	struct mmu_pass *pass = calloc(1, sizeof(*pass));
	const struct policy *system = options->policy ? options->policy : policy_find("linux");
	struct mmu_series_options series = {.names = options->names,
					    .levels = system->page_levels,
					    .geometries = running->geometries,
					    .mmus = options->mmus,
					    .sizes = running->models - options->mmus};

	if (!pass)
		return NULL;
	pass->mmus = options->mmus;
	pass->processors = options->processors ? options->processors : 1;
	pass->addresses = options->addresses;
	pass->process = options->process;
	pass->series = mmu_series_create(&series);
	pass->map = space_map_create();
	if (copy_names(pass, options) && pass->series && pass->map)
		return pass;
	mmu_pass_destroy(pass);
	return NULL;
}

static struct mmu_highmem highmem_of(const struct memory *memory)
{
	struct mmu_highmem highmem = {.windows_opened = kmap_local_opens(&memory->kmap)};

	for (unsigned i = 0; i < memory->zones; i++) {
		const struct zone *zone = &memory->zone[i];

		if (zone->kind != ZONE_HIGHMEM)
			continue;
		highmem.pages += zone->managed_pages;
		highmem.used_pages += zone->managed_pages - zone_free_pages(zone);
	}
	return highmem;
}

static void take_results(const struct mmu_pass_live *running, struct spaces *spaces)
{
	struct mmu_pass *pass = running->pass;
	const struct cpu_set *processors = &spaces_platform(spaces)->processors;

	read_counts(running, spaces);
	pass->cpu = cpu_set_counts(processors);
	pass->levels = spaces_platform(spaces)->paging.levels;
	pass->figures = figures_of(running, spaces);
	pass->references = spaces_reference_counts(spaces);
	pass->calls = spaces_call_counts(spaces);
	pass->highmem = highmem_of(&spaces_platform(spaces)->memory);
	for (unsigned i = 0; i < pass->mmus; i++) {
		pass->has_level_2[i] = processors->cpu[0].mmu.model[i].tlb.has_level_2;
		for (unsigned class = 0; class < TLB_CLASSES; class ++)
			pass->has_fetches |= pass->model[i].tlb.accesses[TLB_FETCH][class] > 0;
	}
}

/* The smallest power of two that leaves no more points than `samples`; 0: none. */
static uint64_t distance_of(uint64_t references, unsigned samples)
{
	uint64_t every = 1;

	while (samples > 0 && references / every > samples)
		every *= 2;
	return samples > 0 ? every : 0;
}

static void discard(struct mmu_pass_live *running)
{
	spaces_destroy(running->spaces);
	mmu_pass_destroy(running->pass);
	free(running);
}

/* Of what `reader` reads; or, without one, of what is known. */
static enum trace_status begin(struct mmu_pass_live **made, const struct mmu_pass_options *options,
			       struct spaces_options *driver, struct trace_error *error)
{
	struct mmu_pass_live *running = calloc(1, sizeof(*running));

	*made = NULL;
	if (!running)
		return no_memory(error);
	running->options = *options;
	running->watch = (struct spaces_watch){.context = running, .before = look, .sample = take_sample};
	choose_models(running);
	running->pass = make_pass(running);
	driver->platform = (struct platform_options){.policy = options->policy,
						     .memory_bytes = options->memory_bytes,
						     .processors = options->processors,
						     .geometries = running->geometries,
						     .models = running->models};
	driver->addresses = options->addresses;
	driver->process = options->process;
	driver->placer = options->placer;
	driver->without_allocator = options->without_allocator;
	enum trace_status status =
	    running->pass ? spaces_create(&running->spaces, driver, error) : no_memory(error);

	if (status == TRACE_OK)
		*made = running;
	else
		discard(running);
	return status;
}

static enum trace_status conclude(struct mmu_pass_live *running, uint32_t processes, struct mmu_pass **pass,
				  struct trace_error *error)
{
	enum trace_status status = look_at_the_living(running, running->spaces, processes, error);

	if (status == TRACE_OK) {
		take_results(running, running->spaces);
		*pass = running->pass;
		running->pass = NULL;
	}
	return status;
}

static enum trace_status run_reader(struct flt_reader *reader, const struct mmu_pass_options *options,
				    struct mmu_pass **pass, struct trace_error *error)
{
	const struct flt_summary *trace = flt_reader_summary(reader);
	struct spaces_options driver = {.reader = reader};
	struct mmu_pass_live *running;

	if (trace->accesses == 0)
		return trace_fail(
		    error, TRACE_UNSUPPORTED,
		    "%s has no references, which --mmu needs; record them with `faultline record "
		    "--accesses`, or import a stream (lackey, champsim, pinatrace)",
		    options->trace);
	enum trace_status status = begin(&running, options, &driver, error);

	if (!running)
		return status;
	running->watch.every = distance_of(trace->accesses, options->samples);
	if (options->check > 0 && options->check < running->watch.every)
		running->watch.every = options->check;
	status = spaces_run(running->spaces, &running->watch, error);
	if (status == TRACE_OK)
		status = conclude(running, trace->processes, pass, error);
	discard(running);
	return status;
}

enum trace_status mmu_pass_run(struct mmu_pass **pass, const struct mmu_pass_options *options,
			       struct trace_error *error)
{
	struct flt_reader *reader;
	enum trace_status status = flt_reader_open(&reader, options->trace, error);

	*pass = NULL;
	if (status != TRACE_OK)
		return status;
	status = run_reader(reader, options, pass, error);
	flt_reader_close(reader);
	return status;
}

enum trace_status mmu_pass_begin(struct mmu_pass_live **live, const struct mmu_pass_options *options,
				 const struct flt_summary *trace, struct trace_error *error)
{
	struct spaces_options driver = {.trace = trace};
	enum trace_status status = begin(live, options, &driver, error);

	if (!*live)
		return status;
	(*live)->thins = options->samples > 0;
	(*live)->watch.every = (*live)->every = options->samples > 0;
	spaces_begin((*live)->spaces, &(*live)->watch);
	return TRACE_OK;
}

struct spaces *mmu_pass_spaces(const struct mmu_pass_live *live)
{
	return live->spaces;
}

enum trace_status mmu_pass_end(struct mmu_pass_live *live, struct mmu_pass **pass, struct trace_error *error)
{
	enum trace_status status;

	*pass = NULL;
	live->is_at_end = true;
	status = spaces_end(live->spaces, error);
	if (status == TRACE_OK)
		status = conclude(live, spaces_processes(live->spaces), pass, error);
	discard(live);
	return status;
}

void mmu_pass_abandon(struct mmu_pass_live *live)
{
	if (live)
		discard(live);
}

void mmu_pass_destroy(struct mmu_pass *pass)
{
	if (!pass)
		return;
	for (unsigned i = 0; pass->names && i < pass->mmus; i++)
		free(pass->names[i]);
	free(pass->names);
	mmu_series_destroy(pass->series);
	space_map_destroy(pass->map);
	free(pass);
}

static void widen(uint64_t range[2], uint64_t value, bool is_first)
{
	if (is_first || value < range[0])
		range[0] = value;
	if (is_first || value > range[1])
		range[1] = value;
}

static int compare_walks(const void *left, const void *right)
{
	const struct mmu_pass *a = *(const struct mmu_pass *const *)left;
	const struct mmu_pass *b = *(const struct mmu_pass *const *)right;
	uint64_t walks_a = a->model[0].walk.walks, walks_b = b->model[0].walk.walks;

	return walks_a < walks_b ? -1 : walks_a > walks_b;
}

struct mmu_pass *mmu_pass_choose(struct mmu_pass **passes, unsigned count, const char *hash)
{
	struct mmu_spread spread = {.takes = count};

	(void)snprintf(spread.hash, sizeof(spread.hash), "%s", hash);
	for (unsigned i = 0; i < count; i++) {
		widen(spread.minor, passes[i]->figures.faults.minor, i == 0);
		for (unsigned mmu = 0; mmu < passes[i]->mmus; mmu++)
			widen(spread.walks[mmu], passes[i]->model[mmu].walk.walks, i == 0);
	}
	qsort(passes, count, sizeof(struct mmu_pass *), compare_walks);
	struct mmu_pass *chosen = passes[(count - 1) / 2];

	for (unsigned i = 0; i < count; i++) {
		if (passes[i] != chosen)
			mmu_pass_destroy(passes[i]);
	}
	chosen->spread = spread;
	return chosen;
}

/* --- Figures ------------------------------------------------------------------------------------------------------------ */

double mmu_pass_per_thousand(const struct mmu_pass *pass, uint64_t count)
{
	return pass->references.done ? 1000.0 * (double)count / (double)pass->references.done : NAN;
}

static uint64_t sum_of(const uint64_t by_class[TLB_CLASSES])
{
	uint64_t sum = 0;

	for (unsigned class = 0; class < TLB_CLASSES; class ++)
		sum += by_class[class];
	return sum;
}

double mmu_pass_misses(const struct mmu_pass *pass, unsigned mmu, unsigned level, enum tlb_kind kind)
{
	const struct tlb_counts *tlb = &pass->model[mmu].tlb;

	if ((level == 2 && !pass->has_level_2[mmu]) || (kind == TLB_FETCH && !pass->has_fetches))
		return NAN;
	return mmu_pass_per_thousand(pass, sum_of(tlb->misses[level - 1][kind]));
}

double mmu_pass_walks(const struct mmu_pass *pass, unsigned mmu)
{
	return mmu_pass_per_thousand(pass, pass->model[mmu].walk.walks);
}
