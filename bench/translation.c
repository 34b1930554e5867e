#include "config.h"

#include "bench/translation.h"

#include <stdio.h>

/* Where the machine keeps things; small numbers are easier to follow. */
#define TABLE_FRAME 0x100u
#define TABLE_FRAMES 0x40000u

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
	const struct translation_request *request = &translation->request;
	enum status status = nested_create(&translation->host, &request->paging, &request->geometry.walk,
					   request->nested_level);

	if (status == STATUS_BAD_ARGUMENT)
		return fail(error, "the host's page tables have no larger pages");
	return status == STATUS_OK || fail(error, "not enough memory for the host's page tables");
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
	if (request->nested_level > 0 && !make_host(translation, error))
		return false;
	return make_segments(translation, error);
}

void translation_destroy(struct translation *translation)
{
	if (translation->request.nested_level > 0)
		nested_destroy(&translation->host);
	walker_destroy(&translation->walker);
	tlb_destroy(&translation->tlb);
	task_set_destroy(&translation->tasks);
	table_store_destroy(&translation->store);
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
	return true;
}

bool translation_map(struct translation *translation, uint64_t address, struct translation_error *error)
{
	const struct translation_request *request = &translation->request;
	const struct paging *paging = &request->paging;
	unsigned missing = request->missing_level;

	if (!paging_is_canonical(paging, address))
		return true;
	if (missing == 0)
		return set_leaf(translation, address, request->leaf_level, error);
	/* A neighbour brings the tables above the missing entry. */
	return set_leaf(translation, address ^ (uint64_t)1 << paging->shift[missing], 1, error);
}
