#!/bin/sh
# The glossary: every command that it names does what it should: succeed.
. "${top_srcdir:?}/tests/tap.sh"

glossary=$top_srcdir/docs/glossary.md
sample=$top_srcdir/traces/samples/jq-json.flt
references=$top_srcdir/traces/samples/i386/words.flt

# Every row has four columns, in English and Chinese, and a command.
awk -F'|' '/^\|/ && !/^\| (---|English)/ { if (NF != 6 || $3 !~ /[^ -~]/ || $5 !~ /`faultline /) print }' "$glossary" >odd
pass_if 'every row has a Chinese term and a command' test ! -s odd
sed 's/^/#   /' odd
grep -oE '`faultline [^`]*`' "$glossary" | tr -d '`' | sed 's/^faultline //' | sort -u >commands
pass_if 'there are commands' test -s commands
while read -r command; do
	line=$(printf '%s' "$command" | sed "s#T\\.flt#$sample#g; s#R\\.flt#$references#g")
	rm -rf RUN RUN.flt
	# shellcheck disable=SC2086 # the words of a command
	expect 0 "faultline $command" "$FAULTLINE" $line </dev/null
done <commands
finish
