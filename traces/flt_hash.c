#include "config.h"

#include "traces/flt_hash.h"

#include "traces/flt_bytes.h"

#include <string.h>
#include <xxhash.h>

enum trace_status flt_hash_start(struct flt_hash *hash, struct trace_error *error)
{
	hash->state = XXH3_createState();
	hash->collected = 0;
	if (!hash->state || XXH3_128bits_reset(hash->state) == XXH_ERROR) {
		flt_hash_end(hash);
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for the hash of a trace");
	}
	return TRACE_OK;
}

/* XXH3 refuses only a NULL input. */
static void feed(struct flt_hash *hash, const void *bytes, size_t count)
{
	if (count)
		(void)XXH3_128bits_update(hash->state, bytes, count);
}

static void feed64(struct flt_hash *hash, uint64_t value)
{
	uint8_t bytes[8];

	(void)flt_put64(bytes, value);
	feed(hash, bytes, sizeof(bytes));
}

static void feed_text(struct flt_hash *hash, const char *text)
{
	feed64(hash, strlen(text));
	feed(hash, text, strlen(text));
}

static void feed_events(struct flt_hash *hash)
{
	feed(hash, hash->events, hash->collected * FLT_HASH_EVENT_BYTES);
	hash->collected = 0;
}

void flt_hash_event(struct flt_hash *hash, const struct event *event)
{
	uint8_t *out = hash->events + hash->collected * FLT_HASH_EVENT_BYTES;

	out = flt_put64(out, event->time_ns);
	out = flt_put64(out, event->object);
	out = flt_put64(out, event->old_object);
	out = flt_put64(out, event->size);
	out = flt_put64(out, event->count);
	out = flt_put64(out, event->alignment);
	out = flt_put32(out, event->stack);
	out = flt_put32(out, event->thread);
	out = flt_put32(out, event->process);
	(void)flt_put32(out, event->kind | (uint32_t)event->flags << 8);
	if (++hash->collected == FLT_HASH_BATCH)
		feed_events(hash);
}

static void feed_tables(struct flt_hash *hash, const struct flt_tables *tables)
{
	feed64(hash, tables->threads);
	for (uint32_t i = 0; i < tables->threads; i++) {
		feed64(hash, tables->thread[i].process);
		feed64(hash, tables->thread[i].os_id);
		feed_text(hash, tables->thread[i].name);
	}
	feed64(hash, tables->processes);
	for (uint32_t i = 0; i < tables->processes; i++) {
		feed64(hash, tables->process[i].parent);
		feed64(hash, tables->process[i].os_id);
		feed_text(hash, tables->process[i].command);
	}
	feed64(hash, tables->stacks);
	for (uint32_t i = 0; i < tables->stacks; i++) {
		const size_t start = i ? tables->stack_end[i - 1] : 0;

		feed64(hash, tables->stack_end[i] - start);
		for (size_t j = start; j < tables->stack_end[i]; j++)
			feed64(hash, tables->address[j]);
	}
}

void flt_hash_finish(struct flt_hash *hash, const struct flt_tables *tables, char digits[33])
{
	static const char hexadecimal[] = "0123456789abcdef";
	XXH128_canonical_t canonical;

	feed_events(hash);
	feed_tables(hash, tables);
	XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(hash->state));
	for (size_t i = 0; i < 16; i++) {
		digits[2 * i] = hexadecimal[canonical.digest[i] >> 4];
		digits[2 * i + 1] = hexadecimal[canonical.digest[i] & 15];
	}
	digits[32] = 0;
	flt_hash_end(hash);
}

void flt_hash_end(struct flt_hash *hash)
{
	(void)XXH3_freeState(hash->state);
	hash->state = NULL;
}
