#include "config.h"

#include "engine/virt/key_recipe.h"

/* The compiler has no AVX2 for this machine. */
key_maker *key_recipe_fastest(void)
{
	return key_recipe_portable;
}
