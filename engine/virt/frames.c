#include "config.h"

#include "engine/virt/frames.h"

#include "engine/base/check.h"

enum status frames_create(struct frames *frames, struct page_source source, struct page_array *array,
			  unsigned huge_order)
{
	*frames = (struct frames){.source = source,
				  .table_source = source,
				  .array = array,
				  .huge_order = huge_order,
				  .huge_zero = PFN_NONE};
	frames->zero = source.take(source.owner, 0);
	return frames->zero == PFN_NONE ? STATUS_NO_MEMORY : STATUS_OK;
}

void frames_destroy(struct frames *frames)
{
	CHECK(frames->anonymous_frames == 0 && frames->cached_frames == 0,
	      "frames that processes and files hold are given back first");
	frames->source.give(frames->source.owner, frames->zero, 0);
	if (frames->huge_zero != PFN_NONE)
		frames->source.give(frames->source.owner, frames->huge_zero, frames->huge_order);
}

static uint64_t frames_of(unsigned order)
{
	return (uint64_t)1 << order;
}

pfn_t frames_take_anonymous(struct frames *frames, unsigned order)
{
	pfn_t frame = frames->source.take(frames->source.owner, order);

	if (frame == PFN_NONE) {
		frames->refused += order == 0;
		frames->refused_huge += order > 0;
		return PFN_NONE;
	}
	struct page *page = frames_page(frames, frame);

	page->flags = PAGE_HEAD | PAGE_LRU | PAGE_ANONYMOUS | PAGE_EXCLUSIVE;
	page->private = order;
	page->count = 0;
	page->mapcount = 0;
	page->huge_mapcount = 0;
	page->pins = 0;
	frames->anonymous_frames += frames_of(order);
	frames->huge_blocks += order > 0;
	return frame;
}

pfn_t frames_take_cached(struct frames *frames)
{
	pfn_t frame = frames->source.take(frames->source.owner, 0);

	if (frame == PFN_NONE) {
		frames->refused++;
		return PFN_NONE;
	}
	struct page *page = frames_page(frames, frame);

	page->flags = PAGE_HEAD | PAGE_LRU | PAGE_CACHED;
	page->private = 0;
	page->count = 1;
	page->mapcount = 0;
	page->huge_mapcount = 0;
	page->pins = 0;
	frames->cached_frames++;
	return frame;
}

pfn_t frames_huge_zero(struct frames *frames)
{
	if (frames->huge_zero == PFN_NONE)
		frames->huge_zero = frames->source.take(frames->source.owner, frames->huge_order);
	return frames->huge_zero;
}

/* Gives a block back that nobody names any more. */
static void release(struct frames *frames, pfn_t head)
{
	struct page *page = frames_page(frames, head);
	unsigned order = (unsigned)page->private;

	if (page->flags & PAGE_CACHED) {
		frames->cached_frames--;
	} else {
		frames->anonymous_frames -= frames_of(order);
		frames->huge_blocks -= order > 0;
	}
	for (uint64_t i = 1; page->flags & PAGE_DIVIDED && i < frames_of(order); i++)
		page[i].flags = 0;
	page->flags = 0;
	page->private = 0;
	page->mapping = NULL;
	page->index = 0;
	frames->source.give(frames->source.owner, head, order);
}

void frames_drop_unused(struct frames *frames, pfn_t head)
{
	if (frames_page(frames, head)->count == 0)
		release(frames, head);
}

void frames_divide_unused(struct frames *frames, pfn_t head)
{
	struct page *page = frames_page(frames, head);

	CHECK(page->count == 0, "a block that is divided without an entry is not mapped");
	for (uint64_t i = 1; i < frames_of(frames->huge_order); i++)
		page[i].flags = PAGE_TAIL | PAGE_EXCLUSIVE;
	page->flags |= PAGE_DIVIDED;
}

void frames_unite(struct frames *frames, pfn_t head)
{
	struct page *page = frames_page(frames, head);

	CHECK(page->flags & PAGE_DIVIDED, "a block that is made whole was divided");
	for (uint64_t i = 0; i < frames_of(frames->huge_order); i++) {
		page[i].mapcount = 0;
		page[i].flags = i == 0 ? PAGE_HEAD | PAGE_LRU | PAGE_ANONYMOUS | PAGE_EXCLUSIVE : 0;
	}
	page->huge_mapcount = 1;
	page->count = 1;
}

static void put(struct frames *frames, pfn_t head)
{
	struct page *page = frames_page(frames, head);

	CHECK(page->count > 0, "a frame that is let go of was held");
	if (--page->count == 0)
		release(frames, head);
}

void frames_pin(struct frames *frames, pfn_t frame)
{
	struct page *head = frames_page(frames, frames_head(frames, frame));

	CHECK(head->flags & (PAGE_ANONYMOUS | PAGE_CACHED), "a frame that is pinned is in use");
	head->count++;
	head->pins++;
}

void frames_unpin(struct frames *frames, pfn_t frame)
{
	pfn_t head = frames_head(frames, frame);

	CHECK(frames_page(frames, head)->pins > 0, "a frame that is unpinned was pinned");
	frames_page(frames, head)->pins--;
	put(frames, head);
}

void frames_succeed(struct frames *frames, pfn_t from, pfn_t to)
{
	const struct page *old = frames_page(frames, from);
	struct page *page = frames_page(frames, to);
	bool is_cached = old->flags & PAGE_CACHED;

	CHECK(old->flags & (PAGE_ANONYMOUS | PAGE_CACHED) && old->private == 0 && !(old->flags & PAGE_TAIL),
	      "a frame that is succeeded is a block by itself");
	page->flags = old->flags;
	page->private = 0;
	page->count = is_cached ? 1 : 0;
	page->mapcount = 0;
	page->huge_mapcount = 0;
	page->pins = 0;
	page->mapping = old->mapping;
	page->index = old->index;
	*(is_cached ? &frames->cached_frames : &frames->anonymous_frames) += 1;
}

void frames_drop_cached(struct frames *frames, pfn_t frame)
{
	CHECK(frames_page(frames, frame)->flags & PAGE_CACHED, "a file lets go of its own frame");
	put(frames, frame);
}

void frames_map(struct frames *frames, pfn_t frame, bool is_huge)
{
	if (frames_is_zero(frames, frame))
		return;
	struct page *head = frames_page(frames, frames_head(frames, frame));

	CHECK(head->flags & (PAGE_ANONYMOUS | PAGE_CACHED), "a frame that is mapped is in use");
	head->count++;
	if (is_huge)
		head->huge_mapcount++;
	else
		frames_page(frames, frame)->mapcount++;
}

void frames_unmap(struct frames *frames, pfn_t frame, bool is_huge)
{
	if (frames_is_zero(frames, frame))
		return;
	struct page *page = frames_page(frames, frame);

	if (is_huge) {
		CHECK(page->huge_mapcount > 0, "a huge entry that goes was counted");
		page->huge_mapcount--;
	} else {
		CHECK(page->mapcount > 0, "an entry that goes was counted");
		page->mapcount--;
	}
	put(frames, frames_head(frames, frame));
}

void frames_divide(struct frames *frames, pfn_t head)
{
	struct page *page = frames_page(frames, head);
	uint64_t pages = frames_of(frames->huge_order);
	uint32_t exclusive = page->flags & (PAGE_EXCLUSIVE | PAGE_LAZY_FREE);

	if (frames_is_zero(frames, head))
		return;
	CHECK(page->huge_mapcount > 0, "a huge entry that is split was counted");
	page->huge_mapcount--;
	page->count += (int32_t)pages - 1;
	for (uint64_t i = 0; i < pages; i++) {
		if (i > 0 && !(page->flags & PAGE_DIVIDED))
			page[i].flags = PAGE_TAIL | exclusive;
		page[i].mapcount++;
	}
	page->flags |= PAGE_DIVIDED;
}

void frames_share(struct frames *frames, pfn_t frame)
{
	if (!frames_is_zero(frames, frame))
		frames_page(frames, frame)->flags &= ~(uint32_t)PAGE_EXCLUSIVE;
}

/* --- The check ---------------------------------------------------------------------------------------------------- */

struct sums {
	uint64_t anonymous, cached;
};

static const char *check_block(const struct frames *frames, const struct page *head, struct sums *sums)
{
	uint64_t pages = frames_of((unsigned)head->private);
	uint64_t entries = (uint64_t)head->huge_mapcount + head->pins + (head->flags & PAGE_CACHED ? 1 : 0);

	(void)frames;
	*(head->flags & PAGE_CACHED ? &sums->cached : &sums->anonymous) += pages;
	entries += (uint64_t)head->mapcount;
	for (uint64_t i = 1; i < pages; i++) {
		if (!!(head[i].flags & PAGE_TAIL) != !!(head->flags & PAGE_DIVIDED) || head[i].mapcount < 0 ||
		    (!(head->flags & PAGE_DIVIDED) && head[i].mapcount != 0))
			return "I3: only frames of a divided block are tails and mapped by themselves";
		entries += (uint64_t)head[i].mapcount;
	}
	if (head->count <= 0 || (uint64_t)head->count != entries)
		return "I2: a block's count is the number of entries that name it";
	return NULL;
}

const char *frames_check(const struct frames *frames)
{
	const struct page_array *array = frames->array;
	struct sums sums = {0, 0};

	for (uint64_t i = 0; i < array->pages;) {
		const struct page *page = &array->page[i];
		const char *broken = NULL;

		if (page->flags & (PAGE_ANONYMOUS | PAGE_CACHED)) {
			broken = check_block(frames, page, &sums);
			i += frames_of((unsigned)page->private);
		} else {
			if (page->flags & PAGE_TAIL || (page->flags == 0 && page->mapcount != 0))
				broken =
				    "I3: only frames of a divided block are tails and mapped by themselves";
			i++;
		}
		if (broken)
			return broken;
	}
	if (sums.anonymous != frames->anonymous_frames || sums.cached != frames->cached_frames)
		return "I1: the frames in use are those counted";
	return NULL;
}
