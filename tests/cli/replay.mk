# An allocator that breaks its promises, to see that replay notices. Never built with sanitizers: it is preloaded.
check_PROGRAMS += tests/cli/bad_allocator.so
tests_cli_bad_allocator_so_SOURCES = tests/cli/bad_allocator.c
tests_cli_bad_allocator_so_CFLAGS = $(WARN_CFLAGS) -fPIC -fno-builtin -fno-sanitize=all
tests_cli_bad_allocator_so_LDFLAGS = -shared -Wl,-Bsymbolic -Wl,--defsym,malloc=bad_malloc \
	-Wl,--defsym,calloc=bad_calloc -Wl,--defsym,realloc=bad_realloc -Wl,--defsym,memalign=bad_memalign \
	-Wl,--defsym,malloc_usable_size=bad_usable_size -Wl,--defsym,free=bad_free
cli_tests += tests/cli/replay_threads.sh tests/cli/replay.sh tests/cli/replay_targets.sh tests/cli/replay_mmu.sh tests/cli/replay_i386.sh tests/cli/replay_physical.sh tests/cli/replay_check.sh \
	 tests/cli/place.sh tests/cli/compare.sh tests/cli/diff.sh \
	tests/cli/golden.sh
THREAD_TESTS += tests/cli/replay_threads.sh
dist_check_SCRIPTS += tests/long/replay_recordings.sh tests/long/checks.sh tests/long/replay_sanitized.sh tests/long/golden.sh
LONG_TESTS += tests/long/replay_recordings.sh tests/long/checks.sh tests/long/replay_sanitized.sh tests/long/golden.sh
EXTRA_DIST += tests/long/recordings.sh tests/long/table.sh tests/golden/model.sh tests/golden/model.tsv

# After a change that is meant to change the model: writes the counts anew and shows what has become of them.
golden: all
	$(srcdir)/tests/golden/model.sh bench/faultline$(EXEEXT) $(srcdir)/traces/samples/*.flt >model.new
	-diff $(srcdir)/tests/golden/model.tsv model.new
	mv model.new $(srcdir)/tests/golden/model.tsv
.PHONY: golden
