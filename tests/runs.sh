# shellcheck shell=sh
# runs.sh: makes run directories by hand, so that what reads them can be tested without replaying anything.
#
#   make_run DIRECTORY TRACE TARGET FACTOR     one run; FACTOR scales its times and sizes
#   make_comparison DIRECTORY TRACE TARGET...  compare.json and one run per target
#   make_mmu_run DIRECTORY FACTOR              adds to a run what a pass through two MMUs leaves; make_comparison does it
#                                              for every run where with_mmus is set
#
# The numbers are arithmetic, not measurements; they only have the shape of real ones.

run_header() { # TRACE TARGET COLUMNS
	printf '# faultline test\n# trace: 00112233445566778899aabbccddeeff\n# target: %s\n# policy: default\n' "$2"
	printf '# seed: 1\n# mode: single\n# %s\n' "$3"
}

run_json() { # TRACE TARGET FACTOR ENGINE
	awk -v trace="$1" -v target="$2" -v factor="$3" -v engine="$4" '
	function number(value) { return sprintf("%.2f", value * factor) }
	function bytes(value) { return sprintf("%d", value * factor) }
	function quantiles(name, middle) {
		return sprintf("\"%s\":{\"count\":400000,\"mean_batched\":%s,\"p50\":%d,\"p90\":%d,\"p99\":%d,\"p999\":%d," \
			"\"p9999\":null,\"max\":%d}", name, number(middle), middle * factor, middle * 2 * factor,
			middle * 8 * factor, middle * 60 * factor, middle * 3000 * factor)
	}
	BEGIN {
		gsub(/["\\]/, "\\\\&", trace); gsub(/["\\]/, "\\\\&", target)
		printf "{\"schema\":1,\"trace\":{\"path\":\"%s\",\"hash\":\"00112233445566778899aabbccddeeff\"," \
			"\"events\":1000000,\"threads\":4},\"target\":\"%s\",\"mode\":\"single\",\"pace\":\"full\"," \
			"\"touch\":\"pages\",\"seed\":1,\"policy\":{\"name\":\"default\"},", trace, target
		printf "\"allocator\":{\"name\":\"%s\",\"version\":\"1.2.3\",\"config\":null,\"own\":null},", target
		printf "\"host\":{\"throughput\":{\"events_per_s\":%d,\"gross_ns_per_event\":%s,\"net_ns_per_event\":%s," \
			"\"ci95_ns\":[%s,%s],\"rounds\":7},", 1e9 / (20 * factor), number(26), number(20), number(19), number(21.5)
		printf "\"latency_ns\":{\"resolution_ns\":10,\"clock_overhead_ns\":18,%s,%s,\"realloc\":null},",
			quantiles("malloc", 20), quantiles("free", 14)
		printf "\"memory\":{\"footprint_peak_bytes\":%s,\"footprint_end_bytes\":%s,\"footprint_drained_bytes\":%s," \
			"\"footprint_over_live\":%s,\"lazyfree_bytes\":0,\"anon_huge_bytes\":null}},",
			bytes(60e6), bytes(52e6), bytes(50e6), number(1.2)
		if (engine)
			printf "\"model\":{\"memory\":{\"live_peak_bytes\":50000000,\"frames_peak_bytes\":%s," \
				"\"metadata_bytes\":800000,\"internal_fragmentation\":0.061,\"zones\":[{\"node\":0," \
				"\"name\":\"Normal\",\"unusable_free_index\":[0,0.01],\"extfrag_index\":[null,null]," \
				"\"free_huge_over_optimal\":0.93}]},\"faults\":null,\"page_tables\":null,\"tlb\":null}}\n", bytes(58e6)
		else
			printf "\"model\":{\"memory\":{\"live_peak_bytes\":50000000,\"frames_peak_bytes\":null," \
				"\"metadata_bytes\":null,\"internal_fragmentation\":null,\"zones\":null},\"faults\":null," \
				"\"page_tables\":null,\"tlb\":null}}\n"
	}'
}

run_latency() { # FACTOR
	awk -v factor="$1" 'BEGIN {
		OFS = "\t"
		split("malloc calloc realloc memalign free", operations, " ")
		for (o = 1; o <= 5; o++)
			for (step = 0; step <= 40; step++) {
				tail = 0.5 * exp(-step * log(5000) / 40)
				latency = int((6 + 4 * o) * factor * exp(0.11 * step + 0.02 * step * sin(step / 3)) / 10) * 10
				print operations[o], sprintf("%.6f", 1 - tail), latency < 10 ? 0 : latency, latency < 10, 400000
			}
	}'
}

run_throughput() { # FACTOR
	awk -v factor="$1" 'BEGIN {
		OFS = "\t"
		for (round = 1; round <= 7; round++) {
			net = 20 * factor * (1 + 0.03 * sin(round * 2.3))
			print round, net + 6, 6, net, int(1e9 / net)
		}
	}'
}

run_timeline() { # FACTOR
	awk -v factor="$1" 'BEGIN {
		OFS = "\t"
		for (i = 0; i <= 500; i++) {
			live = 50e6 * (0.1 + 0.9 * (1 - exp(-i / 90)) * (0.75 + 0.25 * sin(i / 37)) ^ 2)
			granted = live * (1 + 0.06 * factor)
			high = granted * 1.05 > high * 0.999 ? granted * 1.05 : high * 0.999
			print i * 2000, i * 2000000, int(live), int(live / 120), int(granted), int(high * factor), 0, "?",
				sprintf("%.5f", 1 - live / granted), sprintf("%.4f", high * factor / live)
		}
	}'
}

run_model() { # FACTOR
	run_timeline "$1" | awk -v OFS='\t' '{
		print $1, $3, $5, int($5 * 1.03), 800000, $9, sprintf("%.5f", 0.3 * NR / 501), NR < 200 ? "?" : 0.4,
			sprintf("%.4f", 1 - 0.4 * NR / 501)
	}'
}

run_buddy() {
	awk 'BEGIN {
		OFS = "\t"
		for (i = 0; i <= 250; i++) {
			line = i * 4000
			for (order = 0; order <= 18; order++)
				line = line OFS int((1 + sin(i / 30 + order)) * 400 / 2 ^ (order / 2))
			print line
		}
	}'
}

run_page_sizes() {
	awk 'BEGIN {
		OFS = "\t"
		for (page = 1024; page <= 65536; page *= 2) {
			pages = int(50000000 / page + 300)
			print page, pages, int(pages * page * page / 400000), pages * 64, int(pages / (page / 8) + 4) * page
		}
	}'
}

run_sizes() {
	awk 'BEGIN {
		OFS = "\t"
		for (shift = 3; shift <= 22; shift++)
			print 2 ^ shift, 2 ^ (shift + 1) - 1, int(300000 * exp(-(shift - 6) ^ 2 / 8)),
				int(300000 * exp(-(shift - 6) ^ 2 / 8) * 1.5 * 2 ^ shift)
	}'
}

run_lifetimes() {
	awk 'BEGIN {
		OFS = "\t"
		for (shift = 0; shift <= 19; shift++)
			print 2 ^ shift, 2 ^ (shift + 1) - 1, int(200000 * exp(-(shift - 3) ^ 2 / 20))
	}'
}

make_run() {
	mkdir -p "$1"
	engine=0
	case $3 in engine*) engine=1 ;; esac
	run_json "$2" "$3" "$4" "$engine" >"$1/run.json"
	{ run_header "$2" "$3" 'operation quantile latency_ns below_resolution samples'; run_latency "$4"; } >"$1/latency.tsv"
	{ run_header "$2" "$3" 'round gross_ns_per_event null_ns_per_event net_ns_per_event events_per_s'
		run_throughput "$4"; } >"$1/throughput.tsv"
	{ run_header "$2" "$3" 'event time_ns live_bytes live_objects granted_bytes footprint_bytes ...'
		run_timeline "$4"; } >"$1/timeline.tsv"
	{ run_header "$2" "$3" 'size_low_bytes size_high_bytes allocations bytes'; run_sizes; } >"$1/sizes.tsv"
	{ run_header "$2" "$3" 'events_low events_high objects'; run_lifetimes; } >"$1/lifetimes.tsv"
	[ $engine -eq 1 ] || return 0
	{ run_header "$2" "$3" 'event live_bytes ...'; run_model "$4"; } >"$1/model.tsv"
	{ run_header "$2" "$3" 'event order0 ...'; run_buddy; } >"$1/buddy.tsv"
	{ run_header "$2" "$3" 'page_bytes pages waste_bytes descriptor_bytes table_bytes'; run_page_sizes; } >"$1/page_sizes.tsv"
}

# Two MMUs: "zen4" and one in words, whose name is long.
run_mmus='zen4 l1d=64x4,l1i=128x8,l2=1536x12,replace=lru'

run_tlb_json() { # FACTOR
	awk -v factor="$1" -v names="$run_mmus" 'BEGIN {
		n = split(names, mmu, " ")
		for (m = 1; m <= n; m++)
			printf "%s\"%s\":{\"accesses\":40000000,\"l1d\":{\"4k\":{\"hits\":38000000,\"misses\":%d},\"2m\":{\"hits\":0," \
				"\"misses\":%d}},\"l1i\":{\"4k\":{\"hits\":900000,\"misses\":%d}},\"l2\":{\"4k\":{\"hits\":1,\"misses\":%d}}," \
				"\"walks\":%d,\"walk_references\":%d,\"walk_cycles\":%d,\"flushes\":12,\"shootdowns\":0}", (m > 1 ? "," : ""),
				mmu[m], 1000000 * factor / m, 40000 * factor, 20000, 200000 * factor / m, 200000 * factor / m,
				300000 * factor / m, 5400000 * factor / m
	}'
}

run_tlb() { # FACTOR
	awk -v factor="$1" -v names="$run_mmus" 'BEGIN {
		OFS = "\t"
		n = split(names, mmu, " ")
		for (m = 1; m <= n; m++) {
			l1d = l1i = l2 = 0
			for (i = 1; i <= 400; i++) {
				per_1000 = 25 * factor / m * (1 + 0.8 * sin(i / 40 + factor)) + (i > 250 && i < 280 ? 40 : 0)
				walks = per_1000 / 5
				l1d += int(per_1000 * 95); l1i += int(per_1000 * 5); l2 += int(walks * 100)
				print mmu[m], i * 100000, i * 2500, l1d, l1i, l2, l2, int(l2 * 1.5), l2 * 27, sprintf("%.4f", per_1000),
					sprintf("%.4f", walks)
			}
		}
	}'
}

run_faults() { # FACTOR
	awk -v factor="$1" 'BEGIN {
		OFS = "\t"
		for (i = 0; i <= 400; i++) {
			minor = int(12000 * factor * (1 - exp(-i / 90)))
			print i * 100000, i * 2500, minor, (i > 20 ? 3 : 0), 0, int(minor / 20), int(i / 10), int(minor * 1.2), int(minor / 400) + 9,
				512 * int(i / 10)
		}
	}'
}

run_pages() {
	awk 'BEGIN {
		OFS = "\t"
		for (i = 0; i <= 400; i++) {
			huge = 512 * int(i / 10); small = 9000
			print i * 100000, i * 2500, small, huge, i * 70000, i * 30000, sprintf("%.4f", huge / (huge + small)),
				i == 0 ? "?" : sprintf("%.4f", 0.3 + 0.2 * sin(i / 30))
		}
	}'
}

run_walks() { # FACTOR
	awk -v factor="$1" -v names="$run_mmus" 'BEGIN {
		OFS = "\t"
		n = split(names, mmu, " ")
		for (m = 1; m <= n; m++)
			for (level = 1; level <= 4; level++)
				print mmu[m], level, int(200000 * factor / m / level ^ 3), sprintf("%.4f", 5 * factor / m / level ^ 3)
	}'
}

run_tlb_sizes() { # FACTOR
	awk -v factor="$1" 'BEGIN {
		OFS = "\t"
		for (entries = 16; entries <= 16384; entries *= 2) {
			rate = 0.3 * factor / (1 + (entries / 200) ^ 1.5) + 0.00002
			print entries, 4, int(rate * 40000000), 40000000, sprintf("%.6g", rate)
		}
	}'
}

# Mappings as of a small program: text, heap, libraries, stack, in rows of 128 cells with an empty row after each group.
run_space() { # IMAGE ROWS
	awk -v image="$1" -v rows="$2" 'BEGIN {
		OFS = "\t"
		row = 0
		n = split("1 1 0x555555554000;3 24 0x555555600000;4 12 0x7fff80000000;1 9 0x7ffff7a00000;5 1 0x7ffffff80000", group, ";")
		for (g = 1; g <= n; g++) {
			split(group[g], field, " ")
			if (g > 1) {
				for (column = 0; column < 128; column++) print row, column, 0, 0 >image
				row++
			}
			for (r = 0; r < field[2]; r++) {
				print row, field[3], (r > 0 ? 0 : 8388608), 4096 >rows
				for (column = 0; column < 128; column++) {
					kind = field[1] == 1 && column % 40 > 25 ? 2 : (column + r * 7) % 97 > 90 ? 0 : field[1]
					share = (column * 13 + r * 31) % 101 < 60 ? 1 : (r % 4) / 8
					print row, column, kind, (kind == 0 ? 0 : share) >image
				}
				row++
			}
		}
	}'
}

make_mmu_run() { # DIRECTORY FACTOR
	header='mmu references ...'
	series_trace=$(sed -n 's/^# trace: //p' "$1/sizes.tsv")
	series_target=$(sed -n 's/^# target: //p' "$1/sizes.tsv")
	for series in tlb faults pages walks tlb_sizes; do
		{ run_header "$series_trace" "$series_target" "$header"; "run_$series" "$2"; } >"$1/$series.tsv"
	done
	run_space "$1/space_image.tsv" "$1/space_rows.tsv"
	sed -i "s|\"faults\":null,\"page_tables\":null,\"tlb\":null|\"faults\":{\"minor\":$(awk -v f="$2" 'BEGIN { print int(12000 * f) }'),\
\"major\":3,\"cow\":0,\"zero_page\":600,\"thp\":40,\"swap_in\":null},\"page_tables\":{\"pages\":39,\"bytes\":159744,\"levels\":4},\
\"tlb\":{$(run_tlb_json "$2")}|" "$1/run.json"
}

run_stem() { # PATH: as compare names directories
	basename "$1" .flt | LC_ALL=C sed 's/[^A-Za-z0-9._-]/_/g; s/^\./_/'
}

make_comparison() {
	comparison=$1
	trace=$2
	shift 2
	factor=100
	mkdir -p "$comparison"
	runs=
	for target in "$@"; do
		directory=$comparison/$(run_stem "$trace")/$(printf %s "$target" | LC_ALL=C sed 's/[^A-Za-z0-9._-]/_/g; s/^\./_/')
		make_run "$directory" "$trace" "$target" "$(awk -v f=$factor 'BEGIN { print f / 100 }')"
		[ -z "${with_mmus:-}" ] || make_mmu_run "$directory" "$(awk -v f=$factor 'BEGIN { print f / 100 }')"
		runs="$runs${runs:+,}$(cat "$directory/run.json")"
		factor=$((factor + 17))
	done
	printf '{"schema":1,"runs":[%s],"verdicts":[{"trace":"%s","sentence":"%s is fastest: 20.0 ns per event (95%% interval 19.0 to 21.5)"}]}\n' \
		"$runs" "$(printf %s "$trace" | sed 's/[\\"]/\\&/g')" "$(printf %s "$1" | sed 's/[\\"]/\\&/g')" \
		>"$comparison/compare.json"
}
