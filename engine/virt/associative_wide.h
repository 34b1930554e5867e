/* associative_wide.h: the batch for processors that compare four tags at a time; configure chooses the file. */
#ifndef FAULTLINE_ENGINE_VIRT_ASSOCIATIVE_WIDE_H
#define FAULTLINE_ENGINE_VIRT_ASSOCIATIVE_WIDE_H

#include "engine/virt/associative.h"

typedef uint32_t associative_batch(struct associative *array, const uint64_t *keys, uint32_t count,
				   uint16_t *missed);

/* The fastest batch for this shape on this processor, or NULL when the portable one is to be used. */
associative_batch *associative_wide(const struct associative *array);

#endif
