#!/bin/sh
# libfaultline-heap.so under real programs: they do what they do without it, and it served what they asked for.
# shellcheck source=tests/tap.sh
. "$top_srcdir/tests/tap.sh"

heap=$top_builddir/bench/libexec/libfaultline-heap.so
[ -r "$heap" ] || skip_all "this build has no libfaultline-heap.so (sanitizers own malloc)"

# Runs a command with the heap and its report on; the reports go to the file `reports`.
preloaded() {
	LD_PRELOAD=$heap FAULTLINE_HEAP_REPORT=1 "$@" 2>reports
}

# Every process that reported was served more than 99 % of what it asked for, and together at least $1 allocations.
served() {
	awk -v least="$1" '
		/^faultline-heap: pid/ {
			sub(/.*served /, ""); allocations = $1; sub(/.*could not serve /, ""); refused = $1
			total += allocations
			if (refused * 100 > allocations) bad = 1
		}
		END { exit bad || total < least }' reports
}

has() {
	command -v "$1" >/dev/null
}

expect 0 "the report goes into a file" env LD_PRELOAD="$heap" FAULTLINE_HEAP_REPORT=served.txt sh -c 'ls >/dev/null; ls >/dev/null; true'
pass_if "standard error is the program's" test ! -s stderr
pass_if "and every process adds its line" test "$(grep -c 'served [0-9]* allocations' served.txt)" -ge 2
expect 1 "a report that cannot be written" env LD_PRELOAD="$heap" FAULTLINE_HEAP_REPORT=no/such/file true
matches "is refused" 'FAULTLINE_HEAP_REPORT is neither 1' stderr

cat >compute.py <<'P'
import threading
results = []
def work(n):
    words = {}
    for i in range(4000):
        words.setdefault(str(i * n % 997), []).append(bytes(i % 300))
    results.append(sum(len(v) for v in words.values()))
threads = [threading.Thread(target=work, args=(n,)) for n in range(1, 9)]
[t.start() for t in threads]
[t.join() for t in threads]
print(sum(results))
P
if python=$(python3 -c 'import sys; print(sys.executable)' 2>/dev/null); then
	expect 0 "threaded python" env PYTHONMALLOC=malloc LD_PRELOAD="$heap" FAULTLINE_HEAP_REPORT=1 "$python" compute.py
	cp stderr reports
	matches "computes" '^32000$' stdout
	pass_if "python was served" served 100000
else
	skip "threaded python" "there is no python3"
fi

cat >insert.sql <<'S'
create table t(a integer primary key, b text);
with recursive c(x) as (select 1 union all select x + 1 from c where x < 30000)
insert into t select x, hex(x * 7919) || x from c;
create index i on t(b);
select count(*), sum(length(b)) from t where b > '3';
S
if has sqlite3; then
	sqlite3 :memory: <insert.sql >expected
	pass_if "sqlite3" sh -c "LD_PRELOAD=$heap FAULTLINE_HEAP_REPORT=1 sqlite3 :memory: <insert.sql >result 2>reports"
	pass_if "computes the same" cmp expected result
	pass_if "sqlite3 was served" served 10000
else
	skip "sqlite3" "there is no sqlite3"
fi

cat >program.c <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int main(void) { char *text = strdup("compiled"); puts(text); free(text); return 0; }
C
if has gcc; then
	pass_if "gcc compiles and links" preloaded gcc -O2 -o program program.c
	pass_if "gcc was served" served 5000
	expect 0 "what it made runs" preloaded ./program
	matches "and prints" '^compiled$' stdout
else
	skip "gcc" "there is no gcc"
fi

if has redis-server && has redis-benchmark && has redis-cli; then
	LD_PRELOAD=$heap FAULTLINE_HEAP_REPORT=1 redis-server --port 0 --unixsocket "$scratch/redis" --save '' \
		--appendonly no >redis.log 2>reports &
	server=$!
	tries=0
	until redis-cli -s redis ping >/dev/null 2>&1 || [ "$tries" -ge 100 ]; do
		tries=$((tries + 1))
		sleep 0.1
	done
	pass_if "redis-server under redis-benchmark" \
		redis-benchmark -s redis -n 4000 -r 2000 -d 100 -c 10 -q -t set,get,lpush,sadd,hset,zadd
	redis-cli -s redis set key value >/dev/null
	pass_if "keeps what it is given" sh -c '[ "$(redis-cli -s redis get key)" = value ]'
	redis-cli -s redis shutdown nosave >/dev/null 2>&1
	wait "$server"
	report_case $? "redis-server ends"
	pass_if "redis-server was served" served 20000
else
	skip "redis-server under redis-benchmark" "there is no redis"
fi

# Shells fork without exec; forks happen in the middle of other threads' calls.
expect 0 "a shell with pipes" preloaded sh -c 'for i in 1 2 3 4 5; do echo $i; done | sort -r | head -1'
matches "sorts" '^5$' stdout
expect 0 "a limited address space" sh -c "ulimit -v 2000000; LD_PRELOAD=$heap ls /"
expect 0 "a little data" sh -c "ulimit -d 20000; LD_PRELOAD=$heap ls /"
cat >locked.c <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
int main(void)
{
	struct rusage usage;
	char *block[64];
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 64; i++) {
			block[i] = memset(calloc(1, 1 << 20), 1 + i, 1 << 20);
			if (i == 0 && mlock(block[i], 4096) != 0)
				return 77;
		}
		for (int i = 0; i < 64; i++)
			free(block[i]);
	}
	if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0 || getrusage(RUSAGE_SELF, &usage) != 0)
		return 77;
	printf("%s\n", usage.ru_maxrss < 100 << 10 ? "little" : "much");
	return 0;
}
C
if has gcc && gcc -w -o locked locked.c && ./locked >/dev/null; then
	expect 0 "a program that locks its memory" \
		sh -c "ulimit -v 2000000; LD_PRELOAD=$heap FAULTLINE_HEAP=default,purge_delay=0 ./locked"
	matches "has only that in memory" '^little$' stdout
else
	skip "a program that locks its memory" "it may not, or there is no gcc"
	skip "has only that in memory" "it may not, or there is no gcc"
fi
expect 0 "another policy" env LD_PRELOAD="$heap" FAULTLINE_HEAP=linux,freelist_order=random ls /
expect 1 "a policy that does not exist" env LD_PRELOAD="$heap" FAULTLINE_HEAP=windows ls /
matches "is explained" 'FAULTLINE_HEAP is not POLICY,key=value' stderr

cat >twice.c <<'C'
#include <stdlib.h>
int main(int argc, char **argv)
{
	char *volatile block = malloc(40);
	void *kept[4000];
	(void)argv;
	if (argc == 1) {
		free(block);
		free(block);
	} else {
		free(block + 8);
	}
	for (int i = 0; i < 4000; i++)
		kept[i] = malloc(40);
	for (int i = 0; i < 4000; i++)
		free(kept[i]);
	return 0;
}
C
if has gcc && gcc -w -o twice twice.c; then
	fail_if "a double free ends the program" env LD_PRELOAD="$heap" FAULTLINE_HEAP=magazine_blocks=0 ./twice
	matches "and is named" 'freed twice' stderr
	fail_if "a pointer into a block ends the program" env LD_PRELOAD="$heap" FAULTLINE_HEAP=magazine_blocks=0 ./twice x
	matches "and is named" 'not the start of a block' stderr
else
	skip "a double free ends the program" "there is no gcc"
fi
finish
