# Where live allocators put the blocks of a trace.
bench_libbench_a_SOURCES += %D%/range_set.h %D%/range_set.c %D%/mapped.h %D%/mapped.c %D%/placement.h \
	%D%/placement_code.h %D%/placement_code.c %D%/placement_writer.c %D%/placement_reader.c \
	%D%/cursor.h %D%/cursor.c %D%/recorder.h %D%/recorder.c %D%/placement_pass.h %D%/placement_pass.c \
	%D%/placement_placer.h %D%/placement_placer.c

# Is what a placement predicts what happens? Takes minutes; where the machine cannot record, it says so and skips.
EXTRA_DIST += %D%/truth
fidelity-placement: bench/faultline$(EXEEXT) $(pkglibexec_PROGRAMS)
	$(srcdir)/%D%/truth $(abs_builddir)/bench/faultline$(EXEEXT) || [ $$? -eq 77 ]
.PHONY: fidelity-placement
