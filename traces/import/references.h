/* references.h: the loads, stores and fetches of an imported stream, on their way to the sink.
 *
 * Foreign streams name absolute addresses of one thread; nothing is known of what lies there (ACCESS_ABSOLUTE).
 */
#ifndef FAULTLINE_TRACES_IMPORT_REFERENCES_H
#define FAULTLINE_TRACES_IMPORT_REFERENCES_H

#include "traces/access.h"
#include "traces/import/importer.h"

#include <stddef.h>
#include <stdint.h>

#define REFERENCES_BATCH 1024u

struct references {
	struct importer *importer;
	struct roster_place place;
	size_t filled;
	struct access batch[REFERENCES_BATCH];
};

/* Begins the stream of the file's one thread. */
enum trace_status references_start(struct references *references, struct importer *importer) TRACE_MUST_USE;

/* One reference of 1 to ACCESS_MAX_BYTES bytes. */
enum trace_status references_put(struct references *references, enum access_kind kind, uint64_t address,
				 uint16_t bytes) TRACE_MUST_USE;

/* Hands over what is left. */
enum trace_status references_end(struct references *references) TRACE_MUST_USE;

#endif
