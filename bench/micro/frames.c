#include "config.h"

#include "bench/micro/frames.h"

bool frames_make(struct frames *frames, const struct frames_allocator *allocator, int variant)
{
	*frames = (struct frames){.random = {.state = 1}};
	frames->live = calloc(FRAMES_PAGES, sizeof(*frames->live));
	frames->self = frames->live ? allocator->create(variant) : NULL;
	if (!frames->self)
		free(frames->live);
	return frames->self != NULL;
}

void frames_drop(struct frames *frames, const struct frames_allocator *allocator)
{
	allocator->destroy(frames->self);
	free(frames->live);
}

void frames_shuffle(struct frames *frames)
{
	for (uint64_t left = frames->blocks; left > 1; left--) {
		uint64_t other = random_below(&frames->random, left);
		struct frames_block block = frames->live[other];

		frames->live[other] = frames->live[left - 1];
		frames->live[left - 1] = block;
	}
}
