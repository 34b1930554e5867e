#include "config.h"

#include "engine/virt/key_recipe.h"

void key_recipe_portable(const struct key_recipe *recipe, const uint64_t *from, uint32_t count,
			 uint64_t *keys)
{
	for (uint32_t i = 0; i < count; i++)
		keys[i] = (from[i] & recipe->mask) >> recipe->shift | recipe->bits;
}
