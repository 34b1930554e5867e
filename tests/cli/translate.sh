#!/bin/sh
# faultline translate: addresses whose every step was computed by hand, faults at each level, and wrong words.
. "${top_srcdir:?}/tests/tap.sh"

translate() {
	"$FAULTLINE" translate "$@"
}

# --- Segments ------------------------------------------------------------------------------------------------------------
# Entry 13 of a table at 0x2000 lies at 0x2000 + 13 * 8 = 0x2068; linear = its base + 0x124.
expect 0 'a logical address through entry 13 of a table at 0x2000' \
	translate --logical 0x68:0x124 --gdt 0x2000 --descriptor 13=0x345000:0xfff
matches 'the selector is taken apart' '^Selector 0x0068 = index 13, table GDT, requested privilege level 0$' stdout
matches 'the descriptor lies at 0x2068' 'table \+ index \* 8 = 0x2000 \+ 13 \* 8 = 0x2068\.$' stdout
matches 'the linear address is its base + 0x124' \
	'^Linear address = base \+ offset = 0x00345000 \+ 0x124 = 0x00345124$' stdout
matches 'which i386 page tables translate: index 0' 'level 2 index +0 = 0000000000 ' stdout
matches 'and 837' 'level 1 index +837 = 1101000101 ' stdout
matches 'with entries of 4 bytes: 0x101000 + 837 * 4' 'level 1: entry 837 at 0x101000 \+ 837 \* 4 = 0x101d14 holds 0x01000027' stdout
matches 'to the frame and the offset' '^Physical address = frame 0x1000 \* 0x1000 \+ offset 0x124 = 0x1000124$' stdout

expect 0 'the same descriptor as its eight bytes' translate --logical 0x68:0x124 --descriptor 13=0x0040923450000fff
matches 'means the same' '= 0x00345000 \+ 0x124 = 0x00345124$' stdout
expect 0 'a segment beyond 1 MiB counts pages' translate --logical 0x68:0x124 --descriptor 13=0:0xffffffff
matches 'as every flat segment does' '^Descriptor 0x00cf92000000ffff: .*limit 0xfffff pages of 4 KiB' stdout

expect 0 'an offset beyond the limit' translate --logical 0x68:0x1000 --descriptor 13=0x345000:0xfff
matches 'is #GP(0)' '^Fault while using the segment: #GP\(0x0\): the offset lies beyond' stdout
lacks 'and goes no further' 'page tables' stdout
expect 0 'the same through SS' translate --logical 0x68:0x1000 --through ss --descriptor 13=0x345000:0xfff
matches 'is #SS(0)' '#SS\(0x0\): the offset lies beyond' stdout
expect 0 'a stack segment holds what lies above its limit' \
	translate --logical 0x68:0x1000 --through ss --descriptor 13=0:0xfff:stack
matches 'and no less' 'offsets 0x1000 to 0xffffffff are valid' stdout
expect 0 'a segment of the kernel, from user mode' translate --logical 0x6b:0 --descriptor 13=0:0xfff
matches 'is #GP(selector)' 'loading the segment register: #GP\(0x68\): the privilege levels forbid it' stdout
expect 0 'a segment that is not present' translate --logical 0x68:0 --descriptor 13=0x0000123450000fff
matches 'is #NP(selector)' '#NP\(0x68\): the segment is not present' stdout
expect 0 'a task state segment is no memory' translate --logical 0x80:0 --segments linux32
matches 'and its type says how wide it is' '^  TSS, busy; descriptor privilege level 0; present$' stdout
matches 'it is refused' 'loading the segment register: #GP\(0x80\)' stdout
expect 0 'a selector beyond the table' translate --logical 0xfff8:0
matches 'is #GP(selector)' '#GP\(0xfff8\): the selector lies beyond the limit of its table' stdout
expect 0 'a null selector' translate --logical 0:0
matches 'cannot be used' '#GP\(0x0\): the selector is null' stdout
expect 0 "Linux's own user data segment" translate --logical 0x7b:0xc0de
matches 'is flat' '0x00000000 \+ 0xc0de = 0x0000c0de$' stdout

# --- Levels --------------------------------------------------------------------------------------------------------------
# 0x91220B01 = 10010 00100 10001 00000 101100000001
expect 0 'a walk of 5, 5, 5, 5, 12 bits' translate --levels 5,5,5,5,12 0x91220B01
matches 'index 18' '^  level 4 index +18 = 10010 ' stdout
matches 'index 4' '^  level 3 index +4 = 00100 ' stdout
matches 'index 17' '^  level 2 index +17 = 10001 ' stdout
matches 'index 0' '^  level 1 index +0 = 00000 ' stdout
matches 'offset 0xB01' '^  offset 0xb01 \(bits 11 to 0\)$' stdout
matches 'entry 18 of the root, 4 bytes each' '^  level 4: entry 18 at 0x100000 \+ 18 \* 4 = 0x100048 holds 0x00101027: ' stdout
matches 'four references' '^4 references' stdout

expect 0 'a page of 2 MiB' translate --page 2 0x7f0012345678
matches 'has an offset of 21 bits' '^  offset 0x145678 \(bits 20 to 0\)$' stdout
matches 'and a leaf at level 2' '^  level 2: entry 145 at 0x102000 \+ 145 \* 8 = 0x102488 holds .* huge .*-> the page of 2 MiB$' stdout
matches 'whose frame is a multiple of 512' 'frame 0x1000 \* 0x1000 \+ offset 0x145678 = 0x1145678$' stdout
matches 'three references' '^3 references' stdout
lacks 'no level 1' '^  level 1 index' stdout
expect 0 'a page of 1 GiB' translate --page 3 0x7f0012345678
matches 'has an offset of 30 bits' '^  offset 0x12345678 \(bits 29 to 0\)$' stdout

for level in 1 2 3 4; do
	expect 0 "a missing entry at level $level" translate --missing "$level" --write 0x7f0012345678
	matches "is a fault there" "^Page fault at level $level \\(.*\\): the entry is not present\\.$" stdout
	matches "after $((5 - level)) references" "^$((5 - level)) reference" stdout
	matches 'with its error code' 'Error code 0x6: no translation, write, user mode' stdout
	case $level in
	1) hole='0x7f0012345000 to 0x7f0012345fff, the 4 KiB' ;;
	2) hole='0x7f0012200000 to 0x7f00123fffff, the 2 MiB' ;;
	3) hole='0x7f0000000000 to 0x7f003fffffff, the 1 GiB' ;;
	4) hole='0x7f0000000000 to 0x7f7fffffffff, the 512 GiB' ;;
	esac
	matches 'and what it leaves out' "nothing is mapped from $hole" stdout
done
expect 0 'a write to a page that may not be written' translate --rights r --write 0x1000
matches 'is a protection fault' 'Error code 0x7: a right is missing, write, user mode' stdout
expect 0 'a fetch from data' translate --rights rw --fetch 0x1000
matches 'is one, too' 'Error code 0x15: a right is missing, fetch, user mode' stdout
expect 0 'a page of the kernel' translate --rights rwk 0x1000
matches 'is not for users' 'the page belongs to the kernel' stdout
expect 0 'but for the kernel' translate --rights rwk --kernel 0x1000
matches 'it is' '^Physical address' stdout
expect 0 'an address that is not canonical' translate 0x800000000000
matches 'is #GP before the walk' '#GP\(0\): the address is not canonical' stdout

# --- TLBs, walk caches, nesting ----------------------------------------------------------------------------------------------
expect 0 'the same page twice, its neighbour, and one in another 2 MiB' \
	translate --mmu l1d=64x4,l2=1536x12,walk2=32x4,walk3=4xfull 0x7f0000000000 0x7f0000000fff 0x7f0000001000 0x7f0000200000
matches 'the second hits' '^The TLB knows the page: no walk\.$' stdout
matches 'the third needs one reference' "^Walk from level 1, because the cache of level 2 knows the table below:$" stdout
matches 'the fourth two' "^Walk from level 2, because the cache of level 3 knows the table below:$" stdout
matches '64 entries in 4 ways are 16 sets' 'level 1 data, 64 entries in 4 ways: set 1 of 16: miss' stdout
expect 0 'a cold nested walk' translate --nested 0x7f0000000000 --mmu l1d=64x4
matches 'costs 24 references' '^24 references' stdout
matches 'and ends in the memory of the host' 'each entry.s address: 0x41000000$' stdout
expect 0 'a host with large pages' translate --mmu l1d=64x4,nested=large 0x7f0000000000 0x7f0000000fff
matches 'costs 19' '^19 references' stdout
matches 'and the hit ends in the memory of the host, too' 'each entry.s address: 0x41000fff$' stdout
expect 1 'a host whose tables have no large pages' translate --paging alpha --mmu l1d=64x4,nested=large 0x1000
matches 'says so' 'no larger pages' stderr

# --- The story -----------------------------------------------------------------------------------------------------------
# 64 MiB are 16,384 frames, the first MiB is reserved: 3,840 free ones below 16 MiB, 12,288 above. The direct map takes a root and a
# table of each of levels 3 and 2, the zero page one more: 16,128 - 4 are free, then the process's root makes it 16,123.
expect 0 'the story' translate --story
matches 'boots with reserved memory' '16384 frames of 4 KiB = 64 MiB. Reserved at boot: 256 frames' stdout
matches 'maps memory directly' 'It has 32 pages of 2 MiB and 0 of 4 KiB in 3 tables' stdout
matches 'gets pages whose address is arithmetic' '0x1004 \* 4096 \+ base = 0xffff888001004000' stdout
matches 'a malloc makes a mapping' 'VMA 0x7ffff7fce000 to 0x7ffff7fff000, rw-, 49 pages, private' stdout
matches 'and no memory' 'resident: 0 pages; page tables: 0 besides the root; free frames: 16123' stdout
matches 'the first write makes three tables and a page' 'resident: 1 pages; page tables: 3 besides the root; free frames: 16119' stdout
matches 'an untouched page reads the zero page' 'level 1: entry 464 .* = 0x8000000001003025 +present user accessed no-execute' stdout
matches 'a free gives everything back' '16123 frames are free, as many as before the malloc \(16123\)' stdout

# --- Lists and wrong words -----------------------------------------------------------------------------------------------------
expect 0 'the list' translate --list
matches 'has processors' '^  zen4 +AMD EPYC 9004$' stdout
matches 'what was not verified is marked' '^      UNVERIFIED walk2: recalled$' stdout
matches 'and page tables' '^  x86-64 +9,9,9,9,12 ' stdout
expect 2 'no address' translate
expect 2 'an address that is none' translate 0x
expect 2 'an address beyond 64 bits' translate 0x10000000000000000
expect 2 'a negative address' translate -- -1
expect 2 'a processor that is none' translate --mmu zen5 0
matches 'says where it stops making sense' "at 'zen5' there should be" stderr
expect 2 'a geometry that is none' translate --mmu l1d=64x5 0
matches 'says so too' "at '64x5' there should be up to 65536 entries, a multiple" stderr
expect 2 'levels that are none' translate --levels 9,9,9,9,9,9,12 0
expect 2 'page tables that are none' translate --paging vax 0
expect 2 'a page at a level that has none' translate --page 4 0
expect 2 'a level that is none' translate --missing 5 0
expect 2 'rights that are none' translate --rights rq 0
expect 2 'a logical address that is none' translate --logical 0x10000:0
expect 2 'an index of 14 bits' translate --logical 8:0 --descriptor 8192=0
expect 2 'a limit of a page and a half' translate --logical 8:0 --descriptor 1=0:0x17ffff0
expect 1 'a frame that has no room in 4 bytes' translate --paging i386 --frame 0x100000 0
matches 'says so' 'an entry has no room for a frame number that large' stderr
expect 1 'a full disk' sh -c '"$FAULTLINE" translate --list >/dev/full'
finish
