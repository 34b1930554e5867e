/* pinatrace.h: what Pin's example tool pinatrace writes.
 *
 *   0x7f5c2d0e3090: W 0x7ffe2b8f1f58             instruction, R or W, address
 *   0x7f5c2d0e3094: R 0x7ffe2b8f1f58 8 0x1       variants add the bytes, and then the value
 *   #eof
 *
 * Without a size a reference has 1 byte: more would be invented. The instruction's address makes no fetch, for
 * instructions without a reference are missing. One stream, no time.
 */
#ifndef FAULTLINE_TRACES_IMPORT_PINATRACE_H
#define FAULTLINE_TRACES_IMPORT_PINATRACE_H

#include "traces/import/importer.h"

extern const struct import_format pinatrace_format;

#endif
