#!/bin/sh
# table.sh LOG...: what the long runs' logs hold as a table: a row for each recording, a column for each target.
exec awk '
/^(ok|not ok) [0-9]+ - .* keeps every (block|figure) of .* in mode / {
	state = /^not ok/ ? "**failed**" : /# SKIP/ ? "skipped" : "ok"
	sub(/^(not )?ok [0-9]+ - /, "")
	target = $0; sub(/ keeps every .*/, "", target)
	trace = $0; sub(/.* keeps every (block|figure) of /, "", trace); sub(/ in mode .*/, "", trace)
	mode = $0; sub(/.* in mode /, "", mode); sub(/[: ].*/, "", mode)
	if (!(target in targets)) { targets[target] = 1; column[++columns] = target }
	if (!(trace in traces)) { traces[trace] = 1; row[++rows] = trace }
	cell[trace, target] = cell[trace, target] (cell[trace, target] == "" ? "" : ", ") (state == "ok" ? mode : mode " " state)
}
END {
	printf "| recording |"
	for (c = 1; c <= columns; c++) printf " %s |", column[c]
	printf "\n|---|"
	for (c = 1; c <= columns; c++) printf "---|"
	print ""
	for (r = 1; r <= rows; r++) {
		printf "| %s |", row[r]
		for (c = 1; c <= columns; c++) printf " %s |", cell[row[r], column[c]]
		print ""
	}
	exit rows == 0
}' "$@"
