#!/bin/sh
# Every shipped recording, and the Android trace where it is, on every target in every mode, with every block filled and checked; the
# model of the engine the same with either backing, its invariants checked at every sample.
. "${top_srcdir:?}/tests/tap.sh"

. "$top_srcdir/tests/long/recordings.sh"

for trace in "$@"; do
	name=$(basename "$trace" .flt)
	for target in engine glibc jemalloc mimalloc tcmalloc; do
		for mode in single baton parallel; do
			if "$FAULTLINE" replay "$trace" --on $target --mode $mode --measure verify -q >stdout 2>stderr; then
				report_case 0 "$target keeps every block of $name in mode $mode"
			elif grep -q 'is not installed' stderr; then
				skip "$target on $name" "$(cat stderr)"
			else
				report_case 1 "$target keeps every block of $name in mode $mode: $(cat stderr)"
			fi
		done
	done
	for mode in single baton; do
		for backing in none real; do
			pass_if "the model replays $name in mode $mode, backing $backing" "$FAULTLINE" replay "$trace" --on engine --mode $mode \
				--backing $backing --check --measure model -q --json
			sed -n '/"model":/,$p' stdout | grep -v '"command"' >"$backing.model"
		done
		pass_if "model keeps every figure of $name in mode $mode with either backing" cmp none.model real.model
	done
done
finish
