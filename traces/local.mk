# libtraces.a: events, the .flt format, importers, generators and the reading half of the recorders.
noinst_LIBRARIES += traces/libtraces.a
traces_libtraces_a_CFLAGS = $(AM_CFLAGS) $(ZSTD_CFLAGS) $(XXHASH_CFLAGS) $(ARCHIVE_CFLAGS)
traces_libs = traces/libtraces.a $(ZSTD_LIBS) $(XXHASH_LIBS) $(ARCHIVE_LIBS)
traces_libtraces_a_SOURCES = %D%/event.h %D%/event.c %D%/error.h %D%/error.c
include traces/import/local.mk
include traces/generate/local.mk
include traces/record/local.mk
