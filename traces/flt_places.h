/* flt_places.h: the files, regions and snapshots of a trace (event.h); in memory and as columns of TABL and FOOT.
 *
 *   column 5 files       per entry: path, device, inode, bytes
 *   column 6 regions     per entry: kind, process, thread, file, protection, flags, address, length, offset, 0 or 1 + event
 *   column 7 snapshots   per entry: name, length, that many bytes
 * All numbers are varints. Entries are numbered from 1 over the whole file, in order; field 1 of TABL says how many files,
 * field 2 how many regions, field 3 how many snapshots came before. Snapshots are only in TABL sections.
 */
#ifndef FAULTLINE_TRACES_FLT_PLACES_H
#define FAULTLINE_TRACES_FLT_PLACES_H

#include "traces/event.h"
#include "traces/flt_entry.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum flt_places_column {
	FLT_PLACES_FILES = 5,
	FLT_PLACES_REGIONS = 6,
	FLT_PLACES_SNAPSHOTS = 7,
};

enum flt_places_field {
	FLT_PLACES_FILES_BEFORE = 1,
	FLT_PLACES_REGIONS_BEFORE = 2,
	FLT_PLACES_SNAPSHOTS_BEFORE = 3,
};

#define FLT_PLACES_COLUMNS 3

struct flt_file_entry;

struct flt_places {
	struct event_file *file;
	struct event_region *region;
	struct event_snapshot *snapshot; /* the reader's; a writer only counts them */
	uint32_t files;
	size_t file_capacity;
	uint32_t regions;
	size_t region_capacity;
	uint32_t snapshots;
	size_t snapshot_capacity;
	struct flt_file_entry *file_index;	      /* the writer's: content to number */
	struct flt_bytes pending[FLT_PLACES_COLUMNS]; /* the writer's: new entries */
	uint32_t files_written, regions_written, snapshots_written;
};

void flt_places_free(struct flt_places *places);

/* Adds an entry (a file only when there is no equal one) and gives its number. The caller has checked the processes and
 * threads that it names. TRACE_UNSUPPORTED when there are too many. */
enum trace_status flt_places_file(struct flt_places *places, const struct event_file *file, uint32_t *number,
				  struct trace_error *error) TRACE_MUST_USE;
enum trace_status flt_places_region(struct flt_places *places, const struct event_region *region,
				    uint32_t *number, struct trace_error *error) TRACE_MUST_USE;
enum trace_status flt_places_snapshot(struct flt_places *places, const struct event_snapshot *snapshot,
				      uint32_t *number, struct trace_error *error) TRACE_MUST_USE;

bool flt_places_have_pending(const struct flt_places *places);
size_t flt_places_pending_bytes(const struct flt_places *places);

/* What flt_places_write would add, in bytes, before compression. */
uint64_t flt_places_footer_bytes(const struct flt_places *places);

/* Adds fields 1 to 3 (unless nothing has ever been added and no field follows) and what is pending to the TABL section in
 * `writer`. */
enum trace_status flt_places_write_pending(struct flt_places *places, bool fields_follow,
					   struct flt_section_writer *writer,
					   struct trace_error *error) TRACE_MUST_USE;

/* Adds columns 5 and 6 with all files and regions to the section in `writer`. */
enum trace_status flt_places_write(const struct flt_places *places, struct flt_section_writer *writer,
				   struct trace_error *error) TRACE_MUST_USE;

/* What a reader knows of processes and threads, to check regions by. */
struct flt_places_bounds {
	uint32_t processes, threads;
};

/* Takes the files and regions of a section over. */
enum trace_status flt_places_read(struct flt_places *places, struct flt_column_reader *reader,
				  const struct flt_section *section, const struct flt_places_bounds *bounds,
				  struct trace_error *error) TRACE_MUST_USE;

/* Takes the snapshots of a TABL section over. */
enum trace_status flt_places_read_snapshots(struct flt_places *places, struct flt_column_reader *reader,
					    const struct flt_section *section,
					    struct trace_error *error) TRACE_MUST_USE;

#endif
