/* formats.h: the one table of foreign formats. Adding a format means one file and one line in formats.c. */
#ifndef FAULTLINE_TRACES_IMPORT_FORMATS_H
#define FAULTLINE_TRACES_IMPORT_FORMATS_H

#include "traces/import/importer.h"

#include <stddef.h>

/* The format number `index`, NULL behind the last. */
const struct import_format *import_format_at(size_t index);

/* The format of that name, or NULL. */
const struct import_format *import_format_find(const char *name);

/* The format that recognises most lines among the first bytes, the earlier in the table at equality; NULL
 * when none recognises any. */
const struct import_format *import_format_detect(const char *bytes, size_t length);

#endif
