/* tag_window.h: keys of 64 bits as tags of 32, for an array that compares many tags at once.
 *
 *   key  [ space, class, high bits of the page | low bits ]     64 bits
 *                         |                          |
 *                number of the window                |
 *                         v                          v
 *   tag  [             number                  | low bits ]     32 bits
 *
 * A window is all keys with the same bits above the low ones. Addresses come from few windows (with 20 low bits and pages
 * of 4 KiB one is 4 GiB of a space), so that each can have a number of its own: two keys have the same tag exactly when
 * they are the same key. There are more numbers than an array has entries: when they run out, those of which no tag is left are
 * taken back.
 *
 * Source of the idea: Seznec, "Don't use the page number, but a pointer to it", ISCA 1996.
 *
 * Invariants, proved by tag_windows_check():
 *   I1: count <= limit, and every number below `count` is found by its window's upper bits
 */
#ifndef FAULTLINE_ENGINE_VIRT_TAG_WINDOW_H
#define FAULTLINE_ENGINE_VIRT_TAG_WINDOW_H

#include "engine/base/reservation.h"
#include "engine/base/status.h"

#include <stdbool.h>
#include <stdint.h>

/* No tag: the highest number is never given. */
#define TAG_NONE UINT32_MAX

#define TAG_LOW_BITS_MIN 8u
#define TAG_LOW_BITS_MAX 30u

struct tag_windows {
	unsigned low_bits;
	uint32_t count;	   /* numbers given, 0 .. count-1 */
	uint32_t limit;	   /* of them: 2^(32 - low_bits) - 1 */
	uint32_t renewals; /* times that numbers were taken back */
	unsigned hash_shift;
	uint64_t *upper; /* [number]: key >> low_bits; [-1]: of no key */
	uint32_t *slot;	 /* [hash]: number + 1, or 0; the next slots are tried when it is another's */
	struct reservation memory;
};

/* No window yet. `low_bits` in TAG_LOW_BITS_MIN .. TAG_LOW_BITS_MAX. STATUS_NO_MEMORY. */
MUST_USE enum status tag_windows_create(struct tag_windows *windows, unsigned low_bits);
void tag_windows_destroy(struct tag_windows *windows);

/* True when `more` windows can get a number. */
static inline bool tag_windows_have_room(const struct tag_windows *windows, uint32_t more)
{
	return windows->limit - windows->count >= more;
}

/* A key's tag, or TAG_NONE when its window has no number. */
uint32_t tag_windows_find(const struct tag_windows *windows, uint64_t key);

/* A key's tag; its window gets a number, for which there must be room. */
uint32_t tag_windows_make(struct tag_windows *windows, uint64_t key);

/* The tags of many keys, without a branch that depends on one: false when there is one whose window has no number or is not
 * where it is looked for first; then the tags are to be made one by one. */
bool tag_windows_make_all(const struct tag_windows *windows, const uint64_t *keys, uint32_t count,
			  uint32_t *tags);

/* The key of a tag that was made. */
static inline uint64_t tag_windows_key(const struct tag_windows *windows, uint32_t tag)
{
	uint32_t low = ((uint32_t)1 << windows->low_bits) - 1;

	return windows->upper[tag >> windows->low_bits] << windows->low_bits | (tag & low);
}

/* Numbers anew, from 0 on and in the same order, the windows whose used[number] is not 0, and forgets the others.
 * used[number] becomes the new number. */
void tag_windows_keep(struct tag_windows *windows, uint32_t *used);

/* NULL, or the text of the first invariant that does not hold. */
const char *tag_windows_check(const struct tag_windows *windows);

#endif
