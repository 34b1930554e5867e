#!/bin/sh
# shellcheck disable=SC2154 # the harness sets top_srcdir
# No #include climbs. The rooms of the engine have ranks, and an include goes to the same rank or down:
#   base (and policy) < phys < heap < virt < pressure < machine (the files of engine/ itself)
# traces/ and engine/ never include each other, and neither includes bench/; only tests include tests/. Only bench/ includes both.
. "$top_srcdir/tests/tap.sh"

# Prints every include that is not allowed, as "file: included file". $1 is the tree.
climbing_includes() {
	(cd "$1" && find engine traces bench -name '*.[ch]' -exec grep -H '^#include "' {} +) |
		sed 's/:#include "/ /; s/".*//' |
		awk '
		function room(path) { sub(/\/.*/, "", path); return path }
		function rank(path) {
			if (path ~ /^engine\/(base\/|policy\.)/) return 1
			if (path ~ /^engine\/phys\//) return 2
			if (path ~ /^engine\/heap\//) return 3
			if (path ~ /^engine\/virt\//) return 4
			if (path ~ /^engine\/pressure\//) return 5
			return 6
		}
		$2 == "config.h" { next }
		$2 !~ /\// { print $1 ": " $2 " has no room in its name"; next }
		room($2) == "tests" || room($2) == "plots" { print $1 ": " $2; next }
		room($1) == "traces" && room($2) != "traces" { print $1 ": " $2; next }
		room($1) == "engine" && room($2) != "engine" { print $1 ": " $2; next }
		room($1) == "engine" && rank($2) > rank($1) { print $1 ": " $2 }
		' >climbing
	[ ! -s climbing ]
}

no_climbing() {
	climbing_includes "$1" || { cat climbing; return 1; }
}

# config.h is the first include of every .c and in no header.
config_first() (
	cd "$top_srcdir" || exit 1
	find engine traces bench tests -name '*.c' -exec grep -m1 -H '^#include' {} + | grep -v ':#include "config.h"$' && exit 1
	find engine traces bench tests -name '*.h' -exec grep -l '^#include "config.h"' {} + | grep . && exit 1
	exit 0
)

pass_if "no include climbs" no_climbing "$top_srcdir"
pass_if "config.h comes first in every .c file and in no header" config_first

# The test itself, on a tree with one mistake each.
mistake() { # FILE INCLUDED
	rm -rf tree
	mkdir -p tree/engine/base tree/engine/phys tree/engine/heap tree/traces tree/bench
	echo "#include \"$2\"" >"tree/$1"
}
for mistake in engine/base/a.h:engine/phys/b.h engine/phys/a.c:engine/heap/b.h engine/heap/a.c:engine/machine.h \
	traces/a.c:engine/base/b.h engine/phys/a.c:traces/b.h engine/machine.c:bench/b.h bench/a.c:tests/b.h \
	engine/base/a.c:b.h; do
	mistake "${mistake%%:*}" "${mistake#*:}"
	fail_if "found: ${mistake%%:*} includes ${mistake#*:}" no_climbing tree
done
for right in engine/phys/a.c:engine/base/b.h engine/machine.c:engine/heap/b.h bench/a.c:engine/machine.h \
	bench/a.c:traces/event.h engine/heap/a.c:engine/policy.h; do
	mistake "${right%%:*}" "${right#*:}"
	pass_if "allowed: ${right%%:*} includes ${right#*:}" no_climbing tree
done
finish
