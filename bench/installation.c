#include "config.h"

#include "bench/installation.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool join(char *path, size_t bytes, const char *directory, const char *name)
{
	int length = snprintf(path, bytes, "%s/%s", directory, name);

	return length > 0 && (size_t)length < bytes;
}

/* The path of `name` as seen from the directory of the running executable. */
static bool beside_executable(const char *name, char *directory, size_t bytes)
{
	char executable[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", executable, sizeof(executable) - 1);

	if (length <= 0)
		return false;
	executable[length] = '\0';
	char *slash = strrchr(executable, '/');
	if (!slash)
		return false;
	*slash = '\0';
	return join(directory, bytes, executable, name);
}

bool installation_find(const char *name, char *path, size_t bytes)
{
	static const char *const places[] = {"libexec", "../libexec/" PACKAGE_TARNAME};
	const char *override = getenv("FAULTLINE_LIBEXECDIR");
	char directory[PATH_MAX];

	if (override && join(path, bytes, override, name) && access(path, R_OK) == 0)
		return true;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (beside_executable(places[i], directory, sizeof(directory)) &&
		    join(path, bytes, directory, name) && access(path, R_OK) == 0)
			return true;
	}
	return join(path, bytes, PKGLIBEXECDIR, name) && access(path, R_OK) == 0;
}

static bool holds_plots(const char *directory)
{
	char style[PATH_MAX];

	return join(style, sizeof(style), directory, "style.gp") && access(style, R_OK) == 0;
}

bool installation_find_plots(char *path, size_t bytes)
{
	const char *override = getenv("FAULTLINE_PLOTSDIR");

	if (override && holds_plots(override))
		return join(path, bytes, override, "");
	if (beside_executable("../plots", path, bytes) && holds_plots(path))
		return true;
	if (beside_executable("../share/" PACKAGE_TARNAME "/plots", path, bytes) && holds_plots(path))
		return true;
	return join(path, bytes, PKGDATADIR, "plots") && holds_plots(path);
}
