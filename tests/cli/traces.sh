#!/bin/sh
# info, cat, slice, export: what they print, how they end, what they leave.
. "$top_srcdir/tests/tap.sh"

cat >calls.txt <<'END'
10: malloc 0x1000 24 100 110
10: calloc 0x2000 4 16 150 160
11: memalign 0x3000 64 100 200 210
11: free 0x1000 300 310
10: realloc 0x4000 0x2000 128 400 410
10: free 0x0 500 510
10: malloc 0x0 5000 600 610
11: thread_done 0x0 700
END
expect 0 "a trace to look at" "$FAULTLINE" import calls.txt -o t.flt

# --- info ---
expect 0 "info" "$FAULTLINE" info t.flt
matches "counts events" '^events +8$' stdout
matches "counts kinds" '^  realloc +1$' stdout
matches "knows the peak" '^live at the peak +228 bytes in 3 objects$' stdout
matches "counts cross-thread frees" '^cross-thread frees +1$' stdout
expect 0 "info --json" "$FAULTLINE" info --json t.flt
for key in events threads processes kinds live_peak_bytes live_peak_objects live_end_bytes cross_thread_frees warnings hash; do
	matches "has $key" "^  \"$key\": " stdout
done
matches "peak in JSON" '"live_peak_bytes": 228,' stdout
matches "failed calls in JSON" '"failed": 1,' stdout
expect 0 "info --verify" "$FAULTLINE" info --verify t.flt
expect 0 "two traces make an array" "$FAULTLINE" info --json t.flt t.flt
matches "which begins with a bracket" '^\[$' stdout
"$FAULTLINE" info t.flt | sed 1d >from_file
"$FAULTLINE" info - <t.flt | sed 1d >from_standard_input
pass_if "standard input says the same" cmp from_file from_standard_input
# shellcheck disable=SC2002 # a pipe is the point: it cannot be seeked
cat t.flt | "$FAULTLINE" info - | sed 1d >from_pipe
pass_if "and so does a pipe" cmp from_file from_pipe

# --- cat ---
expect 0 "cat" "$FAULTLINE" cat t.flt
cat >wanted <<'END'
0 0 0/0 malloc(24) -> #1
1 50 0/0 calloc(4, 64) -> #2
2 100 0/1 memalign(64, 100) -> #3
3 200 0/1 free(#1)
4 300 0/0 realloc(#2, 128) -> #4
5 400 0/0 free(#0)
6 500 0/0 malloc(5000) -> #0 failed
7 600 0/1 thread_exit()
END
"$FAULTLINE" cat t.flt >printed
pass_if "prints every event" cmp wanted printed
expect 0 "a range and a thread" "$FAULTLINE" cat --events 2:5 --thread 1 t.flt
mv stdout chosen
sed -n 3,4p wanted >wanted_part
pass_if "chooses" cmp wanted_part chosen
expect 1 "a range behind the end" "$FAULTLINE" cat --events 9: t.flt
matches "names the trace and its length" 't.flt has 8 events, there is no event 9' stderr

expect 0 "the first lines" "$FAULTLINE" cat --limit 2 t.flt
head -n 2 wanted >first
"$FAULTLINE" cat --limit 2 t.flt >printed
pass_if "as many as asked for" cmp first printed
expect 2 "a limit that is no number" "$FAULTLINE" cat --limit few t.flt

# --- cat --accesses ---
printf ' L 04222c48,8\n S 1fff000718,4\nI  0401ab70,3\n M 04222c50,8\n' >lackey.txt
expect 0 "import of references" "$FAULTLINE" import --from lackey lackey.txt -o references.flt
expect 0 "cat --accesses" "$FAULTLINE" cat --accesses references.flt
cat >wanted_references <<'END'
0 0 0/0 load(absolute 0x4222c48, 8)
1 0 0/0 store(absolute 0x1fff000718, 4)
2 0 0/0 fetch(absolute 0x401ab70, 3)
3 0 0/0 modify(absolute 0x4222c50, 8)
END
"$FAULTLINE" cat --accesses references.flt >printed
pass_if "a line for each" cmp wanted_references printed
"$FAULTLINE" cat -a -n 3 references.flt >printed
head -n 3 wanted_references >first
pass_if "some of them" cmp first printed
"$FAULTLINE" cat -a -t 1 references.flt >printed
pass_if "none of another thread" test ! -s printed

# --- slice ---
expect 0 "slice" "$FAULTLINE" slice t.flt --events 3: -o s.flt
expect 0 "is a valid trace" "$FAULTLINE" info --verify s.flt
"$FAULTLINE" cat s.flt >printed
matches "makes old objects foreign" '^0 200 0/0 free\(#1\) foreign$' printed
matches "numbers anew" '^1 300 0/1 realloc\(#2, 128\) -> #3 foreign$' printed
expect 0 "slice --with-live" "$FAULTLINE" slice t.flt --with-live --events 3: -o l.flt
"$FAULTLINE" cat l.flt >printed
matches "begins with the live set" '^2 200 0/1 malloc\(100\) -> #3$' printed
matches "so that nothing is foreign" '^3 200 0/1 free\(#1\)$' printed
"$FAULTLINE" slice t.flt --events 0:8 -o - >piped.flt
expect 0 "through standard output" "$FAULTLINE" info --verify piped.flt
expect 1 "an unknown thread" "$FAULTLINE" slice t.flt --thread 7 -o x.flt
matches "is named" 't.flt has 2 threads, there is no thread 7' stderr
pass_if "and leaves no file" test ! -e x.flt
expect 2 "a range backwards" "$FAULTLINE" slice t.flt --events 5:3 -o x.flt
expect 2 "without -o" "$FAULTLINE" slice t.flt

# --- export ---
expect 0 "export" "$FAULTLINE" export --to aosp t.flt
mv stdout exported.txt
expect 0 "is imported again" "$FAULTLINE" import --strict exported.txt -o again.flt
"$FAULTLINE" cat again.flt >printed
pass_if "with the same events" cmp wanted printed
expect 2 "an unknown format" "$FAULTLINE" export --to frob t.flt
matches "lists those there are" 'the formats are: aosp' stderr
expect 2 "without a format" "$FAULTLINE" export t.flt

# --- bad input, full disks ---
: >empty.flt
head -c 300 t.flt >cut.flt
size=$(wc -c <t.flt)
head -c $((size - 30)) t.flt >no_footer.flt
printf '\377' | cat t.flt - >longer.flt
for command in info cat "slice -o x.flt" "export --to aosp"; do
	# shellcheck disable=SC2086 # the options are split
	expect 1 "$command of an empty file" "$FAULTLINE" $command empty.flt
	matches "names it" 'empty.flt is not a Faultline trace' stderr
	# shellcheck disable=SC2086
	expect 1 "$command of a text" "$FAULTLINE" $command calls.txt
	# shellcheck disable=SC2086
	expect 1 "$command of nothing" "$FAULTLINE" $command missing.flt
	matches "says why" 'missing.flt: cannot open: No such file' stderr
done
for file in no_footer longer; do
	expect 0 "a file without a good footer ($file)" "$FAULTLINE" info $file.flt
	matches "says so" '^truncated ' stdout
	matches "has all events" '^events +8$' stdout
done
for command in cat "slice -o x.flt" "export --to aosp"; do
	# shellcheck disable=SC2086
	expect 0 "$command of one" "$FAULTLINE" $command no_footer.flt
	matches "says so too" 'note: no_footer.flt was cut off .* its first 8 events' stderr
done
expect 0 "a file cut in its block" "$FAULTLINE" info cut.flt
matches "has none" '^events +0$' stdout
if [ -w /dev/full ]; then
	pass_if "cat to a full disk fails" sh -c '! "$FAULTLINE" cat t.flt >/dev/full'
	expect 1 "slice to a full disk" "$FAULTLINE" slice t.flt -o /dev/full
	matches "says so" 'No space left' stderr
	expect 1 "export to a full disk" "$FAULTLINE" export --to aosp t.flt -o /dev/full
else
	skip "a full disk" "/dev/full is not there"
fi
pass_if "nothing half-written is left" sh -c '! ls | grep -E "\.flt\..{6}$"'

for command in info cat slice export; do
	expect 0 "$command --help" "$FAULTLINE" $command --help
	expect 2 "$command without a trace" "$FAULTLINE" $command
	expect 2 "$command with an unknown option" "$FAULTLINE" $command --frob t.flt
done

# --- the Android trace ---
android=$FAULTLINE_SHARED_TRACES/aosp/systemui.zip
if [ -r "$android" ]; then
	"$FAULTLINE" import "$android" -o android.flt 2>/dev/null
	expect 0 "the Android trace" "$FAULTLINE" info --json --verify android.flt
	for figure in '"events": 786454' '"malloc": 383154' '"calloc": 7847' '"realloc": 29167' '"memalign": 1066' \
		'"free": 364863' '"thread_exit": 357' '"threads": 393' '"null_frees": 15818' \
		'"live_peak_bytes": 10441709' '"live_peak_objects": 60097' '"live_end_objects": 53645' \
		'"live_end_bytes": 8396631' '"requested_bytes": 202033137' '"cross_thread_frees": 39466'; do
		matches "has $figure" "$figure,?$" stdout
	done
else
	skip "the Android trace" "$android is not there"
fi
finish
