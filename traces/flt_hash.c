#include "config.h"

#include "traces/flt_hash.h"

#include "traces/flt_bytes.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum trace_status flt_hash_start(struct flt_hash *hash, struct trace_error *error)
{
	hash->state = XXH3_createState();
	hash->accesses = NULL;
	hash->contexts = NULL;
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

static void feed_call(struct flt_hash *hash, const struct event_call *call)
{
	uint8_t bytes[FLT_HASH_CALL_BYTES];
	uint8_t *out = bytes;

	out = flt_put64(out, call->address);
	out = flt_put64(out, call->length);
	out = flt_put64(out, call->new_length);
	out = flt_put64(out, call->new_address);
	out = flt_put64(out, call->offset);
	out = flt_put64(out, call->result);
	out = flt_put32(out, call->protection);
	out = flt_put32(out, call->flags);
	(void)flt_put32(out, call->file);
	feed(hash, bytes, sizeof(bytes));
}

static void feed_kernel(struct flt_hash *hash, const struct event_kernel *kernel)
{
	uint8_t bytes[FLT_HASH_KERNEL_BYTES];
	uint8_t *out = bytes;

	out = flt_put64(out, kernel->frame);
	out = flt_put64(out, kernel->pages);
	out = flt_put64(out, kernel->address);
	out = flt_put64(out, kernel->bytes);
	out = flt_put64(out, kernel->granted);
	out = flt_put32(out, kernel->gfp);
	out = flt_put32(out, kernel->cache);
	out = flt_put16(out, kernel->node);
	*out++ = kernel->order;
	*out++ = kernel->migrate_type;
	*out++ = kernel->fallback_order;
	*out++ = kernel->fallback_type;
	*out++ = kernel->flags;
	*out = kernel->code;
	feed(hash, bytes, sizeof(bytes));
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
	const bool has_call = event_has_call(event), has_kernel = event_has_kernel(event);

	(void)flt_put32(out, event->kind | (uint32_t)event->flags << 8 | (uint32_t)has_call << 16 |
				 (uint32_t)has_kernel << 24);
	if (++hash->collected == FLT_HASH_BATCH || has_call || has_kernel)
		feed_events(hash);
	if (has_call)
		feed_call(hash, &event->call);
	if (has_kernel)
		feed_kernel(hash, &event->kernel);
}

static uint64_t hash_of_context(const struct access_context *context)
{
	uint8_t bytes[20], *out = bytes;

	out = flt_put64(out, context->base);
	out = flt_put64(out, context->start);
	(void)flt_put32(out, context->place);
	return XXH3_64bits(bytes, sizeof(bytes));
}

static uint64_t hash_of_run(const struct access_run *run)
{
	uint8_t bytes[12], *out = flt_put64(bytes, run->position);

	(void)flt_put32(out, run->thread);
	return XXH3_64bits(bytes, sizeof(bytes));
}

static void feed_run(struct flt_hash *hash, const struct access_batch *batch, const struct access_run *run)
{
	const uint64_t origin = hash_of_run(run);
	const size_t end = (size_t)run->first + run->count;
	uint8_t bytes[FLT_HASH_ACCESSES * FLT_HASH_ACCESS_BYTES];

	if (run->skipped) {
		(void)flt_put64(bytes, run->skipped);
		(void)XXH3_128bits_update(hash->accesses, bytes, 8);
	}
	for (size_t at = run->first; at < end;) {
		const size_t count = end - at < FLT_HASH_ACCESSES ? end - at : FLT_HASH_ACCESSES;
		const uint16_t *context = batch->context + at, *offset = batch->offset + at;
		const uint8_t *shape = batch->shape + at;

		for (size_t i = 0; i < count; i++)
			(void)flt_put64(bytes + i * FLT_HASH_ACCESS_BYTES,
					(hash->contexts[context[i]] ^ origin) + offset[i] +
					    hash->shapes[shape[i]]);
		(void)XXH3_128bits_update(hash->accesses, bytes, count * FLT_HASH_ACCESS_BYTES);
		at += count;
	}
}

static void hash_tables(struct flt_hash *hash, const struct access_batch *batch)
{
	for (size_t i = 0; i < batch->contexts; i++)
		hash->contexts[i] = hash_of_context(&batch->contexts_table[i]);
	for (size_t i = 0; i < batch->shapes; i++)
		hash->shapes[i] =
		    (uint64_t)batch->shapes_table[i].kind << 32 | (uint64_t)batch->shapes_table[i].size << 16;
}

enum trace_status flt_hash_accesses(struct flt_hash *hash, const struct access_batch *batch,
				    struct trace_error *error)
{
	if (!hash->contexts) {
		hash->accesses = XXH3_createState();
		hash->contexts = calloc(ACCESS_BATCH_CONTEXTS, sizeof(*hash->contexts));
		if (!hash->accesses || !hash->contexts || XXH3_128bits_reset(hash->accesses) == XXH_ERROR)
			return trace_fail(error, TRACE_NO_MEMORY,
					  "not enough memory for the hash of a trace's references");
	}
	hash_tables(hash, batch);
	for (size_t r = 0; r < batch->runs; r++)
		feed_run(hash, batch, &batch->run[r]);
	return TRACE_OK;
}

/* A trace without files and regions has the hash that it had before there were any. */
static void feed_places(struct flt_hash *hash, const struct flt_places *places)
{
	if (!places->files && !places->regions)
		return;
	feed64(hash, places->files);
	for (uint32_t i = 0; i < places->files; i++) {
		feed64(hash, places->file[i].device);
		feed64(hash, places->file[i].inode);
		feed64(hash, places->file[i].bytes);
		feed_text(hash, places->file[i].path);
	}
	feed64(hash, places->regions);
	for (uint32_t i = 0; i < places->regions; i++) {
		const struct event_region *region = &places->region[i];
		const uint64_t numbers[] = {
		    region->kind,  region->process, region->thread, region->file,   region->protection,
		    region->flags, region->address, region->length, region->offset, region->event,
		};

		for (unsigned j = 0; j < sizeof(numbers) / sizeof(numbers[0]); j++)
			feed64(hash, numbers[j]);
	}
}

static void feed_names(struct flt_hash *hash, const struct flt_names *names)
{
	for (unsigned table = 0; flt_names_count(names) && table < EVENT_NAMES; table++) {
		feed64(hash, names->names[table]);
		for (uint32_t i = 0; i < names->names[table]; i++)
			feed_text(hash, names->name[table][i]);
	}
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
	feed_names(hash, &tables->names);
	feed_places(hash, &tables->places);
}

void flt_hash_finish(struct flt_hash *hash, const struct flt_tables *tables, char digits[33])
{
	static const char hexadecimal[] = "0123456789abcdef";
	XXH128_canonical_t canonical;

	feed_events(hash);
	feed_tables(hash, tables);
	if (hash->accesses) {
		XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(hash->accesses));
		feed(hash, canonical.digest, sizeof(canonical.digest));
	}
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
	(void)XXH3_freeState(hash->accesses);
	free(hash->contexts);
	hash->state = hash->accesses = NULL;
	hash->contexts = NULL;
}
