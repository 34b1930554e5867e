/* replay_options.h: the command-line options that `replay` and `compare` share. */
#ifndef FAULTLINE_BENCH_REPLAY_OPTIONS_H
#define FAULTLINE_BENCH_REPLAY_OPTIONS_H

#include "bench/measurement.h"
#include "bench/mmu_option.h"

/* Where the pages of a kernel recording go. */
enum physical_placement {
	PHYSICAL_NONE,	 /* it is no such replay */
	PHYSICAL_FORCED, /* where the kernel put them */
	PHYSICAL_FREE,	 /* where a policy puts them */
};

#define REPLAY_CHECK_SAMPLES UINT64_MAX

struct replay_options {
	const char *command; /* "replay" or "compare", for messages */
	const char *targets[MEASUREMENT_MAX_TARGETS];
	size_t target_count;
	const char *against; /* compare: the target that all others are held against, or NULL */
	char *settings[64];  /* --set KEY=VALUE */
	size_t setting_count;
	bool mode_given;
	enum replay_mode mode;
	uint32_t process;   /* or PLAN_PROCESS_LARGEST */
	const char *output; /* -o, or NULL */
	bool json;
	bool quiet;
	bool live; /* compare --live */
	bool backing_real;
	uint64_t
	    check; /* the model's invariants: 0 never, REPLAY_CHECK_SAMPLES at every sample, else also after so many
			 * operations or events */
	uint64_t memory_bytes;
	bool drain_given;
	struct mmu_choice mmu; /* none: no pass through MMUs */
	enum physical_placement physical;
	bool addresses_forced;	/* of that pass: mappings come where they were recorded */
	bool without_allocator; /* of that pass: nobody's references to metadata */
	unsigned processors;	/* of that pass; 0: one */
	const char *system;	/* --system: name of a policy, or NULL */
	const char *huge_pages; /* --thp, or NULL */
	const char *placements; /* directory that keeps where allocators put blocks, or NULL */
	struct measurement_options measurement; /* modes and plans are filled in per trace */
	const char
	    *heap_option; /* the first given of those that mean nothing where pages are replayed, or NULL */
};

/* What is measured, and how often, where no option says otherwise. */
extern const struct measurement_options replay_options_usual;

/* Parses argv; the operands are argv[optind..argc). Returns true to go on; false with the exit status in *status after --help or a
 * mistake, which has been explained. */
bool replay_options_parse(struct replay_options *options, int argc, char **argv, int *status);

/* Whether the options can be meant for a kernel recording, at `trace`. False after a message that names the first that cannot. */
bool replay_options_go_with_pages(const struct replay_options *options, const char *trace);

void replay_options_destroy(struct replay_options *options);

/* "faultline replay TRACE --on T ..." that would repeat what `options` ask of one trace and target; to be freed. NULL without memory. */
char *replay_options_command(const struct replay_options *options, const char *trace, const char *target);

#endif
