# Fuzz targets, one per parser of untrusted bytes; tests/fuzz/fuzz.h says how they are built and run. To add one:
#
#   fuzz_programs += %D%/fuzz_NAME
#   tests_fuzz_fuzz_NAME_SOURCES = %D%/fuzz_NAME.c $(fuzz_driver)
#   tests_fuzz_fuzz_NAME_LDFLAGS = $(fuzz_ldflags)
#   tests_fuzz_fuzz_NAME_LDADD = $(unit_libs)
#   EXTRA_DIST += (its seeds, which lie in %D%/corpus/fuzz_NAME/)
EXTRA_DIST += %D%/fuzz.h %D%/run_corpus.c
fuzz_programs =
if FUZZERS
fuzz_driver =
fuzz_ldflags = $(AM_LDFLAGS) -fsanitize=fuzzer
else
fuzz_driver = %D%/run_corpus.c
fuzz_ldflags = $(AM_LDFLAGS)
TESTS += $(fuzz_programs)
endif
check_PROGRAMS += $(fuzz_programs)

# For .ci/run: the programs that libFuzzer drives.
print-fuzzers:
	@for program in $(fuzz_programs); do echo $$program; done
.PHONY: print-fuzzers

fuzz_programs += %D%/fuzz_run_summary
tests_fuzz_fuzz_run_summary_SOURCES = %D%/fuzz_run_summary.c $(fuzz_driver)
tests_fuzz_fuzz_run_summary_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_fuzz_fuzz_run_summary_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_run_summary_LDADD = bench/libbench.a $(unit_libs)
EXTRA_DIST += %D%/corpus/fuzz_run_summary/engine.json %D%/corpus/fuzz_run_summary/nulls.json

fuzz_programs += %D%/fuzz_series
tests_fuzz_fuzz_series_SOURCES = %D%/fuzz_series.c $(fuzz_driver)
tests_fuzz_fuzz_series_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_series_LDADD = bench/libbench.a $(unit_libs)
EXTRA_DIST += %D%/corpus/fuzz_series/timeline.tsv
