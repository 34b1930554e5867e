# Kernel recordings on physical memory.
bench_libbench_a_SOURCES += %D%/frame_books.h %D%/frame_books.c %D%/withheld.h %D%/withheld.c %D%/forced_pass.h %D%/forced_pass.c
bench_libbench_a_SOURCES += %D%/hilbert.h %D%/hilbert.c %D%/frame_map.h %D%/frame_map.c %D%/memory_series.h %D%/memory_series.c \
	%D%/recorded_series.h %D%/recorded_series.c
bench_faultline_SOURCES += %D%/physical_replay.h %D%/physical_replay.c
