# An allocator that breaks its promises, to see that replay notices. Never built with sanitizers: it is preloaded.
check_PROGRAMS += tests/cli/bad_allocator.so
tests_cli_bad_allocator_so_SOURCES = tests/cli/bad_allocator.c
tests_cli_bad_allocator_so_CFLAGS = $(WARN_CFLAGS) -fPIC -fno-builtin -fno-sanitize=all
tests_cli_bad_allocator_so_LDFLAGS = -shared
cli_tests += tests/cli/replay.sh tests/cli/replay_targets.sh tests/cli/compare.sh tests/cli/diff.sh
