# Unit tests of this room: the trace format and what belongs to it.
flt_support = tests/unit/flt_file.h tests/unit/flt_file.c tests/unit/flt_events.h tests/unit/flt_events.c

traces_tests = %D%/flt %D%/flt_damage %D%/flt_example %D%/flt_access %D%/flt_access_writer %D%/flt_stretch %D%/varint %D%/live %D%/census %D%/slice %D%/export_aosp
check_PROGRAMS += $(traces_tests)
TESTS += $(traces_tests)
%C%_flt_SOURCES = %D%/flt.c $(flt_support)
%C%_flt_LDADD = $(unit_libs)
%C%_flt_damage_SOURCES = %D%/flt_damage.c $(flt_support)
%C%_flt_damage_LDADD = $(unit_libs)
%C%_flt_example_SOURCES = %D%/flt_example.c $(flt_support)
%C%_flt_example_LDADD = $(unit_libs)
%C%_flt_access_writer_SOURCES = %D%/flt_access_writer.c
%C%_flt_access_writer_LDADD = $(unit_libs)
%C%_flt_access_SOURCES = %D%/flt_access.c $(flt_support)
%C%_flt_access_LDADD = $(unit_libs)
%C%_flt_stretch_SOURCES = %D%/flt_stretch.c
%C%_flt_stretch_LDADD = $(unit_libs)
%C%_varint_SOURCES = %D%/varint.c
%C%_varint_LDADD = $(unit_libs)
%C%_live_SOURCES = %D%/live.c
%C%_live_LDADD = $(unit_libs)
%C%_census_SOURCES = %D%/census.c
%C%_census_LDADD = $(unit_libs)
%C%_slice_SOURCES = %D%/slice.c $(flt_support)
%C%_slice_LDADD = $(unit_libs)
%C%_export_aosp_SOURCES = %D%/export_aosp.c $(flt_support)
%C%_export_aosp_LDADD = $(unit_libs)
