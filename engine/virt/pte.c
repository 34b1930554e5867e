#include "config.h"

#include "engine/virt/pte.h"

#include <stdio.h>
#include <string.h>

static const struct {
	pte_t flag;
	const char *name;
} flags[] = {
    {PTE_PRESENT, "present"},
    {PTE_WRITE, "write"},
    {PTE_USER, "user"},
    {PTE_WRITE_THROUGH, "write-through"},
    {PTE_CACHE_DISABLE, "cache-disable"},
    {PTE_ACCESSED, "accessed"},
    {PTE_DIRTY, "dirty"},
    {PTE_HUGE, "huge"},
    {PTE_GLOBAL, "global"},
    {PTE_SOFT_DIRTY, "soft-dirty"},
    {PTE_NO_EXECUTE, "no-execute"},
};

void pte_text(pte_t entry, char text[PTE_TEXT_BYTES])
{
	size_t length = 0;

	if (pte_is_empty(entry)) {
		(void)snprintf(text, PTE_TEXT_BYTES, "empty");
		return;
	}
	if (pte_is_swap(entry)) {
		(void)snprintf(text, PTE_TEXT_BYTES, "swap device %u offset 0x%llx%s", pte_swap_device(entry),
			       (unsigned long long)pte_swap_offset(entry),
			       entry & PTE_SWAP_SOFT_DIRTY ? " soft-dirty" : "");
		return;
	}
	text[0] = '\0';
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		if (!(entry & flags[i].flag))
			continue;
		int more = snprintf(text + length, PTE_TEXT_BYTES - length, "%s%s", length > 0 ? " " : "",
				    flags[i].name);

		length += more > 0 ? (size_t)more : 0;
	}
}
