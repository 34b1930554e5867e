#!/bin/sh
# total.sh RESULT.trs...: counts the cases of all test programs and prints `N passed, N failed, N skipped`.
# Succeeds when something passed and nothing failed. A program that ended badly without a failed case of its own
# counts as one failure, and so does a program that left no result.
exec awk '
function file_end() {
	if (!any)
		failed++
	else if (errors && !file_failed)
		failed++
	any = errors = file_failed = 0
}
FNR == 1 && NR > 1 { file_end() }
{ any = 1 }
/^:test-result: *(PASS|XFAIL)/ { passed++ }
/^:test-result: *(FAIL|XPASS)/ { failed++; file_failed = 1 }
/^:test-result: *SKIP/ { skipped++ }
/^:test-result: *ERROR/ { errors = 1 }
BEGIN {
	kept = 1
	for (i = 1; i < ARGC; i++) {
		if ((getline line < ARGV[i]) > 0)
			ARGV[kept++] = ARGV[i]
		else
			failed++
		close(ARGV[i])
	}
	for (i = kept; i < ARGC; i++)
		delete ARGV[i]
	if (kept == 1)
		exit
}
END {
	if (any)
		file_end()
	printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
	exit failed > 0 || passed == 0
}' "$@" </dev/null
