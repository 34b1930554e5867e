# libtraces.a: events, the .flt format, importers, generators and the reading half of the recorders.
noinst_LIBRARIES += traces/libtraces.a
traces_libtraces_a_CFLAGS = $(AM_CFLAGS) $(ZSTD_CFLAGS) $(XXHASH_CFLAGS) $(ARCHIVE_CFLAGS) $(TRACEEVENT_CFLAGS)
traces_libs = traces/libtraces.a $(ZSTD_LIBS) $(XXHASH_LIBS) $(ARCHIVE_LIBS) $(TRACEEVENT_LIBS) $(PTHREAD_LIBS)
traces_libtraces_a_SOURCES = %D%/access.h %D%/access.c %D%/event.h %D%/event.c %D%/error.h %D%/error.c %D%/live.h %D%/live.c %D%/memory_call.h %D%/memory_call.c \
	%D%/census.h %D%/census.c %D%/grown_array.h %D%/grown_array.c %D%/flt.h %D%/flt_register.h %D%/flt_register.c %D%/flt_writer.c %D%/flt_reader.c %D%/flt_salvage.h %D%/flt_salvage.c \
	%D%/flt_bytes.h %D%/flt_checksum.h %D%/flt_checksum.c %D%/flt_varint.h %D%/flt_varint.c %D%/flt_input.h %D%/flt_input.c %D%/flt_output.h %D%/flt_output.c \
	%D%/flt_section.h %D%/flt_section.c %D%/flt_column.h %D%/flt_column.c %D%/flt_columns.h %D%/flt_call.h %D%/flt_call.c %D%/flt_kernel.h %D%/flt_kernel.c %D%/flt_names.h %D%/flt_names.c %D%/kernel_tally.h %D%/kernel_tally.c %D%/frame_kinds.h %D%/frame_kinds.c %D%/flt_block.h %D%/flt_block.c \
	%D%/flt_block_encode.c %D%/flt_block_decode.c %D%/flt_entry.h %D%/flt_entry.c %D%/flt_places.h %D%/flt_places.c %D%/flt_tables.h %D%/flt_tables.c %D%/flt_tables_read.c \
	%D%/flt_hash.h %D%/flt_hash.c %D%/flt_footer.h %D%/flt_footer.c %D%/flt_header.c %D%/flt_access.h %D%/flt_access.c %D%/flt_access_writer.h %D%/flt_access_writer.c %D%/flt_access_encode.c %D%/flt_access_decode.c \
	%D%/flt_stretch.h %D%/flt_stretch.c %D%/flt_stretch_wide.h \
	%D%/flt_verify.h %D%/flt_verify.c \
	%D%/live_sets.h %D%/live_sets.c %D%/flt_checkpoint.h %D%/flt_checkpoint.c %D%/slice.h %D%/slice.c
if AVX2
traces_libtraces_a_SOURCES += %D%/flt_stretch_avx2.c
else
traces_libtraces_a_SOURCES += %D%/flt_stretch_narrow.c
endif
include traces/import/local.mk
include traces/export/local.mk
include traces/generate/local.mk
include traces/record/local.mk
include traces/samples/local.mk
EXTRA_DIST += docs/trace-format.md
