# What the heap recorder costs per event, beside other recorders.
EXTRA_PROGRAMS += bench/micro/record_loop
bench_micro_record_loop_SOURCES = %D%/record_loop.c
bench_micro_record_loop_CFLAGS = $(WARN_CFLAGS) -fno-builtin -fno-sanitize=all
bench_micro_record_loop_LDFLAGS =
EXTRA_DIST += %D%/record-cost

bench-record: bench/micro/record_loop$(EXEEXT) bench/faultline$(EXEEXT) bench/libexec/libfaultline-record.so$(EXEEXT)
	$(srcdir)/%D%/record-cost $(abs_builddir)/bench/faultline$(EXEEXT) $(abs_builddir)/bench/micro/record_loop$(EXEEXT)
bench: bench-record
.PHONY: bench-record

# How fast accesses are recorded, beside lackey.
EXTRA_DIST += %D%/access-cost
bench-accesses: bench/faultline$(EXEEXT) $(pkglibexec_PROGRAMS)
	$(srcdir)/%D%/access-cost $(abs_builddir)/bench/faultline$(EXEEXT)
bench: bench-accesses
.PHONY: bench-accesses
