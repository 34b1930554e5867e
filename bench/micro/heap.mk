# The heap against glibc, jemalloc, mimalloc and tcmalloc: each is preloaded into a process of its own, in
# turn.
EXTRA_PROGRAMS += bench/micro/heap bench/micro/heap_work
CLEANFILES += bench/micro/heap bench/micro/heap_work
bench_micro_heap_SOURCES = %D%/heap.c $(micro_sources)
bench_micro_heap_LDADD = $(micro_libs) $(JANSSON_LIBS)
bench_micro_heap_work_SOURCES = %D%/heap_work.c %D%/gbench.h %D%/gbench_shim.cc
bench_micro_heap_work_LDADD = $(BENCHMARK_LIBS) $(PTHREAD_LIBS) -lm

# Empty without Google Benchmark; bench-micro has said so then.
heap_benchmark =
if HAVE_BENCHMARK
heap_benchmark += bench/micro/heap
endif
bench-heap: $(heap_benchmark) $(heap_benchmark:=_work) $(pkglibexec_PROGRAMS)
	@test -z '$(heap_benchmark)' || FAULTLINE_LIBEXECDIR=bench/libexec bench/micro/heap$(EXEEXT) $(BENCH_FLAGS)
bench: bench-heap
.PHONY: bench-heap
