# How fast a trace is decoded: make bench runs it on what it makes itself, and on the traces in DECODE_TRACES.
EXTRA_PROGRAMS += bench/micro/decode
CLEANFILES += bench/micro/decode
bench_micro_decode_SOURCES = %D%/decode.c
bench_micro_decode_LDADD = $(traces_libs)

bench-decode: bench/micro/decode$(EXEEXT)
	bench/micro/decode$(EXEEXT) $(DECODE_TRACES)
bench: bench-decode
.PHONY: bench bench-decode
