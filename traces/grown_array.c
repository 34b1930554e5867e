#include "config.h"

#include "traces/grown_array.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void *grown_array(void *elements, size_t index, size_t *capacity, size_t element_bytes)
{
	size_t wanted = *capacity ? *capacity : GROWN_ARRAY_FIRST_CAPACITY;
	size_t bytes;
	char *larger;

	if (index < *capacity)
		return elements;
	while (wanted <= index) {
		if (__builtin_mul_overflow(wanted, 2, &wanted))
			return NULL;
	}
	if (__builtin_mul_overflow(wanted, element_bytes, &bytes) || bytes > PTRDIFF_MAX)
		return NULL;
	larger = realloc(elements, bytes);
	if (!larger)
		return NULL;
	memset(larger + *capacity * element_bytes, 0, (wanted - *capacity) * element_bytes);
	*capacity = wanted;
	return larger;
}
