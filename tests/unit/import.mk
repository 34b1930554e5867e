# Unit tests of the importers.
foreign_sources = %D%/foreign.c %D%/foreign.h %D%/event_log.c %D%/event_log.h
import_tests = %D%/aosp %D%/malloclab %D%/mtrace %D%/valgrind %D%/logalloc %D%/heaptrack
check_PROGRAMS += $(import_tests)
TESTS += $(import_tests)
%C%_aosp_SOURCES = %D%/aosp.c $(foreign_sources)
%C%_aosp_LDADD = $(unit_libs)
%C%_malloclab_SOURCES = %D%/malloclab.c $(foreign_sources)
%C%_malloclab_LDADD = $(unit_libs)
%C%_mtrace_SOURCES = %D%/mtrace.c $(foreign_sources)
%C%_mtrace_LDADD = $(unit_libs)
%C%_valgrind_SOURCES = %D%/valgrind.c $(foreign_sources)
%C%_valgrind_LDADD = $(unit_libs)
%C%_logalloc_SOURCES = %D%/logalloc.c $(foreign_sources)
%C%_logalloc_LDADD = $(unit_libs)
%C%_heaptrack_SOURCES = %D%/heaptrack.c $(foreign_sources)
%C%_heaptrack_LDADD = $(unit_libs)
