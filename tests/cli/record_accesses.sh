#!/bin/sh
# faultline record --accesses: every reference is there, once, and programs run in the emulator as they do without.
# shellcheck source=tests/tap.sh
. "$top_srcdir/tests/tap.sh"

expect 2 "what is to be recorded is data, fetch or all" "$FAULTLINE" record --accesses=x -o t.flt -- true
matches "and it says so" "does not understand 'x': data, fetch or all" stderr
expect 2 "a window is two numbers" "$FAULTLINE" record --accesses --window 10 -o t.flt -- true
expect 2 "a window of nothing is refused" "$FAULTLINE" record --window 1:1 -o t.flt -- true
expect 2 "a seed is a number" "$FAULTLINE" record --accesses --seed=-1 -o t.flt -- true
expect 2 "a seed of nothing is refused" "$FAULTLINE" record --seed 1 -o t.flt -- true
expect 2 "no page faults of an emulated program" "$FAULTLINE" record --accesses --faults -o t.flt -- true
expect 2 "heap calls are left out only beside accesses" "$FAULTLINE" record --mm --no-heap -o t.flt -- true
mkdir nothing
PATH=$scratch/nothing expect 1 "without the emulator" "$FAULTLINE" record --accesses -o t.flt -- true
matches "it says what to install" 'needs qemu-x86_64, .*qemu-user' stderr
if ! command -v qemu-x86_64 >/dev/null; then
	skip "recording of accesses" "there is no qemu-x86_64 (Debian: qemu-user; ./bootstrap tools installs it)"
	finish
fi
case $(uname -m) in
x86_64) ;;
*)
	skip "recording of accesses" "the plugin records programs of x86-64 only"
	finish
	;;
esac

counter=$top_builddir/tests/cli/access_counter

record() { # OPTION... -o TRACE -- COMMAND: with the summary in the file summary
	"$FAULTLINE" record "$@" 2>summary
}

recorded() { # the number of references that the summary tells of
	awk '$1 == "accesses" { print $2 + 0 }' summary
}

kinds() { # loads, stores, modifies, fetches
	sed -n 's/^  accesses .*(\([0-9]*\) loads, \([0-9]*\) stores, \([0-9]*\) modifies, \([0-9]*\) fetches).*/\1 \2 \3 \4/p' summary
}

# exactly MODE LOADS STORES MODIFIES: what 2000 times makes more than 1000 times
exactly_at_once() {
	record --accesses -o few.flt -- "$counter" "$1" 1000
	[ $? -eq 5 ] || return 1
	few=$(kinds)
	record --accesses -o many.flt -- "$counter" "$1" 2000
	many=$(kinds)
	echo "$few, then $many"
	echo "$few $many $2 $3 $4" | awk '{ exit !($5 - $1 == $9 && $6 - $2 == $10 && $7 - $3 == $11) }'
}

# What surrounds the loop in the program may differ from run to run by a few references: the loop itself does not.
exactly() {
	exactly_at_once "$@" || exactly_at_once "$@" || exactly_at_once "$@"
}

pass_if "a reference per operand: loads" exactly load 1000 0 0
pass_if "stores" exactly store 0 1000 0
pass_if "what reads and writes one place is one reference" exactly modify 0 0 1000
pass_if "neighbours of 16 bytes stay apart, their pieces do not" exactly wide 1000 0 0
pass_if "a repeated instruction makes one per operand" exactly rep 500 500 0
pass_if "calls, pushes, pops and returns" exactly calls 500 500 0
record --accesses -o t.flt -- "$counter" threads 100000
pass_if "those of threads too" test "$(recorded)" -gt 400000
lacks "without a warning" 'warning' summary
few=$(recorded)
record --accesses --seed 7 -o t.flt -- "$counter" threads 100000
pass_if "and in an order that a seed chooses" test "$(recorded)" -gt $((few - 1000)) -a "$(recorded)" -lt $((few + 1000))
record --accesses=fetch -o t.flt -- "$counter" load 1000000
pass_if "fetches alone" sh -c 'set -- $1; [ $(($1 + $2 + $3)) -lt 1000 ] && [ "$4" -ge 1000000 ]' - "$(kinds)"
record --accesses=all -o t.flt -- "$counter" load 1000000
pass_if "fetches and data" sh -c 'set -- $1; [ "$1" -ge 1000000 ] && [ "$4" -ge 1000000 ]' - "$(kinds)"

windowed() {
	record --accesses --window 1K:9K -o w.flt -- "$counter" load 1000000
	awk '$1 == "accesses" { left = $0; sub(/.*fetches\), /, "", left); part = $2 / ($2 + left); print part; exit !(part > 0.09 && part < 0.11) }' summary
}
pass_if "windows record a tenth when asked for a tenth" windowed

# --- where blocks lay, instead of which they are
expect 2 "--as-placed is about accesses" "$FAULTLINE" record --as-placed -o t.flt -- true
record --accesses -o blocks.flt -- sh -c 'x=$(echo y); echo "$x"' >shell.out
"$FAULTLINE" info blocks.flt >info
matches "accesses to blocks" '^ +to object ' info
record --accesses --as-placed -o placed.flt -- sh -c 'x=$(echo y); echo "$x"' >shell.out
"$FAULTLINE" info placed.flt >info
lacks "none to blocks when they are told by where they lay" '^ +to object ' info
matches "but to mappings" '^ +to region ' info

# --- the recording ends before the program does
ended() { # OPTION...: ends the recording of a program that runs on
	record --accesses "$@" -o e.flt -- sh -c '"$1" load 1000000; sleep 0.7; echo goes on' - "$counter" >went.on
	[ "$(cat went.on)" = 'goes on' ] && "$FAULTLINE" info --verify e.flt >info
}
pass_if "a recording ends by --for, and the program goes on" ended --for 500ms
matches "and says so" 'e.flt; ended by --for' summary
pass_if "or by --max-size" ended --max-size 200K
matches "and says so" 'e.flt; ended by --max-size' summary
pass_if "beyond which it does not grow" test "$(wc -c <e.flt)" -le 204800
pass_if "and below which there are accesses" test "$(recorded)" -gt 0

# --- programs run as they do without
same() { # COMMAND...: output, errors and status are those of the command run alone
	"$@" >alone.out 2>alone.err <input
	alone=$?
	"$FAULTLINE" record --quiet --accesses -o same.flt -- "$@" >recorded.out 2>recorded.err <input
	[ $? -eq "$alone" ] && cmp alone.out recorded.out && cmp alone.err recorded.err
}
have() { # COMMAND WHAT
	command -v "$1" >/dev/null || {
		skip "$2" "there is no $1"
		return 1
	}
}
printf 'some\ninput\n' >input
pass_if "a shell, its pipes and status" same sh -c 'tr a-z A-Z | sed s/O/0/; exit 9'
pass_if "a script is run by its interpreter" sh -c 'printf "#!/bin/sh\necho script \"\$1\"\n" >s && chmod +x s'
pass_if "with its arguments" same ./s argument
pass_if "standard error" same sh -c 'echo oops >&2; exit 1'
pass_if "death by signal" sh -c '"$FAULTLINE" record -q --accesses -o k.flt -- sh -c "kill -TERM \$\$"; [ $? -eq 143 ]'
expect 127 "no such command" "$FAULTLINE" record --accesses -o t.flt -- ./no-such-command
python=$(python3 -c 'import sys; print(sys.executable)' 2>/dev/null)
if have "${python:-python3}" "python3, its threads and children"; then
	cat >work.py <<'P'
import os, subprocess, threading
done = []
threads = [threading.Thread(target=lambda n=n: done.append(sum(i * n for i in range(200)))) for n in range(4)]
[t.start() for t in threads]
[t.join() for t in threads]
child = os.fork()
if child == 0:
    os._exit(3)
print(sorted(done), os.waitpid(child, 0)[1] >> 8, subprocess.run(["sh", "-c", "echo $0; exit 4"]).returncode)
P
	pass_if "python3, its threads and children" same "$python" -I -S work.py
	"$FAULTLINE" info same.flt >info
	pass_if "all of which are in the trace" sh -c 'awk "/^processes/ { print \$2; exit !(\$2 >= 3) }" info'
fi
if have sqlite3 "sqlite3"; then
	pass_if "sqlite3" same sqlite3 :memory: \
		'create table t(a); insert into t values(1),(2); select sum(a) from t'
fi
pass_if "a program with threads" same "$counter" threads 1000
if have gcc "gcc"; then
	printf '#include <stdio.h>\nint main(void) { return puts("made") < 0; }\n' >made.c
	pass_if "a compiler, its assembler and linker" same gcc -o made made.c
	pass_if "and what they made runs" sh -c '[ "$(./made)" = made ]'
fi

# --- without heap calls: nothing of ours in the program
printf '#!/bin/sh\n' >script
chmod +x script
expect 1 "a script cannot be run by the emulator alone" "$FAULTLINE" record --accesses --no-heap -o t.flt -- ./script
matches "and it says what to name" 'name the interpreter' stderr
expect 5 "the program's own accesses" record --accesses --no-heap -o t.flt -- "$counter" load 1000
pass_if "go to mappings and stacks" "$FAULTLINE" info t.flt
lacks "and to no blocks" 'to object|malloc' stdout
env -i PATH="$PATH" env >plain
env -i PATH="$PATH" "$FAULTLINE" record -q --accesses --no-heap -o t.flt -- env >emulated
pass_if "the program finds the environment that it would find without us" cmp plain emulated
finish
