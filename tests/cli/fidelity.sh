#!/bin/sh
# The model against the running kernel on one small program, with transparent huge pages as they are (make fidelity does it with
# all programs and settings).
# shellcheck source=tests/tap.sh
. "$top_srcdir/tests/tap.sh"

fidelity=$top_builddir/bench/fidelity/fidelity
FIDELITY_THP=as-it-is
FIDELITY_KEEP=$scratch
export FIDELITY_THP FIDELITY_KEEP

expect 2 "two recordings are wanted" "$fidelity" one.flt
expect 1 "that can be read" "$fidelity" none.flt none.flt
matches "or the file is named" 'none.flt' stderr
expect 0 "the columns are explained" "$fidelity" --columns
matches "with their names" '^# program	thp	process	what	kernel	model' stdout
"$top_srcdir/bench/fidelity/measure.sh" "$FAULTLINE" "$fidelity" "$top_builddir/bench/fidelity/memory_user" table.tsv populate >log 2>&1
status=$?
if [ $status -eq 77 ]; then
	skip "the model against the kernel" "$(sed -n 's/^fidelity: skipped: //p' log)"
	finish
fi
sed 's/^/# /' log
pass_if "a program's figures are predicted within the bounds" test $status -eq 0
pass_if "eight of them" test "$(grep -c '^populate	' table.tsv)" = 8
fail_if "none is outside" grep -q OUTSIDE table.tsv
case $(awk '$1 == "populate" { print $2; exit }' table.tsv) in
always) other=never ;;
*) other=always ;;
esac
expect 3 "with another setting of huge pages than the kernel had they are not" \
	"$fidelity" --name populate --thp $other populate.native.flt populate.emulated.flt
matches "and it says so" '^populate	.*	rusage	.*OUTSIDE$' stdout
expect 1 "a setting that there is not" "$fidelity" --name populate --thp some populate.native.flt populate.emulated.flt
finish
