#include "config.h"

#include "bench/mmu_pass.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A pass that is going on. */
struct running {
	struct mmu_pass *pass;
	const struct mmu_pass_options *options;
	struct tlb_geometry geometries[MMU_MODELS_MAX];
	unsigned models;
};

static enum trace_status no_memory(struct trace_error *error)
{
	return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for the pass through the MMUs");
}

/* --- Looking on ------------------------------------------------------------------------------------------------------- */

static void read_counts(const struct running *running, struct spaces *spaces)
{
	const struct cpu_set *processors = &spaces_platform(spaces)->processors;

	for (unsigned i = 0; i < running->models; i++) {
		cpu_set_tlb_counts(processors, i, &running->pass->model[i].tlb);
		cpu_set_walk_counts(processors, i, &running->pass->model[i].walk);
	}
}

static bool is_watched(const struct running *running, uint32_t process)
{
	return running->options->process == SPACES_ALL_PROCESSES || running->options->process == process;
}

static struct spaces_process figures_of(const struct running *running, const struct spaces *spaces)
{
	return running->options->process == SPACES_ALL_PROCESSES
		   ? spaces_total(spaces)
		   : spaces_process(spaces, running->options->process);
}

static enum trace_status take_sample(void *context, struct spaces *spaces, uint64_t position,
				     struct trace_error *error)
{
	struct running *running = context;
	struct spaces_process figures = figures_of(running, spaces);
	const char *broken = running->options->check ? spaces_check(spaces) : NULL;

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
	return mmu_series_add(running->pass->series, &point) ? TRACE_OK : no_memory(error);
}

/* The address space is looked at right before it goes. */
static enum trace_status look(void *context, struct spaces *spaces, const struct event *event,
			      uint64_t position, struct trace_error *error)
{
	struct running *running = context;
	const struct mm *mm;

	(void)position;
	if ((event->kind != EVENT_EXIT && event->kind != EVENT_EXEC) || event->flags & EVENT_FAILED ||
	    !is_watched(running, event->process))
		return TRACE_OK;
	mm = spaces_mm(spaces, event->process);
	if (!mm || mm->tree.count == 0)
		return TRACE_OK;
	return space_map_add(running->pass->map, event->process, mm) ? TRACE_OK : no_memory(error);
}

static enum trace_status look_at_the_living(const struct running *running, struct spaces *spaces,
					    uint32_t processes, struct trace_error *error)
{
	for (uint32_t i = 0; i < processes; i++) {
		const struct mm *mm = is_watched(running, i) ? spaces_mm(spaces, i) : NULL;

		if (mm && !space_map_add(running->pass->map, i, mm))
			return no_memory(error);
	}
	return TRACE_OK;
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

static void choose_models(struct running *running)
{
	const struct mmu_pass_options *options = running->options;

	running->models = options->mmus;
	memcpy(running->geometries, options->geometries, options->mmus * sizeof(options->geometries[0]));
	if (!options->has_sizes || options->mmus + MMU_SERIES_SIZES > MMU_MODELS_MAX)
		return;
	mmu_series_sizes(running->geometries + options->mmus);
	running->models += MMU_SERIES_SIZES;
}

static struct mmu_pass *make_pass(struct running *running)
{
	const struct mmu_pass_options *options = running->options;
	struct mmu_pass *pass = calloc(1, sizeof(*pass));
	struct mmu_series_options series = {.names = options->names,
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

static void take_results(const struct running *running, struct spaces *spaces)
{
	struct mmu_pass *pass = running->pass;
	const struct cpu_set *processors = &spaces_platform(spaces)->processors;

	read_counts(running, spaces);
	pass->cpu = cpu_set_counts(processors);
	pass->levels = spaces_platform(spaces)->paging.levels;
	pass->figures = figures_of(running, spaces);
	pass->references = spaces_reference_counts(spaces);
	pass->calls = spaces_call_counts(spaces);
	for (unsigned i = 0; i < pass->mmus; i++) {
		pass->has_level_2[i] = processors->cpu[0].mmu.model[i].tlb.has_level_2;
		for (unsigned class = 0; class < TLB_CLASSES; class ++)
			pass->has_fetches |= pass->model[i].tlb.accesses[TLB_FETCH][class] > 0;
	}
}

static enum trace_status run_spaces(struct running *running, struct flt_reader *reader,
				    struct trace_error *error)
{
	const struct mmu_pass_options *options = running->options;
	const struct flt_summary *trace = flt_reader_summary(reader);
	struct spaces_watch watch = {.context = running, .before = look, .sample = take_sample};
	struct spaces_options driver = {.reader = reader,
					.platform = {.policy = options->policy,
						     .memory_bytes = options->memory_bytes,
						     .processors = options->processors,
						     .geometries = running->geometries,
						     .models = running->models},
					.addresses = options->addresses,
					.process = options->process,
					.placer = options->placer,
					.without_allocator = options->without_allocator};
	struct spaces *spaces;
	enum trace_status status = spaces_create(&spaces, &driver, error);

	if (status != TRACE_OK)
		return status;
	if (options->samples > 0)
		watch.every = trace->accesses / options->samples + 1;
	status = spaces_run(spaces, &watch, error);
	if (status == TRACE_OK)
		status = look_at_the_living(running, spaces, trace->processes, error);
	if (status == TRACE_OK)
		take_results(running, spaces);
	spaces_destroy(spaces);
	return status;
}

enum trace_status mmu_pass_run(struct mmu_pass **pass, const struct mmu_pass_options *options,
			       struct trace_error *error)
{
	struct running running = {.options = options};
	struct flt_reader *reader;
	enum trace_status status = flt_reader_open(&reader, options->trace, error);

	*pass = NULL;
	if (status != TRACE_OK)
		return status;
	choose_models(&running);
	running.pass = make_pass(&running);
	if (!running.pass)
		status = no_memory(error);
	else if (flt_reader_summary(reader)->accesses == 0)
		status =
		    trace_fail(error, TRACE_UNSUPPORTED,
			       "%s has no references, which --mmu needs; record them with `faultline record "
			       "--accesses`, or import a stream (lackey, champsim, pinatrace)",
			       options->trace);
	else
		status = run_spaces(&running, reader, error);
	flt_reader_close(reader);
	if (status == TRACE_OK)
		*pass = running.pass;
	else
		mmu_pass_destroy(running.pass);
	return status;
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

/* --- run.json ------------------------------------------------------------------------------------------------------------- */

static json_t *integer(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static void put(json_t *object, const char *key, uint64_t value)
{
	(void)json_object_set_new(object, key, integer(value));
}

static json_t *faults_json(const struct mmu_pass *pass)
{
	const struct fault_counts *faults = &pass->figures.faults;
	json_t *object = json_object();

	put(object, "minor", faults->minor);
	put(object, "major", faults->major);
	put(object, "cow", faults->cow);
	put(object, "zero_page", faults->zero_page);
	put(object, "thp", faults->thp);
	(void)json_object_set_new(object, "swap_in", json_null()); /* there is no swap */
	put(object, "anonymous", faults->anonymous);
	put(object, "file", faults->file);
	put(object, "cow_reuse", faults->cow_reuse);
	put(object, "from_zero", faults->from_zero);
	put(object, "thp_zero", faults->thp_zero);
	put(object, "thp_fallback", faults->thp_fallback);
	put(object, "thp_split", faults->thp_split);
	put(object, "thp_promoted", faults->thp_promoted);
	put(object, "mapped_around", faults->mapped_around);
	put(object, "stack_growths", pass->figures.stack_growths);
	put(object, "walks", pass->figures.failed_walks);
	put(object, "walk_references", pass->figures.failed_walk_references);
	return object;
}

static json_t *tables_json(const struct mmu_pass *pass)
{
	json_t *object = json_object();

	put(object, "pages", pass->figures.tree_peak_pages);
	put(object, "bytes", pass->figures.tree_peak_pages * PAGE_BYTES);
	put(object, "levels", pass->levels);
	put(object, "pages_end", pass->figures.tree_pages);
	put(object, "vmpte_end_pages", pass->figures.table_pages);
	return object;
}

static json_t *resident_json(const struct mmu_pass *pass)
{
	json_t *object = json_object();

	put(object, "peak_pages", pass->figures.resident_peak_pages);
	put(object, "end_pages", pass->figures.resident_pages);
	put(object, "anonymous_end_pages", pass->figures.anonymous_pages);
	put(object, "file_end_pages", pass->figures.file_pages);
	put(object, "shared_memory_end_pages", pass->figures.shared_memory_pages);
	put(object, "huge_end_pages", pass->figures.huge_pages);
	put(object, "mappings_end", pass->figures.mappings);
	return object;
}

static json_t *references_json(const struct mmu_pass *pass)
{
	const struct spaces_references *references = &pass->references;
	json_t *object = json_object();

	put(object, "done", references->done);
	put(object, "crossings", references->crossings);
	put(object, "of_others", references->of_others);
	put(object, "objects_unplaced", references->objects_unplaced);
	put(object, "allocator_left_out", references->allocator_left_out);
	put(object, "clamped", references->clamped);
	put(object, "refused", references->refused);
	put(object, "out_of_memory", references->out_of_memory);
	put(object, "mappings_made", references->mappings_made);
	put(object, "files_grown", references->files_grown);
	(void)json_object_set_new(object, "process",
				  pass->process == SPACES_ALL_PROCESSES ? json_string("all")
									: integer(pass->process));
	return object;
}

static json_t *calls_json(const struct mmu_pass *pass)
{
	const struct spaces_calls *calls = &pass->calls;
	json_t *object = json_object();

	(void)json_object_set_new(object, "addresses",
				  json_string(pass->addresses == SPACES_FREE ? "free" : "forced"));
	put(object, "carried_out", calls->carried_out);
	put(object, "moved", calls->moved);
	put(object, "failed_otherwise", calls->failed_otherwise);
	put(object, "failed_only_here", calls->failed_only_here);
	put(object, "failed_only_there", calls->failed_only_there);
	put(object, "dropped", calls->dropped);
	put(object, "unplaced", calls->unplaced);
	return object;
}

static const char *const class_names[TLB_CLASSES] = {NULL, "4k", "2m", "1g", "512g", "256t", "4k_coalesced"};

/* Accesses and misses of one part, by size of page; null when nothing went there. */
static json_t *part_json(const uint64_t accesses[TLB_CLASSES], const uint64_t misses[TLB_CLASSES])
{
	json_t *object = json_object();

	for (unsigned class = 1; class < TLB_CLASSES; class ++) {
		if (accesses[class] == 0)
			continue;
		json_t *one = json_object();

		put(one, "hits", accesses[class] - misses[class]);
		put(one, "misses", misses[class]);
		(void)json_object_set_new(object, class_names[class], one);
	}
	if (json_object_size(object) > 0)
		return object;
	json_decref(object);
	return json_null();
}

/* Level 2 serves data and fetches. */
static json_t *level_2_json(const struct tlb_counts *tlb)
{
	uint64_t accesses[TLB_CLASSES], misses[TLB_CLASSES];

	for (unsigned class = 0; class < TLB_CLASSES; class ++) {
		accesses[class] = tlb->misses[0][TLB_DATA][class] + tlb->misses[0][TLB_FETCH][class];
		misses[class] = tlb->misses[1][TLB_DATA][class] + tlb->misses[1][TLB_FETCH][class];
	}
	return part_json(accesses, misses);
}

static json_t *walk_hits_json(const struct mmu_pass *pass, const struct walk_counts *walk)
{
	json_t *object = json_object();
	char key[16];

	for (unsigned level = 2; level <= pass->levels; level++) {
		(void)snprintf(key, sizeof(key), "level%u", level);
		put(object, key, walk->cache_hits[level]);
	}
	put(object, "none", walk->cold);
	return object;
}

static json_t *model_json_of(const struct mmu_pass *pass, unsigned mmu)
{
	const struct tlb_counts *tlb = &pass->model[mmu].tlb;
	const struct walk_counts *walk = &pass->model[mmu].walk;
	json_t *object = json_object();

	put(object, "accesses", tlb_accesses(tlb));
	(void)json_object_set_new(object, "l1d",
				  part_json(tlb->accesses[TLB_DATA], tlb->misses[0][TLB_DATA]));
	(void)json_object_set_new(object, "l1i",
				  part_json(tlb->accesses[TLB_FETCH], tlb->misses[0][TLB_FETCH]));
	(void)json_object_set_new(object, "l2", pass->has_level_2[mmu] ? level_2_json(tlb) : json_null());
	put(object, "walks", walk->walks);
	put(object, "walk_references", walk->references);
	put(object, "walk_cycles", walk->cycles);
	(void)json_object_set_new(object, "walk_cache_hits", walk_hits_json(pass, walk));
	put(object, "flushes", tlb->flushes);
	put(object, "flushed_entries", tlb->flushed);
	put(object, "shootdowns", pass->cpu.shootdowns);
	put(object, "switches", pass->cpu.switches);
	return object;
}

static json_t *range_json(const uint64_t range[2])
{
	json_t *array = json_array();

	(void)json_array_append_new(array, integer(range[0]));
	(void)json_array_append_new(array, integer(range[1]));
	return array;
}

/* null where blocks were not placed by a live allocator. */
static json_t *placement_json(const struct mmu_pass *pass)
{
	const struct mmu_spread *spread = &pass->spread;
	json_t *object, *walks;

	if (spread->hash[0] == '\0')
		return json_null();
	object = json_object();
	walks = json_object();
	(void)json_object_set_new(object, "hash", json_string(spread->hash));
	put(object, "takes", spread->takes);
	(void)json_object_set_new(object, "minor", range_json(spread->minor));
	for (unsigned i = 0; i < pass->mmus; i++)
		(void)json_object_set_new(walks, pass->names[i], range_json(spread->walks[i]));
	(void)json_object_set_new(object, "walks", walks);
	return object;
}

bool mmu_pass_json(const struct mmu_pass *pass, json_t *model)
{
	json_t *tlb = json_object();

	for (unsigned i = 0; i < pass->mmus; i++)
		(void)json_object_set_new(tlb, pass->names[i], model_json_of(pass, i));
	return json_object_set_new(model, "faults", faults_json(pass)) == 0 &&
	       json_object_set_new(model, "page_tables", tables_json(pass)) == 0 &&
	       json_object_set_new(model, "tlb", tlb) == 0 &&
	       json_object_set_new(model, "resident", resident_json(pass)) == 0 &&
	       json_object_set_new(model, "references", references_json(pass)) == 0 &&
	       json_object_set_new(model, "calls", calls_json(pass)) == 0 &&
	       json_object_set_new(model, "placement", placement_json(pass)) == 0;
}
