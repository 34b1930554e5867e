/* flt_columns.h: the numbers and fields of an EVNT section, shared by its encoder and its decoder (flt_block.h). */
#ifndef FAULTLINE_TRACES_FLT_COLUMNS_H
#define FAULTLINE_TRACES_FLT_COLUMNS_H

#include "traces/flt_varint.h"

/* Columns 11 to 15 are kept for heap events, 16 and above for the kinds to come. */
enum flt_block_column {
	FLT_BLOCK_KIND = 1,
	FLT_BLOCK_FLAGS = 2,
	FLT_BLOCK_ENDED = 3,
	FLT_BLOCK_SIZE = 4,
	FLT_BLOCK_COUNT = 5,
	FLT_BLOCK_ALIGNMENT = 6,
	FLT_BLOCK_THREAD = 7,
	FLT_BLOCK_STACK = 8,
	FLT_BLOCK_TIME = 9,
	FLT_BLOCK_TIME_SIGNED = 10,
};

enum flt_block_field {
	FLT_BLOCK_FIRST = 0,
	FLT_BLOCK_COUNT_OF_EVENTS = 1,
	FLT_BLOCK_OBJECTS = 2,
	FLT_BLOCK_TIME_BASE = 3,
	FLT_BLOCK_TIME_DIVISOR = 4,
};

#endif
