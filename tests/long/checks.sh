#!/bin/sh
# The invariants over every shipped recording. Of a heap's: all of them after each of the first 500 events, then some 300 times on the whole way. Of
# the kernel's: the books some 300 times; the placed pages after every event as far as it touched them, and all of them some 100 times; the
# slab caches some 300 times. Each line tells how often.
# shellcheck source=tests/tap.sh
. "${top_srcdir:?}/tests/tap.sh"

samples=$top_srcdir/traces/samples

events() {
	"$FAULTLINE" info --json "$1" | sed -n 's/^ *"events": \([0-9]*\),*$/\1/p' | head -n 1
}

# every TIMES TRACE: so many events lie between that many checks
every() {
	echo $(($(events "$2") / $1 + 1))
}

for trace in "$samples"/*.flt; do
	name=$(basename "$trace" .flt)
	"$FAULTLINE" slice "$trace" --events 0:500 -o first.flt || exit 99
	pass_if "the heap of $name, after each of its first 500 events" \
		"$FAULTLINE" replay first.flt --on engine --mode single --measure model --memory 4G --check=every -q --json
	step=$(every 300 "$trace")
	pass_if "the heap of $name, every $step events" \
		"$FAULTLINE" replay "$trace" --on engine --mode single --measure model --memory 4G --check="$step" -q --json
done
for trace in "$samples"/kernel/*.flt; do
	name=$(basename "$trace" .flt)
	step=$(every 300 "$trace")
	pass_if "the books of $name, every $step events" "$FAULTLINE" replay --physical=forced --check="$step" -q --json "$trace"
	[ "$name" = gcc-compile ] || step=$(every 100 "$trace")
	pass_if "the pages that linux places, or the slab caches, of $name, every $step events" \
		"$FAULTLINE" replay --physical=free --on engine:linux --check="$step" -q --json "$trace"
done
finish
