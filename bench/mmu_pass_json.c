#include "config.h"

#include "bench/mmu_pass.h"

#include <stdio.h>

static json_t *integer(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static void put(json_t *object, const char *key, uint64_t value)
{
	(void)json_object_set_new(object, key, integer(value));
}

/* A figure and its key. */
struct figure {
	const char *key;
	uint64_t value;
};

#define FIGURES(array) (array), sizeof(array) / sizeof((array)[0])

static json_t *put_figures(json_t *object, const struct figure *figures, size_t count)
{
	for (size_t i = 0; i < count; i++)
		put(object, figures[i].key, figures[i].value);
	return object;
}

static json_t *faults_json(const struct mmu_pass *pass)
{
	const struct fault_counts *faults = &pass->figures.faults;
	const struct figure figures[] = {
	    {"minor", faults->minor},
	    {"major", faults->major},
	    {"cow", faults->cow},
	    {"zero_page", faults->zero_page},
	    {"thp", faults->thp},
	    {"anonymous", faults->anonymous},
	    {"file", faults->file},
	    {"cow_reuse", faults->cow_reuse},
	    {"from_zero", faults->from_zero},
	    {"thp_zero", faults->thp_zero},
	    {"thp_fallback", faults->thp_fallback},
	    {"thp_split", faults->thp_split},
	    {"thp_promoted", faults->thp_promoted},
	    {"mapped_around", faults->mapped_around},
	    {"exec", pass->figures.exec_faults},
	    {"stack_growths", pass->figures.stack_growths},
	    {"walks", pass->figures.failed_walks},
	    {"walk_references", pass->figures.failed_walk_references},
	};
	json_t *object = put_figures(json_object(), FIGURES(figures));

	(void)json_object_set_new(object, "swap_in", json_null()); /* there is no swap */
	return object;
}

static json_t *tables_json(const struct mmu_pass *pass)
{
	const struct figure figures[] = {
	    {"pages", pass->figures.tree_peak_pages},
	    {"bytes", pass->figures.tree_peak_pages * PAGE_BYTES},
	    {"levels", pass->levels},
	    {"pages_end", pass->figures.tree_pages},
	    {"vmpte_end_pages", pass->figures.table_pages},
	};

	return put_figures(json_object(), FIGURES(figures));
}

static json_t *resident_json(const struct mmu_pass *pass)
{
	const struct figure figures[] = {
	    {"peak_pages", pass->figures.resident_peak_pages},
	    {"end_pages", pass->figures.resident_pages},
	    {"anonymous_end_pages", pass->figures.anonymous_pages},
	    {"file_end_pages", pass->figures.file_pages},
	    {"shared_memory_end_pages", pass->figures.shared_memory_pages},
	    {"huge_end_pages", pass->figures.huge_pages},
	    {"mappings_end", pass->figures.mappings},
	};

	return put_figures(json_object(), FIGURES(figures));
}

static json_t *references_json(const struct mmu_pass *pass)
{
	const struct spaces_references *references = &pass->references;
	const struct figure figures[] = {
	    {"done", references->done},
	    {"crossings", references->crossings},
	    {"of_others", references->of_others},
	    {"objects_unplaced", references->objects_unplaced},
	    {"allocator_left_out", references->allocator_left_out},
	    {"clamped", references->clamped},
	    {"refused", references->refused},
	    {"out_of_memory", references->out_of_memory},
	    {"mappings_made", references->mappings_made},
	    {"files_grown", references->files_grown},
	};
	json_t *object = put_figures(json_object(), FIGURES(figures));

	(void)json_object_set_new(object, "process",
				  pass->process == SPACES_ALL_PROCESSES ? json_string("all")
									: integer(pass->process));
	return object;
}

static json_t *calls_json(const struct mmu_pass *pass)
{
	const struct spaces_calls *calls = &pass->calls;
	const struct figure figures[] = {
	    {"carried_out", calls->carried_out},
	    {"moved", calls->moved},
	    {"failed_otherwise", calls->failed_otherwise},
	    {"failed_only_here", calls->failed_only_here},
	    {"failed_only_there", calls->failed_only_there},
	    {"dropped", calls->dropped},
	    {"unplaced", calls->unplaced},
	    {"forks_refused", calls->forks_refused},
	};
	json_t *object = json_object();

	(void)json_object_set_new(object, "addresses",
				  json_string(pass->addresses == SPACES_FREE ? "free" : "forced"));
	return put_figures(object, FIGURES(figures));
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

/* null where the direct map has all pages. */
static json_t *highmem_json(const struct mmu_highmem *highmem)
{
	json_t *object;

	if (highmem->pages == 0)
		return json_null();
	object = json_object();
	put(object, "pages", highmem->pages);
	put(object, "used_pages", highmem->used_pages);
	put(object, "windows_opened", highmem->windows_opened);
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
	       json_object_set_new(model, "highmem", highmem_json(&pass->highmem)) == 0 &&
	       json_object_set_new(model, "placement", placement_json(pass)) == 0;
}
