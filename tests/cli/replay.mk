# An allocator that breaks its promises, to see that replay notices. Never built with sanitizers: it is preloaded.
check_PROGRAMS += tests/cli/bad_allocator.so
tests_cli_bad_allocator_so_SOURCES = tests/cli/bad_allocator.c
tests_cli_bad_allocator_so_CFLAGS = $(WARN_CFLAGS) -fPIC -fno-builtin -fno-sanitize=all
tests_cli_bad_allocator_so_LDFLAGS = -shared -Wl,-Bsymbolic -Wl,--defsym,malloc=bad_malloc \
	-Wl,--defsym,calloc=bad_calloc -Wl,--defsym,realloc=bad_realloc -Wl,--defsym,memalign=bad_memalign \
	-Wl,--defsym,malloc_usable_size=bad_usable_size -Wl,--defsym,free=bad_free
cli_tests += tests/cli/replay_threads.sh tests/cli/replay.sh tests/cli/replay_targets.sh tests/cli/compare.sh tests/cli/diff.sh
THREAD_TESTS += tests/cli/replay_threads.sh
dist_check_SCRIPTS += tests/long/replay_recordings.sh
LONG_TESTS += tests/long/replay_recordings.sh
