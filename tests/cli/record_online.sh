#!/bin/sh
# faultline record --accesses --online: references go into MMU models at once, and bring what replaying their trace does.
# shellcheck source=tests/tap.sh
. "$top_srcdir/tests/tap.sh"

expect 2 "only accesses can go into models" "$FAULTLINE" record --online -- true
matches "and it says so" 'online is about accesses' stderr
expect 2 "an MMU that nobody knows" "$FAULTLINE" record --accesses --online=zen4,nothing -- true
matches "is named" "'nothing'" stderr
expect 2 "a policy key that nobody knows" "$FAULTLINE" record --accesses --online --set nothing=1 -- true
expect 2 "a policy is that of the models" "$FAULTLINE" record --accesses --set thp=always -o t.flt -- true
expect 2 "a trace is kept beside the models" "$FAULTLINE" record --accesses --keep t.flt -o u.flt -- true
expect 2 "a bound is that of a trace" "$FAULTLINE" record --accesses --online --max-size 1M -- true
if ! command -v qemu-x86_64 >/dev/null || [ "$(uname -m)" != x86_64 ]; then
	skip "recording into models" "there is no qemu-x86_64 (Debian: qemu-user), or this is no x86-64"
	finish
fi

model() { # RUN: the model's figures and its series
	python3 -c 'import json, sys; print(json.dumps(json.load(open(sys.argv[1] + "/run.json"))["model"], sort_keys=True))' "$1"
	for series in tlb faults pages walks tlb_sizes space residency; do
		grep -v '^#' "$1/$series.tsv"
	done
}

same_models() { # COMMAND...: what it brings online, and what its trace brings
	rm -rf online replayed
	"$FAULTLINE" record -q --accesses --online=zen4,skylake-sp -o online --keep t.flt -- "$@" >output || return 1
	"$FAULTLINE" replay t.flt --mmu 'zen4;skylake-sp' -o replayed >/dev/null || return 1
	model online >one
	model replayed >other
	cmp one other
}

counter=$top_builddir/tests/cli/access_counter
status() { # of a program whose own is not 0
	"$@"
	[ $? -eq 5 ]
}
pass_if "the program's status is its own" status "$FAULTLINE" record -q --accesses --online -- "$counter" load 10
"$FAULTLINE" record --accesses --online -- sh -c 'echo out' >output 2>summary
pass_if "its output, too" test "$(cat output)" = out
matches "figures come at the end" '^page faults, minor +[1-9]' summary
matches "of the default processor" '^zen4:' summary
lacks "and no trace was written" 'size  ' summary
if command -v python3 >/dev/null; then
	pass_if "a pipeline of programs: the figures of its trace, to the byte" same_models sh -c 'ls / | sort | tail -n 1'
	pass_if "processes that fork and share" same_models sh -c '(x=1; :); (y=2; (z=3; :)); w=$(echo v)'
	# Alone, with nobody's schedule in it, two recordings are the same.
	"$FAULTLINE" record -q --accesses --online=zen4 -o alone -- "$counter" load 1000
	"$FAULTLINE" record -q --accesses --as-placed -o t.flt -- "$counter" load 1000
	"$FAULTLINE" replay t.flt --mmu zen4 -o replayed >/dev/null
	model alone >one
	model replayed >other
	pass_if "one thread: the figures of another recording's trace" cmp one other
	huge_pages() { # POLICY: faults that huge pages served
		"$FAULTLINE" record -q --accesses --online --set "thp=$1" -o huge -- "$python" -I -S -c 'bytearray(16 << 20)'
		python3 -c 'import json; print(json.load(open("huge/run.json"))["model"]["faults"]["thp"])'
	}
	python=$(python3 -c 'import sys; print(sys.executable)')
	pass_if "the system's policy is the one that was set" test "$(huge_pages always)" -gt "$(huge_pages never)"
	pass_if "the run is one that a report can show" "$FAULTLINE" report alone -o report.html
else
	skip "the figures of a trace" "there is no python3 to read run.json"
fi
finish
