#!/bin/sh
# faultline report: pages from good, missing, broken and hostile run directories.
. "${top_srcdir:?}/tests/tap.sh"
. "$top_srcdir/tests/runs.sh"

# --- Words on the command line ---------------------------------------------------------------------------------------
expect 0 'report --help explains' "$FAULTLINE" report --help
matches 'with its usage' '^Usage: faultline report DIR' stdout
expect 2 'no directory is wrong usage' "$FAULTLINE" report
expect 2 'two directories are wrong usage' "$FAULTLINE" report a b
expect 2 'an option that does not exist is wrong usage' "$FAULTLINE" report --colour a

# --- Directories that hold nothing fit for a report ---------------------------------------------------------------------
one_message() {
	[ "$(wc -l <said)" -eq 1 ] && [ -z "$(find . -name 'refused*')" ]
}

refuses() { # WHAT DIRECTORY PATTERN
	expect 1 "$1 is refused" "$FAULTLINE" report "$2" -o refused.html
	mv stderr said
	matches "$1: the message says so" "$3" said
	pass_if "$1: one message, and nothing left behind" one_message
}

refuses 'a directory that is not there' absent 'absent: cannot be opened: No such file or directory'
mkdir empty
refuses 'an empty directory' empty 'neither compare.json nor run.json.*faultline compare -o'
mkdir broken
printf '{"schema":1,\n"runs":[}' >broken/compare.json
refuses 'broken JSON' broken 'broken/compare.json:2: not JSON'
printf '{"schema":1,"runs":[]}' >broken/compare.json
refuses 'a comparison without runs' broken '"runs" should be a list of 1 to'
printf '{"schema":1,"runs":7}' >broken/compare.json
refuses 'runs that are no list' broken '"runs" should be a list'
printf '{"schema":1,"runs":[{"schema":2,"trace":{"path":"a"},"target":"glibc"}]}' >broken/compare.json
refuses 'another schema' broken 'run 1: "schema" is not 1'
printf '{"schema":1,"runs":[{"schema":1,"trace":{"path":"a"}}]}' >broken/compare.json
refuses 'a run without a target' broken 'run 1: .*"target"'
printf '{"schema":1,"runs":[null]}' >broken/compare.json
refuses 'a run that is null' broken 'run 1'
awk 'BEGIN { for (i = 0; i < 100000; i++) printf "["; }' >broken/compare.json
refuses 'a hundred thousand brackets' broken 'not JSON'
rm broken/compare.json && mkdir broken/compare.json
refuses 'a directory in place of the file' broken 'not a file'
mkdir nulls
printf '{"schema":1,"trace":{"path":"a.flt"},"target":"glibc","host":null,"model":[1,2]}' >nulls/run.json
expect 0 'values of the wrong type are unknown' "$FAULTLINE" report nulls --table
matches 'and the table has only its heading' 'glibc' stdout

# --- Charts, for which gnuplot is needed ---------------------------------------------------------------------------------
make_comparison good traces/samples/program.flt engine jemalloc glibc mimalloc tcmalloc null
expect 0 'the tables need no gnuplot' env PATH=/nonexistent "$FAULTLINE" report good --table
matches 'and mark the best value' 'net time per event +20\.0 ns\*' stdout
lacks 'but never the null target' 'ns\* *$' stdout
expect 1 'a page needs gnuplot' env PATH=/nonexistent "$FAULTLINE" report good
matches 'and the message names the package' 'Debian: gnuplot-nox' stderr
fail_if 'and no page is left' test -e good/report.html

mkdir bin
printf '#!/bin/sh\necho "warning: something is odd" >&2\n' >bin/gnuplot
chmod +x bin/gnuplot
expect 1 'a gnuplot that complains is a failure, though it ends with 0' env PATH="$scratch/bin:$PATH" "$FAULTLINE" report good
matches 'and its words are passed on' 'warning: something is odd' stderr

if ! command -v gnuplot >/dev/null; then
	skip 'pages' 'gnuplot is not installed (Debian: gnuplot-nox)'
	finish
fi

expect 0 'a page is made' "$FAULTLINE" report good
pass_if 'as DIR/report.html' test -s good/report.html
cp good/report.html page
matches 'it has an inline chart' '<svg role="img" viewBox=' page
pass_if 'one for each figure' test "$(grep -c '<svg role=' page)" -eq 8
matches 'the verdict' '<li><b>program</b>: engine is fastest' page
matches 'the best value' '<td class="best"><b>20.0 ns</b>' page
matches 'the command that reproduces it' 'faultline compare traces/samples/program.flt --on engine --on jemalloc' page
lacks 'it refers to nothing outside' '(src|href)="?(https?:)?//|@import|url\(|<link|<script|<iframe' page
expect 0 'the page can go to standard output' "$FAULTLINE" report good -o -
cp stdout again
pass_if 'and is the same to the byte' cmp page again
to_full_disk() {
	"$FAULTLINE" report good -o - >/dev/full
}
expect 1 'a full disk is a failure' to_full_disk
expect 1 'so is a directory that is not there' "$FAULTLINE" report good -o absent/report.html

expect 0 'a single run makes a page' "$FAULTLINE" report good/program/engine
matches 'of that run' '<h2>program</h2>' good/program/engine/report.html

expect 0 'the terminal' "$FAULTLINE" report good --term
matches 'shows the table' '^net time per event' stdout
matches 'and charts' '^Memory over the trace' stdout
lacks 'without colours where it is no terminal' "$(printf '\033')" stdout

expect 0 'the figures as PNG and SVG files' "$FAULTLINE" report good --png --svg
are_pictures() {
	for figure in footprint latency throughput fragmentation external buddy page_size trace; do
		head -c 4 good/figures/program/"$figure".png | grep -q PNG || return 1
		grep -q '<svg' good/figures/program/"$figure".svg || return 1
	done
}
pass_if 'are pictures' are_pictures

# --- All traces at a glance -----------------------------------------------------------------------------------------------
make_comparison two traces/program.flt engine jemalloc
first=$runs
make_comparison two traces/other.flt engine jemalloc
for unknown in none '[a-z]*_ns_per_event' footprint_over_live; do
	printf '{"schema":1,"runs":[%s,%s],"verdicts":[]}\n' "$first" "$runs" |
		sed "s/\"\($unknown\)\":[0-9.]*/\"\1\":null/g" >two/compare.json
	expect 0 "two traces, of which is not known: $unknown" "$FAULTLINE" report two
	matches 'have a chart together' '<h2>All traces</h2>' two/report.html
done

# --- Passes through MMUs --------------------------------------------------------------------------------------------------
lacks 'a page without such passes says nothing of them' 'TLB|[Ff]aults' good/report.html
with_mmus=yes
make_comparison mmu traces/program.flt engine jemalloc null
with_mmus=
expect 0 'the tables of runs with two MMUs' "$FAULTLINE" report mmu --table
matches 'show misses of level 1, of data and fetches' '^zen4: level 1 misses/1000 +26\.5\* +30\.9 ' stdout
matches 'walks of the other MMU, its name cut' '^l1d=64x4,l1i=…: walks/1000 +2\.50\* +2\.92 ' stdout
matches 'and faults' '^minor faults +12,000\* +14,040 ' stdout
expect 0 'a page of them' "$FAULTLINE" report mmu
cp mmu/report.html page
pass_if 'has a chart more for each series' test "$(grep -c '<svg role=' page)" -eq 14
matches 'and says that walk references are a model' 'What walks read, by level \(model\)' page
matches 'the best value is marked there, too' 'zen4: walks/1000 <small>modelled</small></th><td class="best"><b>5\.00</b>' page
rm mmu/program/*/tlb_sizes.tsv mmu/program/jemalloc/walks.tsv
expect 0 'a series that no run has' "$FAULTLINE" report mmu
cp mmu/report.html page
lacks 'is left out without a word' 'Misses by the size' page
matches 'one that a run lacks is said' 'Not shown for want of data: jemalloc \(walks.tsv\)' page
expect 0 'the terminal' "$FAULTLINE" report mmu --term
matches 'draws walks over the trace' '^TLB misses over the trace' stdout

# --- Series that are missing or broken ------------------------------------------------------------------------------------
make_comparison holes traces/program.flt engine jemalloc glibc
rm holes/program/jemalloc/timeline.tsv holes/program/*/latency.tsv
: >holes/program/glibc/sizes.tsv
rm holes/program/engine/model.tsv
expect 0 'missing series do not prevent a page' "$FAULTLINE" report holes
cp holes/report.html page
matches 'the page says which run is not shown' 'Not shown for want of data: jemalloc \(timeline.tsv\)' page
matches 'and which figure has no data' 'No run has the data for this figure' page

breaks() { # WHAT FILE LINE PATTERN
	make_comparison torn traces/program.flt engine jemalloc
	rm -f torn/report.html
	printf '%b' "$3" >>"torn/program/jemalloc/$2"
	expect 1 "$1 is refused" "$FAULTLINE" report torn
	matches "$1: with file and line" "$4" stderr
	fail_if "$1: and no page is left" test -e torn/report.html
}
breaks 'a short line' timeline.tsv '1002000\t5\n' 'jemalloc/timeline.tsv:509: .*too few fields'
breaks 'a word for a number' throughput.tsv '8\tfast\t1\t2\t3\n' 'jemalloc/throughput.tsv:15: .*neither a number'
breaks 'a number that is none' timeline.tsv '1\t2\t3\t4\t5\tinf\t7\t8\t9\t10\n' 'timeline.tsv:509'
# shellcheck disable=SC2016 # it must not be expanded
breaks 'a command for gnuplot' sizes.tsv '"`touch owned`"\t1\t1\t1\n' 'sizes.tsv:28'
fail_if 'which does not run' test -e owned

# --- Names that somebody chose to do harm -----------------------------------------------------------------------------------
# shellcheck disable=SC2016 # it must not be expanded
make_comparison hostile '/x/"><img src=x onerror=alert(1)>{/Symbol a}`touch owned`.flt' \
	'<script>alert(1)</script>' "\$(touch owned)'\"" '../../../etc/passwd' '_{a}^b@c' '<touch owned'
expect 0 'hostile names make a page' "$FAULTLINE" report hostile
cp hostile/report.html page
lacks 'in which they are not markup' '<script|<img|onerror=alert\(1\)>[^&]*<svg' page
matches 'but text' '&lt;script&gt;alert\(1\)&lt;/script&gt;' page
fail_if 'and nothing was run' test -e owned -o -e hostile/owned
printf '{"schema":1,"trace":{"path":"a\\u001b[2J.flt","events":1},"target":"t\\u001b]0;x\\u0007"}' >nulls/run.json
expect 0 'control characters in names' "$FAULTLINE" report nulls --table
lacks 'do not reach the terminal' "$(printf '\033')" stdout
finish
