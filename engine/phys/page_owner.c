#include "config.h"

#include "engine/phys/page_owner.h"

#include "engine/base/check.h"
#include "engine/phys/gfp_flags.h"

#include <inttypes.h>
#include <stdio.h>

static const char *const words[PAGE_MISTAKES] = {
    [MISTAKE_FOREIGN] = "foreign pointer: it is no page of this memory",
    [MISTAKE_MISALIGNED] = "foreign pointer: it points inside a page",
    [MISTAKE_RESERVED] = "foreign page: it was reserved at boot",
    [MISTAKE_DOUBLE_FREE] = "double free: the frame is free",
    [MISTAKE_INSIDE] = "foreign page: it lies inside a block and is not its first",
    [MISTAKE_ORDER] = "wrong order: the block was allocated with another one",
    [MISTAKE_MAPPED] = "the page is still mapped",
    [MISTAKE_COMPOUND] = "a compound block is handled as a whole",
    [MISTAKE_FLAGS] = "gfp flags name two zones, two mobilities or unknown bits",
    [MISTAKE_NO_ADDRESS] = "an address is asked for memory that may have none (__GFP_HIGHMEM)",
};

enum status page_owners_create(struct page_owners *owners, uint64_t pages)
{
	enum status status =
	    reservation_create(&owners->memory, pages * sizeof(struct page_owner), PAGE_BYTES);

	owners->owner = owners->memory.memory;
	return status;
}

void page_owners_destroy(struct page_owners *owners)
{
	reservation_destroy(&owners->memory);
	owners->owner = NULL;
}

const char *page_misuse_text(const struct page_misuse *misuse, char *text)
{
	char flags[GFP_TEXT_BYTES];
	size_t used = (size_t)snprintf(text, PAGE_MISUSE_TEXT_BYTES, "%s", words[misuse->mistake]);

	if (misuse->pfn != PFN_NONE)
		used += (size_t)snprintf(text + used, PAGE_MISUSE_TEXT_BYTES - used,
					 "; frame 0x%" PRIx64 ", order %u", misuse->pfn, misuse->order);
	if (misuse->mistake == MISTAKE_ORDER || misuse->mistake == MISTAKE_INSIDE)
		used += (size_t)snprintf(text + used, PAGE_MISUSE_TEXT_BYTES - used,
					 ", of a block of order %u", misuse->block_order);
	if (misuse->owner.caller)
		(void)snprintf(text + used, PAGE_MISUSE_TEXT_BYTES - used,
			       "; last allocated by %.64s, order %u, %.150s", misuse->owner.caller,
			       misuse->owner.order, gfp_flags_text(misuse->owner.flags, flags));
	return text;
}

void page_misuse_report(const struct page_misuse_handler *handler, const struct page_misuse *misuse)
{
	char text[PAGE_MISUSE_TEXT_BYTES];

	if (!handler->report)
		check_failed(__FILE__, __LINE__, "pages are handled as gfp.h says",
			     page_misuse_text(misuse, text));
	handler->report(handler->receiver, misuse);
}
