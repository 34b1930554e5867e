#!/bin/sh
# faultline replay --physical: the shipped kernel recording against the books of its frames and its slabinfo, and what is refused.
# shellcheck source=tests/tap.sh
. "$top_srcdir/tests/tap.sh"

sample=$top_srcdir/traces/samples/kernel/gcc-compile.flt

number() { # KEY FILE
	sed -n "s/.*\"$1\": \([-0-9.e]*\),*$/\1/p" "$2" | head -n 1
}

expect 0 "a recording where the kernel put its pages" "$FAULTLINE" replay --physical=forced "$sample"
matches "every kind of event has a column" '^events +page_alloc +page_free +page_free_batched +zone_locked +pcpu_drain$' stdout
matches "and every cause a row" '^unexplained( +[0-9]+){5}$' stdout
expect 0 "the same as run.json" "$FAULTLINE" replay --physical=forced --json -o run "$sample"
cp stdout run.json
pass_if "also in the directory" cmp -s run.json run/run.json
matches "with the trace's hash" '"hash": "[0-9a-f]{32}"' run.json
pass_if "events were judged" test "$(number judged run.json)" -gt 1000
pass_if "at most one in 10,000 has no explanation" \
	test "$(($(number unexplained run.json) * 10000))" -le "$(number judged run.json)"
"$FAULTLINE" replay --physical=forced --json "$sample" >again.json
pass_if "the same again is the same" cmp -s run.json again.json

expect 0 "the caches of a policy over the same recording" "$FAULTLINE" replay --physical=free --check "$sample"
cp stdout table
matches "without the machine's frames its pages are not placed" "^pages are not placed: .*no snapshot 'frames'" stdout
pass_if "big caches end with the machine's slab pages, by at most 5 %" awk '
	/^areas of vmalloc/ { exit }
	/%$/ && $1 != "all" { caches++; if ($5 > 5 || $5 < -5) far++ }
	END { exit !(caches > 5 && far == 0) }' table
pass_if "areas of vmalloc, their pages, and those not purged yet are the machine's at the end" awk '
	/^(areas of vmalloc|their pages|pages not purged yet) / { lines++; same += $(NF - 5) == $(NF - 4) }
	END { exit !(lines == 3 && same == 3) }' table
expect 0 "of another policy, as run.json" \
	"$FAULTLINE" replay --physical=free --set slab_geometry=eighth --json "$sample"
cp stdout free.json
pass_if "objects were allocated" test "$(number alloc free.json)" -gt 1000
pass_if "in other slabs" test "$(number misfits free.json)" -gt 10
expect 2 "a key that no policy has" "$FAULTLINE" replay --physical=free --set slab_shape=round "$sample"
matches "is refused as on any target" 'no such policy, key or value' stderr

"$FAULTLINE" generate uniform --set objects=50 --set events=500 -q -o heap.flt
expect 1 "a heap trace is refused" "$FAULTLINE" replay --physical=forced heap.flt
matches "with what makes another" 'record --kernel' stderr
expect 1 "also of free placement" "$FAULTLINE" replay --physical=free heap.flt
matches "with what is missing" 'record --kernel' stderr
expect 2 "another way" "$FAULTLINE" replay --physical=backwards "$sample"
expect 2 "several targets" "$FAULTLINE" compare --physical=forced --on null --on glibc "$sample"
matches "are told what it belongs to" 'belongs to .faultline replay' stderr
expect 2 "a target and a place" "$FAULTLINE" replay --physical=forced --on null "$sample"
matches "is explained" '[-]-physical' stderr
expect 2 "pages and references" "$FAULTLINE" replay --physical=forced --mmu zen4 "$sample"
matches "is explained, too" 'no loads and stores' stderr

expect 1 "a recording without the machine's frames has no pictures of placed pages" \
	"$FAULTLINE" replay --physical=free -o placed "$sample"
matches "and says what it takes" "no snapshot 'frames' of the machine before it; .faultline record --kernel. as a privileged user" stderr
tree=$top_srcdir/traces/samples/kernel/copy-tree.flt
expect 0 "pages placed by Linux's policy" "$FAULTLINE" replay --physical=free --on engine:linux -o free "$tree"
matches "end with the free blocks of the machine, but for 2 % of those that changed" \
	'5728 free blocks changed, 88 of them were missed \(1\.54 %\): 65\.1 times nearer than .nothing changed.' stdout
pass_if "which are in run.json, too" test "$(number error_blocks free/run.json)" -eq 88
pass_if "no allocation was refused" test "$(number refused free/run.json)" -eq 0

expect 2 "places of an allocator" "$FAULTLINE" replay --physical=free --on jemalloc "$sample"
matches "are no policy's" "-?-on takes engine\[:POLICY\], not 'jemalloc'" stderr
expect 2 "a policy that does not exist" "$FAULTLINE" replay --physical=free --on engine:nobody "$sample"
expect 2 "two policies" "$FAULTLINE" replay --physical=free --on engine --on engine:linux "$sample"
expect 1 "allocators are not compared on pages" "$FAULTLINE" compare --on glibc --on null "$sample"
matches "and the message says what is" 'a kernel recording is compared under policies' stderr
expect 2 "nor with an MMU" "$FAULTLINE" compare --on engine --on engine:linux --mmu zen4 "$sample"
matches "and the message names why" 'a kernel recording has no loads and stores' stderr
expect 1 "policies are not compared on pages that cannot be placed" \
	"$FAULTLINE" compare --on engine --on engine:linux "$sample"
matches "for that reason" "no snapshot 'frames'" stderr
expect 1 "nor can it be shown" "$FAULTLINE" proc buddyinfo "$sample"
matches "for the same reason" "no snapshot 'frames'" stderr

# A run directory appears whole, in the place of an older run alone.
mkdir old notes
touch old/run.json old/timeline.tsv notes/thesis
expect 0 "an older run is replaced" "$FAULTLINE" replay --physical=forced -o old/ "$sample"
pass_if "and none of its series is left" test ! -e old/timeline.tsv
expect 1 "another directory is not" "$FAULTLINE" replay --physical=forced -o notes "$sample"
matches "which is said" 'it is not the directory of a run alone' stderr
pass_if "and nothing lies in it or beside it" test "$(echo notes*)/$(ls notes)" = notes/thesis
if [ -w /dev/full ]; then
	expect 1 "a full disk" sh -c '"$FAULTLINE" replay --physical=forced --json "$1" >/dev/full' sh "$sample"
	matches "is said once" '^faultline replay: cannot write to standard output$' stderr
else
	skip "a full disk" "there is no /dev/full"
fi
finish
