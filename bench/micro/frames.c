#include "config.h"

#include "bench/micro/frames.h"

bool frames_make(struct frames *frames, const struct frames_allocator *allocator, int variant)
{
	*frames = (struct frames){.random = {.state = 1}, .pages = FRAMES_PAGES};
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

bool frames_join(struct frames *frames, void *self, unsigned thread, uint64_t pages)
{
	*frames = (struct frames){.self = self, .random = {.state = 1 + thread}, .pages = pages};
	frames->live = calloc(pages, sizeof(*frames->live));
	return frames->live != NULL;
}

void frames_leave(struct frames *frames, const struct frames_allocator *allocator)
{
	while (frames->blocks > 0)
		frames_give(frames, allocator, frames->blocks - 1);
	free(frames->live);
}

void frames_shuffle(struct frames *frames)
{
	for (uint64_t left = frames->blocks; left > 1; left--) {
		uint64_t other = random_below(&frames->random, left);
		frames_block block = frames->live[other];

		frames->live[other] = frames->live[left - 1];
		frames->live[left - 1] = block;
	}
}
