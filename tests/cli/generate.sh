#!/bin/sh
# faultline generate: every workload, the same bytes every time, and what it refuses.
. "$top_srcdir/tests/tap.sh"

printf '8, 2e5, 20000\n64, 5e4, 1e5\n4096, 3000, 300\n1048576, 1, 1\n' >profile.csv

small() { # WORKLOAD: settings that make a short trace of it
	case $1 in
	fleetbench) echo "--set profile=profile.csv --set heap_mib=2 --set events=20000" ;;
	larson) echo "--set operations=100" ;;
	fragmenter-a) echo "--set heap_mib=2 --set iterations=3" ;;
	page-fragmenter-a) echo "--set memory_mib=4 --set rounds=3" ;;
	page-fragmenter-b) echo "--set memory_mib=16 --set allocations=1000" ;;
	fragmenter-b) echo "--set heap_mib=16 --set events=20000" ;;
	binary-tree) echo "--set depth=6" ;;
	queue) echo "--set messages=5000" ;;
	realloc-growth | uniform) echo "--set events=20000" ;;
	phases) echo "--set heap_mib=1 --set phases=3" ;;
	esac
}

for workload in fleetbench larson fragmenter-a fragmenter-b binary-tree queue realloc-growth uniform phases page-fragmenter-a page-fragmenter-b; do
	# shellcheck disable=SC2046 # a list of options
	expect 0 "$workload is generated" "$FAULTLINE" generate "$workload" $(small "$workload") --seed 5 -o one.flt
	# shellcheck disable=SC2046
	"$FAULTLINE" generate "$workload" $(small "$workload") --seed 5 -o two.flt 2>/dev/null
	pass_if "$workload obeys the rules of a trace" "$FAULTLINE" info --verify one.flt
	pass_if "$workload is the same to the byte a second time" cmp one.flt two.flt
done

expect 0 "the summary" "$FAULTLINE" generate queue --set messages=10 --seed 9 -o one.flt
matches "says how to make it again" '^faultline generate: one.flt: queue producers=2 .* messages=10 seed=9$' stderr

expect 0 "--list" "$FAULTLINE" generate --list
matches "lists workloads" '^larson: ' stdout
matches "and keys with defaults" '^  threads +4  threads at a time$' stdout
expect 0 "--list of one workload" "$FAULTLINE" generate queue --list
lacks "shows no other" '^larson' stdout
expect 0 "--help" "$FAULTLINE" generate --help
matches "explains --seed" '^ +--seed' stdout
expect 0 "a trace may go to standard output" "$FAULTLINE" generate binary-tree --set depth=4 -q -o -
cp stdout piped.flt
pass_if "and is whole" "$FAULTLINE" info --verify piped.flt
expect 0 "what is left out of a profile is said" "$FAULTLINE" generate fleetbench --set profile=profile.csv --set heap_mib=2 --set events=1000 -o left.flt
matches "with numbers" "1 of the profile's 4 rows have sizes above 32768 bytes and are left out" stderr

expect 2 "no workload" "$FAULTLINE" generate -o x.flt
expect 2 "two workloads" "$FAULTLINE" generate queue larson -o x.flt
expect 2 "an unknown workload" "$FAULTLINE" generate frob -o x.flt
matches "is named" "there is no workload 'frob'" stderr
expect 2 "no output" "$FAULTLINE" generate queue
expect 2 "an unknown key" "$FAULTLINE" generate queue --set frob=1 -o x.flt
matches "is answered with the keys" "workload queue has no key 'frob'; its keys are producers, consumers" stderr
expect 2 "a value out of range" "$FAULTLINE" generate queue --set producers=0 -o x.flt
expect 2 "values that do not go together" "$FAULTLINE" generate queue --set min_bytes=9 --set max_bytes=8 -o x.flt
expect 2 "a seed that is no number" "$FAULTLINE" generate queue --seed x -o x.flt
expect 2 "fleetbench without a profile" "$FAULTLINE" generate fleetbench -o x.flt
matches "is asked for one" 'a profile is needed: --set profile=FILE.csv' stderr
expect 1 "a profile that is missing" "$FAULTLINE" generate fleetbench --set profile=missing.csv -o x.flt
matches "is named" '^faultline generate: missing.csv: cannot be opened: No such file or directory$' stderr
printf '8, 1, 1\n8; 1; 1\n' >wrong.csv
expect 1 "a profile that is none" "$FAULTLINE" generate fleetbench --set profile=wrong.csv -o x.flt
matches "is told the line" '^faultline generate: wrong.csv:2: a row must look like' stderr
if [ -w /dev/full ]; then
	expect 1 "a full disk" sh -c '"$FAULTLINE" generate uniform -q -o - >/dev/full'
	matches "is said" 'No space left on device' stderr
else
	skip "a full disk" "/dev/full is missing"
fi
pass_if "none of these left a file" test ! -e x.flt
finish
