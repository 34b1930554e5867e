/* flt_footer.h: the two ends of a .flt file: what stands before the first block and what stands after the last.
 *
 *   0   magic  89 46 4c 54 0d 0a 1a 0a   ("\x89FLT\r\n\x1a\n": broken by any transfer that alters text)
 *   8   u16 version (1), u16 zero, u32 zero
 *   16  section INFO: where the trace came from
 *       sections TABL, LIVE, EVNT ...
 *       section FOOT: the summary, the tables, the index
 *   -24 u64 offset of FOOT, u64 XXH3-64 of these 8 bytes, 8 bytes "FLT-END\n"
 *
 * INFO  field 0: bit 0 events have time, bit 1 events have stacks; field 1, where there is one: the system's number of the recorder's process; columns 1 source, 2 command, 3 host: UTF-8 text
 * FOOT  fields: enum flt_footer_field; columns 1 to 3: flt_tables.h; 16 the index: per section from byte 16 to FOOT three
 *       varints: code (0 other, 1 EVNT, 2 TABL, 3 LIVE, 4 ACCS), bytes, events; 17 events per kind from kind 0; 18 created
 *       objects and requested bytes per class of size (census.h), two varints per class up to the last that is not 0; 19 references: recorded, left out,
 *       per kind (those of the kernel after the others), per place (access.h); 20 pages and caches (kernel_tally.h)
 */
#ifndef FAULTLINE_TRACES_FLT_FOOTER_H
#define FAULTLINE_TRACES_FLT_FOOTER_H

#include "traces/census.h"
#include "traces/flt.h"
#include "traces/flt_access.h"
#include "traces/flt_column.h"
#include "traces/flt_section.h"
#include "traces/flt_tables.h"

#include <stddef.h>
#include <stdint.h>

#define FLT_VERSION 1
#define FLT_HEADER_BYTES 16
#define FLT_TRAILER_BYTES 24

#define FLT_TAG_DESCRIPTION "INFO"
#define FLT_TAG_FOOTER "FOOT"
#define FLT_TAG_LIVE "LIVE"

enum flt_footer_field {
	FLT_FOOTER_EVENTS,
	FLT_FOOTER_OBJECTS,
	FLT_FOOTER_LIVE_PEAK_BYTES,
	FLT_FOOTER_LIVE_PEAK_OBJECTS,
	FLT_FOOTER_LIVE_END_BYTES,
	FLT_FOOTER_LIVE_END_OBJECTS,
	FLT_FOOTER_CROSS_THREAD_FREES,
	FLT_FOOTER_CROSS_THREAD_REALLOCS,
	FLT_FOOTER_NULL_FREES,
	FLT_FOOTER_DURATION_NS,
	FLT_FOOTER_FAILED,
	FLT_FOOTER_FOREIGN,
	FLT_FOOTER_REQUESTED_BYTES,
	FLT_FOOTER_LEFT_AT_EXIT_BYTES,
	FLT_FOOTER_LEFT_AT_EXIT_OBJECTS,
	FLT_FOOTER_HASH_HIGH, /* the hash's first 8 bytes as a big-endian number */
	FLT_FOOTER_HASH_LOW,
	FLT_FOOTER_FIELDS
};

enum flt_footer_column {
	FLT_FOOTER_INDEX = 16,
	FLT_FOOTER_KINDS = 17,
	FLT_FOOTER_SIZES = 18,
	FLT_FOOTER_ACCESSES = 19,
	FLT_FOOTER_KERNEL = 20, /* kernel_tally.h */
};

enum flt_index_code {
	FLT_INDEX_OTHER = 0,
	FLT_INDEX_BLOCK = 1,
	FLT_INDEX_TABLES = 2,
	FLT_INDEX_LIVE = 3,
	FLT_INDEX_ACCESS = 4,
};

/* One section of the file, as the index knows it. */
struct flt_index_entry {
	uint64_t offset;
	uint64_t first;	 /* position of the first event of a block; of other sections: events before it */
	uint32_t events; /* of a block; else 0 */
	uint32_t code;	 /* enum flt_index_code */
};

struct flt_index {
	struct flt_index_entry *entry;
	size_t entries, capacity;
	uint64_t end; /* offset behind the last section */
};

/* Appends the section that begins at index->end and is `bytes` long. */
enum trace_status flt_index_add(struct flt_index *index, enum flt_index_code code, uint64_t bytes,
				uint32_t events, struct trace_error *error) TRACE_MUST_USE;
enum flt_index_code flt_index_code_of(const char tag[4]);

/* Writes header and INFO. */
enum trace_status flt_header_write(const struct flt_description *description,
				   struct flt_section_writer *writer, struct flt_output *output,
				   struct trace_error *error) TRACE_MUST_USE;

/* Checks the header: TRACE_BAD_INPUT when this is no trace, TRACE_UNSUPPORTED when it is of another version. */
enum trace_status flt_header_read(const struct flt_input *input, struct trace_error *error) TRACE_MUST_USE;

/* Takes a description out of an INFO section; the strings are the caller's to free. */
enum trace_status flt_description_read(struct flt_description *description, struct flt_column_reader *reader,
				       const struct flt_section *section,
				       struct trace_error *error) TRACE_MUST_USE;
void flt_description_free(struct flt_description *description);

/* What a footer is made of. */
struct flt_footer {
	const struct census *census;
	const struct flt_tables *tables;
	const struct flt_index *index;
	const struct flt_access_tally *accesses;
	const char *hash; /* 32 digits */
};

/* Fills what the summary says of references. */
void flt_summary_of_accesses(struct flt_summary *summary, const struct flt_access_tally *tally);

/* Writes FOOT and the trailer. */
enum trace_status flt_footer_write(const struct flt_footer *footer, struct flt_section_writer *writer,
				   struct flt_output *output, struct trace_error *error) TRACE_MUST_USE;

/* Finds FOOT by the trailer: TRACE_END when there is no valid one. */
enum trace_status flt_footer_find(struct flt_section *section, const struct flt_input *input,
				  struct trace_error *error) TRACE_MUST_USE;

/* Takes the numbers of a FOOT section (not its tables) into a summary, and its index. */
enum trace_status flt_footer_read(struct flt_summary *summary, struct flt_index *index,
				  struct flt_column_reader *reader, const struct flt_section *section,
				  struct trace_error *error) TRACE_MUST_USE;

/* The summary's numbers from a census; its tally of the kernel's events is shared, not copied. */
void flt_summary_of_census(struct flt_summary *summary, const struct census *census);

#endif
