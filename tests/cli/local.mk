# Tests of the command line and of the tree, one script per command or concern.
cli_tests = \
	%D%/harness.sh \
	%D%/policies.sh \
	%D%/preload.sh \
	%D%/manual.sh \
	%D%/shell.sh \
	%D%/report.sh
cli_tests += %D%/samples.sh %D%/doctor.sh %D%/record.sh %D%/record_killed.sh %D%/record_accesses.sh %D%/record_online.sh %D%/record_mm.sh %D%/record_kernel.sh
include tests/cli/replay.mk
cli_tests += %D%/import.sh %D%/generate.sh %D%/traces.sh
cli_tests += %D%/proc.sh
cli_tests += %D%/translate.sh %D%/glossary.sh
cli_tests += %D%/headers.sh %D%/includes.sh
cli_tests += %D%/fidelity.sh
dist_check_SCRIPTS += $(cli_tests) tests/long/record_programs.sh
LONG_TESTS += tests/long/record_programs.sh
TESTS += $(cli_tests)

# A program that counts its own heap calls. Never built with sanitizers, whose malloc cannot be recorded.
check_PROGRAMS += tests/cli/record_counter
tests_cli_record_counter_SOURCES = %D%/record_counter.c
tests_cli_record_counter_CFLAGS = $(WARN_CFLAGS) $(PTHREAD_CFLAGS) -fno-builtin -fno-sanitize=all
tests_cli_record_counter_LDFLAGS =
tests_cli_record_counter_LDADD = $(PTHREAD_LIBS)

# A program whose references are known, for the machine whose instructions it is made of.
if QEMU_PLUGIN
check_PROGRAMS += tests/cli/access_counter
tests_cli_access_counter_SOURCES = %D%/access_counter.c
tests_cli_access_counter_CFLAGS = $(WARN_CFLAGS) $(PTHREAD_CFLAGS) -fno-sanitize=all
tests_cli_access_counter_LDFLAGS =
tests_cli_access_counter_LDADD = $(PTHREAD_LIBS)
endif
EXTRA_DIST += %D%/proc_shape.awk
EXTRA_DIST += %D%/access_counter.c
# A program whose memory system calls are known, and one that rebuilds maps from a trace.
check_PROGRAMS += tests/cli/record_mapper tests/cli/record_maps
tests_cli_record_mapper_SOURCES = %D%/record_mapper.c
tests_cli_record_mapper_CFLAGS = $(WARN_CFLAGS) $(PTHREAD_CFLAGS) -fno-builtin -fno-sanitize=all
tests_cli_record_mapper_LDFLAGS =
tests_cli_record_mapper_LDADD = $(PTHREAD_LIBS)
tests_cli_record_maps_SOURCES = %D%/record_maps.c
tests_cli_record_maps_LDADD = $(traces_libs)
