engine_libengine_a_SOURCES += %D%/page_mover.h %D%/page_migration.h %D%/page_migration.c %D%/compact.h %D%/compact.c \
	%D%/compact_scan.h %D%/compact_scan.c %D%/compact_check.c %D%/contiguous.h %D%/contiguous.c %D%/cma.h %D%/cma.c \
	%D%/compactor.h %D%/compactor.c
