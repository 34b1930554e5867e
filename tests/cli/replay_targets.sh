#!/bin/sh
# faultline replay on allocators that break their promises, that crash, hang, or are none: each is named with its event.
. "${top_srcdir:?}/tests/tap.sh"
bad="$top_builddir/tests/cli/bad_allocator.so"

pass_if 'a trace' "$FAULTLINE" generate uniform --set objects=2000 --set events=20000 --set realloc_percent=20 -q -o uniform.flt
cat >calloc.txt <<'TRACE'
1: calloc 0xa000 1 64
TRACE
i=0
while [ $i -lt 3000 ]; do
	printf '1: calloc 0x%x 1 64\n' $((4096 + i * 64))
	i=$((i + 1))
done >calloc.txt
pass_if 'a trace of callocs' "$FAULTLINE" import --from aosp calloc.txt -q -o calloc.flt

broken() { # PROMISE TRACE PATTERN MODE
	export BAD_ALLOCATOR="$1"
	expect 1 "$1 is caught in mode $4" "$FAULTLINE" replay "$2" --on "$bad" --mode "$4" --measure verify --watchdog 1 -q
	unset BAD_ALLOCATOR
	matches 'and said with target and event' "bad_allocator.so: event [0-9]+: .*$3|bad_allocator.so: .*$3.* event [0-9]+" stderr
}
for mode in single baton parallel; do
	broken overlap uniform.flt 'overlaps another block' $mode
	broken alignment uniform.flt 'is not aligned to 16 bytes' $mode
	broken realloc uniform.flt 'did not preserve byte' $mode
	broken zero calloc.flt 'is not zero' $mode
	broken null uniform.flt 'returned NULL for [0-9]+ bytes' $mode
	broken crash uniform.flt 'crashed with signal 11' $mode
	broken hang uniform.flt 'no progress for 1 s' $mode
	broken exit uniform.flt 'ended by itself with status 42' $mode
done
export BAD_ALLOCATOR=alignment
expect 1 'alignment is checked without --verify too' "$FAULTLINE" replay uniform.flt --on "$bad" --measure throughput --rounds 1 -q
unset BAD_ALLOCATOR

printf 'this is no library' >fake.so
expect 1 'a file that is no library' "$FAULTLINE" replay uniform.flt --on ./fake.so --measure verify -q
matches 'could not be preloaded' 'fake.so.*could not be preloaded' stderr
libz=$(ldconfig -p 2>/dev/null | sed -n 's/.*libm\.so\.6 .*=> //p' | head -n 1)
if [ -n "$libz" ]; then
	expect 1 'a library without malloc' "$FAULTLINE" replay uniform.flt --on "$libz" --measure verify -q
	matches 'has no malloc' 'has no malloc' stderr
else
	skip 'a library without malloc' 'ldconfig knows no libm'
fi
printf '1: malloc 0xa000 9000000000000000\n' >huge.txt
pass_if 'a request of 9 * 10^15 bytes' "$FAULTLINE" import --from aosp huge.txt -q -o huge.flt
expect 1 'that no allocator can serve' "$FAULTLINE" replay huge.flt --on glibc --measure verify -q
matches 'is said with its event' 'event 0: the allocator returned NULL' stderr
FAULTLINE_LIBEXECDIR=/nowhere expect 0 'a wrong FAULTLINE_LIBEXECDIR is passed over' "$FAULTLINE" replay uniform.flt --on glibc --measure verify -q
finish
