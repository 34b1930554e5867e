# The machine of a trace as the kernel would print it.
bench_libbench_a_SOURCES += %D%/process.h %D%/mapping.h %D%/mapping.c %D%/maps.h %D%/maps.c %D%/page_sums.h %D%/page_sums.c \
	%D%/smaps.h %D%/smaps.c %D%/smaps_rollup.h %D%/smaps_rollup.c %D%/recorded.h %D%/recorded.c %D%/code.h %D%/code.c \
	%D%/status.h %D%/status.c %D%/statm.h %D%/statm.c %D%/stat.h %D%/stat.c %D%/pagemap.h %D%/pagemap.c %D%/mem.h %D%/mem.c \
	%D%/file_bytes.h %D%/file_bytes.c %D%/life.h %D%/life.c %D%/journey.h %D%/journey.c %D%/view.h %D%/view.c
bench_libbench_a_SOURCES += %D%/machine_journey.h %D%/machine_journey.c %D%/machine.h %D%/machine_sums.h %D%/machine_sums.c %D%/zone_line.h %D%/zone_line.c %D%/stat_names.h \
	%D%/stat_names.c %D%/buddyinfo.h %D%/buddyinfo.c %D%/pagetypeinfo.h %D%/pagetypeinfo.c %D%/zoneinfo.h %D%/zoneinfo.c \
	%D%/vmstat.h %D%/vmstat.c %D%/meminfo.h %D%/meminfo.c %D%/slabinfo.h %D%/slabinfo.c %D%/vmallocinfo.h %D%/vmallocinfo.c \
	%D%/iomem.h %D%/iomem.c %D%/extfrag_index.h %D%/extfrag_index.c %D%/unusable_index.h %D%/unusable_index.c
bench_faultline_SOURCES += bench/command_proc.h bench/command_proc.c
