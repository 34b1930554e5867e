/* associative_wide.h: the batches for processors that compare eight tags at a time; configure chooses the file. */
#ifndef FAULTLINE_ENGINE_VIRT_ASSOCIATIVE_WIDE_H
#define FAULTLINE_ENGINE_VIRT_ASSOCIATIVE_WIDE_H

#include "engine/virt/associative.h"

/* True when there are batches for this shape on this processor; otherwise the portable ones are to be used. */
bool associative_is_wide(const struct associative *array);

struct associative_batches associative_wide(const struct associative *array);

#endif
