#!/bin/sh
# Ten thousand random sequences of memory calls in real processes and in the model.
. "${top_srcdir:?}/tests/tap.sh"

FAULTLINE_MM_SEQUENCES=10000 CMOCKA_MESSAGE_OUTPUT=STDOUT "${top_builddir:?}/tests/model/mm_calls" >stdout 2>stderr
status=$?
sed -n 's/^# skipped: //p' stdout | head -n 1 >why
if [ -s why ]; then
	skip_all "$(cat why)"
fi
grep '^#' stdout
report_case $status 'no sequence differs'
matches 'ten thousand sequences were run' '^# 10000 random sequences' stdout
finish
