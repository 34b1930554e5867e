/* hilbert.h: Hilbert's curve through a square: a line that visits every cell once, each next to the one before, so that what lies near
 * on the line lies near in the square (D. Hilbert, "Ueber die stetige Abbildung einer Linie auf ein Flaechenstueck", Math. Ann. 38, 1891).
 *
 *    0  1 14 15
 *    3  2 13 12            a square of side 4: the cells by their place on the line, row by row
 *    4  7  8 11
 *    5  6  9 10
 */
#ifndef FAULTLINE_BENCH_PHYSICAL_HILBERT_H
#define FAULTLINE_BENCH_PHYSICAL_HILBERT_H

#include <stdint.h>

/* The place on the line of a cell of a square whose side is a power of two, at most 2^16. O(log side). */
uint32_t hilbert_place(unsigned side, unsigned row, unsigned column);

#endif
