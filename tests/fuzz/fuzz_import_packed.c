#include "config.h"

#include "tests/fuzz/fuzz.h"

#include <archive.h>
#include <archive_entry.h>
#include <string.h>

struct packing {
	int format;
	int filter;
};

static const char text[] = "202: malloc 0xb4827400 1024\n202: free 0xb4827400\n9800: thread_done 0x0\n";

/* The same small trace in every wrapping that input.h undoes. */
size_t fuzz_seed(unsigned index, uint8_t *bytes)
{
	static const struct packing packings[] = {
	    {ARCHIVE_FORMAT_RAW, ARCHIVE_FILTER_GZIP}, {ARCHIVE_FORMAT_RAW, ARCHIVE_FILTER_BZIP2},
	    {ARCHIVE_FORMAT_RAW, ARCHIVE_FILTER_XZ},   {ARCHIVE_FORMAT_RAW, ARCHIVE_FILTER_ZSTD},
	    {ARCHIVE_FORMAT_ZIP, ARCHIVE_FILTER_NONE}, {ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_NONE},
	};
	struct archive *archive;
	struct archive_entry *entry;
	size_t used = 0;

	if (index >= sizeof(packings) / sizeof(packings[0]))
		return 0;
	archive = archive_write_new();
	entry = archive_entry_new();
	archive_write_set_format(archive, packings[index].format);
	archive_write_add_filter(archive, packings[index].filter);
	archive_write_open_memory(archive, bytes, FUZZ_SEED_BYTES, &used);
	archive_entry_set_pathname(entry, "trace.txt");
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0644);
	archive_entry_set_size(entry, (la_int64_t)(sizeof(text) - 1));
	archive_write_header(archive, entry);
	archive_write_data(archive, text, sizeof(text) - 1);
	archive_write_close(archive);
	archive_entry_free(entry);
	archive_write_free(archive);
	return used;
}
