#include "config.h"

#include "tests/fuzz/fuzz.h"
#include "tests/model/mm_ideal.h"

#include <stdlib.h>

/* A sequence of memory calls as text (tests/model/mm_sequence.h), with any numbers, in an address space that is
 * empty at first: every invariant holds after each step, and nothing is left behind. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sequence sequence;
	static struct report reports[STEPS_MAX][2];
	static const struct surroundings around = {.start_brk = 0x555555600000,
						   .brk = 0x555555600000,
						   .lowest_address = 0x1000,
						   .stack_bytes = 8 << 20,
						   .locked_bytes = 8 << 20};
	FILE *file = size > 0 ? fmemopen((void *)(uintptr_t)data, size, "r") : NULL;
	size_t line;

	if (!file)
		return 0;
	if (sequence_read(&sequence, file, &line) && ideal_run(&around, &sequence, reports))
		abort();
	(void)fclose(file);
	return 0;
}
