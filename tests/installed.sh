#!/bin/sh
# installed.sh BINDIR: what make installcheck runs: does the installed command find everything that it starts and reads?
set -eu
faultline=$1/faultline
scratch=$(mktemp -d "${TMPDIR:-/tmp}/faultline-installed.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

"$faultline" --version
"$faultline" policies default >/dev/null
"$faultline" generate queue -q -o queue.flt
"$faultline" replay queue.flt --on engine --verify --rounds 1 --memory-rounds 1 -q -o run >/dev/null
"$faultline" record -q -o record.flt -- ls / >/dev/null
"$faultline" info record.flt >/dev/null
if command -v gnuplot >/dev/null; then
	"$faultline" report run
	test -s run/report.html
fi
echo 'the installed command works'
