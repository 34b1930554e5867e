#!/bin/sh
# faultline record --mm and --faults: every call with its result, by both means the same, and the program is not disturbed.
# shellcheck source=tests/tap.sh
. "$top_srcdir/tests/tap.sh"

mapper=$top_builddir/tests/cli/record_mapper
maps=$top_builddir/tests/cli/record_maps

record() {
	"$FAULTLINE" record --quiet -o "$@"
}

# calls TRACE: the events without their positions and times
calls() {
	"$FAULTLINE" cat "$1" | cut -d ' ' -f 3-
}

sound() {
	"$FAULTLINE" info --verify "$1" >information || return 1
	! grep -i '^warning' information
}

# may WHAT: does doctor say that this recorder works here?
"$FAULTLINE" doctor >table
may() {
	grep -Eq "^(recorders)? +$1 +(good|limited) " table
}
means=
may 'mm, by ptrace' && means="$means ptrace"
may 'mm, by perf' && means="$means perf"
for by in ptrace perf; do
	case $means in
	*$by*) ;;
	*) skip "record --mm by $by" "doctor: $(grep "mm, by $by" table | tr -s ' ')" ;;
	esac
done

# A program of 32-bit x86 that ends at once, and does not run everywhere.
{
	printf '\177ELF\001\001\001\000\000\000\000\000\000\000\000\000\002\000\003\000\001\000\000\000\124\200\004\010'
	printf '\064\000\000\000\000\000\000\000\000\000\000\000\064\000\040\000\001\000\000\000\000\000\000\000'
	printf '\001\000\000\000\000\000\000\000\000\200\004\010\000\200\004\010\140\000\000\000\140\000\000\000'
	printf '\005\000\000\000\000\020\000\000\270\001\000\000\000\061\333\315\200'
} >narrow
chmod +x narrow

for by in $means; do
	if ./narrow 2>stderr; then
		expect 0 "by $by: a 32-bit program" record narrow.flt --mm-by "$by" -- ./narrow
		"$FAULTLINE" info narrow.flt >information
		matches "by $by: the recording says that its calls are missing" 'another kind of machine code' information
	else
		skip "by $by: a 32-bit program" 'this system runs none'
	fi
	expect 5 "by $by: the exit status is the program's" record calls.flt --mm-by "$by" -- "$mapper" calls
	pass_if "by $by: the recording is sound" sound calls.flt
	calls calls.flt >"$by.calls"
	matches "by $by: a call that failed has its errno" 'madvise\(.*flags=0x3039\) -> errno 22 failed' "$by.calls"
	matches "by $by: unaligned munmap" 'munmap\(.*01, length=4096\) -> errno 22 failed' "$by.calls"
	matches "by $by: a place that is taken" 'mmap\(.*flags=0x100022\) -> errno 17 failed' "$by.calls"
	matches "by $by: mremap" 'mremap\(.*new_length=262144, flags=0x1\) -> 0x' "$by.calls"
	matches "by $by: the loader's calls with their files" 'mmap\(.*file=/.*libc' "$by.calls"
	pass_if "by $by: maps rebuilt from the calls are the maps at the end" "$maps" calls.flt
	record children.flt --mm-by "$by" -- "$mapper" children >/dev/null
	"$maps" children.flt >spaces
	pass_if "by $by: of forked, vforked and exec'd programs too" test "$(grep -c equal spaces)" = 3
	expect 7 "by $by: _exit" record leave.flt --mm-by "$by" -- "$mapper" leave
	pass_if "by $by: has the end of its address space" "$maps" leave.flt
	expect 137 "by $by: kill -9" record killed.flt --mm-by "$by" -- "$mapper" killed
	calls killed.flt >killed
	matches "by $by: has every call before" 'mmap\(.*flags=0x32\) -> 0x' killed
	matches "by $by: and the end" 'exit\(137\)' killed
	record threads.flt --heap --mm-by "$by" -- "$mapper" threads
	pass_if "by $by: heap and calls in threads are sound" sound threads.flt
	# Within a thread: the mmap of a malloc lies between the event before and that malloc, munmap follows its free,
	# mremap comes before its realloc.
	"$FAULTLINE" cat threads.flt | awk '
		{ thread = $3; what = $4 }
		what ~ /^malloc\(10[0-9]+\)/ && substr(what, 8) + 0 >= 1048576 { mallocs++; if (before[thread] !~ /^mmap/) bad++ }
		what ~ /^realloc/ && $5 == "2097152)" { reallocs++; if (before[thread] !~ /^mremap/) bad++ }
		what ~ /^munmap\(address/ && before[thread] ~ /^free/ { munmaps++ }
		{ before[thread] = what }
		END { print mallocs, reallocs, munmaps, bad + 0 }' >order
	pass_if "by $by: calls lie inside the heap calls that made them" grep -qx '32 32 32 0' order
done

if test "$means" = " ptrace perf" && command -v setarch >/dev/null; then
	for by in $means; do
		setarch -R "$FAULTLINE" record -q -o same.flt --mm-by "$by" -- "$mapper" children >/dev/null
		calls same.flt >"$by.same"
	done
	pass_if "both means give the same events" cmp ptrace.same perf.same
else
	skip "both means give the same events" "only$means, or no setarch"
fi

# real NAME COMMAND...: as many mmap calls as strace counts, and the maps are rebuilt
real() {
	name=$1
	shift
	if ! command -v "$1" >/dev/null || ! command -v strace >/dev/null; then
		skip "$name" "$1 or strace is not installed"
		return
	fi
	strace -f -c -e trace=mmap -o counts -- "$@" >/dev/null 2>&1
	counted=$(awk '$NF == "mmap" { print $4 }' counts)
	for by in $means; do
		record real.flt --mm-by "$by" -- "$@" >/dev/null 2>&1
		pass_if "$name by $by: as many mmap calls as strace counts" \
			test "$("$FAULTLINE" cat real.flt | grep -c ' mmap(')" = "$counted"
		pass_if "$name by $by: maps rebuilt from the calls" "$maps" real.flt
	done
}
echo 'int main(void) { return 0; }' >program.c
every=$means
real sh sh -c 'echo a | cat'
means=${every%% perf}
real sqlite3 sqlite3 :memory: 'select 1'
real python3 /usr/bin/python3 -I -S -c 'print(1)'
means=${every##* ptrace}
real gcc gcc -c -o program.o program.c
means=$every

# --- the program is not disturbed
printf 'one\ntwo\n' >input
for by in $means; do
	expect 0 "by $by: standard input reaches the program" record cat.flt --mm-by "$by" -- cat <input
	cp stdout output
	pass_if "by $by: and its output is unchanged" cmp output input
	expect 0 "by $by: --for ends the trace, not the program" record for.flt --mm-by "$by" --for 1ms -- \
		sh -c 'sleep 0.03; echo done'
	matches "by $by: which goes on" '^done$' stdout
	expect 0 "by $by: --max-size too" record size.flt --mm-by "$by" --max-size 20K -- "$mapper" loop 1000
	pass_if "by $by: and the trace is whole" "$FAULTLINE" info --verify size.flt
	expect 0 "by $by: --no-follow" record alone.flt --mm-by "$by" --no-follow -- sh -c 'cat /dev/null; true'
	pass_if "by $by: records one process" test "$("$FAULTLINE" info alone.flt | awk '/^processes/ { print $2 }')" = 1
	record births.flt --mm-by "$by" -- sh -c 'for i in 1 2 3 4 5 6 7; do echo a | cat; done' >/dev/null
	pass_if "by $by: a process is born while another ends" \
		test "$("$FAULTLINE" info births.flt | awk '/^processes/ { print $2 }')" = 15
	expect 127 "by $by: no such command" record none.flt --mm-by "$by" -- ./no-such-command
	expect 5 "by $by: a program that stops itself and is continued" record stopped.flt --mm-by "$by" -- \
		sh -c '(sleep 0.05; kill -CONT $$) & kill -STOP $$; echo after; exit 5'
	matches "by $by: goes on" '^after$' stdout
done

# --- start and stop by signal: of three times the same calls, those of the second
mkfifo one two
appears() { # FILE: waits for it
	while [ ! -e "$1" ]; do sleep 0.02; done
}
for by in $means; do
	rm -f first second
	record all.flt --mm-by "$by" -- sh -c 'ls; ls; ls' >/dev/null
	"$FAULTLINE" record -q -o part.flt --mm-by "$by" --start-signal USR1 --stop-signal USR2 -- \
		sh -c 'ls; : >first; read x <one; ls; : >second; read x <two; ls' >/dev/null &
	recorder=$!
	appears first
	kill -USR1 $recorder
	sleep 0.1
	echo >one
	appears second
	sleep 0.1
	kill -USR2 $recorder
	sleep 0.1
	echo >two
	wait $recorder
	all=$("$FAULTLINE" cat all.flt | grep -c ' mmap(')
	part=$("$FAULTLINE" cat part.flt | grep -c ' mmap(')
	pass_if "by $by: between the signals ($part of $all)" test "$part" -gt 0 -a $((part * 2)) -lt "$all"
	pass_if "by $by: and the recording is sound" sound part.flt
done

# --- page faults
if may faults; then
	expect 5 "faults" record faults.flt --mm --faults -- "$mapper" calls
	pass_if "the recording is sound" sound faults.flt
	calls faults.flt >faults
	matches "with their addresses" 'fault\(0x[0-9a-f]+, ' faults
	base=$(sed -n 's/^0.0 mmap(length=65536, protection=0x3, flags=0x22) -> 0x\(.*\)000$/\1/p' faults | head -n 1)
	pass_if "the pages that the program wrote are among them" grep -q "fault(0x${base}000, " faults
	if grep -Eq '^ +faults +good ' table; then
		matches "and their kind" 'fault\(.*write minor' faults
	fi
else
	skip "record --faults" "doctor: $(grep ' faults ' table | tr -s ' ')"
fi
expect 2 "--mm-by something else" "$FAULTLINE" record --mm-by magic -o x.flt -- true
expect 2 "--stacks without --heap" "$FAULTLINE" record --mm --stacks -o x.flt -- true
finish
