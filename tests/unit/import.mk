# Unit tests of the importers.
foreign_sources = %D%/foreign.c %D%/foreign.h %D%/event_log.c %D%/event_log.h
import_tests = \
	%D%/address_map %D%/aosp %D%/champsim %D%/function %D%/heaptrack %D%/importer %D%/input %D%/lackey %D%/ledger \
	%D%/logalloc %D%/malloclab %D%/mtrace %D%/pinatrace %D%/roster %D%/scan %D%/valgrind %D%/warnings \
	%D%/constant %D%/perf_data %D%/perf_script %D%/strace %D%/system_call %D%/kernel_tracepoint %D%/ftrace %D%/trace_dat
check_PROGRAMS += $(import_tests)
TESTS += $(import_tests)
%C%_address_map_SOURCES = %D%/address_map.c $(unit_model)
%C%_address_map_LDADD = $(unit_libs)
%C%_function_SOURCES = %D%/function.c
%C%_function_LDADD = $(unit_libs)
%C%_scan_SOURCES = %D%/scan.c
%C%_scan_LDADD = $(unit_libs)
%C%_warnings_SOURCES = %D%/warnings.c
%C%_warnings_LDADD = $(unit_libs)
%C%_ledger_SOURCES = %D%/ledger.c %D%/event_log.c %D%/event_log.h
%C%_ledger_LDADD = $(unit_libs)
%C%_roster_SOURCES = %D%/roster.c %D%/event_log.c %D%/event_log.h
%C%_roster_LDADD = $(unit_libs)
%C%_input_SOURCES = %D%/input.c
%C%_input_CFLAGS = $(AM_CFLAGS) $(ARCHIVE_CFLAGS)
%C%_input_LDADD = $(unit_libs)
%C%_aosp_SOURCES = %D%/aosp.c $(foreign_sources)
%C%_aosp_LDADD = $(unit_libs)
%C%_champsim_SOURCES = %D%/champsim.c $(foreign_sources)
%C%_champsim_LDADD = $(unit_libs)
%C%_perf_data_SOURCES = %D%/perf_data.c %D%/perf_data_bytes.c %D%/perf_data_bytes.h $(foreign_sources)
%C%_perf_data_LDADD = $(unit_libs)
%C%_lackey_SOURCES = %D%/lackey.c $(foreign_sources)
%C%_lackey_LDADD = $(unit_libs)
%C%_pinatrace_SOURCES = %D%/pinatrace.c $(foreign_sources)
%C%_pinatrace_LDADD = $(unit_libs)
%C%_heaptrack_SOURCES = %D%/heaptrack.c $(foreign_sources)
%C%_heaptrack_LDADD = $(unit_libs)
%C%_importer_SOURCES = %D%/importer.c %D%/census_sink.c %D%/census_sink.h $(foreign_sources)
%C%_importer_LDADD = $(unit_libs)
%C%_logalloc_SOURCES = %D%/logalloc.c $(foreign_sources)
%C%_logalloc_LDADD = $(unit_libs)
%C%_malloclab_SOURCES = %D%/malloclab.c $(foreign_sources)
%C%_malloclab_LDADD = $(unit_libs)
%C%_mtrace_SOURCES = %D%/mtrace.c $(foreign_sources)
%C%_mtrace_LDADD = $(unit_libs)
%C%_valgrind_SOURCES = %D%/valgrind.c $(foreign_sources)
%C%_valgrind_LDADD = $(unit_libs)

%C%_ftrace_SOURCES = %D%/ftrace.c $(foreign_sources)
%C%_ftrace_LDADD = $(unit_libs)
%C%_trace_dat_SOURCES = %D%/trace_dat.c %D%/trace_dat_bytes.c %D%/trace_dat_bytes.h $(foreign_sources)
%C%_trace_dat_CFLAGS = $(AM_CFLAGS) $(ZSTD_CFLAGS)
%C%_trace_dat_LDADD = $(unit_libs)
%C%_kernel_tracepoint_SOURCES = %D%/kernel_tracepoint.c
%C%_kernel_tracepoint_LDADD = $(unit_libs)
%C%_constant_SOURCES = %D%/constant.c
%C%_constant_LDADD = $(unit_libs)
%C%_perf_script_SOURCES = %D%/perf_script.c $(foreign_sources)
%C%_perf_script_LDADD = $(unit_libs)
%C%_strace_SOURCES = %D%/strace.c $(foreign_sources)
%C%_strace_LDADD = $(unit_libs)
%C%_system_call_SOURCES = %D%/system_call.c
%C%_system_call_LDADD = $(unit_libs)

# Every allocation of an import fails once.
check_PROGRAMS += %D%/import_memory
TESTS += %D%/import_memory
%C%_import_memory_SOURCES = %D%/import_memory.c
%C%_import_memory_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc
%C%_import_memory_LDADD = $(unit_libs)
