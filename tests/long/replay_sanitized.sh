#!/bin/sh
# Every recording on the engine in every mode, with every block filled and checked, once with AddressSanitizer and
# UndefinedBehaviorSanitizer, once with ThreadSanitizer. Builds what it needs for that in long-SANITIZERS of the build tree,
# with clang where that is installed.
. "${top_srcdir:?}/tests/tap.sh"
. "$top_srcdir/tests/long/recordings.sh"
unset MAKEFLAGS MFLAGS MAKELEVEL

sanitized_build() { # DIRECTORY SANITIZERS
	mkdir -p "$1" && cd "$1" || return 1
	compiler=
	! command -v clang >/dev/null || compiler='CC=clang CXX=clang++'
	# shellcheck disable=SC2086 # two arguments
	[ -e config.status ] || "$top_srcdir/configure" -q $compiler "--enable-sanitizers=$2" 'CFLAGS=-O1 -g' || return 1
	make -s -j "$(nproc)" bench/faultline bench/libexec/faultline-replay bench/libexec/faultline-replay-linked
}

for sanitizers in address,undefined thread; do
	directory=$top_builddir/long-$sanitizers
	if (sanitized_build "$directory" $sanitizers) >"$scratch/build.log" 2>&1; then
		report_case 0 "a build with sanitizers $sanitizers"
	else
		report_case 1 "a build with sanitizers $sanitizers"
		tail -n 40 "$scratch/build.log" | sed 's/^/#   /'
		continue
	fi
	for trace in "$@"; do
		for mode in single baton parallel; do
			pass_if "engine under $sanitizers keeps every block of $(basename "$trace" .flt) in mode $mode" \
				"$directory/bench/faultline" replay "$trace" --on engine --mode $mode --measure verify -q
		done
	done
done
finish
