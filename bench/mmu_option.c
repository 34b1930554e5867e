#include "config.h"

#include "bench/mmu_option.h"

#include "bench/command.h"

#include <stdio.h>
#include <string.h>

bool mmu_option(const char *command, const char *text, struct tlb_geometry *geometry)
{
	struct tlb_geometry_error error;

	if (tlb_geometry_find(geometry, text, &error) == STATUS_OK)
		return true;
	complain(command,
		 "--mmu '%s': at '%s' there should be %s; `faultline translate --list` shows processors",
		 text, text + error.at, error.want);
	return false;
}

void mmu_option_list(void)
{
	(void)puts("Processors (--mmu):");
	for (unsigned i = 0; tlb_preset(i); i++) {
		const struct tlb_preset *preset = tlb_preset(i);

		(void)printf("  %-16s %s\n      %s\n", preset->name, preset->processor, preset->text);
		for (unsigned f = 0; tlb_preset_figure(f); f++) {
			const struct tlb_figure *figure = tlb_preset_figure(f);

			if (strcmp(figure->preset, preset->name) == 0)
				(void)printf("      %s%s: %s\n", figure->verified ? "" : "UNVERIFIED ",
					     figure->figure, figure->source);
		}
	}
	(void)puts("\nPage tables (--paging), index bits from the root down and offset bits:");
	for (unsigned i = 0; paging_preset(i); i++) {
		const struct paging *paging = paging_preset(i);

		(void)printf("  %-16s ", paging->name);
		for (unsigned level = paging->levels; level > 0; level--)
			(void)printf("%u,", paging->bits[level]);
		(void)printf("%u  (%u bits; %s)\n", paging->page_shift, paging->virtual_bits, paging->source);
	}
}
