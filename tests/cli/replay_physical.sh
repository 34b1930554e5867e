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

# --- Options that mean nothing there, and recordings that have nothing --------------------------------------------------
for option in '--memory 8G' '--cpus 2' '--addresses free' '--seed 2' '--mode single' '--touch all' '--thp never' '--rounds 9' \
	'--measure memory' '--backing real' '--pace recorded' '--drain 1' '--verify' '--process 0' '--watchdog 9' '--without-allocator' \
	'--memory-rounds 9' '--placements here'; do
	# shellcheck disable=SC2086 # two words
	set -- $option
	expect 2 "free placement and $1" "$FAULTLINE" replay --physical=free "$@" "$tree"
	matches 'names the option' "goes without $1: a kernel recording" stderr
done
expect 2 'places of the kernel, and memory' "$FAULTLINE" replay --physical=forced --memory 8G "$tree"
expect 2 'places of the kernel, and a policy key' "$FAULTLINE" replay --physical=forced --set thp=always "$tree"
matches 'are told apart' 'goes without -?-set' stderr
expect 2 'a comparison of policies with processors' "$FAULTLINE" compare --on engine --on engine:linux --cpus 2 "$tree"
matches 'names them' 'goes without --cpus: a kernel recording' stderr
expect 2 'a replay of heap calls' "$FAULTLINE" replay --on engine "$tree"
matches 'is told what there is instead' 'a kernel recording: --physical=free' stderr

# --- Policies beside each other -----------------------------------------------------------------------------------------
expect 0 'policies beside each other' "$FAULTLINE" compare --on engine:linux --on engine --samples 7 -o both "$tree"
matches 'and the machine' '^recorded +33332 +1858 +48.4 % +- +0 +-$' stdout
matches 'with the distance of each from it' '^engine:linux +33[0-9]{3} +1858 +48.4 % +1[0-9]{3} +0 +[0-9]{2}[.][0-9]$' stdout
matches 'it says who leaves the most' \
	'copy-tree.flt: engine leaves the most 2 MiB blocks free at the end: 1859; recorded 1858, engine:linux 1858' stdout
matches 'who keeps kernel pages together' 'engine:linux keeps kernel pages in the fewest 2 MiB blocks: 1[0-9]{3}; engine 1[0-9]{3}' stdout
matches 'and where there is no difference' 'no difference in requests refused: 0 under every policy, recorded 0' stdout
matches 'which compare.json has, too' '"measure": "2 MiB blocks with kernel pages"' both/compare.json
pass_if 'as many points of the time line as were asked for' test "$(grep -vc '^#' both/copy-tree/engine/buddy.tsv)" -eq 7
printf '317\t752\t397\t1884\t13901\t9098\t5934\t3417\t1651\t623\t273\t792\n' >before
grep '^317' both/copy-tree/recorded/buddy.tsv >first
pass_if 'of the machine, what its buddyinfo said' cmp before first
pass_if 'and its orders at the end' grep -q '^all	10	792	0.587421' both/copy-tree/recorded/orders.tsv
"$FAULTLINE" report both -o both.html >log 2>&1
status=$?
if command -v gnuplot >/dev/null 2>&1; then
	pass_if 'a report of them' test $status -eq 0
	matches 'has their outcomes as a figure' 'What each policy leaves</h3>' both.html
	matches 'the machine in the others' '>recorded<' both.html
	matches 'rows of figures' '2 MiB with kernel pages' both.html
	matches 'and the verdicts' 'leaves the most 2 MiB blocks free at the end: 1859' both.html
else
	skip 'a report of them' 'there is no gnuplot here'
fi

# --- The fragmenters of bench/page_fragmenter.h as recordings ---------------------------------------------------------------
"$FAULTLINE" generate page-fragmenter-a -q --set memory_mib=64 -o A.flt
"$FAULTLINE" generate page-fragmenter-b -q --set memory_mib=256 --set allocations=200000 -o B.flt
expect 0 'fragmenters under three policies' \
	"$FAULTLINE" compare --on engine:order-first --on engine:lowest-address --on engine:fullest-block A.flt B.flt
cp stdout fragmenters
pass_if 'the lowest address and the fullest block give A its huge pages back, and B needs them to be there' awk '
	$1 == "engine:order-first" { order[++o] = $3; refused_order[o] = $7 }
	$1 == "engine:lowest-address" { lowest[++l] = $3; refused_lowest[l] = $7 }
	$1 == "engine:fullest-block" { fullest[++f] = $3; refused_fullest[f] = $7 }
	END { exit !(o == 2 && order[1] == 0 && lowest[1] >= 14 && fullest[1] >= 14 &&
		refused_lowest[2] > refused_fullest[2] && refused_fullest[2] <= refused_order[2]) }' fragmenters
pass_if 'and the books of the frames fit' sh -c '"$0" replay --physical=forced B.flt | grep -Eq "^unexplained( +0)+$"' "$FAULTLINE"

head -c 20000 "$tree" >cut.flt
expect 1 'a recording cut before its first event' "$FAULTLINE" compare --on engine --on engine:linux cut.flt
matches 'is called what it is' 'cut.flt: a kernel recording, cut off before its end, without any event' stderr
expect 1 'whose pages a policy cannot place' "$FAULTLINE" replay --physical=free cut.flt
matches 'for want of its snapshots' "the recording was cut off before its end, and the snapshot 'zoneinfo'" stderr
expect 1 'and which cannot be put where they were' "$FAULTLINE" replay --physical=forced cut.flt
matches 'for want of events' 'without any event of the kernel' stderr
finish
