#include "config.h"

#include "bench/mmu_option.h"

#include "bench/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Whether the setting `mine` takes the place of the preset's setting `old`: the same one, or l2 any part of level 2. */
static bool replaces(const char *mine, const char *old)
{
	size_t length = strcspn(mine, "="), part = strcspn(old, ".=");

	if (strcspn(old, "=") == length && memcmp(mine, old, length) == 0)
		return true;
	return strcspn(mine, ".=") == length && length <= part && memcmp(mine, old, length) == 0 &&
	       (length == part || mine[0] == 'l');
}

/* Whether one of the list of settings does. */
static bool is_replaced(const char *settings, const char *old)
{
	for (const char *comma; settings; settings = comma ? comma + 1 : NULL) {
		if (replaces(settings, old))
			return true;
		comma = strchr(settings, ',');
	}
	return false;
}

/* "PRESET,SETTING,...": the preset's settings but for those that follow, then these. False: it is none, or too long. */
static bool expand(const char *text, char words[TLB_TEXT_MAX])
{
	const char *comma = strchr(text, ','), *setting;
	char name[64];
	size_t used = 0;

	if (!comma || (size_t)(comma - text) >= sizeof(name))
		return false;
	(void)snprintf(name, sizeof(name), "%.*s", (int)(comma - text), text);
	const struct tlb_preset *preset = tlb_preset_find(name);

	for (setting = preset ? preset->text : NULL; setting;) {
		const char *next = strchr(setting, ',');
		size_t length = next ? (size_t)(next - setting) : strlen(setting);

		if (!is_replaced(comma + 1, setting) && used + length + 2 < TLB_TEXT_MAX)
			used += (size_t)snprintf(words + used, TLB_TEXT_MAX - used, "%.*s,", (int)length,
						 setting);
		setting = next ? next + 1 : NULL;
	}
	if (!preset || used + strlen(comma + 1) + 1 > TLB_TEXT_MAX)
		return false;
	(void)snprintf(words + used, TLB_TEXT_MAX - used, "%s", comma + 1);
	return true;
}

bool mmu_option(const char *command, const char *text, struct tlb_geometry *geometry)
{
	struct tlb_geometry_error error;
	char words[TLB_TEXT_MAX];
	const char *read = expand(text, words) ? words : text;

	if (tlb_geometry_find(geometry, read, &error) == STATUS_OK)
		return true;
	complain(command,
		 "--mmu '%s': at '%s' there should be %s; `faultline translate --list` shows processors",
		 text, read + error.at, error.want);
	return false;
}

static bool add_one(struct mmu_choice *choice, const char *command, const char *text)
{
	if (choice->count == MMU_MODELS_MAX) {
		complain(command, "--mmu: at most %u of them", MMU_MODELS_MAX);
		return false;
	}
	for (unsigned i = 0; i < choice->count; i++) {
		if (strcmp(choice->name[i], text) == 0) {
			complain(command, "--mmu '%s' is given twice", text);
			return false;
		}
	}
	if (!mmu_option(command, text, &choice->geometry[choice->count]))
		return false;
	choice->name[choice->count] = strdup(text);
	if (!choice->name[choice->count]) {
		complain(command, "not enough memory");
		return false;
	}
	choice->count++;
	return true;
}

/* Where the MMU that begins here ends: at a semicolon, or at a comma behind which another processor is named. */
static char *end_of_one(char *text)
{
	for (; *text; text++) {
		size_t length = strcspn(text + 1, ",;=");

		if (*text == ';' || (*text == ',' && text[1 + length] != '='))
			break;
	}
	return text;
}

bool mmu_choice_add(struct mmu_choice *choice, const char *command, const char *text)
{
	char *copy = strdup(text), *one = copy;
	bool ok = copy != NULL, is_last = false;

	while (ok && !is_last) {
		char *end = end_of_one(one);

		is_last = *end == '\0';
		*end = '\0';
		ok = add_one(choice, command, one);
		one = end + 1;
	}
	free(copy);
	return ok;
}

void mmu_choice_destroy(struct mmu_choice *choice)
{
	for (unsigned i = 0; i < choice->count; i++)
		free(choice->name[i]);
	choice->count = 0;
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
