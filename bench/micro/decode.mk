# How fast a trace is decoded: make bench runs it on what it makes itself, and on the traces in DECODE_TRACES.
EXTRA_PROGRAMS += bench/micro/decode
CLEANFILES += bench/micro/decode
bench_micro_decode_SOURCES = %D%/decode.c
bench_micro_decode_LDADD = $(traces_libs)

bench-decode: bench/micro/decode$(EXEEXT)
	bench/micro/decode$(EXEEXT) $(DECODE_TRACES)
bench: bench-decode
.PHONY: bench bench-decode

# How fast references are read, written and sent through an MMU: of a stream that it makes, and of the traces in
# REFERENCE_TRACES (of record --accesses).
EXTRA_PROGRAMS += bench/micro/references
CLEANFILES += bench/micro/references
bench_micro_references_SOURCES = %D%/references.c %D%/layout.h %D%/layout.c %D%/naive_mmu.h %D%/naive_mmu.c
bench_micro_references_LDADD = $(traces_libs) engine/libengine.a

bench-references: bench/micro/references$(EXEEXT)
	bench/micro/references$(EXEEXT) $(REFERENCE_TRACES)
bench: bench-references
.PHONY: bench-references
