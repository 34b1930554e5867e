# The heap recorder: the recorder's side is part of libtraces.a, the recorded program's side a library to preload.
traces_libtraces_a_SOURCES += \
	%D%/arena.h %D%/ticks.h %D%/arena_file.h %D%/arena_file.c \
	%D%/number_map.h %D%/number_map.c \
	%D%/clock.h %D%/clock.c \
	%D%/ordering.h %D%/ordering.c \
	%D%/heap_merge.h %D%/heap_merge.c %D%/heap_merge_parties.h %D%/heap_merge_parties.c \
	%D%/launch.h %D%/launch.c \
	%D%/program.h %D%/program.c \
	%D%/watch.h %D%/watch.c \
	%D%/kernel_record.h %D%/kernel_record.c \
	%D%/kernel_merge.h %D%/kernel_merge.c %D%/kernel_events.h %D%/kernel_events.c \
	%D%/process_files.h %D%/process_files.c \
	%D%/syscall_filter.h %D%/syscall_filter.c \
	%D%/tracer.h %D%/tracer.c \
	%D%/tracefs.h %D%/tracefs.c \
	%D%/perf_ring.h %D%/perf_ring.c \
	%D%/sampler.h %D%/sampler.c \
	%D%/follower.h %D%/follower.c \
	%D%/session.h %D%/session_state.h %D%/session.c %D%/session_summary.c

# Preloaded into programs that were not built with sanitizers, hence never built with them. -z now: no lazy binding
# inside somebody's malloc. -fno-builtin: malloc here is a function like any other.
record_cflags = $(WARN_CFLAGS) -fPIC -fvisibility=hidden -ftls-model=initial-exec -fno-builtin \
	-fasynchronous-unwind-tables -fno-sanitize=all
record_ldflags = -shared -Wl,-z,now -Wl,-z,defs
record_sources = \
	%D%/arena.h %D%/ticks.h \
	%D%/preload/attach.h %D%/preload/attach.c \
	%D%/preload/environment.h %D%/preload/environment.c \
	%D%/preload/extended.h %D%/preload/extended.c \
	%D%/preload/interpose.h %D%/preload/interpose.c \
	%D%/preload/operators.h %D%/preload/operators.c \
	%D%/preload/process.h %D%/preload/process.c \
	%D%/preload/real.h %D%/preload/real.c \
	%D%/preload/recording.h %D%/preload/recording.c \
	%D%/preload/stacks.h

pkglibexec_PROGRAMS += bench/libexec/libfaultline-record.so
bench_libexec_libfaultline_record_so_SOURCES = $(record_sources) %D%/preload/stacks_none.c
bench_libexec_libfaultline_record_so_CFLAGS = $(record_cflags)
bench_libexec_libfaultline_record_so_LDFLAGS = $(record_ldflags)

# The same with call stacks, where libunwind is there.
if HAVE_UNWIND
pkglibexec_PROGRAMS += bench/libexec/libfaultline-record-stacks.so
bench_libexec_libfaultline_record_stacks_so_SOURCES = $(record_sources) %D%/preload/stacks_unwind.c
bench_libexec_libfaultline_record_stacks_so_CFLAGS = $(record_cflags) $(UNWIND_CFLAGS)
bench_libexec_libfaultline_record_stacks_so_LDFLAGS = $(record_ldflags)
bench_libexec_libfaultline_record_stacks_so_LDADD = $(UNWIND_LIBS)
endif
EXTRA_DIST += %D%/preload/stacks_unwind.c
