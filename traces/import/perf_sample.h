/* perf_sample.h: one sample of a perf.data file: which fields it has and where, by the description (perf_event_attr) of its event.
 *
 *   attr   | type u32 | size u32 | config u64 | period u64 | sample_type u64 | read_format u64 | flags u64 ...
 *   sample | identifier | ip | pid tid | time | addr | id | stream | cpu | period | read | callchain | raw | ...
 *            each only where its bit of sample_type is set; little-endian
 */
#ifndef FAULTLINE_TRACES_IMPORT_PERF_SAMPLE_H
#define FAULTLINE_TRACES_IMPORT_PERF_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PERF_ATTR_BYTES_MIN 48u

/* Of perf_attr.type, and of config where the type is software. */
#define PERF_TYPE_SOFTWARE_EVENT 1u
#define PERF_TYPE_TRACEPOINT_EVENT 2u
#define PERF_SOFTWARE_FAULTS 2u
#define PERF_SOFTWARE_FAULTS_MINOR 5u
#define PERF_SOFTWARE_FAULTS_MAJOR 6u

/* Bits of sample_type: fields of samples, and of what identifies other records (perf_record.h). */
#define PERF_SAMPLE_HAS_TID (UINT64_C(1) << 1)
#define PERF_SAMPLE_HAS_TIME (UINT64_C(1) << 2)
#define PERF_SAMPLE_HAS_ID (UINT64_C(1) << 6)
#define PERF_SAMPLE_HAS_CPU (UINT64_C(1) << 7)
#define PERF_SAMPLE_HAS_STREAM (UINT64_C(1) << 9)
#define PERF_SAMPLE_HAS_IDENTIFIER (UINT64_C(1) << 16)
#define PERF_IDENTITY_AFTER_TIME                                                                             \
	(PERF_SAMPLE_HAS_ID | PERF_SAMPLE_HAS_CPU | PERF_SAMPLE_HAS_STREAM | PERF_SAMPLE_HAS_IDENTIFIER)

struct perf_attr {
	uint32_t type;
	uint64_t config;
	uint64_t sample_type;
	uint64_t read_format;
	bool has_identity; /* sample_id_all: other records say when and whose, too */
};

struct perf_sample {
	uint64_t ip, time, address, id; /* 0 where the sample has none */
	uint32_t process_id, thread_id;
	uint32_t cpu;
	bool has_ids, has_time, has_address, has_cpu;
	const uint8_t *raw; /* in the sample's bytes */
	uint32_t raw_bytes;
};

/* Of a software event: it is one of those that count page faults. */
static inline bool perf_attr_is_of_faults(const struct perf_attr *attr)
{
	return attr->config == PERF_SOFTWARE_FAULTS || attr->config == PERF_SOFTWARE_FAULTS_MINOR ||
	       attr->config == PERF_SOFTWARE_FAULTS_MAJOR;
}

/* False: fewer than PERF_ATTR_BYTES_MIN bytes. */
bool perf_attr_parse(const uint8_t *bytes, size_t length, struct perf_attr *attr);

/* The sample behind the record's header of 8 bytes. False: it is shorter than its fields. */
bool perf_sample_parse(const struct perf_attr *attr, const uint8_t *bytes, size_t length,
		       struct perf_sample *sample);

/* The number by which a sample names its event, which lies at one place in all samples of a file. False: they name none. */
bool perf_sample_id(const struct perf_attr *any, const uint8_t *bytes, size_t length, uint64_t *id);

static inline uint64_t perf_word(const uint8_t *bytes, unsigned count)
{
	uint64_t word = 0;

	while (count-- > 0)
		word = word << 8 | bytes[count];
	return word;
}

#endif
