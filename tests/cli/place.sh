#!/bin/sh
# faultline place: where allocators put blocks, and that no memory system call of theirs is missed.
. "${top_srcdir:?}/tests/tap.sh"
sample="$top_srcdir/traces/samples/perl-json.flt"

expect 2 'a placement needs a target' "$FAULTLINE" place t.flt -o p
expect 2 'and a place to go' "$FAULTLINE" place t.flt --on glibc
expect 2 'it is single or baton' "$FAULTLINE" place t.flt --on glibc -o p --mode parallel
matches 'and says so' "takes single or baton, not 'parallel'" stderr
expect 1 'null has none' "$FAULTLINE" place "$sample" --on null -o p
matches 'and says why' 'target null has no placement' stderr
printf 'FLPLACE\nrubbish' >broken
expect 1 'what is no placement is refused' "$FAULTLINE" place --cat broken
matches 'with its name' '^faultline place: broken: no placement that can be used' stderr

if ! "$FAULTLINE" doctor >table 2>&1 || ! grep -Eq '^ +placement +good ' table; then
	skip 'placements' "$(sed -n 's/^ *placement  *//p' table)"
	finish
fi
for mode in single baton; do
	expect 0 "glibc, $mode" "$FAULTLINE" place "$sample" --on glibc --mode $mode -o $mode.place
	matches 'is the same in a second run' 'equal in two runs' stderr
done
expect 0 'what is in it' "$FAULTLINE" place --cat single.place
matches 'names the allocator' '^# placement of trace [0-9a-f]{32}, process 0, by glibc \(glibc [0-9.]+\)' stdout
"$FAULTLINE" cat "$sample" >events
blocks() { # every object once
	awk '$2 == "block" { print $3 }' stdout | sort -un | wc -l
}
pass_if 'each object has a place' test "$(blocks)" -eq "$("$FAULTLINE" info "$sample" --json | sed -n 's/.*"objects": *\([0-9]*\).*/\1/p' | head -n 1)"

# The child's calls as strace sees them in an ordinary pass: from its first look at its resident set to the last, all memory
# calls are the allocator's. Its other memory lies elsewhere there, so lengths are compared, and the break.
seen() { # TARGET
	# A leak checker cannot run beside strace.
	ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0" setarch -R strace -f -qq -o log -e trace=mmap,munmap,mremap,madvise,mprotect,brk,pread64 \
		"$FAULTLINE" replay "$sample" --on "$1" --measure memory --memory-rounds 1 --touch none --samples 0 --mode single -q >/dev/null || return 1
	awk '
	$2 ~ /^pread64\(/ && $3 ~ /^"[0-9a-f]+-[0-9a-f]+/ {
		for (i = 0; i < count; i++) print call[i]
		count = 0; ready[$1] = 1; next
	}
	!ready[$1] || / = -1 / { next }
	$2 ~ /^brk\(0x/ { call[count++] = "brk " $NF }
	$2 ~ /^(mmap|munmap|mremap|madvise|mprotect)\(/ {
		name = $2; sub(/\(.*/, "", name)
		call[count++] = name " " ($3 + 0) (name == "mremap" ? " " ($4 + 0) : "")
	}' log >strace.list
	[ -s strace.list ]
}

# The same of a placement, without what was mapped at the start (told as fixed mmap, and where the break began).
placed() { # FILE
	"$FAULTLINE" place --cat "$1" | awk -F '\t' '
	/^#/ || $2 == "block" || ($2 == "mmap" && index("13579bdf", substr($8, length($8) - 1, 1))) { next }
	$2 == "brk" { if ($3 != "0x0") print "brk", $9; next }
	{ print $2, $4 ($2 == "mremap" ? " " $5 : "") }' >placed.list
	[ -s placed.list ]
}

# Every call that strace saw is in the placement, in the same order; before them only the heap of brk as it was at the start.
agrees() {
	extra=$(($(wc -l <placed.list) - $(wc -l <strace.list)))
	[ "$extra" -eq 0 ] || { [ "$extra" -eq 1 ] && grep -q '^brk ' placed.list; } || return 1
	tail -n +$((extra + 1)) placed.list | diff strace.list -
}
if ! command -v strace >/dev/null || ! setarch -R strace -o log true 2>/dev/null; then
	skip 'as many calls as strace sees' 'there is no strace that works here'
	finish
fi
for target in glibc jemalloc; do
	if ! "$FAULTLINE" place "$sample" --on $target --mode single -q -o p 2>stderr; then
		skip "$target as strace sees it" "$(cat stderr)"
		continue
	fi
	pass_if "strace's list of $target" seen $target
	pass_if "its list from the placement" placed p
	pass_if "each call is in both" agrees
done
finish
