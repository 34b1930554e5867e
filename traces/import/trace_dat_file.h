/* trace_dat_file.h: the records of a trace.dat file, collected: how trace_dat.c's halves share them. For them alone.
 *
 *   version 6   magic, machine | header page, header event | ftrace formats | formats | kallsyms | printk | cmdlines | processors
 *               | options | "flyrecord" | per processor: where its pages are | pages
 *   version 7   magic, machine, compression | where options are | sections: id, flags, name, bytes | options: where sections and pages are
 *
 * A page of the kernel's ring buffer is a time, a length, and records: 5 bits of type or length, 27 bits of time since the one before.
 */
#ifndef FAULTLINE_TRACES_IMPORT_TRACE_DAT_FILE_H
#define FAULTLINE_TRACES_IMPORT_TRACE_DAT_FILE_H

#include "traces/import/importer.h"
#include "traces/import/tracepoint.h"

struct trace_dat_record {
	uint64_t time, number; /* number: in the order of the file */
	const uint8_t *raw;
	uint32_t raw_bytes;
	uint32_t cpu;
};

struct trace_dat_file {
	struct importer *importer;
	uint8_t *bytes; /* the whole file */
	size_t length, capacity;
	uint8_t **unpacked; /* what was compressed */
	size_t unpacked_count, unpacked_capacity;
	uint64_t unpacked_bytes;
	uint32_t page_bytes;
	bool is_packed; /* by zstd */
	struct tracepoints tracepoints;
	struct trace_dat_record *record; /* of tracepoints that are known */
	size_t records, record_capacity;
	uint64_t lost; /* pages before which events are missing */
};

/* Reads the whole file. */
enum trace_status trace_dat_read(struct trace_dat_file *file, struct importer *importer) TRACE_MUST_USE;
void trace_dat_free(struct trace_dat_file *file);

#endif
