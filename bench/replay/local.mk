# replay, compare, diff: what they share goes into libbench.a.
bench_libbench_a_SOURCES += bench/histogram.h bench/histogram.c bench/interval.h bench/interval.c \
	bench/timeline.h bench/timeline.c bench/targets/target.h bench/targets/target.c \
	bench/regression.h bench/regression.c bench/latency.h bench/latency.c bench/measurement.h bench/measurement.c \
	bench/model.h bench/model.c bench/host.h bench/host.c bench/run.h bench/run.c \
	bench/mmu_series.h bench/mmu_series.c bench/space_map.h bench/space_map.c bench/workers.h bench/workers.c \
	bench/run_directory.h bench/run_directory.c bench/whole_directory.h bench/whole_directory.c bench/verdict.h bench/verdict.c bench/limit.h bench/limit.c \
	%D%/operation.h %D%/operation.c %D%/session.h %D%/session.c %D%/clock.h %D%/clock.c \
	%D%/block_table.h %D%/block_table.c %D%/slot_pool.h %D%/slot_pool.c %D%/family.h %D%/family.c \
	%D%/planner.h %D%/planner.c %D%/plan.h %D%/plan.c %D%/feed.h %D%/feed.c \
	%D%/child_process.h %D%/child_process.c %D%/pass.h %D%/pass.c %D%/call_trap.h %D%/call_trap.c

bench_faultline_SOURCES += bench/command_replay.h bench/command_replay.c bench/replay_options.h \
	bench/replay_options.c bench/replay_options_command.c bench/trial.h bench/trial.c bench/trial_mmu.h bench/trial_mmu.c \
	bench/scoreboard.h bench/scoreboard.c bench/command_compare.c bench/command_diff.c bench/live.h bench/live.c \
	bench/command_place.c

# The replaying child. It is never built with sanitizers: their allocator cannot be replaced by preloading.
replay_child_sources = %D%/child.h %D%/child.c %D%/child_calls.c %D%/child_chunk.c \
	%D%/child_failure.c %D%/child_figures.c %D%/child_loop.c %D%/child_memory.c \
	%D%/child_null.h %D%/child_null.c %D%/child_placement.c %D%/call_trap.h %D%/call_trap.c %D%/child_threads.c %D%/child_verify.c \
	%D%/clock.h %D%/clock.c %D%/operation.h %D%/operation.c \
	%D%/session.h %D%/session.c bench/histogram.h bench/histogram.c
pkglibexec_PROGRAMS += bench/libexec/faultline-replay
bench_libexec_faultline_replay_CPPFLAGS = $(AM_CPPFLAGS)
bench_libexec_faultline_replay_CFLAGS = $(WARN_CFLAGS) $(PTHREAD_CFLAGS)
bench_libexec_faultline_replay_LDFLAGS =
bench_libexec_faultline_replay_LDADD = $(PTHREAD_LIBS) -lm
bench_libexec_faultline_replay_SOURCES = $(replay_child_sources) %D%/child_linked_none.c

# With sanitizers the engine's heap cannot be preloaded: the child has it linked in, and is itself built with them.
if SANITIZED
pkglibexec_PROGRAMS += bench/libexec/faultline-replay-linked
bench_libexec_faultline_replay_linked_CPPFLAGS = $(AM_CPPFLAGS)
bench_libexec_faultline_replay_linked_CFLAGS = $(AM_CFLAGS)
bench_libexec_faultline_replay_linked_LDADD = bench/preload/libheapshell.a engine/libengine.a $(PTHREAD_LIBS) -lm
bench_libexec_faultline_replay_linked_SOURCES = $(replay_child_sources) %D%/child_linked.c
endif
