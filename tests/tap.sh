# shellcheck shell=sh
# tap.sh: what a test script needs to print TAP. Read it first: . "$top_srcdir/tests/tap.sh"
#
# It makes a scratch directory, goes there, and removes it at the end. Each case is one of
#   pass_if WHAT COMMAND...            passes when the command succeeds
#   fail_if WHAT COMMAND...            passes when the command fails
#   expect STATUS WHAT COMMAND...      passes when the command ends with that status; leaves its output in the files
#                                      stdout and stderr of the scratch directory
#   matches WHAT PATTERN FILE          passes when a line of FILE matches the extended regular expression
#   lacks WHAT PATTERN FILE            passes when none does
#   skip WHAT REASON                   one case that cannot run here
# The script ends with `finish`; `skip_all REASON` ends it before the first case.
cases=0
failures=0
scratch=$(mktemp -d "${TMPDIR:-/tmp}/faultline-test.XXXXXX") || exit 99
trap 'cd / && rm -rf "$scratch"' EXIT
trap 'exit 99' HUP INT TERM
cd "$scratch" || exit 99

report_case() { # STATUS WHAT
	cases=$((cases + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $cases - $2"
	else
		failures=$((failures + 1))
		echo "not ok $cases - $2"
	fi
}

pass_if() {
	what=$1
	shift
	if "$@" >stdout 2>stderr; then
		report_case 0 "$what"
	else
		report_case 1 "$what"
		sed 's/^/#   /' stdout stderr
	fi
}

fail_if() {
	what=$1
	shift
	if "$@" >stdout 2>stderr; then
		report_case 1 "$what"
		sed 's/^/#   /' stdout stderr
	else
		report_case 0 "$what"
	fi
}

expect() {
	wanted=$1
	what=$2
	shift 2
	"$@" >stdout 2>stderr
	status=$?
	if [ "$status" -eq "$wanted" ]; then
		report_case 0 "$what"
	else
		report_case 1 "$what"
		echo "#   ended with status $status instead of $wanted; it said:"
		sed 's/^/#   /' stdout stderr | head -n 40
	fi
}

matches() {
	if grep -Eq -e "$2" "$3"; then
		report_case 0 "$1"
	else
		report_case 1 "$1"
		echo "#   no line of $3 matches $2:"
		head -n 40 "$3" | sed 's/^/#   /'
	fi
}

lacks() {
	if grep -En -e "$2" "$3" >found; then
		report_case 1 "$1"
		echo "#   $3 matches $2:"
		head -n 10 found | sed 's/^/#   /'
	else
		report_case 0 "$1"
	fi
}

skip() {
	cases=$((cases + 1))
	echo "ok $cases - $1 # SKIP $2"
}

skip_all() {
	echo "1..0 # SKIP $1"
	exit 0
}

finish() {
	echo "1..$cases"
	[ "$failures" -eq 0 ]
	exit
}
