/* translation.h: a small machine on which one address after the other is translated, so that each step can be shown.
 *
 * Its page tables hold the page of each address that it is asked about, in frames of its own choice, unless the request
 * says that some entry is to be missing; its TLBs and page-walk caches begin empty and remember from one address to the
 * next.
 */
#ifndef FAULTLINE_BENCH_TRANSLATION_H
#define FAULTLINE_BENCH_TRANSLATION_H

#include "engine/virt/nested.h"
#include "engine/virt/task.h"
#include "engine/virt/tlb.h"

#define TRANSLATION_DESCRIPTORS_MAX 64u
#define TRANSLATION_TEXT 160u

struct translation_descriptor {
	unsigned index;
	uint64_t bits;
};

struct translation_request {
	struct paging paging;
	struct tlb_geometry geometry;
	unsigned nested_level;	/* in a guest: level of the host's pages; 0: no host */
	unsigned leaf_level;	/* level at which pages are mapped */
	unsigned missing_level; /* level whose entry is empty for every address; 0: none */
	unsigned access;	/* enum walk_access, or-ed */
	pte_t rights;		/* flags of the leaf */
	pfn_t first_frame;	/* of the first page that is mapped; the next ones follow */

	/* Of logical addresses. */
	enum task_model segments;
	uint64_t gdt_base;
	unsigned cpl;
	enum segment_register_name through;
	unsigned descriptors;
	struct translation_descriptor descriptor[TRANSLATION_DESCRIPTORS_MAX];
};

struct translation {
	struct translation_request request;
	struct table_store store;
	struct counting_source tables; /* frames of the page tables */
	struct pagetable table;
	struct walker walker;
	struct nested host;
	struct tlb tlb;
	struct task_set tasks;
	pfn_t next_frame;
};

/* Why the machine could not be made, or an address not be mapped: a sentence without full stop. */
struct translation_error {
	char text[TRANSLATION_TEXT];
};

/* False, and *error, when it cannot be made. */
bool translation_create(struct translation *translation, const struct translation_request *request,
			struct translation_error *error);
void translation_destroy(struct translation *translation);

/* Maps the page of an address, if it is not mapped yet, as the request says. A non-canonical address is left alone. */
bool translation_map(struct translation *translation, uint64_t address, struct translation_error *error);

/* Shows a logical address: selector, entry, checks, and the linear address in *linear. False: it ended in a fault, which
 * is shown too. */
bool translation_show_logical(struct translation *translation, uint16_t selector, uint64_t offset,
			      uint64_t *linear);

/* Shows a linear address: its indices, the TLBs, the walk with each entry, the physical address or the fault. */
void translation_show_linear(struct translation *translation, uint64_t address);

#endif
