#include "config.h"

#include "traces/import/perf_sample.h"

/* The bits that perf_sample.h does not name. */
enum sample_bit {
	HAS_IP = 1 << 0,
	HAS_ADDRESS = 1 << 3,
	HAS_READ = 1 << 4,
	HAS_CALLCHAIN = 1 << 5,
	HAS_PERIOD = 1 << 8,
	HAS_RAW = 1 << 10,
};

/* Of the attr's flags. */
#define SAMPLE_ID_ALL (UINT64_C(1) << 18)

/* Of read_format. */
#define READ_ID 4u
#define READ_GROUP 8u
#define READ_LOST 16u

struct bytes {
	const uint8_t *at;
	size_t left;
	bool whole; /* nothing was missing so far */
};

static uint64_t take(struct bytes *bytes, unsigned count)
{
	uint64_t word;

	if (bytes->left < count) {
		bytes->whole = false;
		bytes->left = 0;
		return 0;
	}
	word = perf_word(bytes->at, count);
	bytes->at += count;
	bytes->left -= count;
	return word;
}

static void skip(struct bytes *bytes, uint64_t words)
{
	if (words > bytes->left / 8) {
		bytes->whole = false;
		bytes->left = 0;
		return;
	}
	bytes->at += words * 8;
	bytes->left -= (size_t)words * 8;
}

bool perf_attr_parse(const uint8_t *bytes, size_t length, struct perf_attr *attr)
{
	if (length < PERF_ATTR_BYTES_MIN)
		return false;
	*attr = (struct perf_attr){.type = (uint32_t)perf_word(bytes, 4),
				   .config = perf_word(bytes + 8, 8),
				   .sample_type = perf_word(bytes + 24, 8),
				   .read_format = perf_word(bytes + 32, 8),
				   .has_identity = (perf_word(bytes + 40, 8) & SAMPLE_ID_ALL) != 0};
	return true;
}

static void skip_read(struct bytes *bytes, uint64_t format)
{
	const unsigned times = (format & 1 ? 1u : 0u) + (format & 2 ? 1u : 0u);
	const unsigned extra = (format & READ_ID ? 1u : 0u) + (format & READ_LOST ? 1u : 0u);

	if (!(format & READ_GROUP)) {
		skip(bytes, 1u + times + extra);
		return;
	}
	uint64_t members = take(bytes, 8);

	skip(bytes, times);
	if (members > bytes->left / 8)
		bytes->whole = false;
	else
		skip(bytes, members * (1 + extra));
}

static void take_ids(struct bytes *bytes, struct perf_sample *sample)
{
	sample->has_ids = true;
	sample->process_id = (uint32_t)take(bytes, 4);
	sample->thread_id = (uint32_t)take(bytes, 4);
}

static void take_raw(struct bytes *bytes, struct perf_sample *sample)
{
	sample->raw_bytes = (uint32_t)take(bytes, 4);
	sample->raw = bytes->at;
	if (sample->raw_bytes > bytes->left)
		bytes->whole = false;
}

bool perf_sample_parse(const struct perf_attr *attr, const uint8_t *bytes, size_t length,
		       struct perf_sample *sample)
{
	const uint64_t type = attr->sample_type;
	struct bytes rest = {bytes, length, true};

	*sample = (struct perf_sample){.id = 0};
	if (type & PERF_SAMPLE_HAS_IDENTIFIER)
		sample->id = take(&rest, 8);
	if (type & HAS_IP)
		sample->ip = take(&rest, 8);
	if (type & PERF_SAMPLE_HAS_TID)
		take_ids(&rest, sample);
	if (type & PERF_SAMPLE_HAS_TIME)
		sample->time = take(&rest, 8);
	sample->has_time = (type & PERF_SAMPLE_HAS_TIME) != 0;
	if (type & HAS_ADDRESS)
		sample->address = take(&rest, 8);
	sample->has_address = (type & HAS_ADDRESS) != 0;
	skip(&rest, (type & PERF_SAMPLE_HAS_ID ? 1u : 0u) + (type & PERF_SAMPLE_HAS_STREAM ? 1u : 0u));
	sample->has_cpu = (type & PERF_SAMPLE_HAS_CPU) != 0;
	if (sample->has_cpu)
		sample->cpu = (uint32_t)take(&rest, 8);
	skip(&rest, type & HAS_PERIOD ? 1u : 0u);
	if (type & HAS_READ)
		skip_read(&rest, attr->read_format);
	if (type & HAS_CALLCHAIN)
		skip(&rest, take(&rest, 8));
	if (type & HAS_RAW)
		take_raw(&rest, sample);
	return rest.whole;
}

bool perf_sample_id(const struct perf_attr *any, const uint8_t *bytes, size_t length, uint64_t *id)
{
	const uint64_t type = any->sample_type;
	struct bytes rest = {bytes, length, true};

	if (!(type & PERF_SAMPLE_HAS_IDENTIFIER)) {
		if (!(type & PERF_SAMPLE_HAS_ID))
			return false;
		skip(&rest, (type & HAS_IP ? 1u : 0u) + (type & PERF_SAMPLE_HAS_TID ? 1u : 0u) +
				(type & PERF_SAMPLE_HAS_TIME ? 1u : 0u) + (type & HAS_ADDRESS ? 1u : 0u));
	}
	*id = take(&rest, 8);
	return rest.whole;
}
