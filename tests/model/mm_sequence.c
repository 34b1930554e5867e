#include "config.h"

#include "tests/model/mm_sequence.h"

#include "engine/base/random.h"
#include "engine/base/units.h"
#include "engine/virt/mm_abi.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	unsigned arguments;
} calls[STEP_CALLS] = {
    [STEP_MMAP] = {"mmap", 6},
    [STEP_MUNMAP] = {"munmap", 2},
    [STEP_MREMAP] = {"mremap", 5},
    [STEP_BRK] = {"brk", 1},
    [STEP_MPROTECT] = {"mprotect", 3},
    [STEP_MADVISE] = {"madvise", 3},
    [STEP_MLOCK] = {"mlock", 2},
    [STEP_MLOCK2] = {"mlock2", 3},
    [STEP_MUNLOCK] = {"munlock", 2},
    [STEP_MLOCKALL] = {"mlockall", 1},
    [STEP_MUNLOCKALL] = {"munlockall", 0},
    [STEP_MINCORE] = {"mincore", 2},
    [STEP_MSYNC] = {"msync", 3},
    [STEP_READ] = {"read", 1},
    [STEP_WRITE] = {"write", 1},
    [STEP_FORK] = {"fork", 0},
    [STEP_EXIT] = {"exit", 0},
    [STEP_LIMIT] = {"limit", 2},
};

static const char *const files[STEP_FILES] = {"anonymous", "memory", "memory-read", "memory-write",
					      "regular",   "pipe",   "bad"};

/* --- Text --------------------------------------------------------------------------------------------------------- */

void step_print(FILE *to, const struct step *step)
{
	(void)fprintf(to, "%u %s", step->process, calls[step->call].name);
	for (unsigned i = 0; i < calls[step->call].arguments; i++) {
		if (step->call == STEP_MMAP && i == 4)
			(void)fprintf(to, " %s", files[step->argument[i]]);
		else
			(void)fprintf(to, " %#" PRIx64, step->argument[i]);
	}
	(void)fputc('\n', to);
}

static bool read_file_name(const char *word, uint64_t *file)
{
	for (*file = 0; *file < STEP_FILES; (*file)++)
		if (strcmp(word, files[*file]) == 0)
			return true;
	return false;
}

static bool read_number(const char *word, uint64_t *number)
{
	char *end;

	*number = strtoull(word, &end, 0);
	return *word && !*end;
}

static bool read_step(struct step *step, char *text)
{
	char *rest = NULL, *word = strtok_r(text, " \n", &rest);
	uint64_t process;
	unsigned call = 0;

	memset(step, 0, sizeof(*step));
	if (!word || !read_number(word, &process) || process > 1)
		return false;
	step->process = (unsigned)process;
	word = strtok_r(NULL, " \n", &rest);
	while (word && call < STEP_CALLS && strcmp(word, calls[call].name) != 0)
		call++;
	if (!word || call == STEP_CALLS)
		return false;
	step->call = (enum step_call)call;
	for (unsigned i = 0; i < calls[call].arguments; i++) {
		word = strtok_r(NULL, " \n", &rest);
		if (!word || !(call == STEP_MMAP && i == 4 ? read_file_name(word, &step->argument[i])
							   : read_number(word, &step->argument[i])))
			return false;
	}
	return !strtok_r(NULL, " \n", &rest);
}

bool sequence_read(struct sequence *sequence, FILE *from, size_t *line)
{
	char text[256];

	sequence->count = 0;
	for (*line = 1; fgets(text, sizeof(text), from); (*line)++) {
		if (text[0] == '#' || text[0] == '\n')
			continue;
		if (sequence->count == STEPS_MAX || !read_step(&sequence->steps[sequence->count], text))
			return false;
		sequence->count++;
	}
	return sequence->count > 0 && !ferror(from);
}

/* --- Random sequences --------------------------------------------------------------------------------------------- */

/* What a sequence may contain that does not go together: pages of a regular file are only known while nobody evicts
 * them, and lazily freed pages stay only then; pages of shared memory that were only read are evicted, too. */
struct generator {
	struct random random;
	bool may_page_out;
	bool has_regular_file;
	bool has_limits;
};

static bool one_in(struct generator *generator, uint64_t chances)
{
	return random_below(&generator->random, chances) == 0;
}

static const uint64_t odd_numbers[] = {0,
				       1,
				       0xfff,
				       0x1001,
				       0x7ffffffff000,
				       0x7fffffffe000,
				       0x800000000000,
				       0x8000000000000000,
				       0xfffffffffffff000,
				       0xffffffffffffffff,
				       0x10000000,
				       WINDOW_START - 4096};

static uint64_t odd_number(struct generator *generator)
{
	return odd_numbers[random_below(&generator->random, sizeof(odd_numbers) / sizeof(odd_numbers[0]))];
}

/* Mostly near the top of the window, where mappings without an address land, too. */
static uint64_t address(struct generator *generator)
{
	uint64_t end = WINDOW_START + WINDOW_BYTES;

	switch (random_below(&generator->random, 40)) {
	case 0:
		return odd_number(generator);
	case 1:
		return end - 4096 * random_below(&generator->random, 64) +
		       random_below(&generator->random, 4096);
	case 2:
	case 3:
		return end - 0x200000 * random_below(&generator->random, 10);
	case 4:
		return LOW_WINDOW_START + 4096 * random_below(&generator->random, 8);
	case 5:
		return end - 4096 * random_below(&generator->random, 1600);
	default:
		return end - 4096 * (1 + random_below(&generator->random, 40));
	}
}

static uint64_t length(struct generator *generator)
{
	switch (random_below(&generator->random, 40)) {
	case 0:
		return odd_number(generator);
	case 1:
		return 1 + random_below(&generator->random, 20000);
	case 2:
		return 0x200000;
	case 3:
		return 0x200000 + 4096 * random_below(&generator->random, 600);
	case 4:
		return 0x400000;
	case 5:
		return 0;
	default:
		return 4096 * (1 + random_below(&generator->random, 10));
	}
}

static uint64_t protection(struct generator *generator)
{
	static const uint64_t usual[] = {3, 3, 3, 3, 1, 1, 0, 5, 7, 2, 4};

	if (one_in(generator, 60))
		return random_below(&generator->random, 16) | random_below(&generator->random, 4) << 24;
	return usual[random_below(&generator->random, sizeof(usual) / sizeof(usual[0]))];
}

static void generate_mmap(struct generator *generator, struct step *step)
{
	static const uint64_t extra[] = {MM_MAP_LOCKED,
					 MM_MAP_NO_RESERVE,
					 MM_MAP_POPULATE,
					 MM_MAP_STACK,
					 MM_MAP_GROWS_DOWN,
					 MM_MAP_GROWS_DOWN,
					 MM_MAP_32BIT,
					 MM_MAP_ABOVE4G,
					 MM_MAP_HUGETLB,
					 MM_MAP_SYNC,
					 MM_MAP_NON_BLOCK | MM_MAP_POPULATE};
	static const uint64_t placed[] = {MM_MAP_FIXED, MM_MAP_FIXED, MM_MAP_FIXED_NO_REPLACE, 0};
	uint64_t flags = placed[random_below(&generator->random, 4)];
	uint64_t type = random_below(&generator->random, 12);

	step->argument[0] = one_in(generator, 3) ? 0 : address(generator);
	if (step->argument[0] == 0 && !one_in(generator, 50))
		flags = 0;
	step->argument[1] = length(generator);
	step->argument[2] = protection(generator);
	if (generator->may_page_out)
		type = 0;
	flags |= type < 8 ? MM_MAP_PRIVATE : type < 11 ? MM_MAP_SHARED : MM_MAP_SHARED_VALIDATE;
	if (one_in(generator, 60) && !generator->may_page_out)
		flags = (flags & ~(uint64_t)MM_MAP_TYPE) | random_below(&generator->random, 16);
	if (one_in(generator, 4))
		flags |= extra[random_below(&generator->random, sizeof(extra) / sizeof(extra[0]))];
	step->argument[4] = FILE_ANONYMOUS;
	if (one_in(generator, 3) && !generator->may_page_out)
		step->argument[4] =
		    1 + random_below(&generator->random, one_in(generator, 8) ? STEP_FILES - 1 : 4);
	if (step->argument[4] == FILE_REGULAR_READ && !generator->has_regular_file)
		step->argument[4] = FILE_MEMORY;
	if (step->argument[4] == FILE_ANONYMOUS)
		flags |= MM_MAP_ANONYMOUS;
	/* Refused late, after what lay there is gone. */
	if (flags & MM_MAP_HUGETLB)
		flags &= ~(uint64_t)(MM_MAP_FIXED | MM_MAP_FIXED_NO_REPLACE);
	if (step->argument[4] == FILE_REGULAR_READ)
		flags &= ~(uint64_t)MM_MAP_SYNC;
	step->argument[3] = flags;
	step->argument[5] =
	    one_in(generator, 40) ? odd_number(generator) : 4096 * random_below(&generator->random, 20);
	if (flags & MM_MAP_HUGETLB)
		step->argument[5] = 0;
}

static void generate_mremap(struct generator *generator, struct step *step)
{
	static const uint64_t usual[] = {0, 1, 1, 1, 3, 3, 3, 5, 7, 7, 2, 4, 8, 9};

	step->argument[0] = address(generator);
	step->argument[1] = length(generator);
	step->argument[2] = one_in(generator, 2) ? step->argument[1] : length(generator);
	step->argument[3] = usual[random_below(&generator->random, sizeof(usual) / sizeof(usual[0]))];
	step->argument[4] = address(generator);
}

static void generate_madvise(struct generator *generator, struct step *step)
{
	uint64_t advice = random_below(&generator->random, 30);

	if (advice == MM_ADVICE_FREE && generator->may_page_out)
		advice = MM_ADVICE_DONT_NEED;
	if (advice == MM_ADVICE_PAGE_OUT && !generator->may_page_out)
		advice = MM_ADVICE_COLD;
	if (advice >= 28)
		advice += MM_ADVICE_GUARD_INSTALL - 28;
	step->argument[0] = address(generator);
	step->argument[1] = length(generator);
	step->argument[2] = advice;
}

static void generate_limit(struct generator *generator, struct step *step)
{
	step->argument[0] = random_below(&generator->random, 4);
	step->argument[1] = 4096 * random_below(&generator->random, 40);
	if (step->argument[0] == LIMIT_LOCKED && one_in(generator, 6))
		step->argument[1] = 0;
}

static uint64_t one_flag_of(struct generator *generator, unsigned bits)
{
	uint64_t flags = (uint64_t)1 << random_below(&generator->random, bits);

	return one_in(generator, 8) ? random_below(&generator->random, 16) : flags;
}

static void generate_range(struct generator *generator, struct step *step)
{
	step->argument[0] = address(generator);
	step->argument[1] = length(generator);
	if (step->call == STEP_MLOCK2)
		step->argument[2] = random_below(&generator->random, one_in(generator, 10) ? 4 : 2);
	if (step->call == STEP_MSYNC)
		step->argument[2] = one_flag_of(generator, 3);
	if (step->call == STEP_MPROTECT)
		step->argument[2] = protection(generator);
}

/* How often each call comes, out of the sum. */
static const unsigned weights[STEP_CALLS] = {
    [STEP_MMAP] = 30,	   [STEP_MUNMAP] = 10, [STEP_MREMAP] = 14, [STEP_BRK] = 4,     [STEP_MPROTECT] = 14,
    [STEP_MADVISE] = 14,   [STEP_MLOCK] = 4,   [STEP_MLOCK2] = 2,  [STEP_MUNLOCK] = 3, [STEP_MLOCKALL] = 1,
    [STEP_MUNLOCKALL] = 1, [STEP_MINCORE] = 2, [STEP_MSYNC] = 2,   [STEP_READ] = 8,    [STEP_WRITE] = 18,
    [STEP_FORK] = 3,	   [STEP_EXIT] = 1,    [STEP_LIMIT] = 1,
};

static enum step_call pick_call(struct generator *generator)
{
	uint64_t sum = 0, pick;
	unsigned call = 0;

	for (unsigned i = 0; i < STEP_CALLS; i++)
		sum += weights[i];
	pick = random_below(&generator->random, sum);
	while (pick >= weights[call])
		pick -= weights[call++];
	if (call == STEP_LIMIT && !generator->has_limits)
		return STEP_WRITE;
	return (enum step_call)call;
}

static void generate_step(struct generator *generator, struct step *step)
{
	memset(step, 0, sizeof(*step));
	step->call = pick_call(generator);
	step->process = one_in(generator, 3);
	switch (step->call) {
	case STEP_MMAP:
		generate_mmap(generator, step);
		break;
	case STEP_MREMAP:
		generate_mremap(generator, step);
		break;
	case STEP_BRK:
		step->argument[0] = one_in(generator, 20) ? odd_number(generator)
							  : random_below(&generator->random, 20) * 2048;
		break;
	case STEP_MADVISE:
		generate_madvise(generator, step);
		break;
	case STEP_MLOCKALL:
		step->argument[0] = one_flag_of(generator, 2);
		break;
	case STEP_LIMIT:
		generate_limit(generator, step);
		break;
	case STEP_FORK:
		step->process = 0;
		break;
	case STEP_EXIT:
		step->process = 1;
		break;
	default:
		generate_range(generator, step);
		break;
	}
}

/* The range is refused by every call, or touches nothing that the process needs: the sequence's windows and fillers. */
static bool is_harmless(uint64_t start, uint64_t bytes)
{
	uint64_t end = start + bytes + 4096;

	return end <= start || start >= 0x800000000000 || end <= LOW_WINDOW_START + LOW_WINDOW_BYTES ||
	       (start >= WINDOW_START - 4096 && end <= WINDOW_START + WINDOW_BYTES + 0x20000000);
}

static void make_harmless(struct step *step)
{
	uint64_t *a = step->argument;
	bool has_range = step->call == STEP_MMAP || step->call == STEP_MUNMAP || step->call == STEP_MREMAP ||
			 step->call == STEP_MPROTECT || step->call == STEP_MADVISE ||
			 step->call == STEP_MLOCK || step->call == STEP_MLOCK2 ||
			 step->call == STEP_MUNLOCK || step->call == STEP_MSYNC || step->call == STEP_MINCORE;

	if (has_range && !is_harmless(a[0], a[1]))
		a[0] = WINDOW_START, a[1] = 0x3000;
	if (step->call == STEP_MREMAP && !is_harmless(a[4], a[2]))
		a[4] = WINDOW_START + WINDOW_BYTES - 0x10000, a[2] = 0x3000;
	if (step->call == STEP_MINCORE && a[1] > WINDOW_BYTES && a[1] < 0x800000000000)
		a[1] = 0x5000;
	if ((step->call == STEP_READ || step->call == STEP_WRITE) && !is_harmless(a[0], 4096))
		a[0] = WINDOW_START;
}

void sequence_generate(struct sequence *sequence, uint64_t seed)
{
	struct generator generator = {.random = {seed}};
	uint64_t kind = random_below(&generator.random, 4);

	generator.has_regular_file = kind == 0;
	generator.may_page_out = kind == 1;
	generator.has_limits = one_in(&generator, 4);
	sequence->count = 10 + (size_t)random_below(&generator.random, 31);
	for (size_t i = 0; i < sequence->count; i++) {
		generate_step(&generator, &sequence->steps[i]);
		make_harmless(&sequence->steps[i]);
	}
}

/* --- Shrinking ---------------------------------------------------------------------------------------------------- */

static bool try_without(struct sequence *sequence, size_t first, size_t count, sequence_fails *fails,
			void *context)
{
	struct sequence fewer = *sequence;

	memmove(&fewer.steps[first], &fewer.steps[first + count],
		(fewer.count - first - count) * sizeof(fewer.steps[0]));
	fewer.count -= count;
	if (fewer.count == 0 || !fails(context, &fewer))
		return false;
	*sequence = fewer;
	return true;
}

void sequence_shrink(struct sequence *sequence, sequence_fails *fails, void *context)
{
	for (size_t part = sequence->count / 2; part > 0; part = part > 1 ? part / 2 : 0)
		for (size_t first = 0; first + part <= sequence->count;)
			if (!try_without(sequence, first, part, fails, context))
				first += part;
	for (size_t i = sequence->count; i-- > 0;)
		if (sequence->count > 1)
			(void)try_without(sequence, i, 1, fails, context);
}
