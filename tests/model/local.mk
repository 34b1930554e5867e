# The model against the running kernel, call by call. make check runs a few hundred random sequences, make check-long
# ten thousand (tests/long/mm_calls.sh).
naive_address_space = tests/model/mm_report.h tests/model/mm_sequence.h tests/model/mm_sequence.c \
	tests/model/mm_ideal.h tests/model/mm_ideal.c tests/model/naive_pages.h tests/model/naive_pages.c
check_PROGRAMS += %D%/mm_calls
TESTS += %D%/mm_calls
tests_model_mm_calls_SOURCES = %D%/mm_calls.c %D%/mm_real.h %D%/mm_real.c %D%/mm_child.c $(naive_address_space)
tests_model_mm_calls_LDADD = $(unit_libs)
EXTRA_DIST += \
	%D%/sequences/data-limit.txt \
	%D%/sequences/droppable.txt \
	%D%/sequences/end-of-file.txt \
	%D%/sequences/fork-merge.txt \
	%D%/sequences/guard.txt \
	%D%/sequences/highest-addresses.txt \
	%D%/sequences/huge-alignment.txt \
	%D%/sequences/identities.txt \
	%D%/sequences/locked-stack.txt \
	%D%/sequences/move-many.txt \
	%D%/sequences/pipe.txt \
	%D%/sequences/page-out-untouched.txt \
	%D%/sequences/refused-growth.txt \
	%D%/sequences/shrink-beyond.txt \
	%D%/sequences/sync-flag.txt
dist_check_SCRIPTS += tests/long/mm_calls.sh
LONG_TESTS += tests/long/mm_calls.sh
