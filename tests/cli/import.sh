#!/bin/sh
# faultline import: what it takes, what it refuses, and what it says.
. "$top_srcdir/tests/tap.sh"

cat >aosp.txt <<'EOF'
202: malloc 0x10 1024
202: calloc 0x20 4 8
9800: free 0x10
9800: realloc 0x30 0x20 64
9800: thread_done 0x0
202: free 0x30
EOF
printf '202: malloc 0x10 1\nnonsense\n202: free 0x99\n202: free 0x98\n202: free 0x97\n202: free 0x96\n' >damaged.txt

# --- good files ---
expect 0 "a plain file is imported" "$FAULTLINE" import aosp.txt -o plain.flt
matches "the summary names events, threads, file and format" '^faultline import: plain.flt: 6 events of 2 threads from aosp.txt \(aosp, 6 lines\)$' stderr
pass_if "nothing is written on standard output" test ! -s stdout
pass_if "the trace obeys its rules" "$FAULTLINE" info --verify plain.flt
"$FAULTLINE" info --json plain.flt >info.json 2>&1
matches "its source is named" '"source": "import aosp"' info.json
matches "its file is named" '"command": "aosp.txt"' info.json

expect 0 "--quiet imports too" "$FAULTLINE" import --quiet aosp.txt -o quiet.flt
pass_if "--quiet says nothing" test ! -s stderr
gzip -c aosp.txt >aosp.gz
expect 0 "gzip is undone, whatever the name" "$FAULTLINE" import -q aosp.gz -o gzip.flt
if command -v zstd >/dev/null; then
	zstd -q -c aosp.txt >aosp.zst
	expect 0 "zstd is undone" "$FAULTLINE" import -q aosp.zst -o zstd.flt
else
	skip "zstd is undone" "the zstd command is missing"
fi
expect 0 "standard input is read" sh -c '"$FAULTLINE" import -q - -o stdin.flt <aosp.gz'
expect 0 "the format may be named" "$FAULTLINE" import -q --from aosp aosp.txt -o named.flt
expect 0 "--strict takes a perfect file" "$FAULTLINE" import -q --strict aosp.txt -o strict.flt
"$FAULTLINE" cat plain.flt >plain.txt
for trace in gzip stdin named strict; do
	"$FAULTLINE" cat "$trace.flt" >"$trace.txt" 2>&1
	pass_if "$trace.flt holds the same events" cmp plain.txt "$trace.txt"
done
expect 0 "a trace may go to standard output" "$FAULTLINE" import -q aosp.txt -o -
cp stdout piped.flt
pass_if "and is whole" "$FAULTLINE" info --verify piped.flt
mkdir members && cp aosp.txt members/one.txt && cp damaged.txt members/two.txt
tar -cf members.tar members
expect 0 "an archive gives its first file" "$FAULTLINE" import members.tar -o tar.flt
matches "which is named" 'from members.tar\(members/(one|two).txt\)' stderr
matches "and that there are others" 'is one of 2 files in the archive; the others were not read$' stderr

# --- damaged files ---
expect 0 "a damaged file is imported" "$FAULTLINE" import damaged.txt -o damaged.flt
matches "a line that is not understood is shown with its number" '^faultline import: damaged.txt:2: "nonsense" is no line of format aosp' stderr
matches "a foreign free is shown" '^faultline import: damaged.txt:3: 0x99 was not allocated' stderr
lacks "after three of a kind no more are shown" 'damaged.txt:6: ' stderr
matches "all are counted" '^faultline import: 4 x free of an unknown pointer$' stderr
"$FAULTLINE" info --json damaged.flt >info.json 2>&1
matches "and kept in the trace" '"free of an unknown pointer": 4' info.json
expect 1 "--strict refuses it" "$FAULTLINE" import --strict damaged.txt -o refused.flt
matches "with one message" '^faultline import: damaged.txt:2: "nonsense" is no line' stderr
pass_if "only one" test "$(wc -l <stderr)" -eq 1
pass_if "a refused import leaves no file" test ! -e refused.flt
pass_if "nor anything beside it" sh -c '! ls -A | grep refused'

# --- what cannot be imported ---
expect 1 "a missing file" "$FAULTLINE" import missing.txt -o x.flt
matches "is named with the system's words" '^faultline import: missing.txt: cannot be opened: No such file or directory$' stderr
: >empty.txt
expect 1 "an empty file" "$FAULTLINE" import empty.txt -o x.flt
matches "is said to hold no data" '^faultline import: empty.txt: holds no data' stderr
head -c 100000 /dev/urandom >garbage
printf '\000\001' | cat - garbage >garbage.bin
expect 1 "binary garbage" "$FAULTLINE" import garbage.bin -o x.flt
matches "is not recognised" '^faultline import: garbage.bin:1: none of the formats aosp, ' stderr
expect 1 "binary garbage under a format's name" "$FAULTLINE" import -q --from mtrace garbage.bin -o x.flt
matches "has no events" '^faultline import: garbage.bin:[0-9]+: the file ended without one event; a line of format mtrace' stderr
expect 1 "a file of another format" "$FAULTLINE" import -q --from logalloc aosp.txt -o x.flt
matches "has no events either" '^faultline import: aosp.txt:6: the file ended without one event' stderr
expect 1 "a directory" "$FAULTLINE" import . -o x.flt
matches "cannot be read" '^faultline import: \.:' stderr
head -c 60 aosp.gz >cut.gz
expect 1 "a compressed file cut short" "$FAULTLINE" import -q cut.gz -o x.flt
matches "is said to be incomplete" '^faultline import: cut.gz:[0-9]+: cannot be read on: .*; the file should be text, .* and complete$' stderr
expect 1 "an output that cannot be written" "$FAULTLINE" import -q aosp.txt -o missing/x.flt
if [ -w /dev/full ]; then
	expect 1 "a full disk" sh -c '"$FAULTLINE" import -q aosp.txt -o - >/dev/full'
	matches "is said" 'No space left on device' stderr
else
	skip "a full disk" "/dev/full is missing"
fi
pass_if "none of these left a file" test ! -e x.flt

# --- wrong usage ---
expect 2 "no file" "$FAULTLINE" import -o x.flt
expect 2 "no output" "$FAULTLINE" import aosp.txt
matches "is said" 'no trace to write given: add -o' stderr
expect 2 "two files" "$FAULTLINE" import aosp.txt aosp.txt -o x.flt
expect 2 "an unknown format" "$FAULTLINE" import --from frob aosp.txt -o x.flt
matches "is named" "there is no format 'frob'" stderr
expect 2 "an unknown option" "$FAULTLINE" import --frob
expect 0 "--help" "$FAULTLINE" import --help
matches "explains --strict" '^ +--strict' stdout
expect 0 "--list" "$FAULTLINE" import --list
for format in aosp malloclab mtrace valgrind logalloc heaptrack perf-data; do
	matches "lists $format" "^$format " stdout
done

# --- perf.data, made here ---
record_faults() { # FILE EVENTS
	perf record -q -e "$2" -c 1 -d -o "$1" -- ls / >/dev/null 2>perf.errors
}
if ! command -v perf >/dev/null; then
	skip "page faults of perf.data" "there is no perf (Debian: linux-perf)"
elif ! record_faults faults.data page-faults; then
	skip "page faults of perf.data" "perf record does not work here: $(tail -n 1 perf.errors)"
else
	perf script --show-task-events --show-mmap-events -i faults.data -F comm,pid,tid,time,event,addr,ip >faults.txt
	"$FAULTLINE" import -q faults.data -o data.flt
	"$FAULTLINE" import -q --from perf-script faults.txt -o text.flt
	"$FAULTLINE" cat data.flt | cut -d ' ' -f 1,3- >data.txt
	"$FAULTLINE" cat text.flt | cut -d ' ' -f 1,3- >text.txt
	pass_if "perf.data has the faults" grep -q 'fault(0x' data.txt
	pass_if "its exec and exit" test "$(grep -c 'exec(file=.*/ls)\|exit(' data.txt)" = 2
	pass_if "that perf script prints" cmp data.txt text.txt
fi

# --- what the kernel's allocators do, as perf records it and as perf prints it ---
if ! perf record -q -a -c 1 -e 'kmem:mm_page*,kmem:k*' -o kernel.data -- true >/dev/null 2>perf.errors; then
	skip "perf.data of the kernel's allocators" "perf record does not work here: $(tail -n 1 perf.errors)"
else
	perf script -i kernel.data --ns -F comm,pid,tid,cpu,time,event,trace >kernel.txt 2>/dev/null
	"$FAULTLINE" import -q kernel.data -o data.flt
	"$FAULTLINE" import -q kernel.txt -o text.flt
	"$FAULTLINE" cat data.flt >data.txt
	"$FAULTLINE" cat text.flt >text.txt
	pass_if "perf.data has pages" grep -q ' page_alloc(frame=0x[0-9a-f]*, order=' data.txt
	pass_if "and all that perf script prints" cmp data.txt text.txt
fi

# --- the Android trace ---
android=$FAULTLINE_SHARED_TRACES/aosp/systemui.zip
if [ -r "$android" ]; then
	expect 0 "the Android trace is imported without a warning" "$FAULTLINE" import --strict "$android" -o android.flt
	matches "with all its events" ': 786454 events of 393 threads from ' stderr
	if "$FAULTLINE" export --help >/dev/null 2>&1; then
		expect 0 "it is exported again" "$FAULTLINE" export --to aosp android.flt
		mv stdout android.txt
		expect 0 "and imported again" "$FAULTLINE" import --strict android.txt -o again.flt
		"$FAULTLINE" cat android.flt >first.txt
		"$FAULTLINE" cat again.flt >second.txt
		pass_if "with identical events" cmp first.txt second.txt
	else
		skip "export and import again" "this build has no export"
	fi
else
	skip "the Android trace is imported without a warning" "$android is not there"
fi
mkdir folder
expect 1 'a directory' "$FAULTLINE" import -q folder -o folder.flt
matches 'is called one' '^faultline import: folder: cannot be opened: Is a directory$' stderr
finish
