# Kernel recordings on physical memory.
bench_libbench_a_SOURCES += %D%/frame_books.h %D%/frame_books.c %D%/withheld.h %D%/withheld.c %D%/forced_pass.h %D%/forced_pass.c
bench_faultline_SOURCES += %D%/physical_replay.h %D%/physical_replay.c
