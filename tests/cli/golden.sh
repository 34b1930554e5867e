#!/bin/sh
# What the engine's model says of the shipped recordings is what it said before: tests/golden/model.tsv. Here those of at
# most 200,000 events; all of them with GOLDEN_EVENTS_MAX larger, as make check-long has it.
. "${top_srcdir:?}/tests/tap.sh"

most=${GOLDEN_EVENTS_MAX:-200000}
for trace in "$top_srcdir"/traces/samples/*.flt; do
	name=$(basename "$trace" .flt)
	"$FAULTLINE" info --json "$trace" >information
	if [ "$(sed -n 's/^ *"events": *\([0-9]*\),*$/\1/p' information | head -n 1)" -gt "$most" ]; then
		continue
	fi
	"$top_srcdir/tests/golden/model.sh" "$FAULTLINE" "$trace" >now
	sed -n "1p; /^$name	/p" "$top_srcdir/tests/golden/model.tsv" >before
	pass_if "$name has its counts (after a meant change: make golden)" diff before now
done
finish
