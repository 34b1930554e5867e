#include "config.h"

#include "traces/record/preload/environment.h"

#include "traces/record/preload/attach.h"
#include "traces/record/preload/recording.h"

#include <dlfcn.h>
#include <string.h>

static const char preload_prefix[] = ARENA_PRELOAD "=";
static const char recording_prefix[] = ARENA_ENVIRONMENT "=";

static bool begins(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* The path that this library was loaded from. */
static const char *own_path(void)
{
	static const char anchor;
	Dl_info info;

	return dladdr(&anchor, &info) && info.dli_fname ? info.dli_fname : "";
}

/* Is `path` one of the paths in `list`, which colons and blanks separate? */
static bool lists(const char *list, const char *path)
{
	size_t length = strlen(path);

	for (const char *at = list; (at = strstr(at, path)) != NULL; at++) {
		bool begins_here = at == list || at[-1] == ':' || at[-1] == ' ';
		bool ends_here = at[length] == '\0' || at[length] == ':' || at[length] == ' ';
		if (begins_here && ends_here)
			return true;
	}
	return false;
}

bool environment_plan(struct environment_plan *plan, char *const *environment)
{
	bool has_recording = false;
	const char *path;

	*plan = (struct environment_plan){.preloaded = ""};
	if (!recording.follow || !recording.process || atomic_load(&recording.arena.control->finished))
		return false;
	for (; environment && *environment; environment++) {
		plan->entries++;
		if (begins(*environment, preload_prefix)) {
			plan->preloaded = *environment + sizeof(preload_prefix) - 1;
			plan->entries--;
		} else if (begins(*environment, recording_prefix)) {
			has_recording = strcmp(*environment, attach_assignment) == 0;
			plan->entries--;
		}
	}
	path = own_path();
	if (path[0] != '/' || (has_recording && lists(plan->preloaded, path)))
		return false;
	plan->entries += 2;
	plan->preload_bytes = sizeof(preload_prefix) + strlen(path) + 1 + strlen(plan->preloaded);
	return true;
}

void environment_build(const struct environment_plan *plan, char *const *environment, char **list,
		       char *preload)
{
	const char *path = own_path();
	char *end = stpcpy(stpcpy(preload, preload_prefix), path);

	if (plan->preloaded[0] != '\0' && !lists(plan->preloaded, path))
		(void)stpcpy(stpcpy(end, ":"), plan->preloaded);
	else if (plan->preloaded[0] != '\0')
		(void)stpcpy(preload + sizeof(preload_prefix) - 1, plan->preloaded);
	*list++ = preload;
	*list++ = attach_assignment;
	for (; environment && *environment; environment++) {
		if (!begins(*environment, preload_prefix) && !begins(*environment, recording_prefix))
			*list++ = *environment;
	}
	*list = NULL;
}
