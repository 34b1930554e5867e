# The address spaces of a trace, rebuilt on the engine.
bench_libbench_a_SOURCES += bench/mmu_pass.h bench/mmu_pass.c bench/mmu_pass_json.c bench/online.h bench/online.c bench/mmu_table.h bench/mmu_table.c
bench_libbench_a_SOURCES += %D%/spaces.h %D%/spaces_state.h %D%/spaces.c %D%/spaces_tables.c %D%/spaces_run.c \
	%D%/spaces_figures.c %D%/spaces_start.c %D%/spaces_calls.c %D%/spaces_references.c %D%/spaces_khugepaged.c %D%/spaces_exec.c %D%/placer.h %D%/platform.h %D%/platform.c %D%/relocation.h %D%/relocation.c \
	%D%/spaces_limits.c %D%/address_layout.h %D%/address_layout.c %D%/maps.h %D%/maps.c %D%/mapped_files.h %D%/mapped_files.c \
	%D%/exec_pages.h %D%/exec_pages.c %D%/engine_placer.h %D%/engine_placer.c
