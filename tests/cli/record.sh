#!/bin/sh
# faultline record: every call is there, the program is not disturbed, and what it says about itself is true.
# shellcheck source=tests/tap.sh
. "$top_srcdir/tests/tap.sh"

counter=$top_builddir/tests/cli/record_counter

# kinds TRACE: `kind count` lines of the heap events
kinds() {
	"$FAULTLINE" info "$1" | tr -d , |
		awk '$1 ~ /^(malloc|calloc|realloc|memalign|free|free_sized)$/ { print $1, $2 }'
}

# record ... with the summary out of the way
record() {
	"$FAULTLINE" record --heap --quiet -o "$@"
}

# every_call MODE N: what the program counted = what N calls add to the recording
every_call() {
	record zero.flt -- "$counter" "$1" 0 >/dev/null 2>&1
	record calls.flt -- "$counter" "$1" "$2" >counted 2>errors
	kinds zero.flt >zero
	kinds calls.flt >calls
	awk 'FILENAME == "zero" { before[$1] = $2 } FILENAME == "calls" { after[$1] = $2 }
	     FILENAME == "counted" { if (after[$1] - before[$1] != $2) {
		print $1 ": the program made", $2, "calls, the recording has", after[$1] - before[$1]; bad = 1 } }
	     END { exit bad }' zero calls counted
}

# sound TRACE: no warnings, and every event obeys the rules
sound() {
	"$FAULTLINE" info --verify "$1" >information || return 1
	! grep -i '^warning' information
}

for mode in plain threads fork exec spawn system closed handler; do
	pass_if "every call is recorded: $mode" every_call "$mode" 500
	pass_if "the recording is sound: $mode" sound calls.flt
done
pass_if "a hundred thousand calls of each kind in 8 threads" every_call threads 12500
pass_if "without an impossible event" sound calls.flt

# --- the program is not disturbed
expect 3 "the exit status is the program's" record status.flt -- sh -c 'exit 3'
expect 7 "also after _exit" record status.flt -- "$counter" leave 1
expect 134 "128 + 6 after abort" record status.flt -- "$counter" abort 1
expect 137 "128 + 9 when killed" record status.flt -- sh -c 'kill -9 $$'
expect 127 "127 when there is no such command" record status.flt -- ./no-such-command
matches "and it says so" 'cannot run ./no-such-command: No such file' stderr
: >plain-file
expect 126 "126 when it cannot be run" record status.flt -- ./plain-file
printf 'one\ntwo\n' >input
expect 0 "standard input reaches the program" record cat.flt -- cat <input
cp stdout output
cp stderr errors
pass_if "and its output is unchanged" cmp input output
pass_if "standard error too" test ! -s errors
for how in leave abort; do
	record calls.flt -- "$counter" "$how" 300 >counted 2>errors
	"$FAULTLINE" info calls.flt | tr -d , >information
	matches "all calls before $how are recorded" '^ *memalign *1500$' information
done

# --- processes
record tree.flt -- sh -c 'ls / >/dev/null; (ls / >/dev/null); exit 0'
"$FAULTLINE" info tree.flt >information
pass_if "children are followed" awk '$1 == "processes" { exit $2 < 3 }' information
record tree.flt --no-follow -- sh -c 'ls / >/dev/null; exit 0'
"$FAULTLINE" info tree.flt >information
matches "--no-follow records one process" '^processes *1$' information
record calls.flt -- sh -c "exec '$counter' plain 100" >/dev/null
"$FAULTLINE" info calls.flt >information
matches "an exec stays in its process" '^processes *1$' information
matches "and is an event" '^ *exec *1$' information

# --- programs that cannot be recorded
printf 'int main(void) { return 0; }\n' >static.c
if ${CC:-cc} -static -o static static.c 2>/dev/null; then
	expect 0 "a static program runs" "$FAULTLINE" record -o static.flt -- ./static
	matches "and the reason for no events is said" 'nothing was recorded: ./static is statically linked' stderr
else
	skip "a static program runs" "no static C library"
	skip "and the reason for no events is said" "no static C library"
fi
cat >own.c <<'C'
#include <stddef.h>
static char memory[1 << 20];
static size_t used;
void *malloc(size_t n) { void *p = memory + used; used += (n + 15) & ~(size_t)15; return p; }
void free(void *p) { (void)p; }
void *calloc(size_t a, size_t b) { return malloc(a * b); }
void *realloc(void *p, size_t n) { (void)p; return malloc(n); }
int main(void) { return malloc(10) == NULL; }
C
if ${CC:-cc} -fno-builtin -rdynamic -o own own.c 2>/dev/null; then
	expect 0 "a program with its own malloc runs" "$FAULTLINE" record -o own.flt -- ./own
	matches "and the reason is said" 'nothing was recorded: ./own defines its own malloc' stderr
else
	skip "a program with its own malloc runs" "no C compiler"
	skip "and the reason is said" "no C compiler"
fi
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null && chmod 755 . && cp "$counter" setuid && chmod 4755 setuid &&
	chmod 777 .; then
	expect 0 "a set-uid program runs" setpriv --reuid 65534 --regid 65534 --clear-groups "$FAULTLINE" \
		record -o setuid.flt -- ./setuid plain 10
	matches "and the reason is said" 'nothing was recorded: ./setuid is set-uid' stderr
else
	skip "a set-uid program runs" "needs root and setpriv"
	skip "and the reason is said" "needs root and setpriv"
fi
expect 0 "exec of a static program" "$FAULTLINE" record -o mixed.flt -- sh -c 'exec ./static'
if [ -x static ]; then
	matches "is noted" 'went on unrecorded: ./static is statically linked' stderr
else
	skip "is noted" "no static C library"
fi

# --- the summary
expect 0 "the summary" "$FAULTLINE" record -o summary.flt -- "$counter" threads 3000
matches "has the events" '^  events +[1-9][0-9]* \([1-9][0-9]* heap calls\)' stderr
matches "has processes and threads" '^  processes +1, threads 9' stderr
matches "has the size" '^  size +[1-9][0-9]* bytes, [0-9.]+ per event' stderr
matches "has the slowdown" '^  slowdown +about [0-9.]+ % of processor time' stderr
lacks "has no warnings" 'warning|note' stderr

# --- limits
expect 0 "--max-size" record small.flt --max-size 200K -- "$counter" threads 12500
pass_if "is kept" test "$(wc -c <small.flt)" -le 204800
pass_if "and the trace is whole" sound small.flt
lacks "not truncated" truncated information
expect 0 "--for ends the trace" "$FAULTLINE" record -o short.flt --for 200ms -- "$counter" alive 600
matches "and says so" 'ended by --for' stderr
matches "while the program runs on" '^done$' stdout
pass_if "the trace is whole" sound short.flt
expect 0 "a small buffer makes the program wait, and nothing is lost" record calls.flt --buffer 1M -- \
	"$counter" threads 12500
pass_if "all the same" sound calls.flt

# --- start and stop by signal
expect 0 "never started" "$FAULTLINE" record -o paused.flt --start-signal USR1 -- "$counter" plain 100
matches "says that it was not" 'nothing was recorded: the recording was not started by a signal' stderr
"$FAULTLINE" record -q -o paused.flt --start-signal USR1 --stop-signal SIGUSR2 -- "$counter" alive 700 >/dev/null &
recorder=$!
sleep 0.3
kill -USR1 $recorder
sleep 0.2
kill -USR2 $recorder
wait $recorder
pass_if "started and stopped" "$FAULTLINE" info paused.flt
cp stdout information
pass_if "a part of it is recorded" awk '$1 == "calloc" { gsub(",", "", $2); exit !($2 > 10 && $2 < 6000) }' information

# --- signals for the program
"$FAULTLINE" record -q -o signal.flt -- sh -c 'trap "exit 5" TERM; echo ready >ready; while :; do sleep 0.05; done' &
recorder=$!
while [ ! -s ready ]; do sleep 0.05; done
kill -TERM $recorder
wait $recorder
pass_if "SIGTERM is passed on" test $? -eq 5

# --- call stacks
if [ -e "$top_builddir/bench/libexec/libfaultline-record-stacks.so" ]; then
	pass_if "--stacks" record stacks.flt --stacks -- "$counter" plain 50
	pass_if "records sound events" sound stacks.flt
	pass_if "with stacks" sh -c '"$FAULTLINE" info --json stacks.flt | grep -q "\"has_stacks\": *true"'
else
	skip "--stacks" "built without libunwind"
	skip "records sound events" "built without libunwind"
	skip "with stacks" "built without libunwind"
fi

# --- other allocators
for library in libjemalloc.so.2 libmimalloc.so.2.0 libtcmalloc_minimal.so.4; do
	path=$(find /usr/lib /usr/local/lib -name "$library" 2>/dev/null | head -n 1)
	if [ -n "$path" ]; then
		pass_if "on $library" env WITHOUT_PVALLOC=1 LD_PRELOAD="$path" "$FAULTLINE" record -q -o preloaded.flt -- \
			"$counter" threads 500
		matches "the calls are its" '^memalign 16000$' stdout
		pass_if "and recorded" sound preloaded.flt
		"$FAULTLINE" info preloaded.flt | tr -d , >information
		matches "all of them" '^ *memalign *160[0-9][0-9]$' information
	else
		for what in "on $library" "the calls are its" "and recorded" "all of them"; do
			skip "$what" "not installed"
		done
	fi
done

# --- C++: every new has its delete, whoever brings the operators
cat >operators.cc <<'CC'
#include <memory>
struct alignas(64) wide { char bytes[128]; };
template <typename T> void one(T *block) { delete block; }
int main() {
	for (int i = 0; i < 1000; i++) {
		one(new int); one(new wide);
		delete[] new char[100];
		std::unique_ptr<long> held(new long);
	}
}
CC
if ${CXX:-c++} -std=c++17 -O0 -o operators operators.cc 2>/dev/null; then
	for library in '' libjemalloc.so.2 libtcmalloc_minimal.so.4; do
		path=
		[ -z "$library" ] || path=$(find /usr/lib /usr/local/lib -name "$library" 2>/dev/null | head -n 1)
		if [ -n "$library" ] && [ -z "$path" ]; then
			skip "new and delete on $library" "not installed"
			skip "all of them" "not installed"
			continue
		fi
		pass_if "new and delete on ${library:-glibc}" env LD_PRELOAD="$path" "$FAULTLINE" record -q -o operators.flt -- \
			./operators
		"$FAULTLINE" info operators.flt | tr -d , >information
		pass_if "all of them, once" awk '$1 == "malloc" { m = $2 } $1 == "memalign" { a = $2 }
			$1 == "free" || $1 == "free_sized" { f += $2 } /^warning/ { w++ }
			END { exit !(m >= 3000 && m < 3100 && a == 1000 && f >= 4000 && f < 4100 && !w) }' information
	done
else
	skip "new and delete" "no C++ compiler"
fi

# --- wrong usage
expect 2 "no output" "$FAULTLINE" record -- ls
expect 2 "no command" "$FAULTLINE" record -o x.flt
expect 2 "trace on standard output" "$FAULTLINE" record -o - -- ls
expect 2 "nonsense for --for" "$FAULTLINE" record -o x.flt --for never -- ls
expect 2 "nonsense for --max-size" "$FAULTLINE" record -o x.flt --max-size -5 -- ls
expect 2 "nonsense for --start-signal" "$FAULTLINE" record -o x.flt --start-signal KILL -- ls
expect 2 "an unknown option" "$FAULTLINE" record --everything -o x.flt -- ls
expect 0 "help" "$FAULTLINE" record --help
expect 1 "a directory that is not there" record no/where.flt -- ls
matches "is named" 'no/where.flt' stderr
finish
