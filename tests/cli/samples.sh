#!/bin/sh
# The shipped recordings: what they are said to be, whole, sound and small enough.
# shellcheck source=tests/tap.sh
. "$top_srcdir/tests/tap.sh"

samples=$top_srcdir/traces/samples
pass_if "the files have their hashes" sh -c 'cd "$1" && sha256sum -c SHA256SUMS' sh "$samples"
: >numbers
for file in "$samples"/*.flt; do
	name=$(basename "$file" .flt)
	pass_if "$name is sound" "$FAULTLINE" info --verify "$file"
	tr -d , <stdout >information
	lacks "$name has no warnings" '^warning' information
	awk -v name="$name" '$1 == "events" { e = $2 } $1 == "threads" { t = $2 } END { print name, e, t }' information \
		>>numbers
	matches "$name has its row in the table" "^\\| $name \\| $(awk 'END { print $2 " [|] " $3 }' numbers) \\|" \
		"$samples/README.md"
	pass_if "$name has its recipe" grep -q "^$(echo "$name" | tr - _)() {" "$samples/record-samples"
done
pass_if "at least eight programs" awk 'END { exit NR < 8 }' numbers
pass_if "at least two with several threads" awk '$3 > 4 { n++ } END { exit n < 2 }' numbers
pass_if "at least one above a million events" awk '$2 > 1000000 { n++ } END { exit n < 1 }' numbers
pass_if "12 MB in all at most" test "$(cat "$samples"/*.flt | wc -c)" -le 12000000
expect 1 "a sample that is not there is refused" "$samples/record-samples" -o "$PWD" no-such-sample
finish
