/* grown_array.h: arrays that double when they are full, for counts that nobody knows beforehand. */
#ifndef FAULTLINE_TRACES_GROWN_ARRAY_H
#define FAULTLINE_TRACES_GROWN_ARRAY_H

#include <stddef.h>

#define GROWN_ARRAY_FIRST_CAPACITY 16u

/* `elements` (of *capacity elements, NULL for 0; from malloc), or a larger copy of it in its stead, with room for element
 * `index`. New elements are zero. Appending one by one costs amortised constant time. NULL when there is no memory, or when
 * so many bytes cannot be counted: then nothing has changed and `elements` is still the caller's. */
void *grown_array(void *elements, size_t index, size_t *capacity, size_t element_bytes);

#endif
