# Unit tests of this room.
phys_tests = %D%/buddy
check_PROGRAMS += $(phys_tests)
TESTS += $(phys_tests)
%C%_buddy_SOURCES = %D%/buddy.c $(unit_model)
%C%_buddy_LDADD = $(unit_libs)

machine_tests = %D%/machine
check_PROGRAMS += $(machine_tests)
TESTS += $(machine_tests)
%C%_machine_SOURCES = %D%/machine.c $(unit_model)
%C%_machine_LDADD = $(unit_libs)
