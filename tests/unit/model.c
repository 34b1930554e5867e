#include "config.h"

#include "tests/unit/model.h"

#include "engine/base/random.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t *draw(uint64_t seed, size_t count)
{
	uint64_t *operations = calloc(count, sizeof(*operations));
	struct random random = {.state = seed};

	assert_non_null(operations);
	for (size_t i = 0; i < count; i++)
		operations[i] = random_next(&random);
	return operations;
}

/* Leaves out [from, from + length) if the rest still fails. */
static size_t try_without(const struct model *model, uint64_t *operations, size_t count, size_t from,
			  size_t length)
{
	uint64_t *rest = calloc(count + 1, sizeof(*rest));

	assert_non_null(rest);
	if (from + length > count)
		length = count - from;
	memcpy(rest, operations, from * sizeof(*rest));
	memcpy(rest + from, operations + from + length, (count - from - length) * sizeof(*rest));
	if (model->run(model->context, rest, count - length)) {
		count -= length;
		memcpy(operations, rest, count * sizeof(*rest));
	}
	free(rest);
	return count;
}

static size_t shrink(const struct model *model, uint64_t *operations, size_t count)
{
	for (size_t length = count / 2; length > 0; length /= 2) {
		for (size_t from = 0; from < count;) {
			size_t left = try_without(model, operations, count, from, length);

			if (left == count)
				from += length;
			count = left;
		}
	}
	return count;
}

static void run_seed(const struct model *model, uint64_t seed)
{
	uint64_t *operations = draw(seed, model->operations);
	const char *wrong = model->run(model->context, operations, model->operations);

	if (wrong) {
		size_t count = shrink(model, operations, model->operations);

		print_error("%s: %s; replay with FAULTLINE_TEST_SEED=%llu. Shrunk to %zu operations:",
			    model->name, wrong, (unsigned long long)seed, count);
		for (size_t i = 0; i < count && i < 64; i++)
			print_error(" %#llx", (unsigned long long)operations[i]);
		print_error("\n");
		fail();
	}
	free(operations);
}

void model_test(const struct model *model)
{
	const char *seed = getenv("FAULTLINE_TEST_SEED");

	if (seed) {
		run_seed(model, strtoull(seed, NULL, 10));
		return;
	}
	for (unsigned round = 1; round <= model->rounds; round++)
		run_seed(model, round);
}
