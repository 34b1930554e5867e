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
EXTRA_DIST += %D%/corpus/fuzz_run_summary/engine.json %D%/corpus/fuzz_run_summary/mmu.json %D%/corpus/fuzz_run_summary/nulls.json

fuzz_programs += %D%/fuzz_series
tests_fuzz_fuzz_series_SOURCES = %D%/fuzz_series.c $(fuzz_driver)
tests_fuzz_fuzz_series_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_series_LDADD = bench/libbench.a $(unit_libs)
EXTRA_DIST += %D%/corpus/fuzz_series/timeline.tsv

fuzz_programs += %D%/fuzz_slabinfo
tests_fuzz_fuzz_slabinfo_SOURCES = %D%/fuzz_slabinfo.c $(fuzz_driver)
tests_fuzz_fuzz_slabinfo_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_slabinfo_LDADD = bench/libbench.a $(unit_libs)
EXTRA_DIST += %D%/corpus/fuzz_slabinfo/slabinfo.txt

fuzz_programs += %D%/fuzz_vmallocinfo
tests_fuzz_fuzz_vmallocinfo_SOURCES = %D%/fuzz_vmallocinfo.c $(fuzz_driver)
tests_fuzz_fuzz_vmallocinfo_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_vmallocinfo_LDADD = bench/libbench.a $(unit_libs)
EXTRA_DIST += %D%/corpus/fuzz_vmallocinfo/vmallocinfo.txt

fuzz_programs += %D%/fuzz_spaces
tests_fuzz_fuzz_spaces_SOURCES = %D%/fuzz_spaces.c $(fuzz_driver)
tests_fuzz_fuzz_spaces_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_spaces_LDADD = bench/libbench.a $(unit_libs)

fuzz_programs += %D%/fuzz_proc_text
tests_fuzz_fuzz_proc_text_SOURCES = %D%/fuzz_proc_text.c $(fuzz_driver)
tests_fuzz_fuzz_proc_text_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_proc_text_LDADD = bench/libbench.a $(unit_libs)
EXTRA_DIST += %D%/corpus/fuzz_proc_text/zoneinfo.txt %D%/corpus/fuzz_proc_text/buddyinfo.txt \
	%D%/corpus/fuzz_proc_text/pagetypeinfo.txt %D%/corpus/fuzz_proc_text/iomem.txt

fuzz_programs += %D%/fuzz_machine
tests_fuzz_fuzz_machine_SOURCES = %D%/fuzz_machine.c $(fuzz_driver)
tests_fuzz_fuzz_machine_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_machine_LDADD = bench/libbench.a $(unit_libs)

fuzz_programs += %D%/fuzz_machine_recording
tests_fuzz_fuzz_machine_recording_SOURCES = %D%/fuzz_machine_recording.c $(fuzz_driver)
tests_fuzz_fuzz_machine_recording_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_fuzz_fuzz_machine_recording_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_machine_recording_LDADD = bench/libbench.a $(unit_libs)
EXTRA_DIST += %D%/corpus/fuzz_machine_recording/machine.txt %D%/corpus/fuzz_machine_recording/slabs.txt

# One source for every importer: the program's name says the format, auto is detection and decompression.
fuzz_import_sources = %D%/fuzz_import.c tests/unit/census_sink.c tests/unit/census_sink.h $(fuzz_driver)
fuzz_programs += %D%/fuzz_import_aosp
tests_fuzz_fuzz_import_aosp_SOURCES = $(fuzz_import_sources)
tests_fuzz_fuzz_import_aosp_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_FORMAT='"aosp"'
tests_fuzz_fuzz_import_aosp_CFLAGS = $(AM_CFLAGS)
tests_fuzz_fuzz_import_aosp_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_import_aosp_LDADD = $(unit_libs)
EXTRA_DIST += %D%/corpus/fuzz_import_aosp/times.txt

fuzz_programs += %D%/fuzz_import_malloclab
tests_fuzz_fuzz_import_malloclab_SOURCES = $(fuzz_import_sources)
tests_fuzz_fuzz_import_malloclab_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_FORMAT='"malloclab"'
tests_fuzz_fuzz_import_malloclab_CFLAGS = $(AM_CFLAGS)
tests_fuzz_fuzz_import_malloclab_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_import_malloclab_LDADD = $(unit_libs)
EXTRA_DIST += %D%/corpus/fuzz_import_malloclab/classic.rep %D%/corpus/fuzz_import_malloclab/peak.rep

fuzz_programs += %D%/fuzz_import_mtrace
tests_fuzz_fuzz_import_mtrace_SOURCES = $(fuzz_import_sources)
tests_fuzz_fuzz_import_mtrace_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_FORMAT='"mtrace"'
tests_fuzz_fuzz_import_mtrace_CFLAGS = $(AM_CFLAGS)
tests_fuzz_fuzz_import_mtrace_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_import_mtrace_LDADD = $(unit_libs)
EXTRA_DIST += %D%/corpus/fuzz_import_mtrace/quirks.txt %D%/corpus/fuzz_import_mtrace/sample.txt

fuzz_programs += %D%/fuzz_import_valgrind
tests_fuzz_fuzz_import_valgrind_SOURCES = $(fuzz_import_sources)
tests_fuzz_fuzz_import_valgrind_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_FORMAT='"valgrind"'
tests_fuzz_fuzz_import_valgrind_CFLAGS = $(AM_CFLAGS)
tests_fuzz_fuzz_import_valgrind_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_import_valgrind_LDADD = $(unit_libs)
EXTRA_DIST += %D%/corpus/fuzz_import_valgrind/quirks.txt %D%/corpus/fuzz_import_valgrind/sample.txt

fuzz_programs += %D%/fuzz_import_logalloc
tests_fuzz_fuzz_import_logalloc_SOURCES = $(fuzz_import_sources)
tests_fuzz_fuzz_import_logalloc_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_FORMAT='"logalloc"'
tests_fuzz_fuzz_import_logalloc_CFLAGS = $(AM_CFLAGS)
tests_fuzz_fuzz_import_logalloc_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_import_logalloc_LDADD = $(unit_libs)
EXTRA_DIST += %D%/corpus/fuzz_import_logalloc/munged.txt %D%/corpus/fuzz_import_logalloc/plain.txt

fuzz_programs += %D%/fuzz_import_heaptrack
tests_fuzz_fuzz_import_heaptrack_SOURCES = $(fuzz_import_sources)
tests_fuzz_fuzz_import_heaptrack_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_FORMAT='"heaptrack"'
tests_fuzz_fuzz_import_heaptrack_CFLAGS = $(AM_CFLAGS)
tests_fuzz_fuzz_import_heaptrack_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_import_heaptrack_LDADD = $(unit_libs)
EXTRA_DIST += %D%/corpus/fuzz_import_heaptrack/sample.txt %D%/corpus/fuzz_import_heaptrack/short.txt

fuzz_programs += %D%/fuzz_import_lackey
tests_fuzz_fuzz_import_lackey_SOURCES = $(fuzz_import_sources)
tests_fuzz_fuzz_import_lackey_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_FORMAT='"lackey"'
tests_fuzz_fuzz_import_lackey_CFLAGS = $(AM_CFLAGS)
tests_fuzz_fuzz_import_lackey_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_import_lackey_LDADD = $(unit_libs)
EXTRA_DIST += %D%/corpus/fuzz_import_lackey/sample.txt

fuzz_programs += %D%/fuzz_import_pinatrace
tests_fuzz_fuzz_import_pinatrace_SOURCES = $(fuzz_import_sources)
tests_fuzz_fuzz_import_pinatrace_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_FORMAT='"pinatrace"'
tests_fuzz_fuzz_import_pinatrace_CFLAGS = $(AM_CFLAGS)
tests_fuzz_fuzz_import_pinatrace_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_import_pinatrace_LDADD = $(unit_libs)
EXTRA_DIST += %D%/corpus/fuzz_import_pinatrace/sample.txt

fuzz_programs += %D%/fuzz_import_champsim
tests_fuzz_fuzz_import_champsim_SOURCES = $(fuzz_import_sources)
tests_fuzz_fuzz_import_champsim_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_FORMAT='"champsim"'
tests_fuzz_fuzz_import_champsim_CFLAGS = $(AM_CFLAGS)
tests_fuzz_fuzz_import_champsim_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_import_champsim_LDADD = $(unit_libs)
EXTRA_DIST += %D%/corpus/fuzz_import_champsim/sample.bin

fuzz_programs += %D%/fuzz_import_perf_data
tests_fuzz_fuzz_import_perf_data_SOURCES = %D%/fuzz_import.c tests/unit/census_sink.c tests/unit/census_sink.h %D%/perf_data_seed.c tests/unit/perf_data_bytes.c \
	tests/unit/perf_data_bytes.h $(fuzz_driver)
tests_fuzz_fuzz_import_perf_data_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_FORMAT='"perf-data"'
tests_fuzz_fuzz_import_perf_data_CFLAGS = $(AM_CFLAGS)
tests_fuzz_fuzz_import_perf_data_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_import_perf_data_LDADD = $(unit_libs)

fuzz_programs += %D%/fuzz_import_strace
tests_fuzz_fuzz_import_strace_SOURCES = $(fuzz_import_sources)
tests_fuzz_fuzz_import_strace_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_FORMAT='"strace"'
tests_fuzz_fuzz_import_strace_CFLAGS = $(AM_CFLAGS)
tests_fuzz_fuzz_import_strace_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_import_strace_LDADD = $(unit_libs)
EXTRA_DIST += %D%/corpus/fuzz_import_strace/sample.txt %D%/corpus/fuzz_import_strace/quirks.txt

fuzz_programs += %D%/fuzz_import_perf_script
tests_fuzz_fuzz_import_perf_script_SOURCES = $(fuzz_import_sources)
tests_fuzz_fuzz_import_perf_script_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_FORMAT='"perf-script"'
tests_fuzz_fuzz_import_perf_script_CFLAGS = $(AM_CFLAGS)
tests_fuzz_fuzz_import_perf_script_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_import_perf_script_LDADD = $(unit_libs)
EXTRA_DIST += %D%/corpus/fuzz_import_perf_script/sample.txt %D%/corpus/fuzz_import_perf_script/quirks.txt \
	%D%/corpus/fuzz_import_perf_script/kernel.txt

fuzz_programs += %D%/fuzz_import_trace_dat
tests_fuzz_fuzz_import_trace_dat_SOURCES = %D%/fuzz_import.c tests/unit/census_sink.c tests/unit/census_sink.h %D%/trace_dat_seed.c tests/unit/trace_dat_bytes.c \
	tests/unit/trace_dat_bytes.h $(fuzz_driver)
tests_fuzz_fuzz_import_trace_dat_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_FORMAT='"trace-dat"'
tests_fuzz_fuzz_import_trace_dat_CFLAGS = $(AM_CFLAGS) $(ZSTD_CFLAGS)
tests_fuzz_fuzz_import_trace_dat_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_import_trace_dat_LDADD = $(unit_libs)

fuzz_programs += %D%/fuzz_import_ftrace
tests_fuzz_fuzz_import_ftrace_SOURCES = $(fuzz_import_sources)
tests_fuzz_fuzz_import_ftrace_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_FORMAT='"ftrace"'
tests_fuzz_fuzz_import_ftrace_CFLAGS = $(AM_CFLAGS)
tests_fuzz_fuzz_import_ftrace_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_import_ftrace_LDADD = $(unit_libs)
EXTRA_DIST += %D%/corpus/fuzz_import_ftrace/sample.txt

fuzz_programs += %D%/fuzz_import_auto
tests_fuzz_fuzz_import_auto_SOURCES = %D%/fuzz_import_packed.c $(fuzz_import_sources)
tests_fuzz_fuzz_import_auto_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_FORMAT='"auto"'
tests_fuzz_fuzz_import_auto_CFLAGS = $(AM_CFLAGS) $(ARCHIVE_CFLAGS)
tests_fuzz_fuzz_import_auto_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_import_auto_LDADD = $(unit_libs)
EXTRA_DIST += %D%/corpus/fuzz_import_auto/interpreted.txt %D%/corpus/fuzz_import_auto/mixed.txt

fuzz_programs += %D%/fuzz_profile
tests_fuzz_fuzz_profile_SOURCES = %D%/fuzz_profile.c $(fuzz_driver)
tests_fuzz_fuzz_profile_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_profile_LDADD = $(unit_libs)
EXTRA_DIST += %D%/corpus/fuzz_profile/profile.csv

fuzz_programs += %D%/fuzz_flt
tests_fuzz_fuzz_flt_SOURCES = %D%/fuzz_flt.c tests/unit/flt_events.h tests/unit/flt_events.c $(fuzz_driver)
tests_fuzz_fuzz_flt_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_flt_LDADD = $(unit_libs)

fuzz_programs += %D%/fuzz_record
tests_fuzz_fuzz_record_SOURCES = %D%/fuzz_record.c tests/unit/census_sink.c tests/unit/census_sink.h tests/unit/small_arena.h tests/unit/small_arena.c $(fuzz_driver)
tests_fuzz_fuzz_record_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_record_LDADD = $(unit_libs)

fuzz_programs += %D%/fuzz_frame_books
tests_fuzz_fuzz_frame_books_SOURCES = %D%/fuzz_frame_books.c $(fuzz_driver)
tests_fuzz_fuzz_frame_books_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_frame_books_LDADD = bench/libbench.a $(unit_libs)

fuzz_programs += %D%/fuzz_kernel
tests_fuzz_fuzz_kernel_SOURCES = %D%/fuzz_kernel.c tests/unit/census_sink.c tests/unit/census_sink.h tests/unit/small_arena.h tests/unit/small_arena.c $(fuzz_driver)
tests_fuzz_fuzz_kernel_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_kernel_LDADD = $(unit_libs)
EXTRA_DIST += %D%/corpus/fuzz_kernel/mixed.txt %D%/corpus/fuzz_kernel/reused-thread.txt

fuzz_programs += %D%/fuzz_tlb_geometry
tests_fuzz_fuzz_tlb_geometry_SOURCES = %D%/fuzz_tlb_geometry.c $(fuzz_driver)
tests_fuzz_fuzz_tlb_geometry_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_tlb_geometry_LDADD = engine/libengine.a
EXTRA_DIST += %D%/corpus/fuzz_tlb_geometry/plain.txt %D%/corpus/fuzz_tlb_geometry/all.txt \
	%D%/corpus/fuzz_tlb_geometry/preset.txt %D%/corpus/fuzz_tlb_geometry/levels.txt

fuzz_programs += %D%/fuzz_mm
tests_fuzz_fuzz_mm_SOURCES = %D%/fuzz_mm.c $(naive_address_space) $(fuzz_driver)
tests_fuzz_fuzz_mm_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_mm_LDADD = engine/libengine.a
EXTRA_DIST += %D%/corpus/fuzz_mm/calls.txt %D%/corpus/fuzz_mm/moves.txt %D%/corpus/fuzz_mm/numbers.txt

fuzz_programs += %D%/fuzz_fault
tests_fuzz_fuzz_fault_SOURCES = %D%/fuzz_fault.c tests/unit/fault_rig.h tests/unit/fault_rig.c tests/unit/kernel_child.h $(fuzz_driver)
tests_fuzz_fuzz_fault_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_fault_LDADD = engine/libengine.a

fuzz_programs += %D%/fuzz_placement
tests_fuzz_fuzz_placement_SOURCES = %D%/fuzz_placement.c $(fuzz_driver)
tests_fuzz_fuzz_placement_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_placement_LDADD = bench/libbench.a $(unit_libs)
