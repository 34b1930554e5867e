#!/bin/sh
# faultline diff: figures side by side, and limits.
. "${top_srcdir:?}/tests/tap.sh"

pass_if 'a trace' "$FAULTLINE" generate uniform --set objects=500 --set events=20000 -q -o one.flt
pass_if 'a run' "$FAULTLINE" replay one.flt --on glibc --rounds 1 --memory-rounds 1 -q -o first
mkdir second third
sed 's/"footprint_peak_bytes": [0-9.]*/"footprint_peak_bytes": 8000000/' first/run.json >second/run.json
sed 's/"footprint_peak_bytes": [0-9.]*/"footprint_peak_bytes": 8600000/' first/run.json >third/run.json

expect 0 'a run is equal to itself' "$FAULTLINE" diff first first
lacks 'nothing differs' '^host' stdout
expect 0 'all figures on request' "$FAULTLINE" diff --all first first
matches 'also the equal ones' '^host.memory.footprint_end_bytes' stdout
expect 0 'two runs' "$FAULTLINE" diff second third
matches 'the change is shown' '^host.memory.footprint_peak_bytes +8e\+06 +8\.6e\+06 +\+7\.5 %$' stdout
expect 0 'run.json itself will do' "$FAULTLINE" diff second/run.json third/run.json
expect 0 'within the limit' "$FAULTLINE" diff second third --fail-if 'footprint>10%'
expect 1 'beyond the limit' "$FAULTLINE" diff second third --fail-if 'footprint>5%'
matches 'which is said' 'footprint went from 8e\+06 to 8\.6e\+06, beyond the limit > 5 %' stderr
expect 0 'a fall is not a rise' "$FAULTLINE" diff third second --fail-if 'footprint>5%'
expect 1 'but a fall' "$FAULTLINE" diff third second --fail-if 'footprint<5%'
expect 1 'a difference in bytes' "$FAULTLINE" diff second third --fail-if 'host.memory.footprint_peak_bytes>500000'
expect 1 'several limits' "$FAULTLINE" diff second third --fail-if 'net>1000%' --fail-if 'footprint>5%'
expect 1 'a figure that is not there cannot pass' "$FAULTLINE" diff second third --fail-if 'footprint_drained_bytes>5%'
matches 'which is said' 'cannot be judged' stderr
expect 2 'a limit that is none' "$FAULTLINE" diff second third --fail-if 'p99=5'
expect 2 'one run' "$FAULTLINE" diff second
expect 1 'no run' "$FAULTLINE" diff second nowhere
printf '{"schema": 2}' >run.json
expect 1 'another schema' "$FAULTLINE" diff second run.json
printf '{"schema": 1' >run.json
expect 1 'no JSON' "$FAULTLINE" diff second run.json
matches 'names the line' 'run.json:1: ' stderr
expect 1 'a run that is not there' "$FAULTLINE" diff first nowhere
matches 'is named' '^faultline diff: nowhere: cannot be opened: No such file or directory; a run directory' stderr
finish
