#!/bin/sh
# shellcheck disable=SC2154 # the harness sets top_srcdir and top_builddir
# Every header compiles alone: it includes what it needs, and nothing has to be included before it.
. "$top_srcdir/tests/tap.sh"

compiler=${CC:-cc}
headers=$(cd "$top_srcdir" && find engine traces bench tests -name '*.h' | LC_ALL=C sort)
[ -n "$headers" ] || skip_all "there are no headers in $top_srcdir"

compiles_alone() {
	echo "#include \"$1\"" >alone.c
	# shellcheck disable=SC2086 # CC may carry options
	$compiler -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -Wno-unused-function -fsyntax-only \
		-I "$top_srcdir" -I "$top_builddir" -I . alone.c
}

for header in $headers; do
	pass_if "$header compiles alone" compiles_alone "$header"
done

# The test itself, on a header that does not.
echo 'uint64_t lonely;' >lonely.h
fail_if "found: a header that needs another one first" compiles_alone lonely.h
finish
