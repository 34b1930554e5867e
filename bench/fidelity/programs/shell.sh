#! /bin/sh
# shellcheck disable=SC2086 # many words are what is wanted
# Work for a shell alone: nothing is started.
i=0
text=
while [ $i -lt 400 ]; do
	i=$((i + 1))
	text="$text $i"
	case $i in
	*7) set -- $text ;;
	esac
done
sum=0
for word in $text; do
	sum=$((sum + word))
done
echo "$sum $#"
