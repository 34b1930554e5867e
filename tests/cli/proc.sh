#!/bin/sh
# faultline proc: the files of /proc of a recorded process: their form is that of this kernel's files, and their values are those that
# the kernel gave when it was recorded.
# shellcheck source=tests/tap.sh
. "${top_srcdir:?}/tests/tap.sh"

mapper=$top_builddir/tests/cli/record_mapper

proc() {
	"$FAULTLINE" proc "$@"
}

shape() { # MODE
	awk -v mode="$1" -f "$top_srcdir/tests/cli/proc_shape.awk"
}

# --- Words ---------------------------------------------------------------------------------------------------------------
expect 0 'help' proc --help
matches 'names every view' '^  smaps_rollup +' stdout
expect 2 'no view' proc
expect 2 'a view that does not exist' proc cpuinfo x.flt
matches 'says which there are' "no view 'cpuinfo'; there are maps smaps .* mem buddyinfo .* unusable_index" stderr
expect 2 'a view without a trace' proc maps
expect 2 'an event that is no number' proc maps x.flt --at tomorrow
expect 2 'mem without an address' proc mem x.flt
expect 2 'an address for maps' proc maps x.flt --address 4096
expect 2 'all of pagemap, raw' proc pagemap x.flt --raw
expect 2 'a process of a whole machine' proc meminfo x.flt --process 0
matches 'says why' "views of a process; meminfo is the whole machine's" stderr
expect 2 'bytes of files, not for mem' proc maps x.flt --file-bytes
expect 2 'a policy key that does not exist' proc maps x.flt --set colour=green
expect 2 'another allocator' proc maps x.flt --on jemalloc
expect 2 'too little memory' proc maps x.flt --memory 1M
expect 1 'no such file' proc maps nowhere.flt
echo 'no trace' >text
expect 1 'a file that is no trace' proc maps text
"$FAULTLINE" generate larson --set events=100 -o heap.flt 2>/dev/null || "$FAULTLINE" generate larson -o heap.flt
expect 1 'a trace of heap calls alone' proc maps heap.flt
matches 'says what to record' 'no memory calls, no page faults and no references; .*record --mm --faults' stderr

# --- A kernel recording --------------------------------------------------------------------------------------------------
tree=$top_srcdir/traces/samples/kernel/copy-tree.flt
for option in '--memory 8G' '--cpus 3' '--addresses free'; do
	# shellcheck disable=SC2086 # two words
	expect 2 "a machine that was recorded, and $option" proc buddyinfo $option "$tree"
	matches 'are refused' "goes without ${option% *}: a kernel recording tells the machine" stderr
done
expect 0 'slabs that nobody recorded' proc slabinfo "$tree"
matches 'are said to be missing' 'no cache is shown: the recording has no events of a slab allocator; .*--kernel=slab' stderr
expect 0 'areas that nobody recorded' proc vmallocinfo "$tree"
matches 'too' 'no area is shown: the recording has no events of vmalloc; .*--kernel=vmalloc' stderr

# --- A recording ---------------------------------------------------------------------------------------------------------
if ! "$FAULTLINE" record --quiet --mm --faults -o T.flt -- "$mapper" children >/dev/null 2>why && ! test -s T.flt; then
	skip 'views of a recording' "record --mm --faults does not work here: $(head -n 1 why)"
	finish
fi
"$FAULTLINE" cat T.flt >events
last=$(awk '$3 == "0/0" && $4 ~ /^exit/ { print $1 }' events)
expect 1 'an event beyond the end' proc maps T.flt --at 1000000
matches 'says how many there are' 'which has [0-9]+ events: --at takes a number from 0 to that' stderr
expect 1 'a process that does not exist' proc maps T.flt --process 99
matches 'says how many there are' 'no process 99 in T.flt, which has 3' stderr
expect 1 'a process before its birth' proc maps T.flt --process 1 --at 1
matches 'says when it lives' 'process 1 .*not alive at event 1 of T.flt: it lives from event [0-9]+ to event [0-9]+, its exit' stderr
expect 1 'a process behind its exit' proc maps T.flt --at $((last + 1))
pass_if 'a process at its exit' proc maps T.flt --at "$last"

# Of each process the recorder read files of /proc right before its exit.
# recorded PROCESS NAME: the event and the number of the last snapshot of that name
recorded() {
	awk -v process="$1" '{ split($3, who, "/") } who[1] == process && $4 ~ /^snapshot/ {
		gsub(/[^0-9]/, "", $4); print $1, $4 }' events | while read -r event number; do
		"$FAULTLINE" cat --snapshot "$number" T.flt >snapshot."$number"
		case $2 in
		maps) pattern='^[0-9a-f]+-[0-9a-f]+ [r-][w-][x-][sp] ' ;;
		status) pattern='^Name:' ;;
		stat) pattern='^[0-9]+ \(' ;;
		*) pattern='\[rollup\]$' ;;
		esac
		test "$2" = maps && grep -q 'rollup' snapshot."$number" && continue
		head -n 1 snapshot."$number" | grep -Eq "$pattern" && echo "$event $number"
	done | tail -n 1
}

# take PROCESS NAME: files `theirs` and `ours`
take() {
	found=$(recorded "$1" "$2")
	cp snapshot."${found#* }" theirs
	proc "$2" T.flt --process "$1" --at "${found% *}" >ours
}

same_shape() { # MODE
	shape "$1" <theirs >theirs.shape
	shape "$1" <ours >ours.shape
	diff theirs.shape ours.shape
}

# The lines of status that are about memory: values, too. How many pages around a fault in a file were in memory, the recording does
# not say: what is resident of files is compared within 16 of them.
memory_lines() {
	grep -E '^(Vm|Rss|Threads|Name|Pid|Tgid|Huge|THP)' "$1" | grep -Ev '^(VmHWM|VmRSS|RssFile)'
}

near() { # NAME: of the files theirs and ours
	awk -v name="$1:" '$1 == name { value[++n] = $2 }
		END { exit !(n == 2 && value[1] - value[2] <= 64 && value[2] - value[1] <= 64) }' theirs ours
}

for process in 0 1 2; do
	take $process maps
	pass_if "process $process: maps are the recorded ones, byte by byte" cmp theirs ours
	take $process status
	pass_if "process $process: the lines of status" same_shape names
	memory_lines theirs >theirs.memory
	memory_lines ours >ours.memory
	pass_if "process $process: of status, all that is about memory" diff theirs.memory ours.memory
	pass_if "process $process: and what is resident" near VmRSS
	take $process stat
	sed -i 's/ [tR] / ? /' theirs
	pass_if "process $process: the fields of stat" same_shape tokens
	# The program's name, threads, bytes mapped, code and break.
	cut -d ' ' -f 1,2,20,23,26,47 theirs >theirs.fields
	cut -d ' ' -f 1,2,20,23,26,47 ours >ours.fields
	pass_if "process $process: of stat, name, threads, size, code and break" cmp theirs.fields ours.fields
	take $process smaps_rollup
	pass_if "process $process: the columns of smaps_rollup" same_shape columns
	grep -E '^(Anonymous|Pss_Shmem|LazyFree|AnonHuge|Locked|.*rollup)' theirs >theirs.values
	grep -E '^(Anonymous|Pss_Shmem|LazyFree|AnonHuge|Locked|.*rollup)' ours >ours.values
	pass_if "process $process: of smaps_rollup, what is anonymous and locked" diff theirs.values ours.values
	pass_if "process $process: and resident" near Rss
done

proc statm T.flt >statm
pass_if 'statm agrees with status' sh -c '
	set -- $(cat statm); grep -Eq "^VmSize:.* $(($1 * 4)) kB" ours && grep -Eq "^VmRSS:.* $(($2 * 4)) kB" ours
' "$(proc status T.flt >ours)"

# --- The real files of a process that lives ----------------------------------------------------------------------------------
sleep 60 &
live=$!
# It sleeps, with all that it maps at its start.
is_asleep() { grep -q libc "/proc/$1/maps" && grep -q '(sleep) S' "/proc/$1/stat"; }
while kill -0 $live && ! is_asleep $live; do sleep 0.02; done
for view in maps smaps smaps_rollup status statm stat; do
	# The first lines of the other views hold values of a shape of their own.
	cat /proc/$live/$view >live.$view
	proc $view T.flt >view.$view
done
kill $live
wait $live 2>/dev/null

shapes() { # FILE MODE: each shape that occurs, once, in the order of the first
	shape "$2" <"$1" | awk '!seen[$0]++'
}

for view in maps smaps; do
	shapes live.$view mappings | sort >live.shape
	shapes view.$view mappings | sort >view.shape
	pass_if "live: lines of mappings in $view" diff live.shape view.shape
done
grep -v -- '-.* [r-][w-][x-][sp] ' live.smaps | grep -v VmFlags | shape columns | awk '!seen[$0]++' >live.shape
grep -v -- '-.* [r-][w-][x-][sp] ' view.smaps | grep -v VmFlags | shape columns | awk '!seen[$0]++' >view.shape
pass_if 'live: columns of smaps' diff live.shape view.shape
# Flags of mappings of a sort that both have: with these rights, and of a file, anonymous, or the kernel's.
flags() {
	awk '/^[0-9a-f]+-[0-9a-f]+ / { sort = $2 " " ($6 ~ /^\[/ ? $6 : $6 == "" ? "anonymous" : "file") }
		/^VmFlags/ { print sort ": " $0 }' "$1" | sort -u
}
flags live.smaps >live.flags
flags view.smaps >view.flags
cut -d : -f 1 view.flags >sorts
grep -F -f sorts live.flags | comm -23 - view.flags >missing
pass_if 'live: flags of smaps' test ! -s missing
tail -n +2 live.smaps_rollup | shape columns >live.shape
tail -n +2 view.smaps_rollup | shape columns >view.shape
pass_if 'live: columns of smaps_rollup' diff live.shape view.shape
shape names <live.status >live.shape
shape names <view.status >view.shape
pass_if 'live: lines of status' diff live.shape view.shape
grep -E '^(Vm|Rss|Huge)' live.status | shape columns >live.shape
grep -E '^(Vm|Rss|Huge)' view.status | shape columns >view.shape
pass_if 'live: columns of status' diff live.shape view.shape
for view in statm stat; do
	sed 's/(.*) [A-Z?]/(NAME) S/' live.$view | shape tokens >live.shape
	sed 's/(.*) [A-Z?]/(NAME) S/' view.$view | shape tokens >view.shape
	pass_if "live: fields of $view" diff live.shape view.shape
done
proc status T.flt --unknown 0 >zeros
lacks 'numbers for those who need some' '\?' zeros

# --- Pages and contents -------------------------------------------------------------------------------------------------------
proc pagemap T.flt >pagemap
proc smaps_rollup T.flt | awk '$1 == "Rss:" { print $2 / 4 }' >resident
pass_if 'pagemap has a word of each resident page' sh -c 'test "$(awk "substr(\$2, 1, 1) ~ /[8a]/" pagemap | wc -l)" -ge "$(cat resident)"'
stack=$(proc maps T.flt | awk '/\[stack\]/ { split($1, ends, "-"); print ends[1] }')
code=$(proc maps T.flt | head -n 1 | cut -d - -f 1)
expect 1 'mem where nothing is mapped' proc mem T.flt --address 4096
matches 'is EIO' 'Input/output error: nothing is mapped at 0x1000' stderr
expect 0 'mem of a page that was never written' proc mem T.flt --address "0x$stack" --length 16
matches 'is zeros' "^$stack: 00 .* 00  never written\$" stdout
expect 0 'mem of a file' proc mem T.flt --address "0x$code" --length 4
matches 'is not known' "^$code: \?\? \?\? \?\? \?\? .*/record_mapper" stdout
expect 0 'unless it is read' proc mem T.flt --address "0x$code" --length 4 --file-bytes
matches 'from the file' "^$code: 7f 45 4c 46 " stdout
proc mem T.flt --address "0x$code" --length 4096 --file-bytes --raw >bytes
pass_if 'raw: the bytes themselves' cmp -n 4096 bytes "$mapper"
expect 1 'raw bytes that nobody knows' proc mem T.flt --address "0x$code" --raw
matches 'are refused' 'nobody knows what is at 0x' stderr
proc pagemap T.flt --address "0x$code" --length 8192 --raw >words
pass_if 'raw: eight bytes a page' test "$(wc -c <words)" -eq 16
pass_if 'free addresses' proc maps T.flt --addresses free

# --- The machine: the form of its files is that of the running kernel's ---------------------------------------------------------
machine() { # VIEW: of a machine with as many processors as this one
	proc "$1" T.flt --memory 24G --cpus "$(getconf _NPROCESSORS_CONF)"
}

# Each shape of a line that occurs, once, whatever zone it is about. Left out: the type that this kernel was built without, page sets
# (the machine of a program's trace has none) and the one number that is wider than its column.
machine_shapes() { # MODE
	# A list of more than 100,000 blocks is not counted further: >100000.
	sed -E 's/>(100000)/\1/g; /type +CMA/d; /^ +(cpu|count|high|batch|high_min|high_max|vm stats threshold):/d; /^VmallocTotal/d; s/zone [ A-Za-z0-9]{8}/zone NAME/; s/(type +)(Un|M|Recl|High|Iso)[A-Za-z]*/\1TYPE/' | shape "$1" | sort -u
}

same_machine_shapes() { # VIEW REAL MODE
	machine_shapes "$3" <"$2" >live.shape
	machine "$1" | machine_shapes "$3" >view.shape
	diff live.shape view.shape
}

like_live() { # VIEW REAL MODE
	if head -c 1 "$2" 2>/dev/null | grep -q .; then
		pass_if "live: form of $1" same_machine_shapes "$@"
	else
		skip "live: form of $1" "$2 cannot be read here"
	fi
}

like_live buddyinfo /proc/buddyinfo columns
like_live extfrag_index /sys/kernel/debug/extfrag/extfrag_index tokens
like_live unusable_index /sys/kernel/debug/extfrag/unusable_index tokens
case $(uname -r) in
6.18.*)
	sed '/^Number of blocks/,$d' /proc/pagetypeinfo >live.lists 2>/dev/null
	machine pagetypeinfo | sed '/^Number of blocks/,$d' | machine_shapes columns >view.shape
	machine_shapes columns <live.lists >live.shape
	if test -s live.lists; then
		pass_if 'live: form of pagetypeinfo' diff live.shape view.shape
	else
		skip 'live: form of pagetypeinfo' '/proc/pagetypeinfo cannot be read here'
	fi
	like_live zoneinfo /proc/zoneinfo tokens
	like_live vmstat /proc/vmstat tokens
	like_live meminfo /proc/meminfo columns
	;;
*)
	skip 'live: form of pagetypeinfo, zoneinfo, vmstat, meminfo' "they are those of Linux 6.18, not of $(uname -r)"
	;;
esac
if test -r /proc/slabinfo; then
	head -n 2 /proc/slabinfo >live.head
	machine slabinfo >view.head
	pass_if 'live: head of slabinfo' cmp live.head view.head
else
	skip 'live: head of slabinfo' '/proc/slabinfo cannot be read here'
fi
machine iomem >iomem
pass_if 'iomem: ranges and what they are' sh -c '! grep -Ev "^ *[0-9a-f]{8,}-[0-9a-f]{8,} : [A-Za-z]" iomem'
matches 'iomem: memory up to its end' '^00000000-5ffffffff : System RAM' iomem
proc buddyinfo T.flt --at "$last" >buddyinfo
proc meminfo T.flt --at "$last" | awk '$1 == "MemFree:" { print $2 }' >free
awk '{ for (order = 0; order <= 10; order++) sum += $(5 + order) * 4 * 2 ^ order } END { printf "%d\n", sum }' buddyinfo >sum
pass_if 'buddyinfo and meminfo agree on what is free' cmp sum free
proc meminfo T.flt --at 0 | awk '$1 == "MemFree:" { print $2 }' >free.before
pass_if 'what a program touched is not free' test "$(cat free)" -lt "$(cat free.before)"
proc vmstat T.flt --at "$last" | awk '$1 == "nr_anon_pages" || $1 == "nr_page_table_pages" { sum += $2 } END { exit !(sum > 20) }'
pass_if 'its pages count' test $? -eq 0
finish
