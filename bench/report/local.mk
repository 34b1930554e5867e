# faultline report: from run directories to a page.
bench_libbench_a_SOURCES += \
	%D%/row.h %D%/row.c \
	%D%/run_summary.h %D%/run_summary.c \
	%D%/comparison.h %D%/comparison.c \
	%D%/series.h %D%/series.c \
	%D%/gnuplot.h %D%/gnuplot.c \
	%D%/figure.h %D%/figure.c \
	%D%/html.h %D%/html.c \
	%D%/summary.h %D%/summary.c \
	%D%/provenance.h %D%/provenance.c \
	%D%/page.h %D%/page.c \
	%D%/output.h %D%/output.c \
	%D%/figure_files.h %D%/figure_files.c \
	%D%/terminal.h %D%/terminal.c
