# The address spaces of a trace, rebuilt on the engine.
bench_libbench_a_SOURCES += %D%/spaces.h %D%/spaces_state.h %D%/spaces.c %D%/spaces_figures.c %D%/spaces_start.c %D%/spaces_calls.c \
	%D%/spaces_references.c %D%/placer.h %D%/platform.h %D%/platform.c %D%/relocation.h %D%/relocation.c \
	%D%/maps.h %D%/maps.c %D%/mapped_files.h %D%/mapped_files.c
