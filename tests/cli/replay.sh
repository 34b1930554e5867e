#!/bin/sh
# faultline replay: every target in every mode on small traces, the run directory, and what is refused.
# shellcheck disable=SC2086 # lists of options are meant to be split
. "${top_srcdir:?}/tests/tap.sh"
bad="$top_builddir/tests/cli/bad_allocator.so"
small='--rounds 2 --memory-rounds 2 --samples 10 -q'

pass_if 'a trace of several threads' "$FAULTLINE" generate larson --set threads=3 --set operations=500 --set generations=3 -q -o larson.flt
pass_if 'a trace of one thread' "$FAULTLINE" generate uniform --set objects=500 --set events=20000 --set realloc_percent=10 -q -o uniform.flt
pass_if 'a trace of hand-overs' "$FAULTLINE" generate queue --set messages=5000 -q -o queue.flt

for target in engine glibc jemalloc mimalloc tcmalloc "$bad"; do
	name=$(basename "$target")
	if ! "$FAULTLINE" replay uniform.flt --on "$target" --measure model -q >stdout 2>stderr && grep -q 'is not installed' stderr; then
		skip "$name" "$(cat stderr)"
		continue
	fi
	for mode in single baton parallel; do
		for trace in larson uniform queue; do
			expect 0 "$name keeps every block of $trace in mode $mode" \
				"$FAULTLINE" replay $trace.flt --on "$target" --mode $mode --measure verify -q
			matches 'and says so' '^verified: ' stdout
		done
	done
	expect 0 "$name is measured on larson" "$FAULTLINE" replay larson.flt --on "$target" $small -o "run-$name"
	matches 'speed names its mode' '^gross time, ns/call .* single$' stdout
	matches 'memory names its mode' '^footprint peak, KiB .* baton$' stdout
	for file in run.json throughput.tsv latency.tsv timeline.tsv sizes.tsv lifetimes.tsv; do
		pass_if "it leaves $file" test -s "run-$name/$file"
	done
done
expect 0 'null is measured in mode parallel' "$FAULTLINE" replay larson.flt --on null --mode parallel $small -o run-null
matches 'its footprint is not a figure' '"memory": null' run-null/run.json
expect 1 'and cannot be verified' "$FAULTLINE" replay larson.flt --on null --measure verify -q
matches 'which is said' 'null.* overlap' stderr

# The run directory.
for key in schema trace target mode pace touch seed policy allocator host model throughput latency_ns memory resolution_ns \
	clock_overhead_ns mean_batched p9999 footprint_peak_bytes footprint_drained_bytes footprint_over_live lazyfree_bytes \
	anon_huge_bytes ci95_ns net_ns_per_event; do
	matches "run.json has $key" "\"$key\":" run-glibc/run.json
done
matches 'what was not measured is null' '"footprint_drained_bytes": null' run-glibc/run.json
matches 'two rounds have no interval' '"ci95_ns": null' run-glibc/run.json
matches 'the version is found' '"version": "2\.[0-9]+"' run-glibc/run.json
matches 'a series names its trace' '^# trace: larson.flt$' run-glibc/timeline.tsv
matches 'and its columns' '^# event	time_ns	live_bytes' run-glibc/timeline.tsv
pass_if 'the time line has its samples' test "$(grep -vc '^#' run-glibc/timeline.tsv)" -ge 10
pass_if 'the engine has a model' test -s run-engine/model.tsv -a -s run-engine/buddy.tsv -a -s run-engine/page_sizes.tsv
fail_if 'others have none' test -e run-glibc/model.tsv
matches 'a policy is written out' '"page_placement": ' run-engine/run.json
pass_if 'a run is replaced' "$FAULTLINE" replay uniform.flt --on glibc $small --measure memory -o run-glibc
fail_if 'whole' test -e run-glibc/latency.tsv
mkdir precious && touch precious/file
expect 1 'what is no run is not replaced' "$FAULTLINE" replay uniform.flt --on glibc $small --measure memory -o precious
pass_if 'nor touched' test -e precious/file

# The model is deterministic.
model() { # NAME OPTION...
	name=$1
	shift
	"$FAULTLINE" replay "$@" --on engine --measure model -q -o "model-$name" >/dev/null &&
		sed -n '/"model":/,$p' "model-$name/run.json" | grep -v '"command"' >"$name.model" && grep -v '^#' "model-$name/model.tsv" >>"$name.model"
}
for mode in single baton; do
	pass_if "the model in mode $mode" model none-$mode larson.flt --mode $mode --check
	pass_if 'with real memory behind it' model real-$mode larson.flt --mode $mode --backing real
	pass_if 'is the same to the byte' cmp none-$mode.model real-$mode.model
done
expect 0 'mode parallel has no model' "$FAULTLINE" replay larson.flt --on engine --mode parallel --measure model -q -o parallel-run
matches 'and says null' '"model": null' parallel-run/run.json
expect 0 'a policy key is set' "$FAULTLINE" replay uniform.flt --on engine --set page_placement=lowest-address --memory 1536M --measure model,verify -q -o set-run
matches 'and written' '"page_placement": "lowest-address"' set-run/run.json
matches 'and the command repeats it' '"command": "faultline replay uniform.flt --on engine --set page_placement=lowest-address --memory 1536M"' set-run/run.json

# Touch, pace, drain, THP, process.
for touch in none first pages all; do
	expect 0 "touch $touch" "$FAULTLINE" replay uniform.flt --on glibc --touch $touch --measure memory --memory-rounds 1 -q --json
	matches 'is written down' "\"touch\": \"$touch\"" stdout
done
expect 2 'touch recorded needs recorded accesses' "$FAULTLINE" replay uniform.flt --on glibc --touch recorded -q
expect 0 'a drain' "$FAULTLINE" replay uniform.flt --on glibc --drain 0.05 --thp off --measure memory --memory-rounds 1 -q --json
matches 'gives the drained footprint' '"footprint_drained_bytes": [0-9]+' stdout
matches 'and huge pages were off' '"thp": "disabled by prctl"' stdout

# What is refused, and how.
expect 2 'a trace is needed' "$FAULTLINE" replay --on glibc
expect 2 'a target is needed' "$FAULTLINE" replay uniform.flt
expect 2 'an unknown mode' "$FAULTLINE" replay uniform.flt --on glibc --mode sideways
matches 'what would be right is said' 'single, baton, parallel' stderr
expect 2 'rounds are a number' "$FAULTLINE" replay uniform.flt --on glibc --rounds many
expect 1 'an unknown target' "$FAULTLINE" replay uniform.flt --on jemallok
expect 1 'an unknown policy' "$FAULTLINE" replay uniform.flt --on engine:nonesuch
matches 'names it' 'engine:nonesuch.*no such policy' stderr
expect 1 'an unknown key' "$FAULTLINE" replay uniform.flt --on engine --set colour=red
expect 1 'a missing trace' "$FAULTLINE" replay absent.flt --on glibc -q
expect 1 'a process that is not there' "$FAULTLINE" replay uniform.flt --on glibc --process 7 -q
matches 'is named' 'no process 7' stderr
head -c 300 uniform.flt >cut.flt
"$FAULTLINE" replay cut.flt --on glibc $small >stdout 2>stderr
pass_if 'a cut trace is a message or a replay, not a crash' test $? -le 1
printf 'no trace at all' >no.flt
expect 1 'no trace' "$FAULTLINE" replay no.flt --on glibc -q
expect 1 'a full disk' "$FAULTLINE" replay uniform.flt --on glibc $small --measure memory -o /dev/full/run
expect 1 'a place that cannot be is refused before the work' "$FAULTLINE" replay nowhere.flt --on glibc -o /dev/full/run
matches 'before the trace is looked at' '/dev/full/run' stderr
finish
