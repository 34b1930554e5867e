#include "config.h"

#include "engine/phys/slab_misuse.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

static const char *const names[SLAB_MISUSE_KINDS] = {
    [SLAB_DOUBLE_FREE] = "double free",
    [SLAB_FOREIGN_POINTER] = "free of a foreign pointer",
    [SLAB_INTERIOR_POINTER] = "free of an interior pointer",
    [SLAB_WRONG_CACHE] = "free into the wrong cache",
    [SLAB_WRITE_AFTER_FREE] = "write after free",
    [SLAB_WRITE_BEFORE] = "write before the object",
    [SLAB_WRITE_BEYOND] = "write beyond the object",
    [SLAB_LIVE_AT_DESTROY] = "destroy of a cache with live objects",
};

const char *slab_misuse_name(enum slab_misuse_kind kind)
{
	return kind < SLAB_MISUSE_KINDS ? names[kind] : "no misuse";
}

struct text {
	char *buffer;
	size_t bytes, length;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *text, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	int length = vsnprintf(text->buffer + text->length, text->bytes - text->length, format, arguments);

	va_end(arguments);
	if (length > 0)
		text->length += (size_t)length;
	if (text->length >= text->bytes)
		text->length = text->bytes - 1;
}

static void add_track(struct text *text, const char *verb, const struct slab_track *track)
{
	if (!track->set)
		return;
	add(text, "; %s by %#" PRIx64, verb, track->caller.site);
	if (track->cpu >= 0)
		add(text, " on CPU %" PRId32, track->cpu);
	add(text, " (process %" PRId32 ") at %" PRIu64, track->caller.process, track->caller.when);
}

static void add_bytes(struct text *text, const struct slab_misuse *misuse)
{
	add(text, ": byte %" PRId64 " of object %#" PRIxPTR " is 0x%02x instead of 0x%02x",
	    (int64_t)misuse->offset, misuse->object, misuse->found, misuse->expected);
}

static void add_matter(struct text *text, const struct slab_misuse *misuse)
{
	switch (misuse->kind) {
	case SLAB_DOUBLE_FREE:
		add(text, ": object %#" PRIxPTR " is free already", misuse->object);
		break;
	case SLAB_FOREIGN_POINTER:
		add(text, ": %#" PRIxPTR " lies in no slab", misuse->address);
		break;
	case SLAB_INTERIOR_POINTER:
		add(text, ": no object begins at %#" PRIxPTR, misuse->address);
		if (misuse->object != 0)
			add(text, ", %" PRIu64 " bytes into object %#" PRIxPTR,
			    (uint64_t)(misuse->address - misuse->object), misuse->object);
		break;
	case SLAB_WRONG_CACHE:
		add(text, ": object %#" PRIxPTR " is of cache \"%s\"", misuse->object, misuse->owner);
		break;
	case SLAB_LIVE_AT_DESTROY:
		add(text, ": %" PRIu64 " objects live", misuse->count);
		break;
	case SLAB_WRITE_AFTER_FREE:
	case SLAB_WRITE_BEFORE:
	case SLAB_WRITE_BEYOND:
		add_bytes(text, misuse);
		break;
	case SLAB_MISUSE_KINDS:
		break;
	}
}

const char *slab_misuse_text(const struct slab_misuse *misuse, char *buffer, size_t bytes)
{
	struct text text = {buffer, bytes, 0};

	if (bytes == 0)
		return buffer;
	buffer[0] = '\0';
	add(&text, "%s in cache \"%s\"", slab_misuse_name(misuse->kind), misuse->cache);
	add_matter(&text, misuse);
	add_track(&text, "allocated", &misuse->allocated);
	add_track(&text, "freed", &misuse->freed);
	return buffer;
}
