#!/bin/sh
# faultline policies: the table of policies and keys, and one policy's values.
# shellcheck source=tests/tap.sh
. "$top_srcdir/tests/tap.sh"

expect 0 "policies" "$FAULTLINE" policies
cp stdout table
for name in default linux lowest-address order-first fullest-block i386; do
	matches "policy $name" "^  $name  *[a-z]" table
done
matches "a key with words" 'default order-first, allowed order-first \| lowest-address \| fullest-block' table
matches "a key with numbers" 'default [0-9]+, allowed 0 \.\. 4294967295' table
expect 0 "one policy" "$FAULTLINE" policies linux
matches "marks what differs" '^\* size_classes=kmalloc$' stdout
matches "shows what does not" '^  page_placement=order-first$' stdout
expect 0 "the default differs in nothing" "$FAULTLINE" policies default
lacks "no mark" '^\*' stdout
expect 1 "a policy that does not exist" "$FAULTLINE" policies windows
matches "is named" "there is no policy 'windows'" stderr
expect 2 "too many names" "$FAULTLINE" policies linux default
expect 2 "an unknown option" "$FAULTLINE" policies --frobnicate
expect 0 "help" "$FAULTLINE" policies --help
matches "says how to use it" '^Usage: faultline policies' stdout
if [ -w /dev/full ]; then
	expect 1 "a full disk" sh -c '"$FAULTLINE" policies >/dev/full'
else
	skip "a full disk" "there is no /dev/full"
fi
finish
