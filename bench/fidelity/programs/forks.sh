#! /bin/bash
# shellcheck disable=SC2030,SC2031 # what a subshell changes is lost, as it should be
# Work for a shell that forks and executes nothing: subshells, substitutions and pipes of builtins.
table=()
for i in {1..360}; do
	table[i]="entry $i $((i * i))"
done
for i in 1 2 3 4; do
	text=$(
		for ((k = i; k <= 360; k += 4)); do
			printf '%s;' "${table[k]}"
		done
	)
	(
		for ((k = 1; k <= 360; k += i)); do
			table[k]="$text"
		done
		echo "${#table[@]}"
	)
	table[i]=$text
	printf '%s\n' "${table[@]}" | while read -r line; do
		last=$line
	done
done
echo "${#text} $last"
