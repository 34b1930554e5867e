#include "config.h"

#include "bench/quantity.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct quantity_unit quantity_sizes[] = {
    {"", 1},	   {"K", 1024},	     {"M", 1048576},	  {"G", 1073741824},
    {"KiB", 1024}, {"MiB", 1048576}, {"GiB", 1073741824}, {NULL, 0},
};

const struct quantity_unit quantity_counts[] = {
    {"", 1}, {"K", 1e3}, {"M", 1e6}, {"G", 1e9}, {NULL, 0},
};

const struct quantity_unit quantity_times[] = {
    {"", 1e9}, {"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}, {NULL, 0},
};

bool quantity_parse(const char *text, const struct quantity_unit *units, uint64_t *result)
{
	char *end;
	double value;

	errno = 0;
	value = strtod(text, &end);
	if (end == text || errno != 0 || !isfinite(value) || value <= 0)
		return false;
	for (; units->name; units++) {
		if (strcmp(end, units->name) == 0 && value * units->factor >= 1 &&
		    value * units->factor < 9e18) {
			*result = (uint64_t)(value * units->factor);
			return true;
		}
	}
	return false;
}
