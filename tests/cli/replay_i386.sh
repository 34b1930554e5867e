#!/bin/sh
# faultline replay --system i386: a 32-bit program on a 32-bit machine, a 64-bit one moved there, and what does not fit.
. "${top_srcdir:?}/tests/tap.sh"

sample=$top_srcdir/traces/samples/i386
words=$sample/words.flt
mmu=p6

number() { # KEY FILE
	sed -n "s/.*\"$1\": \([0-9]*\),*$/\1/p" "$2" | head -n 1
}
of_tlb() { # KEY FILE: behind the figures of walks that ended in a fault
	sed -n "/\"tlb\"/,\$s/.*\"$1\": \([0-9]*\),*$/\1/p" "$2" | head -n 1
}
# replayed NAME OPTION...: run.json of the program in NAME.json
replayed() {
	name=$1
	shift
	expect 0 "a 32-bit program: $*" "$FAULTLINE" replay --mmu $mmu --json -q "$@" "$words"
	cp stdout "$name.json"
	pass_if 'nothing is refused' test "$(number refused stdout)" = 0
}

pass_if 'the recording has its hash' sh -c 'cd "$1" && sha256sum -c SHA256SUMS' sh "$sample"
pass_if 'and is sound' "$FAULTLINE" info --verify "$words"
replayed four
replayed two --system i386
replayed three --system i386 --set page_levels=3
replayed check --system i386 --check --samples 4
walks=$(of_tlb walks four.json)
for levels in two:2 three:3 four:4; do
	name=${levels%:*} count=${levels#*:}
	pass_if "$name levels" test "$(number levels "$name.json")" = "$count"
	pass_if "$name: as many references for each walk" \
		test "$(of_tlb walk_references "$name.json")" = $((walks * count))
	pass_if "$name: the same faults" test "$(number minor "$name.json")" = "$(number minor four.json)"
done
expect 0 'with 1 GiB of memory' "$FAULTLINE" replay --mmu $mmu --system i386 --memory 1G --json -q "$words"
cp stdout high.json
of_highmem() { # KEY FILE
	sed -n "/\"highmem\": {/,\$s/.*\"$1\": \([0-9]*\),*$/\1/p" "$2" | head -n 1
}
pass_if '128 MiB of it have no direct map' test "$(of_highmem pages high.json)" = 32768
pass_if 'and as many windows to clear them as pages were used, or more' \
	test "$(of_highmem windows_opened high.json)" -ge "$(of_highmem used_pages high.json)" -a \
	"$(of_highmem used_pages high.json)" -gt 100
pass_if 'a machine with a direct map of all has no windows' grep -q '"highmem": null' four.json
pass_if 'the root and a table for each 4 MiB' test "$(number pages two.json)" = 5
expect 0 'all of it in 3 GiB' "$FAULTLINE" replay --mmu "$mmu;zen4" --system i386 -q "$words" -o run
pass_if 'walks read two levels, whatever the processor' \
	test "$(awk '!/^#/ { print $2 }' run/walks.tsv | sort -u | xargs)" = '1 2'
lacks 'no address beyond' '[^0]*0x[c-f][0-9a-f]{7}' run/space.tsv
pass_if 'a report is made of it' "$FAULTLINE" report run -o page.html

expect 1 'four levels are no i386' "$FAULTLINE" replay --mmu zen4 --system i386 --set page_levels=4 -q "$words"
matches 'nor says what would be one' 'page_levels=2 \(10/10/12\) or 3 \(PAE\)' stderr
expect 1 'nor are two levels x86-64' "$FAULTLINE" replay --mmu zen4 --set page_levels=2 -q "$words"
expect 1 'more memory than its entries reach' "$FAULTLINE" replay --mmu zen4 --system i386 --memory 8G -q "$words"
matches 'which is said' 'from 64 MiB to 4 GiB' stderr
expect 2 'an unknown system' "$FAULTLINE" replay --mmu zen4 --system i387 "$words"
awk 'BEGIN { for (i = 0; i < 64; i++) printf(" L 7f%010x,8\n", i * 512) }' >wide.lackey
"$FAULTLINE" import --from lackey wide.lackey -q -o wide.flt
expect 1 'a stream of a 64-bit program' "$FAULTLINE" replay --mmu zen4 --system i386 -q wide.flt
matches 'lies beyond, and the message says what would be right' '0x7f.*beyond the 3 GiB.*setarch linux32 --3gb' stderr

if ! "$FAULTLINE" record --accesses=all -q -o ls.flt -- /bin/ls / >stdout 2>stderr; then
	skip 'a 64-bit program moved into 3 GiB' "$(head -n 1 stderr)"
	finish
fi
for levels in 2 3; do
	expect 0 "a 64-bit program in 3 GiB, $levels levels" \
		"$FAULTLINE" replay --mmu zen4 --on engine --system i386 --set page_levels=$levels \
		--measure model --samples 4 --check --json -q ls.flt
	cp stdout moved.json
	for key in refused objects_unplaced mappings_made failed_only_here unplaced; do
		pass_if "no $key" test "$(number $key moved.json)" = 0
	done
done
expect 1 'not at its recorded addresses' "$FAULTLINE" replay --mmu zen4 --system i386 --addresses forced -q ls.flt
expect 1 'nor under a live allocator' "$FAULTLINE" compare --mmu zen4 --on engine --on glibc --system i386 -q ls.flt
matches 'which runs here in 47 bits' 'target glibc places blocks in 47 bits.*engine\[:POLICY\]' stderr
expect 0 'the files of its /proc' "$FAULTLINE" proc maps ls.flt --system i386 --addresses free --on engine
matches 'the stack ends at 3 GiB' '^[0-9a-f]{8}-c0000000 .*\[stack\]$' stdout
expect 2 'a system behind its keys' "$FAULTLINE" proc maps ls.flt --set thp=never --system i386
finish
