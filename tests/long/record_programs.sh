#!/bin/sh
# Programs run under record --accesses as they do without it: output, status, the files that they write; and their traces are whole.
. "${top_srcdir:?}/tests/tap.sh"

if ! command -v qemu-x86_64 >/dev/null || [ "$(uname -m)" != x86_64 ]; then
	skip_all "there is no qemu-x86_64 (Debian: qemu-user), or this is no x86-64"
fi

# same COMMAND...: alone in the directory alone, and recorded in the directory recorded: what is left in both is the same
same() {
	rm -rf alone recorded
	cp -r input alone
	cp -r input recorded
	(cd alone && "$@" >stdout 2>stderr)
	status=$?
	(cd recorded && "$FAULTLINE" record --quiet --accesses -o ../t.flt -- "$@" >stdout 2>stderr)
	result=$?
	echo "status $status, recorded $result"
	[ "$result" -eq "$status" ] && diff -r alone recorded && "$FAULTLINE" info --verify t.flt >info &&
		grep '^references' info
}

try() { # NAME COMMAND...
	name=$1
	shift
	if ! command -v "$1" >/dev/null; then
		skip "$name" "there is no $1"
		return
	fi
	pass_if "$name: as without recording" same "$@"
	case $name in
	*threads*) pass_if "and with threads in the trace" awk '$1 == "threads" && $2 > 1 { found = 1 } END { exit !found }' info ;;
	esac
}

mkdir input
awk 'BEGIN { for (i = 0; i < 150000; i++) print i * 7919 % 1000003, "line", i }' >input/lines
awk 'BEGIN {
	print "#include <stdio.h>\n#include <string.h>\nstruct node { struct node *next; char name[16]; unsigned value[8]; };"
	for (i = 0; i < 30; i++) {
		printf "unsigned f%d(struct node *n, unsigned k)\n{\n\tunsigned s = k;\n", i
		printf "\tfor (; n; n = n->next) {\n\t\tfor (int j = 0; j < 8; j++)\n\t\t\ts = s * 31 + (n->value[j] ^ %du);\n", i
		printf "\t\tif (strcmp(n->name, \"n%d\") == 0)\n\t\t\tprintf(\"%%u\\n\", s);\n\t}\n\treturn s;\n}\n", i
	}
}' >input/functions.c
cat >input/work.py <<'END'
import hashlib, json, os, re, subprocess, threading
words = {}
for line in open("lines").readlines()[:30000]:
    number, _, index = line.split()
    words.setdefault(int(number) % 997, []).append(int(index))
text = json.dumps(words, sort_keys=True)
assert json.loads(text)["1"] == words[1]
print(hashlib.sha256(text.encode()).hexdigest(), len(re.findall("[13579],", text)))
sums = [0] * 4
def add(which):
    for values in list(words.values())[which::4]:
        sums[which] += sum(values)
threads = [threading.Thread(target=add, args=(which,)) for which in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
child = os.fork()
if child == 0:
    os._exit(sums[0] % 100)
print(sums, os.waitpid(child, 0)[1] >> 8, subprocess.run(["sh", "-c", "echo out; exit 4"]).returncode)
END
cat >input/work.sql <<'END'
create table t(a integer primary key, b integer, c text);
begin;
with recursive n(i) as (select 1 union all select i + 1 from n where i < 10000)
	insert into t select i, (i * 7919) % 10007, 'row ' || i from n;
commit;
create index by_b on t(b);
update t set c = c || '!' where b % 7 = 0;
delete from t where b % 11 = 0;
select count(*), sum(length(c)) from t where b between 100 and 5000;
select b, count(*) from t group by b order by 2 desc, 1 limit 5;
vacuum;
END
python=$(python3 -c 'import sys; print(sys.executable)' 2>/dev/null) || python=python3
try "python3 with threads" "$python" -I work.py
try "gcc -O2 -c" gcc -O2 -c functions.c
try "sqlite3" sqlite3 data.db ".read work.sql"
try "sort in threads" sort --parallel=2 -n -S 64M -o sorted lines
try "xz in threads" xz -T2 --block-size=512KiB -1 -k lines
finish
