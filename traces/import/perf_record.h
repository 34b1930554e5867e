/* perf_record.h: the records of a perf.data file that are no samples: threads and programs that begin and end, mappings.
 *
 *   FORK, EXIT | pid ppid | tid ptid | time
 *   COMM       | pid tid | name, filled with zeros to 8 bytes | identity
 *   MMAP       | pid tid | address | length | offset | path, filled up | identity
 *   MMAP2      | pid tid | address | length | offset | device, inode ... (24 bytes) | protection flags | path | identity
 *
 *   identity   | pid tid | time | id | stream | cpu | identifier      each only where its bit of sample_type is set;
 *              | nothing of it where the events were recorded without sample_id_all
 */
#ifndef FAULTLINE_TRACES_IMPORT_PERF_RECORD_H
#define FAULTLINE_TRACES_IMPORT_PERF_RECORD_H

#include "traces/import/perf_sample.h"
#include "traces/import/perf_tasks.h"

enum perf_record_type {
	PERF_RECORD_OF_MMAP = 1,
	PERF_RECORD_OF_LOST = 2,
	PERF_RECORD_OF_COMM = 3,
	PERF_RECORD_OF_EXIT = 4,
	PERF_RECORD_OF_FORK = 7,
	PERF_RECORD_OF_MMAP2 = 10,
};

/* What lies behind the record's header of 8 bytes. */
struct perf_record {
	uint32_t type;
	uint16_t flags; /* the header's `misc` */
	const uint8_t *bytes;
	size_t length;
};

/* False: it is another record, a COMM without an exec, too short, or without a time (perf made it up at its start, for what was there
 * before). `attr` is that of any of the file's events. The path points into the record; time_ns is the machine's. */
bool perf_task_of_record(const struct perf_attr *attr, const struct perf_record *record,
			 struct perf_task *task);

#endif
