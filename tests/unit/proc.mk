# Unit tests of bench/proc.
proc_unit_tests = %D%/recorded %D%/proc_kernel %D%/journey %D%/proc_machine
check_PROGRAMS += $(proc_unit_tests)
TESTS += $(proc_unit_tests)
%C%_recorded_SOURCES = %D%/recorded.c
%C%_recorded_CFLAGS = $(bench_unit_cflags)
%C%_recorded_LDADD = $(bench_unit_libs)
%C%_proc_kernel_SOURCES = %D%/proc_kernel.c $(fault_rig) $(fault_world)
%C%_proc_kernel_CFLAGS = $(bench_unit_cflags)
%C%_proc_kernel_LDADD = $(bench_unit_libs)
%C%_journey_SOURCES = %D%/journey.c $(spaces_rig)
%C%_journey_CFLAGS = $(bench_unit_cflags)
%C%_journey_LDADD = $(bench_unit_libs)
%C%_proc_machine_SOURCES = %D%/proc_machine.c
%C%_proc_machine_CFLAGS = $(bench_unit_cflags)
%C%_proc_machine_LDADD = $(bench_unit_libs)
