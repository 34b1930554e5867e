# shellcheck shell=sh
# recordings.sh: makes every shipped recording, and the Android trace where it is, the script's arguments. Read it
# behind tests/tap.sh: . "$top_srcdir/tests/long/recordings.sh"
set -- "$top_srcdir"/traces/samples/*.flt
if [ -e "$FAULTLINE_SHARED_TRACES/aosp/systemui.zip" ]; then
	pass_if 'the Android trace is imported' "$FAULTLINE" import --from auto "$FAULTLINE_SHARED_TRACES/aosp/systemui.zip" \
		-q -o systemui.flt
	set -- "$@" "$PWD/systemui.flt"
else
	skip 'the Android trace' "$FAULTLINE_SHARED_TRACES/aosp is not there"
fi
