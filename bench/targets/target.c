#include "config.h"

#include "bench/targets/target.h"

#include "bench/installation.h"
#include "engine/policy.h"

#include <ctype.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

/* Sanitizers bring an allocator of their own that cannot be replaced by preloading. */
#ifdef SANITIZED
#define ENGINE_FUNCTIONS FUNCTIONS_LINKED
#else
#define ENGINE_FUNCTIONS FUNCTIONS_PROCESS
#endif

const char *const target_variables[] = {
    "LD_PRELOAD",     "MALLOC_",	   "GLIBC_TUNABLES", "MIMALLOC_", "TCMALLOC_",
    "FAULTLINE_HEAP", "_RJEM_MALLOC_CONF", "HEAPPROFILE",    "HEAPCHECK", NULL};

struct known {
	const char *name;
	enum target_kind kind;
	enum child_figures figures;
	const char *variable; /* that the options go to; NULL: one variable per option, with `prefix` */
	const char *prefix;
	const char *libraries[4];
	const char *package;
};

static const struct known allocators[] = {
    {"glibc", TARGET_GLIBC, FIGURES_GLIBC, NULL, NULL, {NULL}, ""},
    {"jemalloc",
     TARGET_JEMALLOC,
     FIGURES_JEMALLOC,
     "MALLOC_CONF",
     NULL,
     {"libjemalloc.so.2", NULL},
     "libjemalloc2"},
    {"mimalloc",
     TARGET_MIMALLOC,
     FIGURES_MIMALLOC,
     NULL,
     "MIMALLOC_",
     {"libmimalloc.so.2.0", "libmimalloc.so.2", "libmimalloc.so", NULL},
     "libmimalloc2.0"},
    {"tcmalloc",
     TARGET_TCMALLOC,
     FIGURES_TCMALLOC,
     NULL,
     "TCMALLOC_",
     {"libtcmalloc_minimal.so.4", "libtcmalloc.so.4", NULL},
     "libtcmalloc-minimal4"},
};

static bool refuse(struct target_error *error, const char *target, const char *what)
{
	(void)snprintf(error->message, sizeof(error->message), "target '%s': %s", target, what);
	return false;
}

static bool add_environment(struct target *target, const char *name, const char *value)
{
	size_t bytes = strlen(name) + strlen(value) + 2;
	char *entry = target->environment_count < TARGET_MAX_ENVIRONMENT ? malloc(bytes) : NULL;

	if (!entry)
		return false;
	(void)snprintf(entry, bytes, "%s=%s", name, value);
	target->environment[target->environment_count++] = entry;
	return true;
}

static bool find_library(struct target *target, const struct known *known)
{
	struct utsname machine;
	char multiarch[128];
	const char *directories[] = {multiarch, "/usr/lib64", "/usr/lib", "/usr/local/lib", NULL};

	(void)uname(&machine);
	(void)snprintf(multiarch, sizeof(multiarch), "/usr/lib/%s-linux-gnu", machine.machine);
	for (size_t i = 0; known->libraries[i]; i++) {
		for (size_t j = 0; directories[j]; j++) {
			(void)snprintf(target->library, sizeof(target->library), "%s/%s", directories[j],
				       known->libraries[i]);
			if (access(target->library, R_OK) == 0)
				return true;
		}
	}
	target->library[0] = '\0';
	return false;
}

static unsigned processors(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;
}

/* "arena_max=1,tcache_count=0" -> GLIBC_TUNABLES "glibc.malloc.arena_max=1:glibc.malloc.tcache_count=0".
 * glibc's own limit of arenas is 8 per processor that the thread may run on, looked up late; said here, it is the same in mode baton,
 * whose threads share one processor. */
static bool glibc_options(struct target *target)
{
	char value[2 * TARGET_MAX_TEXT] = "", copy[TARGET_MAX_TEXT], *rest = NULL;

	(void)snprintf(copy, sizeof(copy), "%s", target->options);
	for (char *option = strtok_r(copy, ",", &rest); option; option = strtok_r(NULL, ",", &rest)) {
		size_t length = strlen(value);

		if (!strchr(option, '=') || length + strlen(option) + 16 > sizeof(value))
			return false;
		(void)snprintf(value + length, sizeof(value) - length, "%sglibc.malloc.%s", length ? ":" : "",
			       option);
	}
	size_t length = strlen(value);

	if (!strstr(target->options, "arena_max=") && length + 48 < sizeof(value))
		(void)snprintf(value + length, sizeof(value) - length, "%sglibc.malloc.arena_max=%u",
			       length ? ":" : "", 8 * processors());
	return add_environment(target, "GLIBC_TUNABLES", value);
}

/* "purge_delay=0" -> MIMALLOC_PURGE_DELAY=0. */
static bool prefixed_options(struct target *target, const char *prefix)
{
	char copy[TARGET_MAX_TEXT], name[TARGET_MAX_TEXT + 16], *rest = NULL;

	(void)snprintf(copy, sizeof(copy), "%s", target->options);
	for (char *option = strtok_r(copy, ",", &rest); option; option = strtok_r(NULL, ",", &rest)) {
		char *equals = strchr(option, '=');

		if (!equals)
			return false;
		*equals = '\0';
		(void)snprintf(name, sizeof(name), "%s%s", prefix, option);
		for (char *letter = name; *letter; letter++)
			*letter = (char)toupper((unsigned char)*letter);
		if (!add_environment(target, name, equals + 1))
			return false;
	}
	return true;
}

static bool parse_known(struct target *target, const struct known *known, struct target_error *error)
{
	target->kind = known->kind;
	target->figures = known->figures;
	if (known->libraries[0] && !find_library(target, known)) {
		(void)snprintf(error->message, sizeof(error->message),
			       "target '%s': %s is not installed (Debian: %s)", target->name,
			       known->libraries[0], known->package);
		return false;
	}
	if (target->options[0] == '\0' && target->kind != TARGET_GLIBC)
		return true;
	bool ok = known->variable ? add_environment(target, known->variable, target->options)
		  : known->prefix ? prefixed_options(target, known->prefix)
				  : glibc_options(target);

	return ok || refuse(error, target->name, "options are KEY=VALUE, separated by commas");
}

static bool parse_engine(struct target *target, char *const *settings, size_t count,
			 struct target_error *error)
{
	size_t length;

	target->kind = TARGET_ENGINE;
	target->figures = FIGURES_ENGINE;
	target->functions = ENGINE_FUNCTIONS;
	if (target->options[0] == '\0')
		(void)snprintf(target->options, sizeof(target->options), "default");
	for (size_t i = 0; i < count; i++) {
		length = strlen(target->options);
		if (length + strlen(settings[i]) + 2 > sizeof(target->options))
			return refuse(error, target->name, "too many settings");
		(void)snprintf(target->options + length, sizeof(target->options) - length, ",%s",
			       settings[i]);
	}
	struct policy policy;

	if (policy_parse(&policy, target->options) != STATUS_OK)
		return refuse(error, target->name,
			      "no such policy, key or value; `faultline policies` lists them");
	if (target->functions == FUNCTIONS_PROCESS &&
	    !installation_find("libfaultline-heap.so", target->library, sizeof(target->library))) {
		(void)snprintf(error->message, sizeof(error->message),
			       "target '%s': %s is missing; is the installation whole?", target->name,
			       target->library);
		return false;
	}
	return add_environment(target, "FAULTLINE_HEAP", target->options) ||
	       refuse(error, target->name, "no memory");
}

static bool parse_library(struct target *target, struct target_error *error)
{
	target->kind = TARGET_LIBRARY;
	if (!realpath(target->name, target->library) || access(target->library, R_OK) != 0)
		return refuse(error, target->name, "there is no such file");
	if (strpbrk(target->library, ": "))
		return refuse(error, target->name, "a path with a colon or a blank cannot be preloaded");
	return true;
}

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), tail = strlen(end);

	return length > tail && strcmp(text + length - tail, end) == 0;
}

static bool parse(struct target *target, char *const *settings, size_t setting_count,
		  struct target_error *error)
{
	const char *text = target->name, *colon = strchr(text, ':');
	size_t length = colon ? (size_t)(colon - text) : strlen(text);

	if (strchr(text, '/') || ends_with(text, ".so"))
		return parse_library(target, error);
	if (colon)
		(void)snprintf(target->options, sizeof(target->options), "%s", colon + 1);
	if (strcmp(text, "null") == 0) {
		target->kind = TARGET_NULL;
		target->functions = FUNCTIONS_NULL;
		return true;
	}
	if (strcmp(text, "recorded") == 0) {
		target->kind = TARGET_RECORDED;
		return true;
	}
	if (length == 6 && memcmp(text, "engine", 6) == 0)
		return parse_engine(target, settings, setting_count, error);
	for (size_t i = 0; i < sizeof(allocators) / sizeof(allocators[0]); i++) {
		if (strlen(allocators[i].name) == length && memcmp(text, allocators[i].name, length) == 0)
			return parse_known(target, &allocators[i], error);
	}
	return refuse(
	    error, text,
	    "unknown; use engine[:POLICY], glibc, jemalloc, mimalloc, tcmalloc, PATH.so, null or recorded");
}

bool target_parse(struct target *target, const char *text, char *const *settings, size_t setting_count,
		  struct target_error *error)
{
	memset(target, 0, sizeof(*target));
	if (strlen(text) >= sizeof(target->name))
		return refuse(error, "...", "the description is too long");
	memcpy(target->name, text, strlen(text) + 1);
	if (parse(target, settings, setting_count, error))
		return true;
	target_destroy(target);
	return false;
}

void target_destroy(struct target *target)
{
	for (size_t i = 0; i < target->environment_count; i++)
		free(target->environment[i]);
	target->environment_count = 0;
}

void target_title(const struct target *target, const char *version, char *title, size_t bytes)
{
	static const char *const names[TARGET_KINDS] = {
	    [TARGET_ENGINE] = "faultline engine",
	    [TARGET_GLIBC] = "glibc",
	    [TARGET_JEMALLOC] = "jemalloc",
	    [TARGET_MIMALLOC] = "mimalloc",
	    [TARGET_TCMALLOC] = "gperftools tcmalloc",
	    [TARGET_NULL] = "null",
	    [TARGET_RECORDED] = "as recorded",
	};
	const char *file = strrchr(target->library, '/');
	const char *name = names[target->kind] ? names[target->kind] : file ? file + 1 : target->library;

	(void)snprintf(title, bytes, "%s%s%s", name, version[0] ? " " : "", version);
}

void target_policy(const struct target *target, char *name, size_t bytes)
{
	size_t length = strcspn(target->options, ",");

	(void)snprintf(name, bytes, "%.*s", (int)(length < TARGET_MAX_TEXT ? length : 0), target->options);
}
