/* lackey.h: what valgrind --tool=lackey --trace-mem=yes writes.
 *
 *   ==22916== Lackey, an example Valgrind tool         skipped
 *   I  0401ab70,3                                      fetch: address, bytes
 *    L 1fff000718,8                                    load
 *    S 1fff000710,8                                    store
 *    M 0421c778,4                                      modify: load and store of one place
 *
 * Addresses are hexadecimal without 0x, sizes decimal. There is one stream, whatever threads made it, and no time.
 */
#ifndef FAULTLINE_TRACES_IMPORT_LACKEY_H
#define FAULTLINE_TRACES_IMPORT_LACKEY_H

#include "traces/import/importer.h"

extern const struct import_format lackey_format;

#endif
