#!/bin/sh
# faultline doctor: the table, and what it is told to look for in the wrong place.
# shellcheck source=tests/tap.sh
. "$top_srcdir/tests/tap.sh"

expect 0 "doctor" "$FAULTLINE" doctor
cp stdout table
matches "heap recorder" '^recorders +heap +(good|limited) ' table
matches "system calls by perf events" '^ +mm, by perf +(good|missing) ' table
matches "system calls by ptrace" '^ +mm, by ptrace +(good|missing) ' table
matches "accesses" '^ +accesses +(good|missing) ' table
matches "the kernel's allocators" '^ +kernel +(good|limited|missing) ' table
matches "page faults" '^ +faults +(good|limited|missing) ' table
matches "glibc with its version" '^allocators +glibc +good +2\.[0-9]+$' table
for name in jemalloc mimalloc tcmalloc; do
	matches "$name" "^ +$name +(good +/.*lib$name|missing +.* is not installed)" table
done
matches "placement" '^ +placement +(good|missing) ' table
matches "the clock and its step" '^clocks +ticks +(good|limited) +[0-9]+ MHz, steps of [0-9]+ ns' table
matches "huge pages" '^kernel +huge pages ' table
matches "privileges" ' privileges +good ' table
if command -v gnuplot >/dev/null; then
	matches "gnuplot" '^pictures +gnuplot +good +gnuplot [0-9]' table
else
	matches "no gnuplot" '^pictures +gnuplot +missing' table
fi
mkdir empty
expect 1 "a library that is missing" env FAULTLINE_LIBEXECDIR="$PWD/empty" \
	sh -c 'cp "$FAULTLINE" ./faultline && ./faultline doctor'
matches "is bad" '^recorders +heap +bad +its library is missing' stdout
expect 2 "an argument" "$FAULTLINE" doctor me
expect 2 "an unknown option" "$FAULTLINE" doctor --cure
expect 0 "help" "$FAULTLINE" doctor --help
finish
