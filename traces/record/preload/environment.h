/* environment.h: the environment that a program's child is given, with the recorder in it.
 *
 * LD_PRELOAD must name this library (first, before what is there already), and ARENA_ENVIRONMENT must be as we got it.
 * Building it may run in a child that shares its parent's memory (vfork) or after a failed malloc, so the caller
 * provides the room, on its stack.
 */
#ifndef FAULTLINE_TRACES_RECORD_PRELOAD_ENVIRONMENT_H
#define FAULTLINE_TRACES_RECORD_PRELOAD_ENVIRONMENT_H

#include <stdbool.h>
#include <stddef.h>

struct environment_plan {
	size_t entries;	       /* strings in the new environment, without the closing NULL */
	size_t preload_bytes;  /* room for the new LD_PRELOAD assignment */
	const char *preloaded; /* value of LD_PRELOAD that it extends; "" = none */
};

/* False: `environment` can be used as it is (everything is there, or this process is not followed). */
bool environment_plan(struct environment_plan *plan, char *const *environment);

/* Fills `list` (plan->entries + 1 pointers) and `preload` (plan->preload_bytes). */
void environment_build(const struct environment_plan *plan, char *const *environment, char **list,
		       char *preload);

#endif
