#!/bin/sh
# model.sh FAULTLINE TRACE...: what the engine's model must say of recordings, as a table: a line for each trace and
# mode, default policy, 64 GiB. The sizes of the engine's own maps are left out, which any better layout changes.
set -eu
faultline=$1
shift
echo 'trace	mode	live_peak_bytes	live_peak_objects	frames_peak_bytes	internal_fragmentation	allocations	frees	resizes	resizes_in_place	out_of_memory	free_pages	unusable_free_index_order9	free_huge_over_optimal'
for trace in "$@"; do
	for mode in single baton; do
		"$faultline" replay "$trace" --on engine --mode $mode --measure model --memory 64G -q --json | awk \
			-v trace="$(basename "$trace" .flt)" -v mode=$mode '
			/^  "model": / { inside = 1 }
			!inside { next }
			{ key = $1; gsub(/[":]/, "", key); text = $2; sub(/,$/, "", text) }
			key == "unusable_free_index" { order = -1; next }
			order < 9 && /^ *[0-9.]+,?$/ { if (++order == 9) { value["unusable"] = $1; sub(/,$/, "", value["unusable"]) } next }
			text ~ /^[0-9.]/ { value[key] = text }
			END {
				count = split("live_peak_bytes live_peak_objects frames_peak_bytes internal_fragmentation " \
					"allocations frees resizes resizes_in_place out_of_memory free_pages unusable " \
					"free_huge_over_optimal", keys, " ")
				line = trace "\t" mode
				for (i = 1; i <= count; i++) line = line "\t" (keys[i] in value ? value[keys[i]] : "?")
				print line
			}'
	done
done
