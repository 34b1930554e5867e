# Generators: one file per workload, workloads.c lists them.
traces_libtraces_a_SOURCES += \
	%D%/binary_tree.c %D%/binary_tree.h \
	%D%/death_queue.c %D%/death_queue.h \
	%D%/emitter.c %D%/emitter.h \
	%D%/fixed.c %D%/fixed.h \
	%D%/fleetbench.c %D%/fleetbench.h \
	%D%/fragmenter_a.c %D%/fragmenter_a.h \
	%D%/fragmenter_b.c %D%/fragmenter_b.h \
	%D%/frame_pool.c %D%/frame_pool.h \
	%D%/larson.c %D%/larson.h \
	%D%/page_fragmenter_a.c %D%/page_fragmenter_a.h \
	%D%/page_fragmenter_b.c %D%/page_fragmenter_b.h \
	%D%/page_load.c %D%/page_load.h \
	%D%/phases.c %D%/phases.h \
	%D%/profile.c %D%/profile.h \
	%D%/queue.c %D%/queue.h \
	%D%/realloc_growth.c %D%/realloc_growth.h \
	%D%/uniform.c %D%/uniform.h \
	%D%/workload.c %D%/workload.h \
	%D%/workloads.c %D%/workloads.h \
	%D%/xoshiro.c %D%/xoshiro.h
