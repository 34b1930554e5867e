#include "config.h"

#include "bench/placement/mapped.h"

#include <string.h>
#include <sys/mman.h>

/* mremap's, of which the headers have no number with every feature macro. */
#define REMAP_DONT_UNMAP 4u

static uint64_t page_up(uint64_t bytes)
{
	return (bytes + MAPPED_PAGE_BYTES - 1) & ~(MAPPED_PAGE_BYTES - 1);
}

/* [address, address + length in whole pages); empty when that is no range of a program's addresses. */
static struct range range_of(uint64_t address, uint64_t length)
{
	if (address == 0 || address % MAPPED_PAGE_BYTES != 0 || address >= MAPPED_END || length == 0 ||
	    length > MAPPED_END - address)
		return (struct range){0, 0};
	return (struct range){.start = address, .end = address + page_up(length)};
}

static bool is_empty(struct range range)
{
	return range.start == range.end;
}

struct range mapped_subject(const struct mapped *mapped, unsigned kind, const struct event_call *call)
{
	uint64_t end = page_up(call->result);

	switch (kind) {
	case EVENT_MMAP:
		return range_of(call->result, call->length);
	case EVENT_BRK:
		if (mapped->program_break == 0 || end >= mapped->program_break)
			return (struct range){0, 0};
		return (struct range){.start = end, .end = mapped->program_break};
	default:
		return range_of(call->address, call->length);
	}
}

static const char *add(struct mapped *mapped, struct range range, bool *no_memory)
{
	*no_memory = !range_set_add(&mapped->ever, range.start, range.end) ||
		     !range_set_add(&mapped->now, range.start, range.end);
	return *no_memory ? "not enough memory" : NULL;
}

static const char *take_away(struct mapped *mapped, struct range range, bool *no_memory)
{
	*no_memory = !range_set_remove(&mapped->now, range.start, range.end);
	return *no_memory ? "not enough memory" : NULL;
}

static const char *apply_brk(struct mapped *mapped, const struct event_call *call, bool *no_memory)
{
	uint64_t old = mapped->program_break, end = page_up(call->result);
	const char *wrong = NULL;

	if (call->result == 0 || call->result >= MAPPED_END)
		return "the break is no address";
	if (old == 0 && call->address != 0)
		return "the break is moved before it is known";
	if (old != 0 && end > old)
		wrong = add(mapped, (struct range){.start = old, .end = end}, no_memory);
	else if (old != 0 && end < old)
		wrong = range_set_meets(&mapped->now, end, old)
			    ? take_away(mapped, (struct range){.start = end, .end = old}, no_memory)
			    : "the break goes back to where nothing is mapped";
	if (!wrong)
		mapped->program_break = end;
	return wrong;
}

static const char *apply_mremap(struct mapped *mapped, const struct event_call *call, bool *no_memory)
{
	struct range old = range_of(call->address, call->length),
		     made = range_of(call->result, call->new_length);
	const char *wrong = NULL;

	if (is_empty(old) || is_empty(made))
		return "mremap of what are no pages";
	if (!range_set_holds(&mapped->now, old.start, old.end))
		return "mremap of what is not mapped";
	if ((call->flags & REMAP_DONT_UNMAP) == 0)
		wrong = take_away(mapped, old, no_memory);
	return wrong ? wrong : add(mapped, made, no_memory);
}

const char *mapped_apply(struct mapped *mapped, unsigned kind, const struct event_call *call, bool *no_memory)
{
	struct range range = mapped_subject(mapped, kind, call);

	*no_memory = false;
	switch (kind) {
	case EVENT_MMAP:
		return is_empty(range) ? "mmap of what are no pages" : add(mapped, range, no_memory);
	case EVENT_MUNMAP:
		if (!range_set_meets(&mapped->now, range.start, range.end))
			return "munmap of what is not mapped";
		return take_away(mapped, range, no_memory);
	case EVENT_MREMAP:
		return apply_mremap(mapped, call, no_memory);
	case EVENT_BRK:
		return apply_brk(mapped, call, no_memory);
	case EVENT_MPROTECT:
	case EVENT_MADVISE:
		if (is_empty(range) || !range_set_holds(&mapped->now, range.start, range.end))
			return "mprotect or madvise of what is not mapped";
		return NULL;
	default:
		return "a call that no placement has";
	}
}

bool mapped_holds_block(const struct mapped *mapped, uint64_t address, uint64_t bytes)
{
	uint64_t length = bytes ? bytes : 1;

	return address < MAPPED_END && length <= MAPPED_END - address &&
	       range_set_holds(&mapped->now, address, address + length);
}

void mapped_clear(struct mapped *mapped)
{
	range_set_clear(&mapped->now);
	range_set_clear(&mapped->ever);
	memset(mapped, 0, sizeof(*mapped));
}

const char *mapped_check(const struct mapped *mapped)
{
	const struct range_set *now = &mapped->now;

	if (range_set_check(now) || range_set_check(&mapped->ever))
		return "I1: range_set_check() holds for both sets";
	for (size_t i = 0; i < now->count; i++) {
		if (!range_set_holds(&mapped->ever, now->range[i].start, now->range[i].end))
			return "I2: what is mapped now is part of what ever was";
	}
	return NULL;
}
