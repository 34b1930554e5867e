# Unit tests of bench/report, which makes reports with the scripts of plots/.
report_tests = \
	%D%/row \
	%D%/html \
	%D%/series \
	%D%/run_summary \
	%D%/comparison \
	%D%/summary \
	%D%/output
check_PROGRAMS += $(report_tests)
TESTS += $(report_tests)
report_test_libs = bench/libbench.a $(unit_libs)

tests_unit_row_LDADD = $(report_test_libs)
tests_unit_html_LDADD = $(report_test_libs)
tests_unit_series_LDADD = $(report_test_libs)
tests_unit_run_summary_LDADD = $(report_test_libs)
tests_unit_run_summary_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_comparison_LDADD = $(report_test_libs)
tests_unit_comparison_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_summary_LDADD = $(report_test_libs)
tests_unit_summary_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_output_LDADD = $(report_test_libs)
