# Where live allocators put the blocks of a trace.
bench_libbench_a_SOURCES += %D%/range_set.h %D%/range_set.c %D%/mapped.h %D%/mapped.c %D%/placement.h \
	%D%/placement_code.h %D%/placement_code.c %D%/placement_writer.c %D%/placement_reader.c \
	%D%/cursor.h %D%/cursor.c %D%/recorder.h %D%/recorder.c %D%/placement_pass.h %D%/placement_pass.c \
	%D%/placement_placer.h %D%/placement_placer.c
