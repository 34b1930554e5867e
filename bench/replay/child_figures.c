#include "config.h"

#include "bench/preload/statistics.h"
#include "bench/replay/child.h"
#include "bench/replay/child_null.h"

#include <dlfcn.h>
#include <gnu/libc-version.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>

#define RESOLVE(pointer, name)                                                                               \
	do {                                                                                                 \
		void *symbol = dlsym(RTLD_DEFAULT, name);                                                    \
		memcpy(&(pointer), &symbol, sizeof(pointer));                                                \
	} while (0)

static void copy_text(char *to, size_t room, const char *text)
{
	(void)snprintf(to, room, "%s", text ? text : "");
}

static void ask_jemalloc(struct session_figures *answer)
{
	int (*mallctl)(const char *, void *, size_t *, void *, size_t) = NULL;
	struct {
		const char *name;
		uint64_t *value;
	} figures[] = {
	    {"stats.allocated", &answer->allocated_bytes}, {"stats.active", &answer->active_bytes},
	    {"stats.resident", &answer->resident_bytes},   {"stats.mapped", &answer->mapped_bytes},
	    {"stats.metadata", &answer->metadata_bytes},   {"stats.retained", &answer->retained_bytes},
	};
	const char *version = NULL;
	size_t length = sizeof(version);
	uint64_t epoch = 1;

	RESOLVE(mallctl, "mallctl");
	if (!mallctl)
		return;
	if (mallctl("version", &version, &length, NULL, 0) == 0)
		copy_text(answer->version, sizeof(answer->version), version);
	if (mallctl("epoch", NULL, NULL, &epoch, sizeof(epoch)) != 0)
		return;
	for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
		size_t value = 0;

		length = sizeof(value);
		if (mallctl(figures[i].name, &value, &length, NULL, 0) == 0)
			*figures[i].value = value;
	}
}

static void ask_tcmalloc(struct session_figures *answer)
{
	const char *(*tc_version)(int *, int *, const char **) = NULL;
	int (*property)(const char *, size_t *) = NULL;
	size_t in_use = 0, heap = 0, unmapped = 0;

	RESOLVE(tc_version, "tc_version");
	RESOLVE(property, "MallocExtension_GetNumericProperty");
	if (tc_version) {
		int major = 0, minor = 0;
		const char *patch = "";

		(void)tc_version(&major, &minor, &patch);
		(void)snprintf(answer->version, sizeof(answer->version), "%d.%d%s", major, minor,
			       patch ? patch : "");
	}
	if (!property)
		return;
	if (property("generic.current_allocated_bytes", &in_use))
		answer->allocated_bytes = in_use;
	if (property("generic.heap_size", &heap))
		answer->mapped_bytes = heap;
	if (property("tcmalloc.pageheap_unmapped_bytes", &unmapped)) {
		answer->retained_bytes = unmapped;
		if (heap >= unmapped)
			answer->resident_bytes = heap - unmapped;
	}
}

static void ask_glibc(struct session_figures *answer)
{
	struct mallinfo2 (*information)(void) = NULL;

	copy_text(answer->version, sizeof(answer->version), gnu_get_libc_version());
	RESOLVE(information, "mallinfo2");
	if (!information)
		return;
	struct mallinfo2 figures = information();

	answer->allocated_bytes = figures.uordblks + figures.hblkhd;
	answer->mapped_bytes = figures.arena + figures.hblkhd;
}

/* Its own figures are left out: the resident set that release builds of 2.0.9 print is their commit figure. */
static void ask_mimalloc(struct session_figures *answer)
{
	int (*mi_version)(void) = NULL;

	RESOLVE(mi_version, "mi_version");
	if (!mi_version)
		return;
	int version = mi_version();

	(void)snprintf(answer->version, sizeof(answer->version), "%d.%d.%d", version / 100, version / 10 % 10,
		       version % 10);
}

static void ask_engine(struct session_figures *answer)
{
	struct faultline_heap_statistics statistics;
	faultline_heap_statistics_function *ask = NULL;

	copy_text(answer->version, sizeof(answer->version), PACKAGE_VERSION);
	RESOLVE(ask, "faultline_heap_statistics");
	if (ask)
		ask(&statistics);
	else if (!child_linked_statistics(&statistics))
		return;
	answer->allocated_bytes = statistics.allocated_bytes;
	answer->active_bytes = statistics.active_bytes;
	answer->resident_bytes = statistics.resident_bytes;
	answer->metadata_bytes = statistics.metadata_bytes;
	answer->retained_bytes = statistics.retained_bytes;
}

void child_figures_ask(enum child_figures figures, struct session_figures *answer)
{
	memset(answer, 0xff, offsetof(struct session_figures, version)); /* FIGURE_MISSING */
	switch (figures) {
	case FIGURES_JEMALLOC:
		ask_jemalloc(answer);
		break;
	case FIGURES_TCMALLOC:
		ask_tcmalloc(answer);
		break;
	case FIGURES_GLIBC:
		ask_glibc(answer);
		break;
	case FIGURES_MIMALLOC:
		ask_mimalloc(answer);
		break;
	case FIGURES_ENGINE:
		ask_engine(answer);
		break;
	default:
		break;
	}
}
