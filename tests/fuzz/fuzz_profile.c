#include "config.h"

#include "tests/fuzz/fuzz.h"
#include "traces/generate/profile.h"

/* A table of sizes, rates and live counts. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct trace_error error;
	struct profile profile;
	struct input *input;

	if (input_open_memory(&input, data, size, "input", &error) != TRACE_OK)
		return 0;
	if (profile_read(&profile, input, &error) == TRACE_OK)
		profile_destroy(&profile);
	input_close(input);
	return 0;
}
