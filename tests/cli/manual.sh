#!/bin/sh
# The manual: free of mandoc's complaints, and with every command and option that the program itself explains.
. "${top_srcdir:?}/tests/tap.sh"

manual=$top_srcdir/man/faultline.1
for page in "$manual" "$top_srcdir/man/flt.5"; do
	if command -v mandoc >/dev/null; then
		pass_if "mandoc has no complaint about ${page##*/}" mandoc -Tlint -Wwarning "$page"
	else
		skip "mandoc on ${page##*/}" 'mandoc is not installed'
	fi
done

# Every line of --help that begins with two blanks and a word is a command.
"$FAULTLINE" --help | sed -n 's/^  \([a-z]*\) .*/\1/p' >commands
pass_if 'the program lists its commands' test -s commands
while read -r command; do
	matches "the manual has the command $command" "^\\.Cm $command\$|^\\.Ss .*\\<$command\\>" "$manual"
	"$FAULTLINE" "$command" --help >help 2>&1 </dev/null
	grep -oE -e '(^|[ (,])--[a-z][a-z-]*' help | grep -oE -e '--[a-z][a-z-]*' | sort -u >options
	: >missing
	while read -r option; do
		[ "$option" = --help ] && continue
		grep -Eq -e "(Fl|,) -?${option#-}([^a-z-]|\$)" "$manual" || echo "$option" >>missing
	done <options
	pass_if "and the options that $command explains" test ! -s missing
	sed 's/^/#   missing: /' missing
done <commands
if [ -w /dev/full ]; then
	expect 1 "help onto a full disk" sh -c '"$FAULTLINE" --help >/dev/full'
	matches "is no success" '^faultline: cannot write to standard output$' stderr
	while read -r command; do
		expect 1 "help of $command onto a full disk" sh -c '"$FAULTLINE" "$1" --help >/dev/full' sh "$command"
	done <commands
else
	skip "help onto a full disk" "there is no /dev/full"
fi
finish
