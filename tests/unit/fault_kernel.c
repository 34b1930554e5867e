#include "config.h"

#include "tests/unit/fault_scripts.h"
#include "tests/unit/fault_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The rules of docs/fidelity.md: each script is done by a real child and by the model, step by step, and all figures of every
 * step are equal. */

#define MACHINE_FRAMES 65536u
#define SCRIPTS_MAX 64u
#define ATTEMPTS 3u

struct script_run {
	const struct fault_script *script;
	int file;
};

/* A sanitizer's own memory and calls would count in the child: only the model does the steps then. */
#ifdef SANITIZED
static const bool is_comparing = false;
#else
static const bool is_comparing = true;
#endif

/* A file on the disk, as its pages were left by writing it; -1 when there is no place for it. */
static int make_file(void)
{
	char name[] = "fault-kernel-XXXXXX";
	unsigned char page[4096];
	int file = mkstemp(name);

	memset(page, 0xc3, sizeof(page));
	if (file < 0)
		return -1;
	(void)unlink(name);
	for (unsigned i = 0; i < SCRIPT_FILE_PAGES; i++) {
		if (write(file, page, sizeof(page)) != (ssize_t)sizeof(page)) {
			(void)close(file);
			return -1;
		}
	}
	(void)fsync(file);
	return file;
}

static uint64_t number_in(const char *path)
{
	FILE *file = fopen(path, "re");
	unsigned long long number = 0;

	if (!file)
		return 0;
	if (fscanf(file, "%llu", &number) != 1) /* NOLINT(cert-err34-c) */
		number = 0;
	(void)fclose(file);
	return number;
}

/* The machine gives huge pages to memory that asks for them, and all small sizes in between are off. */
static bool has_huge_on_request(void)
{
	char text[64] = "";
	FILE *file = fopen("/sys/kernel/mm/transparent_hugepage/enabled", "re");

	if (!file)
		return false;
	(void)!fgets(text, sizeof(text), file);
	(void)fclose(file);
	return strstr(text, "[madvise]") &&
	       number_in("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size") == 2097152 &&
	       number_in("/sys/kernel/mm/transparent_hugepage/use_zero_page") == 1;
}

/* What differs, where it is not the disk's speed that decides. */
static const char *difference_at(const struct fault_script *script, unsigned step,
				 const struct step_figures *kernel, const struct step_figures *model)
{
	struct step_figures settled = *kernel;

	if (script->steps[step].call == STEP_EXIT)
		return NULL;
	if (!script->reads_disk)
		return step_difference(kernel, model);
	settled.minor = model->minor;
	settled.major = model->major;
	if (script->steps[step + 1].call == STEP_END)
		return step_difference(&settled, model);
	return kernel->major == model->major ? NULL : "major faults";
}

static void print_figures(const char *whose, const struct step_figures *figures)
{
	print_error("  %-7s signal %d/%d minor %llu major %llu resident %llu anonymous %llu huge %llu lazy "
		    "%llu mapped "
		    "%llu tables %lld errno %d\n",
		    whose, figures->signal, figures->code, (unsigned long long)figures->minor,
		    (unsigned long long)figures->major, (unsigned long long)figures->resident_pages,
		    (unsigned long long)figures->anonymous_pages, (unsigned long long)figures->huge_pages,
		    (unsigned long long)figures->lazyfree_pages, (unsigned long long)figures->mapped_pages,
		    (long long)figures->table_pages, figures->error);
}

static bool run_script(const struct fault_script *script, struct kernel_family *family, struct world *world)
{
	for (unsigned i = 0; script->steps[i].call != STEP_END; i++) {
		struct step_figures model = world_step(world, &script->steps[i]);
		struct step_figures kernel =
		    is_comparing ? kernel_family_step(family, &script->steps[i]) : model;
		const char *broken = world_check(world);
		const char *what = difference_at(script, i, &kernel, &model);

		if (!broken && !what)
			continue;
		print_error("%s: step %u: %s\n", script->name, i + 1, broken ? broken : what);
		print_figures("kernel", &kernel);
		print_figures("model", &model);
		return false;
	}
	return true;
}

/* One attempt, with a new child and a new machine. False and *why: the child cannot be made. */
static bool attempt(const struct fault_script *script, int file, bool *is_equal, const char **why)
{
	struct kernel_family *family = kernel_family_start(file, !script->needs_huge, why);
	struct world world;

	if (!family)
		return false;
	world_make(&world, MACHINE_FRAMES, SCRIPT_FILE_PAGES);
	world.policy.read_around_bytes = 8u << 20;
	*is_equal = run_script(script, family, &world);
	world_drop(&world);
	kernel_family_end(family);
	return true;
}

static void test_script(void **state)
{
	const struct script_run *run = *state;
	bool is_equal = false;
	const char *why;

	if (run->script->needs_huge && !has_huge_on_request()) {
		print_message(
		    "skipped: transparent huge pages are not set to madvise with 2 MiB pages here\n");
		skip();
	}
	if (run->file < 0) {
		print_message("skipped: there is no place for a file of 16 MiB in this directory\n");
		skip();
	}
	/* The kernel has threads of its own: khugepaged may collapse, write-back may hold a page. What they do once does
	 * not come three times. */
	for (unsigned i = 0; i < ATTEMPTS && !is_equal; i++) {
		if (!attempt(run->script, run->file, &is_equal, &why)) {
			print_message("skipped: %s\n", why);
			skip();
		}
	}
	assert_true(is_equal);
	if (!is_comparing) {
		print_message("skipped: with sanitizers the steps are done by the model only\n");
		skip();
	}
}

int main(void)
{
	static struct script_run runs[SCRIPTS_MAX];
	static struct CMUnitTest tests[SCRIPTS_MAX];
	const struct fault_script *script;
	int file = make_file();
	size_t count = 0;

	for (; (script = fault_script_at((unsigned)count)); count++) {
		runs[count] = (struct script_run){script, file};
		tests[count] = (struct CMUnitTest){script->name, test_script, NULL, NULL, &runs[count]};
	}
	int failed = _cmocka_run_group_tests("fault_kernel", tests, count, NULL, NULL);

	if (file >= 0)
		(void)close(file);
	return failed;
}
