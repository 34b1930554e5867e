# Unit tests of the heap recorder's reading side. The recorded program's side is tested whole, by tests/cli/record.sh.
record_arena = %D%/small_arena.h %D%/small_arena.c
record_tests = %D%/clock %D%/heap_merge %D%/number_map %D%/ordering %D%/program
check_PROGRAMS += $(record_tests)
TESTS += $(record_tests)
%C%_clock_SOURCES = %D%/clock.c
%C%_clock_LDADD = $(unit_libs)
%C%_heap_merge_SOURCES = %D%/heap_merge.c %D%/event_log.c %D%/event_log.h $(record_arena)
%C%_heap_merge_LDADD = $(unit_libs)
%C%_number_map_SOURCES = %D%/number_map.c
%C%_number_map_LDADD = $(unit_libs)
%C%_ordering_SOURCES = %D%/ordering.c $(record_arena)
%C%_ordering_LDADD = $(unit_libs)
%C%_program_SOURCES = %D%/program.c
%C%_program_LDADD = $(unit_libs)
