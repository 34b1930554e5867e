# Micro-benchmarks with Google Benchmark: bench/micro/NAME is a program of its own. `make bench` builds and runs all of
# $(benchmark_programs); each prints its table. BENCH_FLAGS are its options, for example BENCH_FLAGS=--benchmark_filter=churn.
benchmark_programs =
if HAVE_BENCHMARK
benchmark_programs += bench/micro/bitmap bench/micro/buddy bench/micro/zone bench/micro/slab bench/micro/tlb
endif
EXTRA_PROGRAMS += bench/micro/bitmap bench/micro/buddy bench/micro/zone bench/micro/slab bench/micro/tlb
CLEANFILES += bench/micro/bitmap bench/micro/buddy bench/micro/zone bench/micro/slab bench/micro/tlb
micro_sources = %D%/gbench.h %D%/gbench_shim.cc %D%/table.h %D%/table.c %D%/pace.h %D%/pace.c
micro_libs = bench/libbench.a engine/libengine.a $(BENCHMARK_LIBS) $(PTHREAD_LIBS) -lm
AM_CXXFLAGS = $(SAN_CFLAGS) $(BENCHMARK_CFLAGS)
bench_micro_tlb_SOURCES = %D%/tlb.c %D%/naive_mmu.h %D%/naive_mmu.c %D%/page_sample.h %D%/page_sample.c $(micro_sources)
bench_micro_tlb_CPPFLAGS = $(AM_CPPFLAGS) -DPAGE_SAMPLE='"$(abs_top_srcdir)/bench/micro/python3.pages"'
bench_micro_tlb_CFLAGS = $(AM_CFLAGS) $(ZSTD_CFLAGS)
bench_micro_tlb_LDADD = $(micro_libs) $(ZSTD_LIBS)
# Made by hand only: page_sample.h has the recipe.
EXTRA_PROGRAMS += bench/micro/make_page_sample
CLEANFILES += bench/micro/make_page_sample
bench_micro_make_page_sample_SOURCES = %D%/make_page_sample.c %D%/page_sample.h %D%/page_sample.c
bench_micro_make_page_sample_CFLAGS = $(AM_CFLAGS) $(ZSTD_CFLAGS)
bench_micro_make_page_sample_LDADD = $(ZSTD_LIBS)
EXTRA_DIST += %D%/python3.py %D%/python3.pages
frames_sources = %D%/frames.h %D%/frames.c %D%/frames_work.h %D%/frames_latency.h %D%/list_buddy.h %D%/list_buddy.c
bench_micro_buddy_SOURCES = %D%/buddy.c $(frames_sources) $(micro_sources)
bench_micro_buddy_LDADD = $(micro_libs)
bench_micro_zone_SOURCES = %D%/zone.c $(frames_sources) $(micro_sources)
bench_micro_zone_LDADD = $(micro_libs)
bench_micro_bitmap_SOURCES = %D%/bitmap.c $(micro_sources)
bench_micro_bitmap_LDADD = $(micro_libs)
bench_micro_slab_SOURCES = %D%/slab.c $(micro_sources)
bench_micro_slab_LDADD = $(micro_libs)

include bench/micro/heap.mk

bench-micro: $(benchmark_programs)
	@test -n '$(benchmark_programs)' || echo 'No micro-benchmarks: Google Benchmark is missing (Debian: libbenchmark-dev).'
	@for program in $(benchmark_programs); do ./$$program $(BENCH_FLAGS) || exit 1; echo; done
bench: bench-micro
.PHONY: bench-micro

# The slab benchmark compares with the malloc of its own process: once more with jemalloc, where that is installed.
bench-slab-jemalloc: $(benchmark_programs)
	@if test -n '$(benchmark_programs)' && /sbin/ldconfig -p 2>/dev/null | grep -q 'libjemalloc\.so\.2'; \
	then LD_PRELOAD=libjemalloc.so.2 ./bench/micro/slab$(EXEEXT) $(BENCH_FLAGS); \
	else echo 'The slab benchmark beside jemalloc: not run (libjemalloc.so.2 or Google Benchmark is missing).'; fi
bench: bench-slab-jemalloc
.PHONY: bench-slab-jemalloc
