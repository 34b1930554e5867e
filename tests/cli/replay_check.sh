#!/bin/sh
# faultline replay --check=N: invariants after every N operations or events, of each kind of pass that is replayed without references
# (tests/unit/mmu_pass has those; tests/long/checks.sh goes over all recordings).
# shellcheck source=tests/tap.sh
. "$top_srcdir/tests/tap.sh"

kernel=$top_srcdir/traces/samples/kernel/gcc-compile.flt

"$FAULTLINE" generate uniform --set objects=20 --set events=60 -q -o heap.flt
for policy in engine engine:linux; do
	expect 0 "a heap of $policy, after every operation" \
		"$FAULTLINE" replay heap.flt --on $policy --mode single --measure model --memory 64M --check=every -q
done
expect 0 "the books of a machine" "$FAULTLINE" replay --physical=forced --check=2000 "$kernel"
expect 0 "its slab caches" "$FAULTLINE" replay --physical=free --check=4000 "$kernel"
expect 2 "never" "$FAULTLINE" replay heap.flt --on engine --check=0
matches "is no count" '[-]-check=N is at least 1' stderr
expect 2 "sometimes" "$FAULTLINE" replay heap.flt --on engine --check=sometimes
matches "neither" '[-]-check takes' stderr
finish
