#include "config.h"

#include "bench/fidelity/figures.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define KIB_PER_PAGE 4u

enum stat_field {
	STAT_STATE = 3, /* the first behind the name, which may hold anything */
	STAT_MINOR = 10,
	STAT_MAJOR = 12,
};

static bool number_at(const char *text, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 10);
	return end != text && errno == 0;
}

bool figures_find(const char *text, const char *name, uint64_t *value)
{
	size_t length = strlen(name);

	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, name, length) == 0 && line[length] == ':')
			return number_at(line + length + 1, value);
	}
	return false;
}

bool figures_stat(const char *text, unsigned number, uint64_t *value)
{
	const char *at = strrchr(text, ')');

	for (unsigned field = STAT_STATE; at; field++) {
		at = strchr(at, ' ');
		if (at && field == number)
			return number_at(at + 1, value);
		if (at)
			at++;
	}
	return false;
}

/* A number of KiB as pages. */
static bool find_pages(const char *text, const char *name, uint64_t *pages)
{
	bool found = figures_find(text, name, pages);

	*pages /= KIB_PER_PAGE;
	return found;
}

bool figures_take(struct figures *figures, const char *name, const char *text)
{
	if (strcmp(name, "stat") == 0)
		return figures_stat(text, STAT_MINOR, &figures->minor) &&
		       figures_stat(text, STAT_MAJOR, &figures->major);
	if (strcmp(name, "smaps_rollup") == 0)
		return find_pages(text, "Rss", &figures->resident_pages) &&
		       find_pages(text, "AnonHugePages", &figures->huge_pages);
	if (strcmp(name, "status") == 0)
		return find_pages(text, "RssAnon", &figures->anonymous_pages) &&
		       find_pages(text, "RssFile", &figures->file_pages) &&
		       find_pages(text, "RssShmem", &figures->shared_memory_pages) &&
		       find_pages(text, "VmPTE", &figures->table_pages);
	return true;
}
