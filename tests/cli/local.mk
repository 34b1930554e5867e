# Tests of the command line and of the tree, one script per command or concern.
cli_tests = \
	%D%/harness.sh \
	%D%/report.sh
dist_check_SCRIPTS += $(cli_tests)
TESTS += $(cli_tests)
