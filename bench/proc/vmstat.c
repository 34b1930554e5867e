#include "config.h"

#include "bench/proc/vmstat.h"

#include "bench/proc/machine_sums.h"
#include "bench/proc/recorded.h"
#include "bench/proc/stat_names.h"

#include <inttypes.h>
#include <string.h>

/* What boot decides, or nobody counts any more. */
static const char *const constant[] = {"nr_memmap_pages", "nr_memmap_boot_pages", "nr_unstable", "nr_bounce"};

static bool is_constant(const struct stat_name *name)
{
	for (size_t i = 0; i < sizeof(constant) / sizeof(constant[0]); i++) {
		if (strlen(constant[i]) == name->length && memcmp(constant[i], name->text, name->length) == 0)
			return true;
	}
	return false;
}

void proc_vmstat(const struct proc_machine *machine, FILE *out)
{
	struct machine_sums sums;
	struct stat_names names;
	struct stat_name name;

	machine_sums_of(machine, &sums);
	stat_names_begin(&names, STAT_ALL, machine->recorded.vmstat);
	while (stat_names_next(&names, &name)) {
		uint64_t value;

		recorded_print(name.text, name.length, out);
		(void)fputc(' ', out);
		if (machine_sums_find(&sums, name.text, name.length, &value))
			(void)fprintf(out, "%" PRIu64 "\n", value);
		else if (name.value && is_constant(&name))
			(void)fprintf(out, "%.*s\n", (int)name.value_length, name.value);
		else
			(void)fprintf(out, "%s\n", machine->unknown);
	}
}
