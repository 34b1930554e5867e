#include "config.h"

#include "bench/physical/hilbert.h"

/* Each quarter is a whole curve; the first and the last are turned over on a diagonal, so that they begin and end beside the others. */
uint32_t hilbert_place(unsigned side, unsigned row, unsigned column)
{
	uint32_t place = 0;

	for (unsigned half = side / 2; half > 0; half /= 2) {
		const unsigned down = (row & half) != 0, right = (column & half) != 0;

		place = place * 4 + (3 * right ^ down);
		if (down)
			continue;
		const unsigned turned = right ? half * 2 - 1 - (row & (half * 2 - 1)) : row;

		row = right ? half * 2 - 1 - (column & (half * 2 - 1)) : column;
		column = turned;
	}
	return place;
}
