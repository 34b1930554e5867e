# Unit tests of this room.
phys_tests = %D%/buddy
check_PROGRAMS += $(phys_tests)
TESTS += $(phys_tests)
%C%_buddy_SOURCES = %D%/buddy.c $(unit_model)
%C%_buddy_LDADD = $(unit_libs)
