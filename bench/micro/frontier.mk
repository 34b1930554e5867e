# Policies on the fragmenters of pages (bench/page_fragmenter.h), as a table and as frontier.svg in the build tree.
EXTRA_PROGRAMS += bench/micro/frontier
CLEANFILES += bench/micro/frontier frontier.tsv frontier.svg
bench_micro_frontier_SOURCES = %D%/frontier.c
bench_micro_frontier_LDADD = bench/libbench.a engine/libengine.a

bench-fragmentation: bench/micro/frontier$(EXEEXT)
	bench/micro/frontier$(EXEEXT) frontier.tsv
	test '$(GNUPLOT)' = no || (cd $(srcdir)/plots && $(GNUPLOT) -c frontier.gp svg $(abs_builddir)/frontier.svg $(abs_builddir)/frontier.tsv)
bench: bench-fragmentation
.PHONY: bench-fragmentation
