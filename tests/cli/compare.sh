#!/bin/sh
# faultline compare: the table, the verdicts, the directories; --live.
. "${top_srcdir:?}/tests/tap.sh"
bad="$top_builddir/tests/cli/bad_allocator.so"

pass_if 'a trace' "$FAULTLINE" generate uniform --set objects=500 --set events=20000 -q -o one.flt
pass_if 'another' "$FAULTLINE" generate larson --set threads=2 --set operations=200 --set generations=2 -q -o two.flt

expect 0 'three targets on two traces' "$FAULTLINE" compare one.flt two.flt --on engine --on glibc --on null \
	--rounds 6 --memory-rounds 6 -q -o cmp
matches 'the table has a column per target' ' engine +glibc +null +mode$' stdout
matches 'the best is marked' '\*[0-9]' stdout
pass_if 'a sentence on time and one on footprint per trace' test \
	"$(grep -Ec '^(one|two).flt: .*(wins on|no difference on|nothing to compare on) (net time|gross time|footprint peak).*\.$' stdout)" -eq 4
for run in one/engine one/glibc one/null two/engine two/glibc two/null; do
	pass_if "a run directory $run" test -s "cmp/$run/run.json"
done
matches 'compare.json has its schema' '"schema": 1' cmp/compare.json
pass_if 'six runs' test "$(grep -c '"touch":' cmp/compare.json)" -eq 6
matches 'and verdicts' '"verdicts": \[' cmp/compare.json
fail_if 'nothing is left beside' sh -c 'ls -d cmp/*.?????? cmp/*/*.??????'
expect 0 'a comparison is made anew' "$FAULTLINE" compare one.flt --on engine --on glibc --rounds 1 --memory-rounds 1 -q -o cmp --json
matches 'as JSON on standard output' '^  "schema": 1' stdout
lacks 'and nothing else' 'wins on net' stderr
expect 0 'few rounds are no verdict' "$FAULTLINE" compare one.flt --on engine --on glibc --rounds 2 --memory-rounds 2 -q
matches 'which is said' 'too few rounds' stdout
expect 0 'a target with options' "$FAULTLINE" compare one.flt --on glibc:arena_max=1 --on glibc --measure memory --memory-rounds 1 -q -o opt
pass_if 'has a plain directory name' test -s opt/one/glibc_arena_max_1/run.json
pass_if 'the report reads it' "$FAULTLINE" report cmp -o report.html

expect 0 'against a baseline' "$FAULTLINE" compare one.flt --on engine --on glibc --against glibc --measure memory --memory-rounds 6 -q
matches 'is said for each other target' '^one.flt: engine is at [0-9.]+ of glibc on footprint peak \(95 % interval [0-9.]+ to [0-9.]+\)\.$' stdout
expect 0 'of a program too' "$FAULTLINE" compare --live --on glibc --on "$bad" --against glibc --rounds 2 -q -- true
expect 2 'the baseline is one of the targets' "$FAULTLINE" compare one.flt --on engine --on glibc --against jemalloc
expect 2 'two targets are needed' "$FAULTLINE" compare one.flt --on glibc
expect 2 'a trace is needed' "$FAULTLINE" compare --on glibc --on engine
mkdir other && cp one.flt other/one.flt
expect 2 'two traces of one name' "$FAULTLINE" compare one.flt other/one.flt --on glibc --on engine -o cmp
export BAD_ALLOCATOR=null
expect 1 'a target that fails ends the comparison' "$FAULTLINE" compare one.flt --on glibc --on "$bad" --rounds 1 -q
unset BAD_ALLOCATOR
matches 'with its name' 'bad_allocator.so: event [0-9]+' stderr
expect 1 'a trace that is not there' "$FAULTLINE" compare none.flt --on glibc --on engine -q -o none
matches 'is named once' '^faultline compare: none.flt: cannot open' stderr
pass_if 'and leaves no directory' test ! -e none

expect 0 'a program under two allocators' "$FAULTLINE" compare --live --on glibc --on "$bad" --rounds 6 -q -- sh -c 'ls / >/dev/null'
matches 'wall clock' '^wall time, s' stdout
matches 'and a sentence' '^sh: .* (wall time|wins on wall time|nothing to compare on wall time)' stdout
expect 0 'as JSON' "$FAULTLINE" compare --live --on glibc --on "$bad" --rounds 2 -q --json -- true
matches 'with every measure' '"system_s":' stdout
expect 1 'a program that fails is not compared' "$FAULTLINE" compare --live --on glibc --on "$bad" --rounds 2 -q -- false
matches 'which is said' 'ended with status 1' stderr
expect 1 'a program that is not there' "$FAULTLINE" compare --live --on glibc --on "$bad" -q -- /nowhere/program
expect 1 'null runs no program' "$FAULTLINE" compare --live --on glibc --on null -q -- true
expect 2 'a program is needed' "$FAULTLINE" compare --live --on glibc --on "$bad"
finish
