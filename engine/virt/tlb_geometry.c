#include "config.h"

#include "engine/virt/tlb_geometry.h"

#include "engine/base/check.h"

#include <string.h>

#define NUMBER_MAX 1000000u
#define PROBE_CYCLES 1u
#define REFERENCE_CYCLES 30u

/* What is left of the text, and what went wrong where. */
struct reader {
	const char *start, *text;
	const char *want;
};

static bool fail(struct reader *reader, const char *want)
{
	if (!reader->want)
		reader->want = want;
	return false;
}

static bool is_end(char letter)
{
	return letter == '\0' || letter == ',';
}

/* Takes the word if the text begins with it. */
static bool take(struct reader *reader, const char *word)
{
	size_t length = strlen(word);

	if (strncmp(reader->text, word, length) != 0)
		return false;
	reader->text += length;
	return true;
}

static bool take_number(struct reader *reader, uint32_t *number)
{
	const char *first = reader->text;

	for (*number = 0; *reader->text >= '0' && *reader->text <= '9' && *number <= NUMBER_MAX;
	     reader->text++)
		*number = *number * 10 + (uint32_t)(*reader->text - '0');
	return (reader->text > first && *number <= NUMBER_MAX) || fail(reader, "a number up to 1000000");
}

/* One of the words, in the order of their values, up to the end of the setting. */
static bool take_choice(struct reader *reader, const char *const *words, unsigned *choice, const char *want)
{
	for (*choice = 0; words[*choice]; ++*choice) {
		size_t length = strlen(words[*choice]);

		if (strncmp(reader->text, words[*choice], length) == 0 && is_end(reader->text[length])) {
			reader->text += length;
			return true;
		}
	}
	return fail(reader, want);
}

/* ENTRIESxWAYS */
static bool take_shape(struct reader *reader, uint32_t *entries, uint32_t *ways)
{
	const char *first = reader->text;

	if (!take_number(reader, entries))
		return false;
	if (!take(reader, "x"))
		return fail(reader, "ENTRIESxWAYS, such as 64x4 or 64xfull");
	if (take(reader, "full"))
		*ways = *entries;
	else if (!take_number(reader, ways))
		return false;
	if (*entries > 0 && *entries <= ASSOCIATIVE_ENTRIES_MAX && *ways > 0 &&
	    *ways <= ASSOCIATIVE_WAYS_MAX && *entries % *ways == 0)
		return true;
	reader->text = first;
	return fail(reader, "up to 65536 entries, a multiple of up to 1024 ways");
}

/* .4k+2m */
static bool take_sizes(struct reader *reader, uint64_t *sizes)
{
	do {
		uint32_t number;

		if (!take_number(reader, &number))
			return false;
		unsigned unit = take(reader, "k") ? 10 : take(reader, "m") ? 20 : take(reader, "g") ? 30 : 0;

		if (unit == 0 || number == 0 || (number & (number - 1)) != 0)
			return fail(reader, "page sizes, powers of two such as 4k, 2m or 1g");
		*sizes |= (uint64_t)1 << (unit + (unsigned)__builtin_ctz(number));
	} while (take(reader, "+"));
	return true;
}

/* Two parts must not serve the same level, kind and size. */
static bool overlaps(const struct tlb_geometry *geometry, const struct tlb_part *part)
{
	for (unsigned i = 0; i < geometry->parts; i++) {
		const struct tlb_part *other = &geometry->part[i];

		if (other->level == part->level && (other->kinds & part->kinds) != 0 &&
		    ((other->sizes & part->sizes) != 0 || (other->sizes == 0 && part->sizes == 0)))
			return true;
	}
	return false;
}

static bool take_part(struct reader *reader, struct tlb_geometry *geometry)
{
	const char *first = reader->text;
	struct tlb_part part = {.level = take(reader, "l1") ? 1 : 2};

	if (part.level == 2 && !take(reader, "l2"))
		return fail(
		    reader,
		    "a setting: l1d l1i l1 l2d l2i l2 walk2..walk5 replace coalesce asid probe-cycles "
		    "reference-cycles walk-flush nested paging");
	part.kinds = take(reader, "d") ? 1u << TLB_DATA : take(reader, "i") ? 1u << TLB_FETCH : 3u;
	if (take(reader, ".") && !take_sizes(reader, &part.sizes))
		return false;
	if (!take(reader, "="))
		return fail(reader, "= and the part's ENTRIESxWAYS");
	if (!take_shape(reader, &part.entries, &part.ways))
		return false;
	if (overlaps(geometry, &part) || geometry->parts == TLB_PARTS_MAX) {
		reader->text = first;
		return fail(reader, "at most 16 parts, and one for each level, kind and page size");
	}
	geometry->part[geometry->parts++] = part;
	return true;
}

static bool take_walk_cache(struct reader *reader, struct tlb_geometry *geometry)
{
	uint32_t level;

	if (!take_number(reader, &level))
		return false;
	if (level < 2 || level > PAGING_LEVELS_MAX || !take(reader, "="))
		return fail(reader, "walk2=, walk3=, walk4= or walk5=");
	return take_shape(reader, &geometry->walk.cache[level].entries, &geometry->walk.cache[level].ways);
}

static bool take_paging(struct reader *reader, struct tlb_geometry *geometry)
{
	for (unsigned i = 0; paging_preset(i); i++) {
		size_t length = strlen(paging_preset(i)->name);

		if (strncmp(reader->text, paging_preset(i)->name, length) == 0 &&
		    is_end(reader->text[length])) {
			geometry->paging = paging_preset(i);
			reader->text += length;
			return true;
		}
	}
	return fail(reader, "the name of a paging preset, such as x86-64");
}

static bool take_setting(struct reader *reader, struct tlb_geometry *geometry)
{
	static const char *const replacements[] = {"lru", "plru", "fifo", "random", NULL};
	static const char *const coalescing[] = {"1", "4", "8", NULL};
	static const char *const answers[] = {"no", "yes", NULL};
	static const char *const flushers[] = {"tables", "pages", NULL};
	static const char *const hosts[] = {"no", "pages", "large", NULL};
	unsigned choice;

	if (take(reader, "walk-flush=")) {
		if (!take_choice(reader, flushers, &choice, "pages or tables"))
			return false;
		geometry->walk.emptied_by_pages = choice == 1;
		return true;
	}
	if (take(reader, "nested="))
		return take_choice(reader, hosts, &geometry->nested_level, "no, pages or large");
	if (take(reader, "walk"))
		return take_walk_cache(reader, geometry);
	if (take(reader, "paging="))
		return take_paging(reader, geometry);
	if (take(reader, "probe-cycles="))
		return take_number(reader, &geometry->walk.cache_cycles);
	if (take(reader, "reference-cycles="))
		return take_number(reader, &geometry->walk.reference_cycles);
	if (take(reader, "replace=")) {
		if (!take_choice(reader, replacements, &choice, "lru, plru, fifo or random"))
			return false;
		geometry->replace = (enum replacement)choice;
		return true;
	}
	if (take(reader, "coalesce=")) {
		if (!take_choice(reader, coalescing, &choice, "1, 4 or 8"))
			return false;
		geometry->coalesce_pages = choice == 0 ? 1 : 2u << choice;
		return true;
	}
	if (take(reader, "asid=")) {
		if (!take_choice(reader, answers, &choice, "yes or no"))
			return false;
		geometry->tagged = choice == 1;
		return true;
	}
	return take_part(reader, geometry);
}

/* What can only be said of the whole. */
static bool is_complete(struct reader *reader, const struct tlb_geometry *geometry)
{
	bool has_data = false;

	for (unsigned i = 0; i < geometry->parts; i++) {
		const struct tlb_part *part = &geometry->part[i];

		has_data |= part->level == 1 && (part->kinds & 1u << TLB_DATA);
		if (geometry->replace == REPLACE_TREE_PLRU &&
		    ((part->ways & (part->ways - 1)) != 0 || part->ways > ASSOCIATIVE_TREE_WAYS_MAX))
			return fail(reader, "ways that are a power of two up to 64, for replace=plru");
	}
	return has_data || fail(reader, "a part of level 1 that serves data, such as l1d=64x4");
}

enum status tlb_geometry_parse(struct tlb_geometry *geometry, const char *text,
			       struct tlb_geometry_error *error)
{
	struct reader reader = {text, text, NULL};
	bool good = strlen(text) <= TLB_TEXT_MAX || fail(&reader, "at most 512 letters");

	*geometry = (struct tlb_geometry){
	    .name = "free-form",
	    .coalesce_pages = 1,
	    .tagged = true,
	    .paging = paging_find("x86-64"),
	    .walk = {.cache_cycles = PROBE_CYCLES,
		     .reference_cycles = REFERENCE_CYCLES,
		     .emptied_by_pages = true},
	};
	while (good) {
		good = take_setting(&reader, geometry);
		if (good && !is_end(*reader.text))
			good = fail(&reader, "a comma between settings");
		if (!good || *reader.text == '\0')
			break;
		reader.text++;
	}
	if (good && is_complete(&reader, geometry))
		return STATUS_OK;
	*error = (struct tlb_geometry_error){(size_t)(reader.text - reader.start), reader.want};
	return STATUS_BAD_ARGUMENT;
}

enum status tlb_geometry_find(struct tlb_geometry *geometry, const char *name_or_text,
			      struct tlb_geometry_error *error)
{
	const struct tlb_preset *preset = tlb_preset_find(name_or_text);
	enum status status = tlb_geometry_parse(geometry, preset ? preset->text : name_or_text, error);

	CHECK(!preset || status == STATUS_OK, "a preset's words make a geometry");
	if (preset)
		geometry->name = preset->name;
	return status;
}
