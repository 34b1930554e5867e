# The heap recorder: the recorder's side is part of libtraces.a, the recorded program's side a library to preload.
traces_libtraces_a_SOURCES += \
	%D%/arena.h %D%/ticks.h %D%/arena_file.h %D%/arena_file.c \
	%D%/access_word.h %D%/space.h %D%/space.c %D%/access_output.h %D%/access_tee.h %D%/access_tee.c %D%/access_merge.h %D%/access_merge.c %D%/access_merge_state.h \
	%D%/access_merge_calls.c %D%/access_merge_words.c \
	%D%/interleaving.h %D%/interleaving.c \
	%D%/number_map.h %D%/number_map.c \
	%D%/clock.h %D%/clock.c \
	%D%/ordering.h %D%/ordering.c \
	%D%/heap_merge.h %D%/heap_merge.c %D%/heap_merge_parties.h %D%/heap_merge_parties.c \
	%D%/emulation.h %D%/emulation.c \
	%D%/launch.h %D%/launch.c \
	%D%/program.h %D%/program.c \
	%D%/watch.h %D%/watch.c \
	%D%/kernel_record.h %D%/kernel_record.c \
	%D%/kernel_merge.h %D%/kernel_merge.c %D%/kernel_events.h %D%/kernel_events.c \
	%D%/process_files.h %D%/process_files.c \
	%D%/page_map.h %D%/page_map.c \
	%D%/residency.h %D%/residency.c \
	%D%/syscall_filter.h %D%/syscall_filter.c \
	%D%/tracer.h %D%/tracer.c \
	%D%/tracefs.h %D%/tracefs.c \
	%D%/perf_ring.h %D%/perf_ring.c \
	%D%/sampler.h %D%/sampler.c \
	%D%/machine_log.h %D%/machine_log.c %D%/machine_rings.h %D%/machine_rings.c \
	%D%/machine_snapshot.h %D%/machine_snapshot.c %D%/machine_merge.h %D%/machine_merge.c \
	%D%/machine_session.h %D%/machine_session.c \
	%D%/follower.h %D%/follower.c \
	%D%/session.h %D%/session_state.h %D%/session.c %D%/session_summary.c

# Preloaded into programs that were not built with sanitizers, hence never built with them. -z now: no lazy binding
# inside somebody's malloc. -fno-builtin: malloc here is a function like any other.
record_cflags = $(WARN_CFLAGS) -fPIC -fvisibility=hidden -ftls-model=initial-exec -fno-builtin \
	-fasynchronous-unwind-tables -fno-sanitize=all
record_ldflags = -shared -Wl,-z,now -Wl,-z,defs
record_sources = \
	%D%/arena.h %D%/ticks.h \
	%D%/preload/attach.h %D%/preload/attach.c %D%/preload/command.c \
	%D%/preload/environment.h %D%/preload/environment.c \
	%D%/preload/extended.h %D%/preload/extended.c \
	%D%/preload/interpose.h %D%/preload/interpose.c \
	%D%/preload/operators.h %D%/preload/operators.c \
	%D%/preload/process.h %D%/preload/process.c \
	%D%/preload/real.h %D%/preload/real.c \
	%D%/preload/recorder.h \
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

# Accesses: a plugin of the emulator, and what the emulated program preloads. The emulator defines qemu_plugin_*.
if QEMU_PLUGIN
pkglibexec_PROGRAMS += bench/libexec/libfaultline-access.so bench/libexec/libfaultline-guest.so
bench_libexec_libfaultline_access_so_SOURCES = \
	%D%/arena.h %D%/ticks.h %D%/access_word.h %D%/guest_call.h \
	%D%/preload/attach.h %D%/preload/attach.c %D%/preload/recording.h %D%/preload/recording.c \
	%D%/preload/stacks.h %D%/preload/stacks_none.c \
	%D%/plugin/call.h %D%/plugin/call.c %D%/plugin/command.c %D%/plugin/guest_memory.h %D%/plugin/guest_memory.c \
	%D%/plugin/kernel_copy.h %D%/plugin/kernel_copy.c %D%/plugin/mapping.h %D%/plugin/mapping.c \
	%D%/plugin/operand.h %D%/plugin/operand.c %D%/plugin/party.c %D%/plugin/plugin.c \
	%D%/plugin/qemu_plugin.h %D%/plugin/vcpu.h %D%/plugin/vcpu.c
bench_libexec_libfaultline_access_so_CFLAGS = $(record_cflags)
bench_libexec_libfaultline_access_so_LDFLAGS = -shared -Wl,-z,now
bench_libexec_libfaultline_guest_so_SOURCES = \
	%D%/arena.h %D%/guest_call.h %D%/guest/guest.h %D%/guest/guest.c %D%/guest/restart.h %D%/guest/restart.c \
	%D%/preload/recorder.h %D%/preload/interpose.h %D%/preload/interpose.c \
	%D%/preload/operators.h %D%/preload/operators.c %D%/preload/extended.h %D%/preload/extended.c \
	%D%/preload/real.h %D%/preload/real.c
bench_libexec_libfaultline_guest_so_CFLAGS = $(record_cflags) -DRECORDER_IN_GUEST
bench_libexec_libfaultline_guest_so_LDFLAGS = $(record_ldflags)
endif
EXTRA_DIST += %D%/preload/stacks_unwind.c
