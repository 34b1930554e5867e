#include "config.h"

#include "tests/fuzz/fuzz.h"
#include "engine/virt/tlb.h"

#include <stdlib.h>
#include <string.h>

/* A word of the command line: a TLB geometry, and the same bytes as page-table levels. What is understood is built. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[TLB_TEXT_MAX * 2];
	struct tlb_geometry geometry;
	struct tlb_geometry_error error;
	struct paging paging;
	struct tlb tlb;

	if (size >= sizeof(text))
		size = sizeof(text) - 1;
	memcpy(text, data, size);
	text[size] = '\0';
	if (paging_parse(&paging, text) == STATUS_OK && paging_check(&paging))
		abort();
	if (tlb_geometry_find(&geometry, text, &error) != STATUS_OK) {
		if (error.at > strlen(text) || !error.want)
			abort();
		return 0;
	}
	if (tlb_create(&tlb, &geometry, geometry.paging, 1) != STATUS_OK)
		return 0;
	for (uint64_t i = 0; i < 1000; i++)
		(void)tlb_access(&tlb, TLB_DATA, tlb_key_of(&tlb, i * i << 12, 1 + i % 2, 1));
	if (tlb_check(&tlb))
		abort();
	tlb_destroy(&tlb);
	return 0;
}
