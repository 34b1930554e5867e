#! /bin/sh
# measure.sh FAULTLINE FIDELITY MEMORY_USER OUTPUT [PROGRAM...]: the model against the running kernel, program by program.
#
# Each program is recorded natively (record --mm --faults) under each setting of transparent huge pages, and once under the
# emulator (record --accesses). `fidelity` predicts the native figures from the emulated references. The lines go to OUTPUT
# (tab-separated, PROGRAM THP PROCESS WHAT ...) and, as a table, to standard output. The exit status is 1 when a line is outside
# of its bounds or something failed, 77 when this machine cannot record.
set -u

faultline=$1
fidelity=$2
memory_user=$3
case $4 in
/*) output=$4 ;;
*) output=$PWD/$4 ;;
esac
shift 4
wanted=" $* "
here=$(cd "$(dirname "$0")" && pwd)
thp=/sys/kernel/mm/transparent_hugepage/enabled
khugepaged=/sys/kernel/mm/transparent_hugepage/khugepaged/scan_sleep_millisecs

skip() {
	echo "fidelity: skipped: $*"
	exit 77
}

for tool in setarch qemu-x86_64; do
	command -v $tool >/dev/null || skip "$tool is not installed"
done
# From here on nothing depends on who started this.
clean() {
	env -i PATH=/usr/bin:/bin LC_ALL=C PYTHONHASHSEED=0 PYTHONDONTWRITEBYTECODE=1 PERL_HASH_SEED=0 "$@"
}

work=$(mktemp -d) || exit 1
before=$(sed 's/.*\[\(.*\)\].*/\1/' $thp 2>/dev/null)
sleeps=$(cat $khugepaged 2>/dev/null)
restore() {
	[ -z "${FIDELITY_THP:-}" ] || return
	[ -z "$before" ] || echo "$before" >$thp
	[ -z "$sleeps" ] || echo "$sleeps" >$khugepaged
} 2>/dev/null
trap 'restore; rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

clean setarch -R "$faultline" record -q --mm --faults -o "$work/try.flt" -- true 2>"$work/try" ||
	skip "this machine does not let itself be recorded: $(cat "$work/try")"
"$faultline" cat "$work/try.flt" | grep -q 'fault(' || skip "no page faults can be recorded here"
if [ -n "${FIDELITY_THP:-}" ]; then
	modes=${before:-never}
elif [ -n "$before" ] && echo "$before" 2>/dev/null >$thp; then
	modes='never madvise always'
else
	echo "fidelity: transparent huge pages cannot be set here; measured as they are: ${before:-there are none}"
	modes=${before:-never}
fi

failed=0
cd "$work" || exit 1

# thp_is MODE
thp_is() {
	[ "$modes" = "$before" ] || echo "$1" >$thp
	[ "$1" != always ] || echo 4294967295 >$khugepaged
} 2>/dev/null

# measure NAME COMMAND...
measure() {
	name=$1
	shift
	case $wanted in
	'  ' | *" $name "*) ;;
	*) return ;;
	esac
	if ! command -v "$1" >/dev/null; then
		echo "fidelity: $name skipped: $1 is not installed"
		return
	fi
	# Once for the page cache, and for the names of the files that are to be in it.
	clean setarch -R "$faultline" record -q --mm -o warm.flt -- "$@" >expected 2>&1
	"$faultline" cat warm.flt | sed -n 's/.*file=\(\/[^,)]*\).*/\1/p' | sort -u | while read -r file; do
		[ ! -f "$file" ] || cat "$file" >/dev/null
	done
	clean "$faultline" record -q --accesses=all --no-heap -o emulated.flt -- "$@" >got 2>&1
	cmp -s expected got || echo "fidelity: $name: its output under the emulator differs"
	for mode in $modes; do
		thp_is "$mode"
		clean setarch -R "$faultline" record -q --mm --faults -o native.flt -- "$@" >got 2>&1
		restore
		"$fidelity" ${FIDELITY_DETAILS:+--details} --name "$name" --thp "$mode" native.flt emulated.flt >>lines || failed=1
	done
	[ -z "${FIDELITY_KEEP:-}" ] || cp native.flt "$FIDELITY_KEEP/$name.native.flt"
	[ -z "${FIDELITY_KEEP:-}" ] || cp emulated.flt "$FIDELITY_KEEP/$name.emulated.flt"
}

cp "$here/programs/"* .
"${CC:-cc}" -E -P -include stdio.h -include stdlib.h -include string.h -x c /dev/null -o small.i 2>/dev/null
cat "$here/programs/compiled.txt" >>small.i
compiler=$("${CC:-cc}" -print-prog-name=cc1 2>/dev/null)
: >lines

measure shell dash shell.sh
measure bash-forks bash forks.sh
measure python3 /usr/bin/python3 -I -S work.py
measure sqlite3 sqlite3 :memory: '.read work.sql'
measure gcc-cc1 "${compiler:-cc1}" -quiet -O1 small.i -o small.s
measure gcc-driver gcc -c small.i -o small.o
measure perl perl -e 'my %h; $h{$_ * 7919 % 10007} = "x" x ($_ % 200) for 1 .. 9000; print scalar(sort { $a <=> $b } keys %h), "\n"'
measure thp-user "$memory_user" huge
measure populate "$memory_user" populate

{
	"$fidelity" --columns
	cat lines
} >"$output.new" && mv "$output.new" "$output" || exit 1
printf '%-11s %-8s %3s %-9s %9s %9s %10s %9s %s\n' program thp '#' what kernel model deviation baseline verdict
tr '\t' ' ' <lines | while read -r program mode process what kernel model deviation baseline verdict; do
	printf '%-11s %-8s %3s %-9s %9s %9s %10s %9s %s\n' "$program" "$mode" "$process" "$what" "$kernel" "$model" "$deviation" \
		"$baseline" "$verdict"
done
exit $failed
