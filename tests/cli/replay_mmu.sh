#!/bin/sh
# faultline replay and compare --mmu: a stream of addresses through page faults and TLBs, and what is refused.
. "${top_srcdir:?}/tests/tap.sh"

# 700 pages, 8 loads in each, upward.
awk 'BEGIN { for (i = 0; i < 700 * 8; i++) printf(" L 7f%010x,8\n", i * 512) }' >upward.lackey
pass_if 'a stream is imported' "$FAULTLINE" import --from lackey upward.lackey -q -o upward.flt
pass_if 'a heap trace' "$FAULTLINE" generate uniform --set objects=50 --set events=500 -q -o heap.flt

number() { # KEY FILE
	sed -n "s/.*\"$1\": \([0-9]*\),*$/\1/p" "$2" | head -n 1
}
expect 0 'replay --mmu needs no target' "$FAULTLINE" replay --mmu 'l1d=64x4,l2=1536x12' --json -q upward.flt
cp stdout run.json
matches 'every page misses once' '"misses": 700' run.json
pass_if 'after its first fault' test "$(number minor run.json)" = 700
pass_if 'which maps the zero page' test "$(number zero_page run.json)" = 700
pass_if 'in mappings made for it' test "$(number mappings_made run.json)" = 2
for key in faults page_tables tlb resident references calls swap_in levels walk_references walk_cycles l1d l2 shootdowns; do
	matches "run.json has $key" "\"$key\":" run.json
done
matches 'fetches that there are not are null' '"l1i": null' run.json
"$FAULTLINE" replay --mmu 'l1d=64x4,l2=1536x12' --json -q upward.flt >again.json
pass_if 'the same again is the same' cmp -s run.json again.json

expect 0 'huge pages' "$FAULTLINE" replay --mmu zen4 --thp always --json -q upward.flt
cp stdout huge.json
pass_if 'need two faults' test "$(number thp_zero huge.json)" = 2
matches 'and entries of 2 MiB' '"2m": ' huge.json
expect 0 'several processors in one pass' "$FAULTLINE" replay --mmu 'zen4;skylake-sp' --mmu 'zen4,l2=16x4' -q upward.flt -o run
for name in zen4 skylake-sp 'zen4,l2=16x4'; do
	matches "the table has $name" "^$name:" stdout
	matches "run.json has $name" "\"$name\": {" run/run.json
done
matches 'walks are in the table' 'walks / 1000 references +125' stdout
for series in tlb faults pages walks space; do
	pass_if "it leaves $series.tsv" test -s "run/$series.tsv"
done

expect 1 'a trace without references is refused' "$FAULTLINE" replay --mmu zen4 --on engine heap.flt
matches 'with words on how to record some' 'record --accesses' stderr
expect 1 'recorded cannot be measured' "$FAULTLINE" replay --on recorded heap.flt
expect 1 'a stream without heap calls has nothing to replay' "$FAULTLINE" compare --mmu zen4 --on recorded --on engine upward.flt
expect 2 'an unknown processor' "$FAULTLINE" replay --mmu zen9 upward.flt
expect 2 'one that is there twice' "$FAULTLINE" replay --mmu 'zen4;zen4' upward.flt
expect 2 'a program that is not recorded' "$FAULTLINE" compare --live --mmu zen4 --on glibc --on engine -- true
matches 'nor says what to do' 'record --accesses' stderr
head -c 2000 upward.flt >cut.flt
"$FAULTLINE" replay --mmu zen4 cut.flt >stdout 2>stderr
pass_if 'a cut trace is no crash' test $? -le 1

if ! "$FAULTLINE" record --accesses=all -q -o ls.flt -- /bin/ls / >stdout 2>stderr; then
	skip 'blocks of a real program' "$(head -n 1 stderr)"
	finish
fi
for target in engine engine:linux; do
	expect 0 "a real program on $target" "$FAULTLINE" replay --mmu zen4 --on $target --measure model --samples 10 --check --json -q ls.flt
	cp stdout one.json
	pass_if 'nothing is refused' test "$(number refused one.json)" = 0
	pass_if 'nor without a place' test "$(number objects_unplaced one.json)" = 0
	pass_if 'its mappings are all there' test "$(number mappings_made one.json)" = 0
	pass_if 'each call ends as it did' test "$(number failed_only_here one.json)" = 0
	"$FAULTLINE" replay --mmu zen4 --on $target --measure model --samples 10 --json -q ls.flt >two.json
	pass_if 'the same again is the same' cmp -s one.json two.json
done
expect 0 'recorded addresses can be forced' "$FAULTLINE" replay --mmu zen4 --addresses forced --json -q ls.flt
pass_if 'then no call moves' test "$(number moved stdout)" = 0
expect 0 'targets are compared' "$FAULTLINE" compare --mmu zen4 --on engine --on engine:linux --measure model -q ls.flt -o compared
matches 'and one wins, or none' 'TLB misses \(zen4\)' stdout
matches 'which is in compare.json' '"measure": "TLB misses"' compared/compare.json
mkdir kept
if ! "$FAULTLINE" replay --mmu zen4 --on glibc --measure model --placements kept --json -q ls.flt >one.json 2>stderr; then
	skip 'where a live allocator puts blocks' "$(head -n 1 stderr)"
	pass_if 'for a reason' grep -q 'no placement' stderr
	finish
fi
pass_if 'its placement is kept' test -n "$(ls kept)"
pass_if 'every block lies somewhere' test "$(number objects_unplaced one.json)" = 0
pass_if 'in what the allocator mapped' test "$(number mappings_made one.json)" = 0
matches 'the model names the placement' '"takes": 1' one.json
"$FAULTLINE" replay --mmu zen4 --on glibc --measure model --placements kept --json -q ls.flt >two.json
pass_if 'the same placement gives the same figures' cmp -s one.json two.json
"$FAULTLINE" replay --mmu zen4 --on glibc --measure model -q ls.flt -o live >stdout
hash=$(sed -n 's/^# hash \([0-9a-f]*\),.*/\1/p' <<END
$("$FAULTLINE" place --cat live/placement.bin)
END
)
pass_if 'the run directory holds the placement' test -n "$hash"
matches 'which the model names' "\"hash\": \"$hash\"" live/run.json
for file in kept/*; do
	head -c 100 "$file" >short && cat short >"$file"
done
expect 1 'a damaged placement is refused' "$FAULTLINE" replay --mmu zen4 --on glibc --measure model --placements kept -q ls.flt
finish
