# Unit tests of this room.
check_PROGRAMS += tests/unit/flt
TESTS += tests/unit/flt
tests_unit_flt_SOURCES = %D%/flt.c %D%/flt_events.h %D%/flt_events.c
tests_unit_flt_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_flt_LDADD = $(unit_libs)
