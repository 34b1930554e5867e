#include "config.h"

#include "bench/host.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

static bool read_line(const char *path, char *line, int bytes, const char *starts_with)
{
	FILE *file = fopen(path, "re");
	bool found = false;

	if (!file)
		return false;
	while (!found && fgets(line, bytes, file))
		found = strncmp(line, starts_with, strlen(starts_with)) == 0;
	(void)fclose(file);
	line[strcspn(line, "\n")] = '\0';
	return found;
}

static json_t *processor(void)
{
	char line[256];
	const char *colon;

	if (!read_line("/proc/cpuinfo", line, sizeof(line), "model name") || !(colon = strchr(line, ':')))
		return json_null();
	return json_string(colon + 1 + strspn(colon + 1, " "));
}

/* "always [madvise] never" -> madvise. */
static json_t *huge_pages(bool disabled)
{
	char line[256];
	char *open, *close;

	if (disabled)
		return json_string("disabled by prctl");
	if (!read_line("/sys/kernel/mm/transparent_hugepage/enabled", line, sizeof(line), "") ||
	    !(open = strchr(line, '[')) || !(close = strchr(open, ']')))
		return json_null();
	*close = '\0';
	return json_string(open + 1);
}

json_t *host_json_machine(bool thp_disabled)
{
	struct utsname name;
	char system[256] = "";
	long pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);

	if (uname(&name) == 0)
		(void)snprintf(system, sizeof(system), "%.80s %.80s %.80s", name.sysname, name.release,
			       name.machine);
	return json_pack("{s:o, s:i, s:I, s:s, s:o}", "processor", processor(), "processors",
			 (int)sysconf(_SC_NPROCESSORS_ONLN), "memory_bytes", (json_int_t)pages * page_bytes,
			 "system", system, "thp", huge_pages(thp_disabled));
}
