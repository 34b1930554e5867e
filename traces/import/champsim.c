#include "config.h"

#include "traces/import/champsim.h"

#include "traces/import/references.h"

#include <string.h>

#define RECORD_BYTES 64u
#define BRANCH_AT 8u
#define TAKEN_AT 9u
#define DESTINATIONS_AT 16u
#define DESTINATIONS 2u
#define SOURCES_AT 32u
#define SOURCES 4u

/* At least so many whole records that make sense: fewer could be anything. */
#define DETECT_RECORDS 4u

static uint64_t word_at(const uint8_t *bytes)
{
	uint64_t word = 0;

	for (unsigned i = 8; i-- > 0;)
		word = word << 8 | bytes[i];
	return word;
}

/* Of x86-64 or arm64: the upper bits are all equal. */
static bool is_address(uint64_t word)
{
	return word >> 56 == 0 || word >> 56 == 0xff;
}

static bool is_record(const uint8_t *record)
{
	if (record[BRANCH_AT] > 1 || record[TAKEN_AT] > 1 || !is_address(word_at(record)))
		return false;
	for (size_t at = DESTINATIONS_AT; at < RECORD_BYTES; at += 8) {
		if (!is_address(word_at(record + at)))
			return false;
	}
	return true;
}

static size_t champsim_detect(const char *bytes, size_t length)
{
	size_t records = length / RECORD_BYTES;

	if (records < DETECT_RECORDS || !memchr(bytes, '\0', length))
		return 0;
	for (size_t i = 0; i < records; i++) {
		const uint8_t *record = (const uint8_t *)bytes + i * RECORD_BYTES;
		if (!is_record(record) || word_at(record) == 0)
			return 0;
	}
	return records;
}

static bool has_destination(const uint8_t *record, uint64_t address)
{
	for (size_t i = 0; i < DESTINATIONS; i++) {
		if (word_at(record + DESTINATIONS_AT + 8 * i) == address)
			return true;
	}
	return false;
}

static bool has_source(const uint8_t *record, uint64_t address)
{
	for (size_t i = 0; i < SOURCES; i++) {
		if (word_at(record + SOURCES_AT + 8 * i) == address)
			return true;
	}
	return false;
}

static enum trace_status put_record(struct references *references, const uint8_t *record)
{
	enum trace_status status = references_put(references, ACCESS_FETCH, word_at(record), 1);

	for (size_t i = 0; status == TRACE_OK && i < SOURCES; i++) {
		uint64_t address = word_at(record + SOURCES_AT + 8 * i);
		if (address != 0)
			status = references_put(
			    references, has_destination(record, address) ? ACCESS_MODIFY : ACCESS_LOAD,
			    address, 1);
	}
	for (size_t i = 0; status == TRACE_OK && i < DESTINATIONS; i++) {
		uint64_t address = word_at(record + DESTINATIONS_AT + 8 * i);
		if (address != 0 && !has_source(record, address))
			status = references_put(references, ACCESS_STORE, address, 1);
	}
	return status;
}

static enum trace_status put_or_skip(struct references *references, const uint8_t *record)
{
	struct importer *importer = references->importer;

	if (is_record(record))
		return put_record(references, record);
	return warnings_add(
	    &importer->warnings, "record not understood", importer->error,
	    "is no record of an instruction: bytes 8 and 9 are 0 or 1, and addresses have equal "
	    "upper bits; it was skipped");
}

static enum trace_status champsim_run(struct importer *importer)
{
	struct references references;
	uint8_t record[RECORD_BYTES];
	size_t got;
	enum trace_status status = references_start(&references, importer);

	while (status == TRACE_OK) {
		status = importer_read(importer, record, sizeof(record), &got);
		if (status == TRACE_OK && got == sizeof(record))
			status = put_or_skip(&references, record);
		else if (status == TRACE_OK)
			status = warnings_add(&importer->warnings, "record cut", importer->error,
					      "the file ends within a record of %u bytes", RECORD_BYTES);
	}
	return status == TRACE_END ? references_end(&references) : status;
}

const struct import_format champsim_format = {
    .name = "champsim",
    .summary = "ChampSim's traces of instructions",
    .sample = "64 bytes: instruction, branch, taken, registers, 2 destinations, 4 sources",
    .detect = champsim_detect,
    .has_time = importer_without_time,
    .run = champsim_run,
};
