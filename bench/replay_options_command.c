#include "config.h"

#include "bench/replay_options.h"

#include "bench/run.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* As --memory is read, in the largest unit that leaves no rest. */
static void put_memory(FILE *out, uint64_t bytes)
{
	static const char *const units[] = {"", "K", "M", "G", "T"};
	unsigned unit = 0;

	while (unit < 4 && bytes % 1024 == 0) {
		bytes /= 1024;
		unit++;
	}
	(void)fprintf(out, " --memory %" PRIu64 "%s", bytes, units[unit]);
}

char *replay_options_command(const struct replay_options *options, const char *trace, const char *target)
{
	const struct measurement_options *measurement = &options->measurement;
	char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);

	if (!out)
		return NULL;
	(void)fprintf(out, "faultline replay %s --on %s", trace, target);
	for (size_t i = 0; i < options->setting_count; i++)
		(void)fprintf(out, " --set %s", options->settings[i]);
	if (options->mode_given)
		(void)fprintf(out, " --mode %s", run_mode_name(options->mode));
	if (options->process != PLAN_PROCESS_LARGEST)
		(void)fprintf(out, " --process %u", options->process);
	if (measurement->touch != TOUCH_PAGES)
		(void)fprintf(out, " --touch %s", run_touch_name(measurement->touch));
	if (measurement->pace != PACE_FULL)
		(void)fprintf(out, " --pace %s", run_pace_name(measurement->pace));
	if (options->drain_given)
		(void)fprintf(out, " --drain %g", (double)measurement->drain_ns / 1e9);
	if (measurement->rounds != replay_options_usual.rounds)
		(void)fprintf(out, " --rounds %u", measurement->rounds);
	if (measurement->memory_rounds != replay_options_usual.memory_rounds)
		(void)fprintf(out, " --memory-rounds %u", measurement->memory_rounds);
	if (measurement->samples != replay_options_usual.samples)
		(void)fprintf(out, " --samples %u", measurement->samples);
	if (measurement->seed != replay_options_usual.seed)
		(void)fprintf(out, " --seed %" PRIu64, measurement->seed);
	if (options->memory_bytes)
		put_memory(out, options->memory_bytes);
	if (options->huge_pages)
		(void)fprintf(out, " --thp %s",
			      strcmp(options->huge_pages, "never") == 0 ? "off" : options->huge_pages);
	for (unsigned i = 0; i < options->mmu.count; i++)
		(void)fprintf(out, " --mmu '%s'", options->mmu.name[i]);
	if (options->without_allocator)
		(void)fputs(" --without-allocator", out);
	if (options->placements)
		(void)fprintf(out, " --placements %s", options->placements);
	if (options->processors)
		(void)fprintf(out, " --cpus %u", options->processors);
	if (options->system)
		(void)fprintf(out, " --system %s", options->system);
	if (options->addresses_forced)
		(void)fputs(" --addresses forced", out);
	return fclose(out) == 0 ? text : NULL;
}
