#!/bin/sh
# faultline record when somebody is killed: the program, at random moments; the recorder.
# shellcheck source=tests/tap.sh
. "$top_srcdir/tests/tap.sh"

counter=$top_builddir/tests/cli/record_counter

# Three threads count their calls in a file; after kill -9 of the program all but 4,096 per thread must be there.
killed_program() { # SECONDS
	rm -f progress killed.flt
	"$FAULTLINE" record -q -o killed.flt -- "$counter" endless progress &
	recorder=$!
	process=0
	while [ "$process" -eq 0 ]; do
		sleep 0.02
		read -r process made <<-LINE
			$("$counter" progress progress)
		LINE
	done
	sleep "$1"
	kill -9 "$process"
	wait "$recorder"
	status=$?
	read -r process made <<-LINE
		$("$counter" progress progress)
	LINE
	recorded=$("$FAULTLINE" info killed.flt | tr -d , | awk '$1 == "malloc" || $1 == "free" { n += $2 } END { print n }')
	echo "made $made, recorded $recorded, status $status"
	[ "$status" -eq 137 ] && [ "$made" -gt 0 ] && [ "$recorded" -ge $((made - 3 * 4096)) ] &&
		"$FAULTLINE" info --verify killed.flt >information &&
		! grep -i '^warning' information | grep -v 'events that were lost'
}

run=0
while [ $run -lt 6 ]; do
	delay=$(awk -v seed="$$$run" 'BEGIN { srand(seed); printf "%.3f", rand() / 4 }')
	pass_if "program killed after $delay s" killed_program "$delay"
	run=$((run + 1))
done

# The recorder killed: the program goes on to its end, and nothing is left but the part of the trace that was written.
mkdir out tmp
TMPDIR=$PWD/tmp "$FAULTLINE" record -q -o out/trace.flt -- "$counter" alive 1500 >alive &
recorder=$!
while ! grep -q running alive; do sleep 0.05; done
kill -9 $recorder
wait $recorder 2>/dev/null
tries=0
while ! grep -q 'done' alive && [ $tries -lt 600 ]; do
	sleep 0.1
	tries=$((tries + 1))
done
matches "the program outlives its recorder" '^done$' alive
pass_if "nothing is left in TMPDIR" test -z "$(ls tmp)"
pass_if "no trace has appeared" test ! -e out/trace.flt

# A fast program whose recorder is killed waits for it only shortly.
"$FAULTLINE" record -q -o out/trace.flt --buffer 1M -- "$counter" threads 20000 >counted &
recorder=$!
program_runs() { # or has come to its end
	[ -s counted ] || cat /proc/$recorder/task/*/children 2>/dev/null | tr ' ' '\n' | while read -r child; do
		cat "/proc/$child/comm" 2>/dev/null
	done | grep -q record_counter
}
while ! program_runs; do sleep 0.02; done
kill -9 $recorder
wait $recorder 2>/dev/null
tries=0
while [ ! -s counted ] && [ $tries -lt 600 ]; do
	sleep 0.1
	tries=$((tries + 1))
done
matches "also one that would have to wait for it" '^malloc' counted

# A disk that is full: the program runs to its end, one message, no trace.
if [ "$(id -u)" -eq 0 ] && mkdir full && mount -t tmpfs -o size=64k none full 2>/dev/null; then
	expect 1 "a full disk" "$FAULTLINE" record -q -o full/trace.flt -- "$counter" threads 12500
	matches "the program ran to its end" '^malloc' stdout
	matches "is named" 'full/trace.flt.*No space left' stderr
	pass_if "and leaves nothing" test -z "$(ls full)"
	umount full
else
	for what in "a full disk" "the program ran to its end" "is named" "and leaves nothing"; do
		skip "$what" "needs root to mount a small file system"
	done
fi
finish
