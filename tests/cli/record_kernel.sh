#!/bin/sh
# faultline record --kernel: the whole machine, between two sets of snapshots; and its refusals.
# shellcheck source=tests/tap.sh
. "$top_srcdir/tests/tap.sh"

expect 2 "what to record" "$FAULTLINE" record --kernel=pages,heap -o k.flt -- true
matches "is explained" "'pages,heap': pages, slab, vmalloc, switches" stderr
expect 2 "the heap too" "$FAULTLINE" record --kernel --heap -o k.flt -- true
expect 2 "frames of nothing" "$FAULTLINE" record --no-frames -o k.flt -- true
expect 2 "where to" "$FAULTLINE" record --kernel -- true

# The recordings that are shipped, wherever this runs.
sample=$top_srcdir/traces/samples/kernel
pass_if "the shipped recordings have their hashes" sh -c 'cd "$1" && sha256sum -c SHA256SUMS' sh "$sample"
expect 0 "and is sound" "$FAULTLINE" info --verify "$sample/gcc-compile.flt"
cp stdout information
row=$(awk '$1 == "events" || $1 == "page_alloc" || $1 == "page_free" { gsub(",", ""); printf "%s [|] ", $2 }' information)
matches "with the events of its row" "^\| gcc-compile \| ${row}" "$sample/README.md"
lacks "without a warning" '^warning' information
pass_if "in 200,000 bytes at most" test "$(wc -c <"$sample/gcc-compile.flt")" -le 200000
expect 1 "a recording that is not known is refused" "$sample/record-kernel" -o "$PWD" no-such-load

"$FAULTLINE" doctor >table
if ! grep -Eq '^(recorders)? +kernel +(good|limited) ' table; then
	expect 1 "where it is not permitted it is refused" "$FAULTLINE" record --kernel -o k.flt --buffer 1M -- true
	matches "with what it takes" 'libtraceevent|it takes root' stderr
	fail_if "and nothing is left" test -e k.flt
	skip "record --kernel" "doctor: $(grep ' kernel  *missing' table | tr -s ' ')"
	finish
	exit
fi

expect 3 "the exit status is the command's" \
	"$FAULTLINE" record --kernel --no-frames --buffer 64M -o k.flt -- sh -c 'ls / >/dev/null; exit 3'
matches "it says what it cost" '^  cost +[0-9.]+ s of processor time' stderr
expect 0 "the recording is sound" "$FAULTLINE" info --verify k.flt
matches "pages are allocated" '^  page_alloc +[1-9]' stdout
matches "and freed" '^  page_free +[1-9]' stdout
matches "objects too" '^  kmem_alloc +[1-9]' stdout
matches "flags have the kernel's names" ' x GFP_[A-Z_|]+' stdout
matches "the recorder's own events are known" "^the recorder's own +[1-9][0-9]* by process id [0-9]+" stdout
"$FAULTLINE" cat k.flt >events
matches "a page" ' page_alloc\(frame=0x[0-9a-f]+, order=[0-9]+, migrate_type=[0-9]+, gfp=[A-Z_|]+\)$' events
matches "a processor" ' switch\([0-9]+\)$' events
grep ' snapshot(' events | sed 's/.*(\(.*\))/\1/' >numbers
half=$(($(wc -l <numbers) / 2))
pass_if "snapshots before and after, as many" test "$(($(wc -l <numbers) % 2))" -eq 0
"$FAULTLINE" cat --snapshot "$(sed -n "${half}p" numbers)" k.flt >buddyinfo
matches "the last before is buddyinfo" '^Node 0, zone +[A-Z]' buddyinfo
"$FAULTLINE" cat --snapshot "$((half + 1))" k.flt >after
matches "and so is the first after" '^Node 0, zone +[A-Z]' after
"$FAULTLINE" slice k.flt --events 10:500 -o s.flt
expect 0 "a part of it is sound" "$FAULTLINE" info --verify s.flt

expect 0 "without a command" "$FAULTLINE" record --kernel=pages --no-frames --buffer 16M --for 20ms -o p.flt
"$FAULTLINE" info --json p.flt >information
matches "only pages" '"kmem_alloc": 0,' information
# shellcheck disable=SC2016
expect 0 "with too little memory for the events" "$FAULTLINE" record --kernel --buffer 64K -o f.flt -- \
	sh -c 'for i in $(seq 40); do find "$1" -name "*.h" | xargs cat >/dev/null; done' sh "$top_srcdir"
matches "it ends and says so" 'ended because the memory for its events was used up' stderr
expect 0 "the books go as far as the events" "$FAULTLINE" replay --physical=forced f.flt
matches "and not to the last snapshot" 'used up before the snapshot at the end: it is not compared' stdout

# The machine itself, simulated: at its start it is what the recorder read.
expect 0 "pages where policies put them" "$FAULTLINE" compare -o compared --on engine --on engine:linux f.flt
matches "in a table" '^engine +[0-9]+ +[0-9]+ +[0-9.]+ % ' stdout
for series in buddy model orders frame_map frame_strip; do
	pass_if "with series: $series" grep -q '^[0-9a]' compared/f/engine/$series.tsv
done
pass_if "with series: page_latency" grep -q 'latency_ns' compared/f/engine/page_latency.tsv
pass_if "with series: slabs" grep -q '^kmalloc-' compared/f/engine/slabs.tsv
pass_if "the machine's own frames before" test -s compared/f/recorded/frame_strip.tsv
fail_if "and none at the end that there is no snapshot of" test -e compared/f/recorded/frame_map.tsv
pass_if "the machine itself among them" grep -q '"target": "recorded"' compared/compare.json
"$FAULTLINE" cat f.flt | grep ' snapshot(' | while read -r event _ _ what; do
	number=$(echo "$what" | tr -dc 0-9)
	"$FAULTLINE" cat --snapshot "$number" f.flt >snapshot
	case $(head -c 300 snapshot | tr -d '\0' | head -n 4) in
	"Node 0, zone"*per-node*) cp snapshot zoneinfo ;;
	"Node 0, zone"*) cp snapshot buddyinfo && echo $((event + 1)) >start && break ;;
	esac
done
at() { # VIEW
	"$FAULTLINE" proc "$1" f.flt --at "$(cat start)"
}
expect 0 "the simulated machine at its start" at buddyinfo
# Events that came while the recorder was reading are reconstructed from what it read: nearly, but not to the block.
pass_if "has nearly the recorded free blocks" awk '{ for (i = 5; i <= NF; i++) if (NR == FNR) all += was[FNR, i] = $i
	else off += $i > was[FNR, i] ? $i - was[FNR, i] : was[FNR, i] - $i } END { exit !(all > 0 && off * 5 < all) }' buddyinfo stdout
fixed() {
	grep -E '^Node|^ +(min|low|high|promo|spanned|present) |^ +(protection|start_pfn|batch|high_min|high_max):'
}
at zoneinfo | fixed >ours
fixed <zoneinfo >theirs
pass_if "and zones, watermarks and page sets" cmp -s ours theirs
expect 0 "and its caches" at slabinfo
matches "with objects in them" '^kmalloc-[0-9a-z]+ +[1-9][0-9]* ' stdout
expect 1 "before its start nothing is known" "$FAULTLINE" proc buddyinfo f.flt --at 0
matches "from where on it is" 'is known from event [0-9]+ on' stderr
if command -v gnuplot >/dev/null; then
	expect 0 "and as a picture" "$FAULTLINE" report compared -o compared.html
	matches "of the physical memory" '>The physical memory over the trace<' compared.html
else
	skip "and as a picture" "gnuplot is not there"
fi
expect 127 "a command that is not there" "$FAULTLINE" record --kernel --no-frames --buffer 16M -o n.flt -- ./nothing
fail_if "leaves no trace" test -e n.flt
finish
