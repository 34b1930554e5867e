#include "config.h"

#include "engine/heap/direct_source.h"

/* The ceiling lies above the peak of used pages by one part in so many; a purge goes as far below it. */
#define CEILING_PARTS 16u
/* How far the search for a run of retained pages goes: 64 Ki pages, in about a microsecond. */
#define SEARCH_WORDS 1024u

static struct direct_source *self(struct span_source *source)
{
	return (struct direct_source *)source;
}

/* The bits of word `word` that belong to pages pfn .. end-1. */
static uint64_t word_mask(uint64_t word, uint64_t pfn, uint64_t end)
{
	uint64_t mask = UINT64_MAX;

	if (word == pfn / 64)
		mask &= UINT64_MAX << (pfn % 64);
	if (word == (end - 1) / 64)
		mask &= UINT64_MAX >> (63 - (end - 1) % 64);
	return mask;
}

/* The next word with a retained page, from `word` on; BITMAP_NONE when there is none. */
static uint64_t next_word(const struct direct_source *direct, uint64_t word)
{
	return word >= direct->words.bits ? BITMAP_NONE : bitmap_find_from(&direct->words, word);
}

/* Some of the word's pages are retained no more. */
static void clear_bits(struct direct_source *direct, uint64_t word, uint64_t bits)
{
	direct->retained[word] &= ~bits;
	direct->idle[word] &= ~bits;
	if (direct->retained[word] == 0)
		bitmap_clear(&direct->words, word);
}

/* The pages are in use now: forgets what was retained of them. Returns how many were. */
static uint64_t clear_retained(struct direct_source *direct, uint64_t pfn, uint64_t pages)
{
	uint64_t end = pfn + pages;
	uint64_t cleared = 0;

	for (uint64_t word = next_word(direct, pfn / 64); word <= (end - 1) / 64;
	     word = next_word(direct, word + 1)) {
		uint64_t bits = direct->retained[word] & word_mask(word, pfn, end);

		cleared += (uint64_t)__builtin_popcountll(bits);
		if (bits != 0)
			clear_bits(direct, word, bits);
	}
	direct->retained_pages -= cleared;
	return cleared;
}

static void give_back(struct direct_source *direct, uint64_t pfn, uint64_t pages)
{
	arena_release(direct->arena, direct->arena->first + pfn, pages);
	direct->purged_pages += pages;
}

/* Gives back the pages of `bits` (of word `word`), extending a run that ends at *run_end, else beginning a
 * new one. */
static void give_back_word(struct direct_source *direct, uint64_t word, uint64_t bits, uint64_t run[2])
{
	while (bits != 0) {
		uint64_t first = (uint64_t)__builtin_ctzll(bits);
		uint64_t rest = ~(bits >> first);
		uint64_t length = rest == 0 ? 64 - first : (uint64_t)__builtin_ctzll(rest);

		if (run[1] != word * 64 + first) {
			if (run[1] != run[0])
				give_back(direct, run[0], run[1] - run[0]);
			run[0] = word * 64 + first;
		}
		run[1] = word * 64 + first + length;
		bits = first + length == 64 ? 0 : bits & UINT64_MAX << (first + length);
	}
}

/* Gives back retained pages, or only the idle ones, until `target` were; whole words, so a few more. */
static void give_back_retained(struct direct_source *direct, uint64_t target, bool idle_only)
{
	uint64_t run[2] = {0, 0};
	uint64_t given = 0;

	for (uint64_t word = next_word(direct, 0); word != BITMAP_NONE && given < target;
	     word = next_word(direct, word + 1)) {
		uint64_t bits = direct->retained[word] & (idle_only ? direct->idle[word] : UINT64_MAX);

		if (bits == 0)
			continue;
		give_back_word(direct, word, bits, run);
		clear_bits(direct, word, bits);
		given += (uint64_t)__builtin_popcountll(bits);
	}
	if (run[1] != run[0])
		give_back(direct, run[0], run[1] - run[0]);
	direct->retained_pages -= given;
}

/* The next generation: what is idle goes, what is retained becomes idle. */
static void sweep(struct direct_source *direct)
{
	give_back_retained(direct, UINT64_MAX, true);
	for (uint64_t word = next_word(direct, 0); word != BITMAP_NONE; word = next_word(direct, word + 1))
		direct->idle[word] = direct->retained[word];
	direct->operations = 0;
}

static void count_operation(struct direct_source *direct)
{
	if (++direct->operations < direct->purge_delay || direct->retained_pages == 0)
		return;
	if (direct->purge_delay == 0)
		give_back_retained(direct, UINT64_MAX, false);
	else
		sweep(direct);
}

/* Untouched pages were taken: keeps what is used and retained below the ceiling. */
static void keep_ceiling(struct direct_source *direct)
{
	uint64_t margin = direct->peak_pages / CEILING_PARTS;
	uint64_t resident = direct->used_pages + direct->retained_pages;

	if (resident <= direct->peak_pages + margin)
		return;
	give_back_retained(direct, resident - direct->peak_pages, true);
	resident = direct->used_pages + direct->retained_pages;
	if (resident > direct->peak_pages)
		give_back_retained(direct, resident - direct->peak_pages, false);
}

/* The pages are in use now. Returns whether all of them were untouched. */
static bool took(struct direct_source *direct, uint64_t pfn, uint64_t pages)
{
	uint64_t retained = clear_retained(direct, pfn, pages);

	arena_use(direct->arena, direct->arena->first + pfn, pages);
	direct->used_pages += pages;
	if (direct->used_pages > direct->peak_pages)
		direct->peak_pages = direct->used_pages;
	if (retained < pages)
		keep_ceiling(direct);
	return retained == 0;
}

/* The first of `pages` (2 .. 64) set bits in a row inside the word, or 64: shifts that halve what is left
 * to check. */
static unsigned run_in_word(uint64_t word, unsigned pages)
{
	for (unsigned have = 1; have < pages;) {
		unsigned step = pages - have < have ? pages - have : have;

		word &= word >> step;
		have += step;
	}
	return word == 0 ? 64 : (unsigned)__builtin_ctzll(word);
}

/* The lowest run of `pages` retained pages within the first SEARCH_WORDS words that have any, or PFN_NONE. */
static pfn_t find_retained(const struct direct_source *direct, uint64_t pages)
{
	uint64_t run = 0; /* retained pages just below the word */
	uint64_t previous = BITMAP_NONE;
	unsigned searched = 0;

	for (uint64_t word = next_word(direct, 0); word != BITMAP_NONE && searched < SEARCH_WORDS;
	     word = next_word(direct, word + 1), searched++) {
		uint64_t bits = direct->retained[word];

		if (word != previous + 1)
			run = 0;
		previous = word;
		if (run + (bits == UINT64_MAX ? 64 : (unsigned)__builtin_ctzll(~bits)) >= pages)
			return word * 64 - run;
		if (bits == UINT64_MAX) {
			run += 64;
			continue;
		}
		if (pages < 64 && run_in_word(bits, (unsigned)pages) < 64)
			return word * 64 + run_in_word(bits, (unsigned)pages);
		run = (unsigned)__builtin_clzll(~bits);
	}
	return PFN_NONE;
}

static bool claim_run(struct direct_source *direct, pfn_t pfn, uint64_t pages)
{
	return direct->runs.claim(direct->runs.keeper, direct->arena->first + pfn, pages);
}

static void release_run(struct direct_source *direct, pfn_t frame, uint64_t pages)
{
	direct->runs.release(direct->runs.keeper, frame, pages);
}

/* Takes retained pages when there is a run of them that nobody else took; `pages` is at least 2. */
static pfn_t acquire_retained(struct direct_source *direct, uint64_t pages)
{
	pfn_t pfn;

	if (direct->retained_pages < pages || pages >= direct->hopeless_pages)
		return PFN_NONE;
	pfn = find_retained(direct, pages);
	if (pfn == PFN_NONE || !claim_run(direct, pfn, pages)) {
		direct->hopeless_pages = pages;
		return PFN_NONE;
	}
	return direct->arena->first + pfn;
}

static pfn_t acquire(struct span_source *source, uint64_t pages, uint64_t alignment_pages, bool *zero)
{
	struct direct_source *direct = self(source);
	uint64_t asked = alignment_pages > pages ? alignment_pages : pages;
	pfn_t frame = PFN_NONE;

	if (asked > direct->source.pages)
		return PFN_NONE;
	if (pages > 1 && alignment_pages == 1)
		frame = acquire_retained(direct, pages);
	if (frame == PFN_NONE) {
		frame = direct->runs.allocate(direct->runs.keeper, asked);
		if (frame == PFN_NONE)
			return PFN_NONE;
		if (asked > pages)
			release_run(direct, frame + pages, asked - pages);
	}
	*zero = took(direct, frame - direct->arena->first, pages);
	count_operation(direct);
	return frame - direct->arena->first;
}

static void release(struct span_source *source, pfn_t pfn, uint64_t pages)
{
	struct direct_source *direct = self(source);
	uint64_t end = pfn + pages;

	release_run(direct, direct->arena->first + pfn, pages);
	for (uint64_t word = pfn / 64; word <= (end - 1) / 64; word++) {
		direct->retained[word] |= word_mask(word, pfn, end);
		bitmap_set(&direct->words, word);
	}
	direct->retained_pages += pages;
	direct->used_pages -= pages;
	direct->hopeless_pages = UINT64_MAX;
	count_operation(direct);
}

static void vacate(struct span_source *source, pfn_t pfn, uint64_t pages)
{
	(void)clear_retained(self(source), pfn, pages);
}

static bool claim(struct span_source *source, pfn_t pfn, uint64_t pages)
{
	struct direct_source *direct = self(source);

	if (pfn >= direct->source.pages || pages > direct->source.pages - pfn ||
	    !claim_run(direct, pfn, pages))
		return false;
	(void)took(direct, pfn, pages);
	count_operation(direct);
	return true;
}

static void purge(struct span_source *source)
{
	give_back_retained(self(source), UINT64_MAX, false);
}

static void statistics(const struct span_source *source, struct span_source_statistics *statistics)
{
	const struct direct_source *direct = (const struct direct_source *)source;
	uint64_t huge_bytes = direct->runs.huge_map_bytes + 2 * HUGE_PAGES / 8;

	*statistics = (struct span_source_statistics){
	    .used_pages = direct->used_pages,
	    .retained_pages = direct->retained_pages,
	    .metadata_bytes = (direct->peak_pages + HUGE_PAGES) / HUGE_PAGES * huge_bytes,
	    .purged_pages = direct->purged_pages,
	};
}

static const char *check(const struct span_source *source)
{
	return direct_source_check((const struct direct_source *)source);
}

enum status direct_source_create(struct direct_source *direct, struct arena *arena,
				 const struct page_runs *runs, uint64_t purge_delay)
{
	uint64_t words = (arena->pages + 63) / 64;
	enum status status;

	if (arena->pages >= UINT32_MAX)
		return STATUS_LIMIT;
	*direct = (struct direct_source){
	    .source = {.base = arena->base,
		       .pages = arena->pages,
		       .acquire = acquire,
		       .release = release,
		       .vacate = vacate,
		       .claim = claim,
		       .purge = purge,
		       .statistics = statistics,
		       .check = check},
	    .arena = arena,
	    .runs = *runs,
	    .purge_delay = purge_delay,
	    .hopeless_pages = UINT64_MAX,
	};
	status =
	    reservation_create(&direct->bits, 2 * words * sizeof(uint64_t) + bitmap_bytes(words), PAGE_BYTES);
	if (status != STATUS_OK)
		return status;
	direct->retained = direct->bits.memory;
	direct->idle = direct->retained + words;
	bitmap_create(&direct->words, words, direct->idle + words);
	return STATUS_OK;
}

void direct_source_destroy(struct direct_source *direct)
{
	reservation_destroy(&direct->bits);
}

static const char *check_word(const struct direct_source *direct, uint64_t word)
{
	for (uint64_t bits = direct->retained[word]; bits != 0; bits &= bits - 1) {
		uint64_t pfn = word * 64 + (uint64_t)__builtin_ctzll(bits);

		if (!direct->runs.is_free(direct->runs.keeper, direct->arena->first + pfn))
			return "I2: a retained page is not free";
	}
	return (direct->idle[word] & ~direct->retained[word]) ? "I1: an idle page is not retained" : NULL;
}

const char *direct_source_check(const struct direct_source *direct)
{
	uint64_t retained_pages = 0;
	const char *broken = bitmap_check(&direct->words);

	for (uint64_t word = next_word(direct, 0); word != BITMAP_NONE && !broken;
	     word = next_word(direct, word + 1)) {
		broken = check_word(direct, word);
		if (direct->retained[word] == 0)
			broken = "I4: a word without retained pages is listed";
		retained_pages += (uint64_t)__builtin_popcountll(direct->retained[word]);
	}
	if (broken)
		return broken;
	if (retained_pages != direct->retained_pages)
		return "I3: retained_pages is not the number of set bits";
	return direct->runs.check(direct->runs.keeper);
}
