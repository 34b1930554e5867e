# make check: everything that is quick. make check-long: the long runs. make recheck: what failed last time.
#
# A test speaks TAP. A program without extension is a cmocka program (one group per program), a .sh file is a script
# that reads tests/tap.sh. Each finds absolute paths in its environment, because the build is out of tree:
#   top_srcdir, top_builddir     the source and the build tree
#   FAULTLINE                    the command that was built
#   FAULTLINE_SHARED_TRACES      foreign traces that are too big for the repository; tests skip when it is not there
# A program that crashes or ends with another status than 0 is an error even when all its cases passed.
#
# make check ends with one line, `N passed, N failed, N skipped`, over the cases of all programs (tests/total.sh).
TEST_EXTENSIONS = .sh
LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
LOG_COMPILER = $(SHELL) $(top_srcdir)/tests/cmocka.sh
SH_LOG_DRIVER = $(LOG_DRIVER)
SH_LOG_COMPILER = $(SHELL)
AM_TESTS_ENVIRONMENT = \
	top_srcdir='$(abs_top_srcdir)'; export top_srcdir; \
	top_builddir='$(abs_top_builddir)'; export top_builddir; \
	FAULTLINE='$(abs_top_builddir)/bench/faultline$(EXEEXT)'; export FAULTLINE; \
	FAULTLINE_SHARED_TRACES="$${FAULTLINE_SHARED_TRACES:-$(abs_top_srcdir)/../shared/traces}"; \
	export FAULTLINE_SHARED_TRACES; \
	CMOCKA_MESSAGE_OUTPUT=TAP; export CMOCKA_MESSAGE_OUTPUT;

# Scripts of tests/cli: add NAME.sh to dist_check_SCRIPTS and TESTS. Long runs are scripts of tests/long: add them to
# dist_check_SCRIPTS and LONG_TESTS.
EXTRA_DIST += %D%/tap.sh %D%/total.sh %D%/runs.sh %D%/installed.sh %D%/cmocka.sh
LONG_TESTS =

# The tests of what is threaded: they are members of TESTS, too; .ci/run threads runs them under ThreadSanitizer.
THREAD_TESTS = tests/unit/lock tests/unit/heap_threads tests/unit/heap_shell tests/unit/gfp tests/unit/page_runs
print-thread-tests:
	@echo $(THREAD_TESTS)
.PHONY: print-thread-tests

# What .ci/run sanitize runs of TESTS: not the fuzz targets, which .ci/run fuzz runs under the same sanitizers, nor what only
# compiles.
print-sanitizer-tests:
	@for test in $(TESTS); do \
		case $$test in tests/fuzz/* | tests/cli/headers.sh | tests/cli/includes.sh) ;; *) echo $$test ;; esac; \
	done | xargs echo
.PHONY: print-sanitizer-tests

# What .ci/run distcheck runs of TESTS: the tests that read the distribution's own files. The others say nothing about it that the
# phases before have not said.
DISTRIBUTION_TESTS = tests/cli/headers.sh tests/cli/includes.sh tests/cli/manual.sh tests/cli/report.sh \
	tests/cli/samples.sh tests/cli/golden.sh tests/cli/glossary.sh tests/cli/policies.sh tests/cli/translate.sh \
	tests/cli/doctor.sh tests/cli/replay_targets.sh tests/unit/page_sample
print-distribution-tests:
	@echo $(DISTRIBUTION_TESTS) $(fuzz_programs)
.PHONY: print-distribution-tests

include tests/unit/local.mk
include tests/model/local.mk
include tests/cli/local.mk
include tests/fuzz/local.mk

# As automake's own rule, but the total is printed, and decides, whatever the result.
check-TESTS: $(check_PROGRAMS) $(check_SCRIPTS)
	@list='$(RECHECK_LOGS)'; test -z "$$list" || rm -f $$list
	@list='$(RECHECK_LOGS:.log=.trs)'; test -z "$$list" || rm -f $$list
	@rm -f $(TEST_SUITE_LOG)
	@set +e; $(am__set_TESTS_bases); \
	logs=`for base in $$bases; do echo $$base.log; done`; logs=`echo $$logs`; \
	results=`for base in $$bases; do echo $$base.trs; done`; \
	$(MAKE) $(AM_MAKEFLAGS) $(TEST_SUITE_LOG) TEST_LOGS="$$logs"; status=$$?; \
	$(SHELL) $(srcdir)/tests/total.sh $$results || status=1; \
	exit $$status

check-long: all
	$(MAKE) $(AM_MAKEFLAGS) $(check_PROGRAMS) $(check_SCRIPTS)
	@$(MAKE) $(AM_MAKEFLAGS) check-TESTS TESTS='$(LONG_TESTS)' TEST_SUITE_LOG=long-suite.log; status=$$?; \
	$(SHELL) $(srcdir)/tests/long/table.sh $(LONG_TESTS:.sh=.log) >check-long.md; cat check-long.md; exit $$status
.PHONY: check-long

# The builds of tests/long/replay_sanitized.sh.
clean-local:
	rm -rf long-address,undefined long-thread check-long.md

installcheck-local:
	$(SHELL) $(srcdir)/tests/installed.sh $(DESTDIR)$(bindir)
