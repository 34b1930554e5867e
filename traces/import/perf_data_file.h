/* perf_data_file.h: the samples of a perf.data file, and what it says of threads and mappings, collected: how perf_data.c's halves
 * share them. For them alone.
 *
 * Only what an importer of faults and memory calls wants is kept; its raw bytes lie one after the other in `raw`.
 */
#ifndef FAULTLINE_TRACES_IMPORT_PERF_DATA_FILE_H
#define FAULTLINE_TRACES_IMPORT_PERF_DATA_FILE_H

#include "traces/import/importer.h"
#include "traces/import/perf_sample.h"
#include "traces/import/perf_tasks.h"
#include "traces/import/tracepoint.h"

/* In place of an attr: no sample; the raw bytes are a struct perf_task and the bytes of its path. */
#define PERF_KEPT_TASK UINT32_MAX

struct perf_kept {
	uint64_t time, record; /* record: its number in the file */
	uint64_t ip, address;
	uint64_t raw; /* where its raw bytes begin */
	uint32_t raw_bytes;
	uint32_t process_id, thread_id;
	uint32_t attr; /* index */
	uint32_t cpu;  /* UINT32_MAX = not known */
	bool has_address;
};

struct perf_id {
	uint64_t id;
	uint32_t attr;
};

struct perf_data_file {
	struct importer *importer;
	uint64_t position; /* bytes read */
	uint64_t records;
	struct perf_attr *attr;
	struct perf_id *id; /* which attr a sample's number names */
	struct perf_kept *kept;
	uint8_t *raw;
	size_t attrs, attr_capacity, ids, id_capacity, kept_count, kept_capacity, raw_bytes, raw_capacity;
	struct tracepoints tracepoints;
	bool has_formats; /* of tracepoints */
};

/* What a task's raw bytes say. Its path points into them. */
struct perf_task perf_data_task(const struct perf_data_file *file, const struct perf_kept *kept);

/* Reads the whole file. */
enum trace_status perf_data_read(struct perf_data_file *file, struct importer *importer) TRACE_MUST_USE;
void perf_data_free(struct perf_data_file *file);

#endif
