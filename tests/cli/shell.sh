#!/bin/sh
# The project's shell scripts, as shellcheck sees them.
. "${top_srcdir:?}/tests/tap.sh"

command -v shellcheck >/dev/null || skip_all 'shellcheck is not installed'
cd "$top_srcdir" || exit 99
for script in bootstrap .ci/run bench/demo tests/*.sh tests/cli/*.sh tests/long/*.sh tests/golden/*.sh traces/samples/*.sh traces/samples/record-samples traces/samples/*/record-*; do
	[ -f "$script" ] || continue
	if shellcheck "$script" >"$scratch/stdout" 2>&1; then
		report_case 0 "$script"
	else
		report_case 1 "$script"
		sed 's/^/#   /' "$scratch/stdout"
	fi
done
finish
