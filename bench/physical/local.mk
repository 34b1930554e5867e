# Kernel recordings on physical memory.
bench_libbench_a_SOURCES += %D%/kernel_recording.h %D%/kernel_recording.c %D%/recorded_text.h %D%/recorded_text.c %D%/recorded_layout.h %D%/recorded_layout.c \
	%D%/memory_outcome.h %D%/memory_outcome.c %D%/physical_verdict.h %D%/physical_verdict.c
bench_libbench_a_SOURCES += %D%/frame_books.h %D%/frame_books.c %D%/withheld.h %D%/withheld.c %D%/frame_sets.h %D%/frame_sets.c %D%/forced_pass.h %D%/forced_pass.c
bench_libbench_a_SOURCES += %D%/hilbert.h %D%/hilbert.c %D%/frame_map.h %D%/frame_map.c %D%/memory_series.h %D%/memory_series.c \
	%D%/recorded_series.h %D%/recorded_series.c %D%/page_latency.h %D%/page_latency.c \
	%D%/slab_series.h %D%/slab_series.c %D%/physical_directory.h %D%/physical_directory.c %D%/free_replay.h %D%/free_replay.c
bench_libbench_a_SOURCES += %D%/proc_text.h %D%/proc_text.c %D%/zoneinfo_text.h %D%/zoneinfo_text.c %D%/iomem_text.h %D%/iomem_text.c \
	%D%/buddyinfo_text.h %D%/buddyinfo_text.c %D%/pagetypeinfo_text.h %D%/pagetypeinfo_text.c
bench_libbench_a_SOURCES += %D%/processors.h %D%/processors.c %D%/machine_frames.h %D%/machine_frames.c %D%/block_types.h %D%/block_types.c %D%/machine_blocks.h %D%/machine_blocks.c \
	%D%/machine_sets.h %D%/machine_sets.c %D%/machine_state.h %D%/machine_state.c %D%/machine_boot.h %D%/machine_boot.c
bench_libbench_a_SOURCES += %D%/free_prediction.h %D%/free_prediction.c %D%/free_pass.h %D%/free_pass.c
bench_libbench_a_SOURCES += %D%/slabinfo_text.h %D%/slabinfo_text.c %D%/vmallocinfo_text.h %D%/vmallocinfo_text.c \
	%D%/vmalloc_pass.h %D%/vmalloc_pass.c %D%/kmem_names.h %D%/kmem_names.c %D%/slab_places.h %D%/slab_places.c
bench_libbench_a_SOURCES += %D%/slab_survey.h %D%/slab_survey.c %D%/kmem_start.h %D%/kmem_start.c %D%/kmem_pass.h %D%/kmem_pass.c %D%/kmem_table.h %D%/kmem_table.c
bench_faultline_SOURCES += %D%/physical_replay.h %D%/physical_replay.c %D%/physical_compare.h %D%/physical_compare.c
