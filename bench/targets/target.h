/* target.h: what a trace is replayed on.
 *
 *   engine[:POLICY][,KEY=VALUE...]   our allocator core; POLICY as `faultline policies` lists them, `default` when left out
 *   glibc[:KEY=VALUE,...]            glibc.malloc tunables, e.g. glibc:arena_max=1
 *   jemalloc[:CONF]                  CONF as in MALLOC_CONF, e.g. jemalloc:dirty_decay_ms:0,narenas:2
 *   mimalloc[:KEY=VALUE,...]         e.g. mimalloc:purge_delay=0 sets MIMALLOC_PURGE_DELAY
 *   tcmalloc[:KEY=VALUE,...]         e.g. tcmalloc:release_rate=10 sets TCMALLOC_RELEASE_RATE
 *   PATH.so                          any library that defines malloc and its family
 *   null                             hands out addresses, does nothing
 *   recorded                         where the blocks lay when they were recorded: for --mmu, nothing else is measured
 *
 * A target is a library to preload into the replaying child and an environment to start it with.
 */
#ifndef FAULTLINE_BENCH_TARGETS_TARGET_H
#define FAULTLINE_BENCH_TARGETS_TARGET_H

#include "bench/replay/session.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#define TARGET_MAX_ENVIRONMENT 32
#define TARGET_MAX_TEXT 1024

enum target_kind {
	TARGET_ENGINE,
	TARGET_GLIBC,
	TARGET_JEMALLOC,
	TARGET_MIMALLOC,
	TARGET_TCMALLOC,
	TARGET_LIBRARY,
	TARGET_NULL,
	TARGET_RECORDED, /* no allocator: every block where it lay */
	TARGET_KINDS
};

struct target {
	enum target_kind kind;
	char name[TARGET_MAX_TEXT];    /* as the user wrote it */
	char options[TARGET_MAX_TEXT]; /* after the colon; for the engine "POLICY,key=value,..." */
	char library[PATH_MAX];	       /* to preload; empty for glibc and null */
	char *environment[TARGET_MAX_ENVIRONMENT]; /* "NAME=value", owned */
	size_t environment_count;
	enum child_functions functions;
	enum child_figures figures;
};

struct target_error {
	char message[TARGET_MAX_TEXT + PATH_MAX + 256];
};

/* Parses `text` and finds the library. `settings` are further KEY=VALUE for an engine target (others ignore them). False with a
 * message naming the target, and what would be right, when it does not exist here. */
bool target_parse(struct target *target, const char *text, char *const *settings, size_t setting_count,
		  struct target_error *error);

void target_destroy(struct target *target);

/* The allocator's name and version as a report prints it: "gperftools tcmalloc 2.10"; `version` may be empty. */
void target_title(const struct target *target, const char *version, char *title, size_t bytes);

/* The engine's policy name ("default"), written into name[0..bytes). */
void target_policy(const struct target *target, char *name, size_t bytes);

/* The environment variables that steer any known allocator, NULL-terminated: the child gets none of the caller's. */
extern const char *const target_variables[];

#endif
