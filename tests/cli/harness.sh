#!/bin/sh
# The harness itself: what total.sh counts, and that a crash, a missing result and an empty run are failures.
. "${top_srcdir:?}/tests/tap.sh"
total="$top_srcdir/tests/total.sh"

printf ':test-result: PASS 1 - a\n:test-result: SKIP 2 - b # SKIP none\n' >good.trs
printf ':test-result: PASS 1 - a\n:test-result: FAIL 2 - b\n:test-result: ERROR - exited with status 1\n' >bad.trs
printf ':test-result: PASS 1 - a\n:test-result: ERROR - terminated by signal 11\n' >crashed.trs
: >empty.trs

expect 0 'passed and skipped cases are a success' sh "$total" good.trs
matches 'they are counted' '^1 passed, 0 failed, 1 skipped$' stdout
expect 1 'a failed case is a failure' sh "$total" good.trs bad.trs
matches 'and counted once, though its program ended with status 1 too' '^2 passed, 1 failed, 1 skipped$' stdout
expect 1 'a crash without a failed case is a failure' sh "$total" crashed.trs good.trs
matches 'and counted' '^2 passed, 1 failed, 1 skipped$' stdout
expect 1 'a result that is not there is a failure' sh "$total" good.trs absent.trs
matches 'and counted' '^1 passed, 1 failed, 1 skipped$' stdout
expect 1 'an empty result is a failure' sh "$total" empty.trs good.trs
matches 'and counted' '^1 passed, 1 failed, 1 skipped$' stdout
expect 1 'no result at all is a failure' sh "$total"
matches 'and says so' '^0 passed, 0 failed, 0 skipped$' stdout

cat >stubs.awk <<'STUB'
/^not ok/ { bad++ }
END { exit bad != 1 }
STUB
sh -c '. "$top_srcdir/tests/tap.sh"; pass_if "wrong" false; pass_if "right" true; finish' >inner 2>&1
pass_if 'a failing case of a script is not ok' awk -f stubs.awk inner
matches 'a script prints its plan' '^1\.\.2$' inner

cat >program <<'STUB'
#!/bin/sh
echo 'not ok 1 # SKIP a case'
echo 'not ok 2 - another'
exit "$1"
STUB
chmod +x program
expect 3 'a cmocka program keeps its status' sh "$top_srcdir/tests/cmocka.sh" ./program 3
matches 'a skipped case is no failure' '^ok 1 - a case # SKIP$' stdout
matches 'a failed one is' '^not ok 2 - another$' stdout
printf '#!/bin/sh\nkill -SEGV $$\n' >program
expect 139 'a crash stays one' sh "$top_srcdir/tests/cmocka.sh" ./program
finish
