# The model against the running kernel, program by program: make fidelity. Takes minutes; where the machine cannot record, it
# says so and does nothing.
fidelity_sources = \
	%D%/recording.h %D%/recording.c \
	%D%/figures.h %D%/figures.c \
	%D%/listing.h %D%/listing.c \
	%D%/pairing.h %D%/pairing.c \
	%D%/prediction.h %D%/prediction.c
bench_libbench_a_SOURCES += $(fidelity_sources)

check_PROGRAMS += bench/fidelity/fidelity bench/fidelity/memory_user
bench_fidelity_fidelity_SOURCES = %D%/fidelity.c
bench_fidelity_fidelity_LDADD = bench/libbench.a $(traces_libs) engine/libengine.a $(PTHREAD_LIBS) -lm

# Recorded, hence never built with sanitizers, and the same everywhere.
bench_fidelity_memory_user_SOURCES = %D%/memory_user.c
bench_fidelity_memory_user_CFLAGS = $(WARN_CFLAGS) -fno-sanitize=all
bench_fidelity_memory_user_LDFLAGS =

EXTRA_DIST += %D%/measure.sh %D%/kernel.sh %D%/programs/compiled.txt %D%/programs/forks.sh %D%/programs/shell.sh %D%/programs/work.py \
	%D%/programs/work.sql

fidelity: all bench/fidelity/fidelity bench/fidelity/memory_user
	$(srcdir)/bench/fidelity/measure.sh $(abs_builddir)/bench/faultline $(abs_builddir)/bench/fidelity/fidelity \
		$(abs_builddir)/bench/fidelity/memory_user $(abs_builddir)/fidelity.tsv $(PROGRAMS_MEASURED) || test $$? = 77

# The page allocator, on recordings of this machine, or on those that KERNEL_RECORDINGS names.
fidelity-kernel: bench/faultline$(EXEEXT)
	$(srcdir)/bench/fidelity/kernel.sh $(abs_builddir)/bench/faultline$(EXEEXT) $(abs_builddir)/fidelity-kernel.tsv \
		$(KERNEL_RECORDINGS) || test $$? = 77
.PHONY: fidelity fidelity-kernel
CLEANFILES += fidelity.tsv fidelity-kernel.tsv
