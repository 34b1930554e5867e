# Importers: one file per foreign format, formats.c lists them.
traces_libtraces_a_SOURCES += \
	%D%/address_map.c %D%/address_map.h \
	%D%/aosp.c %D%/aosp.h \
	%D%/champsim.c %D%/champsim.h \
	%D%/lackey.c %D%/lackey.h \
	%D%/pinatrace.c %D%/pinatrace.h \
	%D%/references.c %D%/references.h \
	%D%/perf_data.c %D%/perf_data.h %D%/perf_data_file.c %D%/perf_data_file.h %D%/perf_sample.c %D%/perf_sample.h \
	%D%/perf_record.c %D%/perf_record.h %D%/perf_tasks.c %D%/perf_tasks.h \
	%D%/tracepoint.c %D%/tracepoint.h \
	%D%/kernel_tracepoint.c %D%/kernel_tracepoint.h %D%/gfp_names.c %D%/gfp_names.h \
	%D%/kernel_line.c %D%/kernel_line.h %D%/kernel_stream.c %D%/kernel_stream.h %D%/ftrace.c %D%/ftrace.h \
	%D%/span.h %D%/trace_dat.c %D%/trace_dat.h %D%/trace_dat_file.c %D%/trace_dat_file.h \
	%D%/constant.c %D%/constant.h \
	%D%/fault_pair.c %D%/fault_pair.h \
	%D%/formats.c %D%/formats.h \
	%D%/function.c %D%/function.h \
	%D%/heaptrack.c %D%/heaptrack.h \
	%D%/importer.c %D%/importer.h \
	%D%/input.c %D%/input.h \
	%D%/ledger.c %D%/ledger.h \
	%D%/logalloc.c %D%/logalloc.h \
	%D%/malloclab.c %D%/malloclab.h \
	%D%/mtrace.c %D%/mtrace.h \
	%D%/perf_script.c %D%/perf_script.h %D%/perf_script_record.c %D%/perf_script_record.h \
	%D%/roster.c %D%/roster.h \
	%D%/scan.c %D%/scan.h \
	%D%/strace.c %D%/strace.h %D%/strace_line.c %D%/strace_line.h \
	%D%/system_call.c %D%/system_call.h \
	%D%/valgrind.c %D%/valgrind.h \
	%D%/warnings.c %D%/warnings.h
# Tracepoints of perf.data files.
if HAVE_TRACEEVENT
traces_libtraces_a_SOURCES += %D%/tracepoint_traceevent.c
else
traces_libtraces_a_SOURCES += %D%/tracepoint_none.c
endif
EXTRA_DIST += %D%/tracepoint_traceevent.c %D%/tracepoint_none.c
