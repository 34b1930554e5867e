#!/bin/sh
# The replaying child with its threads, and the engine's heap under them, in every mode: small enough for ThreadSanitizer.
. "${top_srcdir:?}/tests/tap.sh"

pass_if 'threads that inherit blocks' "$FAULTLINE" generate larson --set threads=4 --set operations=500 --set generations=4 -q -o larson.flt
pass_if 'threads that hand blocks over' "$FAULTLINE" generate queue --set messages=5000 --set capacity=50 -q -o queue.flt
for trace in larson queue; do
	for mode in single baton parallel; do
		expect 0 "the engine keeps every block of $trace in mode $mode" \
			"$FAULTLINE" replay $trace.flt --on engine --mode $mode --measure verify -q
		lacks 'without a word from a sanitizer' 'Sanitizer' stderr
		expect 0 'and is measured' "$FAULTLINE" replay $trace.flt --on engine --mode $mode --rounds 1 --memory-rounds 1 -q
	done
done
finish
