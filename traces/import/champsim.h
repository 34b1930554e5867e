/* champsim.h: traces of the simulator ChampSim: one record of 64 bytes per instruction, usually compressed by xz.
 *
 *   0        8         9      10        12         16              32                     64
 *   | ip     | branch  | taken | to regs | from regs | to memory x 2 | from memory x 4     |
 *   | u64    | u8      | u8    | u8 x 2  | u8 x 4    | u64           | u64, little-endian  |
 *
 * An address of 0 is none. The instruction makes a fetch, each source a load, each destination a store; what is both is a
 * modify. The format has no sizes: a reference has 1 byte, for more would be invented. One stream, no time. Messages count
 * records from 1.
 */
#ifndef FAULTLINE_TRACES_IMPORT_CHAMPSIM_H
#define FAULTLINE_TRACES_IMPORT_CHAMPSIM_H

#include "traces/import/importer.h"

extern const struct import_format champsim_format;

#endif
