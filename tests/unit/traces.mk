# Unit tests of this room: the trace format and what belongs to it.
flt_support = tests/unit/flt_file.h tests/unit/flt_file.c tests/unit/flt_events.h tests/unit/flt_events.c

traces_tests = %D%/flt %D%/flt_damage
check_PROGRAMS += $(traces_tests)
TESTS += $(traces_tests)
%C%_flt_SOURCES = %D%/flt.c $(flt_support)
%C%_flt_LDADD = $(unit_libs)
%C%_flt_damage_SOURCES = %D%/flt_damage.c $(flt_support)
%C%_flt_damage_LDADD = $(unit_libs)
