#include "config.h"

#include "tests/model/mm_ideal.h"
#include "tests/model/mm_real.h"

#include <dirent.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include <cmocka.h>

/* The memory calls of a real process and of the model, call by call: results, errno, signals, /proc/self/maps,
 * mincore and the sums of /proc/self/status are equal after each step.
 *
 *   mm_calls             the kept sequences, and FAULTLINE_MM_SEQUENCES (default QUICK_SEQUENCES) random ones from seed
 *                        FAULTLINE_TEST_SEED (default 1) on
 *   mm_calls FILE...     the sequences of these files, step by step
 *
 * A random sequence that differs is shrunk and printed; to be kept as a file of tests/model/sequences. */
#define QUICK_SEQUENCES 250u

/* A sanitizer's shadow lies where the windows and what fills the rest should. */
#ifdef SANITIZED
#define HAS_SHADOW true
#else
#define HAS_SHADOW false
#endif

static struct real real;
static struct report ideal[STEPS_MAX][2];

/* --- Comparing ---------------------------------------------------------------------------------------------------- */

static void print_seen(const char *who, const struct report *report)
{
	(void)printf("#   %s: value %#" PRIx64 " errno %d signal %d code %d, kiB %" PRIu64 " locked %" PRIu64
		     " data %" PRIu64 " stack %" PRIu64 "\n",
		     who, report->value, report->error, report->signal, report->code, report->total_kib,
		     report->locked_kib, report->data_kib, report->stack_kib);
	for (uint32_t i = 0; i < report->count; i++) {
		const struct seen *seen = &report->seen[i];

		(void)printf("#     %" PRIx64 "-%" PRIx64 " %.4s %" PRIx64 " file %u resident %" PRIu64
			     " (%" PRIx64 ")\n",
			     seen->start, seen->end, seen->rights, seen->offset, seen->file, seen->resident,
			     seen->which);
	}
}

static bool is_same_seen(const struct seen *a, const struct seen *b)
{
	return a->start == b->start && a->end == b->end && memcmp(a->rights, b->rights, 4) == 0 &&
	       a->offset == b->offset && a->file == b->file && a->resident == b->resident &&
	       a->which == b->which;
}

static const char *difference(const struct report *a, const struct report *b)
{
	if (a->was_done != b->was_done)
		return "one of the processes is not there";
	if (!a->was_done)
		return NULL;
	if (a->error != b->error)
		return "errno";
	if (a->value != b->value)
		return "result";
	if (a->signal != b->signal || a->code != b->code)
		return "signal";
	if (a->too_many || b->too_many)
		return "too many mappings to compare";
	if (a->count != b->count)
		return "number of mappings";
	for (uint32_t i = 0; i < a->count; i++)
		if (!is_same_seen(&a->seen[i], &b->seen[i]))
			return "a mapping, or what is resident in it";
	if (a->total_kib != b->total_kib || a->locked_kib != b->locked_kib || a->data_kib != b->data_kib ||
	    a->stack_kib != b->stack_kib)
		return "VmSize, VmLck, VmData or VmStk";
	return NULL;
}

/* NULL when the sequence does the same in both. */
static const char *compare(const struct sequence *sequence, size_t *step, unsigned *process)
{
	const char *trouble = real_run(&real, sequence);

	*step = *process = 0;
	if (!trouble)
		trouble = ideal_run(&real.exchange->around, sequence, ideal);
	for (size_t i = 0; i < sequence->count && !trouble; i++) {
		for (unsigned p = 0; p < 2 && !trouble; p++) {
			*step = i;
			*process = p;
			trouble = difference(&real.exchange->reports[i][p], &ideal[i][p]);
		}
	}
	return trouble;
}

static bool still_differs(void *context, const struct sequence *sequence)
{
	size_t step;
	unsigned process;

	(void)context;
	return compare(sequence, &step, &process) != NULL;
}

static void explain(const struct sequence *sequence)
{
	size_t step;
	unsigned process;
	const char *what = compare(sequence, &step, &process);

	for (size_t i = 0; i < sequence->count; i++)
		step_print(stdout, &sequence->steps[i]);
	(void)printf("# step %zu, process %u: %s\n", step, process, what ? what : "no difference");
	print_seen("kernel", &real.exchange->reports[step][process]);
	print_seen("model", &ideal[step][process]);
	(void)fflush(stdout);
}

/* --- Tests -------------------------------------------------------------------------------------------------------- */

/* The rules changed up to 6.17: several mappings in one mremap, merging after fork. */
static bool is_kernel_new_enough(void)
{
	struct utsname name;
	char *end;

	if (uname(&name) != 0)
		return false;
	unsigned long major = strtoul(name.release, &end, 10), minor = *end ? strtoul(end + 1, NULL, 10) : 0;

	if (major > 6 || (major == 6 && minor >= 17))
		return true;
	(void)printf("# skipped: the model is of Linux 6.18, this is %s\n", name.release);
	return false;
}

static int start(void **state)
{
	(void)state;
	return 0;
}

static void skip_unless_possible(void)
{
	const char *why;

	if (HAS_SHADOW)
		(void)printf("# skipped: built with sanitizers\n");
	if (HAS_SHADOW || !is_kernel_new_enough())
		skip();
	if (real.exchange)
		return;
	why = real_start(&real);
	if (why) {
		(void)printf("# skipped: %s\n", why);
		real_stop(&real);
		skip();
	}
}

static uint64_t number_of_environment(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text && *text ? strtoull(text, NULL, 10) : otherwise;
}

static void test_random_sequences(void **state)
{
	uint64_t first = number_of_environment("FAULTLINE_TEST_SEED", 1);
	uint64_t count = number_of_environment("FAULTLINE_MM_SEQUENCES", QUICK_SEQUENCES);
	static struct sequence sequence;

	(void)state;
	skip_unless_possible();
	for (uint64_t seed = first; seed < first + count; seed++) {
		sequence_generate(&sequence, seed);
		if (!still_differs(NULL, &sequence))
			continue;
		sequence_shrink(&sequence, still_differs, NULL);
		(void)printf("# seed %" PRIu64 ", shrunk:\n", seed);
		explain(&sequence);
		fail();
	}
	(void)printf("# %" PRIu64 " random sequences from seed %" PRIu64 "\n", count, first);
}

/* The model by itself, in an empty address space, wherever the kernel cannot be asked: its invariants hold, nothing
 * is left. */
static void test_model_alone(void **state)
{
	static const struct surroundings around = {.start_brk = 0x555555600000,
						   .lowest_address = 0x1000,
						   .stack_bytes = 8 << 20,
						   .locked_bytes = 8 << 20};
	static struct sequence sequence;

	(void)state;
	for (uint64_t seed = 1; seed <= QUICK_SEQUENCES; seed++) {
		sequence_generate(&sequence, seed);
		const char *trouble = ideal_run(&around, &sequence, ideal);

		if (trouble)
			fail_msg("seed %" PRIu64 ": %s", seed, trouble);
	}
}

static bool replay_file(const char *path)
{
	static struct sequence sequence;
	FILE *file = fopen(path, "re");
	size_t line = 0;
	bool is_read = file && sequence_read(&sequence, file, &line);

	if (file)
		(void)fclose(file);
	if (!is_read) {
		(void)printf("# %s:%zu: no step of a sequence\n", path, line);
		return false;
	}
	if (!still_differs(NULL, &sequence))
		return true;
	(void)printf("# %s differs:\n", path);
	explain(&sequence);
	return false;
}

static void test_kept_sequences(void **state)
{
	const char *source = getenv("top_srcdir");
	struct dirent **entry;
	char *directory = NULL;
	unsigned files = 0;
	bool good = true;

	(void)state;
	skip_unless_possible();
	if (asprintf(&directory, "%s/tests/model/sequences", source ? source : ".") < 0)
		fail();
	int entries = scandir(directory, &entry, NULL, alphasort);

	for (int i = 0; i < entries; i++) {
		char *path = NULL;

		if (entry[i]->d_name[0] != '.' &&
		    asprintf(&path, "%s/%s", directory, entry[i]->d_name) >= 0) {
			good = replay_file(path) && good;
			files++;
		}
		free(path);
		free(entry[i]);
	}
	if (entries >= 0)
		free(entry);
	free(directory);
	assert_true(good);
	assert_true(files > 0);
}

static void add(struct sequence *sequence, enum step_call call, const uint64_t argument[STEP_ARGUMENTS])
{
	struct step *step = &sequence->steps[sequence->count++];

	assert_true(sequence->count <= STEPS_MAX);
	step->call = call;
	step->process = 0;
	memcpy(step->argument, argument, sizeof(step->argument));
}

/* Mappings of every kind, 4 pages each with a gap of as many behind, the second page written or read:
 *   |private| |read-only| |shared| |of a file| |file for reading| |locked| |grows down| |droppable| */
#define ADVISED 8u

static uint64_t advised(unsigned i)
{
	return WINDOW_START + 0x1000000 + (uint64_t)0x8000 * i;
}

static void prepare_advised(struct sequence *sequence)
{
	static const uint64_t how[ADVISED][3] = {{3, 0x32, FILE_ANONYMOUS},   {1, 0x32, FILE_ANONYMOUS},
						 {3, 0x31, FILE_ANONYMOUS},   {3, 0x12, FILE_MEMORY},
						 {1, 0x11, FILE_MEMORY_READ}, {3, 0x2032, FILE_ANONYMOUS},
						 {3, 0x132, FILE_ANONYMOUS},  {3, 0x38, FILE_ANONYMOUS}};

	sequence->count = 0;
	for (unsigned i = 0; i < ADVISED; i++) {
		uint64_t at = advised(i);
		bool may_write = how[i][0] & 2;

		add(sequence, STEP_MMAP, (uint64_t[6]){at, 0x4000, how[i][0], how[i][1], how[i][2], 0});
		if (how[i][2] != FILE_MEMORY_READ)
			add(sequence, may_write ? STEP_WRITE : STEP_READ, (uint64_t[6]){at + 0x1000});
	}
}

/* Every advice there is, and numbers that are none: on part of each mapping, over a hole, unaligned, of no bytes, of
 * too many. */
static void test_every_advice(void **state)
{
	static struct sequence sequence;

	(void)state;
	skip_unless_possible();
	for (uint64_t advice = 0; advice < 110; advice += advice == 30 ? 70 : 1) {
		prepare_advised(&sequence);
		for (unsigned i = 0; i < ADVISED; i++)
			add(&sequence, STEP_MADVISE, (uint64_t[6]){advised(i) + 0x1000, 0x2000, advice});
		add(&sequence, STEP_MADVISE, (uint64_t[6]){advised(0), 0x10000, advice});
		add(&sequence, STEP_MADVISE, (uint64_t[6]){advised(ADVISED), 0x4000, advice});
		add(&sequence, STEP_MADVISE, (uint64_t[6]){advised(0) + 1, 0x1000, advice});
		add(&sequence, STEP_MADVISE, (uint64_t[6]){advised(0), 0, advice});
		add(&sequence, STEP_MADVISE, (uint64_t[6]){advised(0), UINT64_MAX, advice});
		add(&sequence, STEP_FORK, (uint64_t[6]){0});
		if (still_differs(NULL, &sequence)) {
			(void)printf("# advice %" PRIu64 ":\n", advice);
			explain(&sequence);
			fail();
		}
	}
}

/* Every sequence of the generator can be written and read back. */
static void test_text(void **state)
{
	static struct sequence sequence, again;
	size_t line;

	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		FILE *file = tmpfile();

		assert_non_null(file);
		sequence_generate(&sequence, seed);
		for (size_t i = 0; i < sequence.count; i++)
			step_print(file, &sequence.steps[i]);
		rewind(file);
		assert_true(sequence_read(&again, file, &line));
		assert_int_equal(again.count, sequence.count);
		for (size_t i = 0; i < again.count; i++)
			assert_int_equal(again.steps[i].call, sequence.steps[i].call);
		(void)fclose(file);
	}
}

/* A failure that needs two steps is shrunk to these two. */
static bool needs_both(void *context, const struct sequence *sequence)
{
	bool fork = false, after = false;

	(void)context;
	for (size_t i = 0; i < sequence->count; i++) {
		after = after || (fork && sequence->steps[i].call == STEP_WRITE);
		fork = fork || sequence->steps[i].call == STEP_FORK;
	}
	return after;
}

static void test_shrinking(void **state)
{
	static struct sequence sequence;
	unsigned shrunk = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 50; seed++) {
		sequence_generate(&sequence, seed);
		if (!needs_both(NULL, &sequence))
			continue;
		sequence_shrink(&sequence, needs_both, NULL);
		assert_int_equal(sequence.count, 2);
		shrunk++;
	}
	assert_true(shrunk > 0);
}

static int stop(void **state)
{
	(void)state;
	real_stop(&real);
	return 0;
}

static int replay_arguments(char **argv)
{
	int status = EXIT_SUCCESS;
	const char *why = real_start(&real);

	if (why) {
		(void)fprintf(stderr, "mm_calls: %s\n", why);
		return EXIT_FAILURE;
	}
	for (; *argv; argv++)
		status = replay_file(*argv) ? status : EXIT_FAILURE;
	real_stop(&real);
	return status;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_text),	   cmocka_unit_test(test_shrinking),
	    cmocka_unit_test(test_kept_sequences), cmocka_unit_test(test_model_alone),
	    cmocka_unit_test(test_every_advice),   cmocka_unit_test(test_random_sequences),
	};

	real_serve(argc, argv);
	if (argc > 1)
		return replay_arguments(argv + 1);
	return cmocka_run_group_tests(tests, start, stop);
}
