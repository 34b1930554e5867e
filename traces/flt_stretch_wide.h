/* flt_stretch_wide.h: reading stretches on processors that copy 32 bytes at a time; configure chooses the file. The results
 * are those of the portable code in flt_stretch.c, to the bit. */
#ifndef FAULTLINE_TRACES_FLT_STRETCH_WIDE_H
#define FAULTLINE_TRACES_FLT_STRETCH_WIDE_H

#include "traces/flt_stretch.h"

/* flt_stretch_get_steps() and flt_stretch_get_offsets(). */
struct flt_stretch_readers {
	bool (*get_steps)(const struct flt_stretches *stretches, const struct flt_steps *fresh,
			  const struct flt_steps *steps);
	bool (*get_offsets)(const struct flt_stretches *stretches, const uint16_t *fresh, uint16_t *offset);
};

/* The fastest for this processor; members are NULL when the portable ones are to be used. */
struct flt_stretch_readers flt_stretch_wide(void);

/* The portable ones, for comparison. */
struct flt_stretch_readers flt_stretch_portable(void);

#endif
