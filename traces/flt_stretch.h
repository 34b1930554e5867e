/* flt_stretch.h: sequences that repeat themselves, as stretches.
 *
 *   sequence   7 3 9 4 | 7 3 9 4 7 3 | 8 | 10 12 14 16
 *   stretches  4 fresh, then 6 from 4 places before
 *              1 fresh ...            (fresh elements themselves are stored elsewhere, one after the other)
 *
 * A stretch is some fresh elements and then some that repeat those `distance` places before. The elements repeated may lie
 * among those that the stretch itself makes. Offsets may also be said to go on: each is as much more than the one `distance`
 * before as that one is than the one 2 x distance before, modulo 2^16, as the indices of a loop do.
 *
 *   bytes   0 fresh elements   1 repeated elements   2-3 distance; of offsets 15 bits, and FLT_STRETCH_GOES_ON where they do
 *
 * Decoding copies 16 elements at a time and is as fast as memory; that is why it is not left to a general compressor.
 * Elements are offsets (16 bits), or steps: the context of a reference and its shape.
 */
#ifndef FAULTLINE_TRACES_FLT_STRETCH_H
#define FAULTLINE_TRACES_FLT_STRETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FLT_STRETCH_BYTES 4
#define FLT_STRETCH_MAX 255u	     /* fresh elements; repeated ones */
#define FLT_STRETCH_DISTANCE 0x7fffu /* of offsets */
#define FLT_STRETCH_GOES_ON 0x8000u

/* Bytes of stretches that `count` elements may need. */
#define FLT_STRETCH_BOUND(count) (FLT_STRETCH_BYTES * ((count) / 3 + 8))

/* Elements behind the end of what is decoded and of what is fresh that are read and written, whatever they are. */
#define FLT_STRETCH_SLACK 64u

/* --- Writing ---------------------------------------------------------------------------------------------------------- */

#define FLT_STRETCH_HEADS_LOG2 14u

/* Where elements were seen last, by their content. */
struct flt_stretch_finder {
	uint32_t head[1u << FLT_STRETCH_HEADS_LOG2];
};

/* Puts the stretches of `count` steps (context | shape << 16) at `out`, which has room for FLT_STRETCH_BOUND(count) bytes;
 * returns the byte after them. */
uint8_t *flt_stretch_put_steps(struct flt_stretch_finder *finder, const uint32_t *step, size_t count,
			       uint8_t *out);

/* The same for offsets. `period` may say for each how far back its step was repeated from, which is where a loop's offsets
 * are likely to repeat; 0 where it was not. */
uint8_t *flt_stretch_put_offsets(struct flt_stretch_finder *finder, const uint16_t *offset, size_t count,
				 const uint16_t *period, uint8_t *out);

/* --- Reading ---------------------------------------------------------------------------------------------------------- */

struct flt_stretches {
	const uint8_t *bytes;
	size_t count;
	size_t fresh;	 /* fresh elements there are */
	size_t elements; /* that they must make */
};

struct flt_steps {
	uint16_t *context;
	uint8_t *shape;
};

/* Makes the steps. Both fresh arrays and both results have FLT_STRETCH_SLACK more elements. False when the stretches do not
 * make exactly the elements out of exactly what is fresh, or name elements that are not there. */
bool flt_stretch_get_steps(const struct flt_stretches *stretches, const struct flt_steps *fresh,
			   const struct flt_steps *steps);

/* The same for offsets. */
bool flt_stretch_get_offsets(const struct flt_stretches *stretches, const uint16_t *fresh, uint16_t *offset);

#endif
