#include "config.h"

#include "traces/access.h"

static const char *const kind_names[ACCESS_KINDS] = {
    [ACCESS_LOAD] = "load",
    [ACCESS_STORE] = "store",
    [ACCESS_FETCH] = "fetch",
    [ACCESS_MODIFY] = "modify",
};

const char *access_kind_name(unsigned kind)
{
	kind &= ~ACCESS_KERNEL;
	return kind < ACCESS_KINDS ? kind_names[kind] : "unknown";
}

static const char *const place_names[ACCESS_PLACES] = {
    [ACCESS_OBJECT] = "object",	      [ACCESS_STACK] = "stack", [ACCESS_REGION] = "region",
    [ACCESS_ALLOCATOR] = "allocator", [ACCESS_WILD] = "wild",	[ACCESS_ABSOLUTE] = "absolute",
};

const char *access_place_name(unsigned place)
{
	return place < ACCESS_PLACES ? place_names[place] : "unknown";
}

void access_addresses(const struct access_batch *batch, size_t first, size_t count, const uint64_t *where,
		      uint64_t *address)
{
	const uint16_t *const context = batch->context + first;
	const uint16_t *const offset = batch->offset + first;

	for (size_t i = 0; i < count; i++)
		address[i] = where[context[i]] + offset[i];
}

void access_of_batch(const struct access_batch *batch, size_t index, struct access *access)
{
	const struct access_context *context = &batch->contexts_table[batch->context[index]];
	const struct access_shape *shape = &batch->shapes_table[batch->shape[index]];

	*access = (struct access){
	    .base = context->base,
	    .offset = context->start + batch->offset[index],
	    .size = shape->size,
	    .kind = shape->kind,
	    .place = (uint8_t)context->place,
	};
}

static const char *check_runs(const struct access_batch *batch)
{
	uint64_t position = 0;
	size_t next = 0, contexts = 0;

	for (size_t r = 0; r < batch->runs; r++) {
		const struct access_run *run = &batch->run[r];

		if (run->first != next || run->count == 0 || run->count > batch->count - next)
			return "I1: the runs cover [0, count) one after the other, none is empty";
		if (run->position < position || run->contexts < contexts)
			return "I2: positions of runs never fall, nor do their contexts";
		position = run->position;
		contexts = run->contexts;
		next += run->count;
		for (size_t i = run->first; i < next; i++) {
			if (batch->context[i] >= run->contexts || run->contexts > batch->contexts)
				return "I3: context[i] < contexts of i's run <= contexts of the batch";
		}
	}
	return next == batch->count ? NULL
				    : "I1: the runs cover [0, count) one after the other, none is empty";
}

const char *access_batch_check(const struct access_batch *batch)
{
	for (size_t i = 0; i < batch->count; i++) {
		if (batch->shape[i] >= batch->shapes)
			return "I4: shape[i] < shapes";
	}
	return check_runs(batch);
}
