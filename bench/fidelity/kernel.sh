#! /bin/sh
# kernel.sh FAULTLINE OUTPUT [RECORDING...]: the model of the page allocator against the running kernel, on recordings of this machine.
#
# Without recordings, record-kernel makes two, of a parallel build and of a fork storm, each started with 2.5 GiB free in small blocks (FREE_MIB
# says otherwise). A line for each goes to OUTPUT and standard output, tab-separated: events judged by the books, unexplained ones, free blocks
# that changed, those that policy linux missed, how much nearer that is than the model "nothing changed". The exit status is 1 when more than 0.01 %
# are unexplained, or the model is less than 3 times nearer, 77 when this machine cannot record.
set -u

faultline=$1
output=$2
shift 2
here=$(cd "$(dirname "$0")" && pwd)
recorder=$here/../../traces/samples/kernel/record-kernel
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

skip() {
	echo "fidelity-kernel: skipped: $*"
	exit 77
}

number() { # KEY FILE
	sed -n "s/.*\"$1\": \([-0-9.e]*\),*$/\1/p" "$2" | head -n 1
}

if [ $# -eq 0 ]; then
	"$faultline" record --kernel=pages --buffer 64M -q -o "$work/try.flt" -- true 2>"$work/log" ||
		skip "the kernel cannot be recorded here: $(head -n 1 "$work/log")"
	command -v python3 >/dev/null || skip "python3 is not installed: it fills the page cache"
	FAULTLINE=$faultline FREE_MIB=${FREE_MIB:-2500} TMPDIR=${TMPDIR:-/var/tmp} "$recorder" -o "$work" build fork-storm >&2 || exit 1
	set -- "$work/build.flt" "$work/fork-storm.flt"
fi
status=0
printf '# recording\tjudged\tunexplained\tchanged_blocks\tmissed_blocks\tnearer\n' >"$work/lines"
for recording; do
	"$faultline" replay --physical=forced --json -q "$recording" >"$work/books" || exit 1
	"$faultline" replay --physical=free --on engine:linux --json -q "$recording" >"$work/free" || exit 1
	printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$(basename "$recording" .flt)" "$(number judged "$work/books")" \
		"$(number unexplained "$work/books")" "$(number changed_blocks "$work/free")" "$(number error_blocks "$work/free")" \
		"$(number nearer "$work/free")" >>"$work/lines"
done
awk -F '\t' '!/^#/ && ($3 * 10000 > $2 || $6 < 3) { print "fidelity-kernel: " $1 " is outside of its bounds"; bad = 1 } END { exit bad }' \
	"$work/lines" >&2 || status=1
cat "$work/lines"
cp "$work/lines" "$output" || status=1
exit $status
