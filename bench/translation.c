#include "config.h"

#include "bench/translation.h"

#include <stdio.h>

/* Where the machine keeps things; small numbers are easier to follow. */
#define TABLE_FRAME 0x100u
#define TABLE_FRAMES 0x40000u
#define HOST_TABLE_FRAME 0x80000u
#define HOST_OFFSET_FRAMES 0x40000u

static bool fail(struct translation_error *error, const char *what)
{
	(void)snprintf(error->text, sizeof(error->text), "%s", what);
	return false;
}

static bool make_tables(struct translation *translation, struct translation_error *error)
{
	const struct paging *paging = &translation->request.paging;

	if (table_store_create(&translation->store, paging) != STATUS_OK)
		return fail(error, "not enough memory for page tables");
	counting_source_create(&translation->tables, TABLE_FRAME, TABLE_FRAMES);
	enum pagetable_outcome outcome = pagetable_create(&translation->table, &translation->store,
							  page_source_of_counter(&translation->tables));

	if (outcome == PAGETABLE_DONE)
		return true;
	table_store_destroy(&translation->store);
	return fail(error, pagetable_outcome_name(outcome));
}

static bool make_host(struct translation *translation, struct translation_error *error)
{
	if (table_store_create(&translation->host_store, &translation->request.paging) != STATUS_OK)
		return fail(error, "not enough memory for the host's page tables");
	counting_source_create(&translation->host_tables, HOST_TABLE_FRAME, TABLE_FRAMES);
	enum pagetable_outcome outcome = pagetable_create(&translation->host, &translation->host_store,
							  page_source_of_counter(&translation->host_tables));

	if (outcome == PAGETABLE_DONE &&
	    walker_create(&translation->host_walker, &translation->request.paging,
			  &translation->request.geometry.walk) == STATUS_OK)
		return true;
	table_store_destroy(&translation->host_store);
	return fail(error, "the host of a nested machine cannot be made");
}

static bool make_segments(struct translation *translation, struct translation_error *error)
{
	const struct translation_request *request = &translation->request;

	if (task_set_create(&translation->tasks, request->segments, request->gdt_base) != STATUS_OK)
		return fail(error, "not enough memory for descriptor tables");
	for (unsigned i = 0; i < request->descriptors; i++) {
		unsigned index = request->descriptor[i].index;

		if (index >= translation->tasks.gdt.entries)
			translation->tasks.gdt.entries = index + 1;
		translation->tasks.gdt.entry[index] = request->descriptor[i].bits;
	}
	translation->tasks.unit.cpl = request->cpl;
	return true;
}

bool translation_create(struct translation *translation, const struct translation_request *request,
			struct translation_error *error)
{
	*translation = (struct translation){.request = *request, .next_frame = request->first_frame};
	const struct paging *paging = &translation->request.paging;

	if (!make_tables(translation, error))
		return false;
	if (tlb_create(&translation->tlb, &request->geometry, paging, 0) != STATUS_OK ||
	    walker_create(&translation->walker, paging, &request->geometry.walk) != STATUS_OK)
		return fail(error, "the TLBs cannot be made for these page tables");
	if (request->is_nested && !make_host(translation, error))
		return false;
	return make_segments(translation, error);
}

void translation_destroy(struct translation *translation)
{
	if (translation->request.is_nested) {
		walker_destroy(&translation->host_walker);
		table_store_destroy(&translation->host_store);
	}
	walker_destroy(&translation->walker);
	tlb_destroy(&translation->tlb);
	task_set_destroy(&translation->tasks);
	table_store_destroy(&translation->store);
}

/* The host has a page for each page of the guest's. */
static bool map_in_host(struct translation *translation, pfn_t frame, struct translation_error *error)
{
	const struct paging *paging = &translation->request.paging;
	uint64_t address = frame << paging->page_shift;
	unsigned level;

	if (!translation->request.is_nested || pagetable_find(&translation->host, address, &level))
		return true;
	if (!paging_is_canonical(paging, address) ||
	    (frame + HOST_OFFSET_FRAMES) >> paging_frame_bits(paging) != 0)
		return fail(error, "the guest's memory is larger than its host can address");
	enum pagetable_outcome outcome =
	    pagetable_set(&translation->host, address, 1,
			  pte_make(frame + HOST_OFFSET_FRAMES, PTE_PRESENT | PTE_WRITE | PTE_USER), NULL);

	return outcome == PAGETABLE_DONE || fail(error, pagetable_outcome_name(outcome));
}

static bool map_tables_in_host(struct translation *translation, struct translation_error *error)
{
	for (pfn_t frame = TABLE_FRAME; frame < translation->tables.next; frame++) {
		if (!map_in_host(translation, frame, error))
			return false;
	}
	return true;
}

static bool set_leaf(struct translation *translation, uint64_t address, unsigned level,
		     struct translation_error *error)
{
	const struct paging *paging = &translation->request.paging;
	uint64_t pages = (uint64_t)1 << paging_leaf_order(paging, level);
	pfn_t frame = round_up(translation->next_frame, pages);
	unsigned found;

	if (pagetable_find(&translation->table, address, &found))
		return true;
	if ((frame + pages - 1) >> paging_frame_bits(paging) != 0)
		return fail(error, "an entry has no room for a frame number that large");
	enum pagetable_outcome outcome = pagetable_set(&translation->table, address, level,
						       pte_make(frame, translation->request.rights), NULL);

	if (outcome != PAGETABLE_DONE)
		return fail(error, pagetable_outcome_name(outcome));
	translation->next_frame = frame + pages;
	uint64_t page = address >> paging->page_shift & (pages - 1);

	return map_in_host(translation, frame + page, error);
}

bool translation_map(struct translation *translation, uint64_t address, struct translation_error *error)
{
	const struct translation_request *request = &translation->request;
	const struct paging *paging = &request->paging;
	unsigned missing = request->missing_level;

	if (!paging_is_canonical(paging, address))
		return true;
	if (missing == 0)
		return set_leaf(translation, address, request->leaf_level, error) &&
		       map_tables_in_host(translation, error);
	/* A neighbour brings the tables above the missing entry. */
	return set_leaf(translation, address ^ (uint64_t)1 << paging->shift[missing], 1, error) &&
	       map_tables_in_host(translation, error);
}
