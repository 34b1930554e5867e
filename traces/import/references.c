#include "config.h"

#include "traces/import/references.h"

enum trace_status references_start(struct references *references, struct importer *importer)
{
	references->importer = importer;
	references->filled = 0;
	return importer_place(importer, 0, 0, &references->place);
}

enum trace_status references_end(struct references *references)
{
	struct importer *importer = references->importer;
	struct event_sink *sink = importer->ledger.sink;
	size_t count = references->filled;

	references->filled = 0;
	importer->ledger.events += count;
	if (count == 0 || !sink->accesses)
		return TRACE_OK;
	return sink->accesses(sink, references->place.thread, references->batch, count, importer->error);
}

enum trace_status references_put(struct references *references, enum access_kind kind, uint64_t address,
				 uint16_t bytes)
{
	references->batch[references->filled++] = (struct access){
	    .offset = address, .size = bytes, .kind = (uint8_t)kind, .place = ACCESS_ABSOLUTE};
	return references->filled == REFERENCES_BATCH ? references_end(references) : TRACE_OK;
}
