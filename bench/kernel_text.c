#include "config.h"

#include "bench/kernel_text.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

static const char *name_of(const struct flt_summary *summary, enum event_names table, uint32_t number)
{
	return number <= summary->names[table] ? summary->name[table][number - 1] : "?";
}

static const char *cache_of(const struct flt_summary *summary, const struct event *event)
{
	if (event->kernel.cache != 0)
		return name_of(summary, EVENT_NAMES_CACHE, event->kernel.cache);
	return event->kind == EVENT_KMEM_FREE ? "not told" : "kmalloc";
}

static void print_number(const char **before, const char *name, bool hexadecimal, uint64_t value)
{
	(void)printf("%s%s=", *before, name);
	(void)printf(hexadecimal ? "0x%" PRIx64 : "%" PRIu64, value);
	*before = ", ";
}

static void print_word(const char **before, const char *name, const char *word)
{
	(void)printf("%s%s=%s", *before, name, word);
	*before = ", ";
}

static void print_flags(const char **before, unsigned flags)
{
	static const char *const names[] = {"refill", "ownership", "sync"};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!(flags >> i & 1))
			continue;
		(void)printf("%s%s", *before, names[i]);
		*before = ", ";
	}
}

static void print_rest(const char **before, const struct event *event, unsigned carries)
{
	const struct event_kernel *kernel = &event->kernel;

	if (carries & EVENT_KERNEL_HAS_NODE)
		print_number(before, "node", false, kernel->node);
	if (carries & EVENT_KERNEL_HAS_FALLBACK) {
		print_number(before, "fallback_order", false, kernel->fallback_order);
		print_number(before, "fallback_type", false, kernel->fallback_type);
	}
	print_flags(before, kernel->flags);
	if (event->kind == EVENT_ZONE_GROW)
		print_word(before, "zone", event_zone_name(kernel->code));
	else if (carries & EVENT_KERNEL_HAS_CODE)
		print_number(before, "code", false, kernel->code);
	if (event_kind_carries(event->kind) & EVENT_HAS_COUNT)
		print_number(before, "count", false, event->count);
}

void kernel_text_print(const struct flt_summary *summary, const struct event *event)
{
	const struct event_kernel *kernel = &event->kernel;
	const unsigned carries = event_kernel_carries(event->kind);
	const char *before = "";

	(void)printf("%s(", event_kind_name(event->kind));
	if (carries & EVENT_KERNEL_HAS_FRAME)
		print_number(&before, "frame", true, kernel->frame);
	if (carries & EVENT_KERNEL_HAS_ADDRESS)
		print_number(&before, "address", true, kernel->address);
	if (carries & EVENT_KERNEL_HAS_CACHE)
		print_word(&before, "cache", cache_of(summary, event));
	if (carries & EVENT_KERNEL_HAS_BYTES)
		print_number(&before, "bytes", false, kernel->bytes);
	if (carries & EVENT_KERNEL_HAS_GRANTED)
		print_number(&before, "granted", false, kernel->granted);
	if (carries & EVENT_KERNEL_HAS_PAGES)
		print_number(&before, "pages", false, kernel->pages);
	if (carries & EVENT_KERNEL_HAS_ORDER)
		print_number(&before, "order", false, kernel->order);
	if (carries & EVENT_KERNEL_HAS_MIGRATE_TYPE)
		print_number(&before, "migrate_type", false, kernel->migrate_type);
	if (carries & EVENT_KERNEL_HAS_GFP)
		print_word(&before, "gfp",
			   kernel->gfp ? name_of(summary, EVENT_NAMES_GFP, kernel->gfp) : "none");
	print_rest(&before, event, carries);
	(void)fputc(')', stdout);
}
