#include "config.h"

#include "bench/report/row.h"

#include <math.h>
#include <stdio.h>

#define MEMORY "host.memory."
#define MODEL "model.memory."

#define FAULTS "model.faults."
#define OUTCOME "model.physical.outcome."

static const struct row rows[ROWS] = {
    [ROW_NET] = {"host.throughput.net_ns_per_event", "net time per event", UNIT_NANOSECONDS, BEST_LOWEST,
		 false},
    [ROW_GROSS] = {"host.throughput.gross_ns_per_event", "gross time per event", UNIT_NANOSECONDS,
		   BEST_LOWEST, false},
    [ROW_MALLOC_P50] = {"host.latency_ns.malloc.p50", "malloc, p50", UNIT_LATENCY, BEST_LOWEST, false},
    [ROW_MALLOC_P99] = {"host.latency_ns.malloc.p99", "malloc, p99", UNIT_LATENCY, BEST_LOWEST, false},
    [ROW_MALLOC_P999] = {"host.latency_ns.malloc.p999", "malloc, p99.9", UNIT_LATENCY, BEST_LOWEST, false},
    [ROW_FREE_P50] = {"host.latency_ns.free.p50", "free, p50", UNIT_LATENCY, BEST_LOWEST, false},
    [ROW_FREE_P99] = {"host.latency_ns.free.p99", "free, p99", UNIT_LATENCY, BEST_LOWEST, false},
    [ROW_FREE_P999] = {"host.latency_ns.free.p999", "free, p99.9", UNIT_LATENCY, BEST_LOWEST, false},
    [ROW_FOOTPRINT_PEAK] = {MEMORY "footprint_peak_bytes", "peak footprint", UNIT_BYTES, BEST_LOWEST, false},
    [ROW_FOOTPRINT_OVER_LIVE] = {MEMORY "footprint_over_live", "peak footprint / peak live", UNIT_RATIO,
				 BEST_LOWEST, false},
    [ROW_FOOTPRINT_END] = {MEMORY "footprint_end_bytes", "footprint at the end", UNIT_BYTES, BEST_LOWEST,
			   false},
    [ROW_FOOTPRINT_DRAINED] = {MEMORY "footprint_drained_bytes", "footprint 10 s later", UNIT_BYTES,
			       BEST_LOWEST, false},
    [ROW_FRAMES_PEAK] = {MODEL "frames_peak_bytes", "peak frames", UNIT_BYTES, BEST_NONE, true},
    [ROW_METADATA] = {MODEL "metadata_bytes", "metadata", UNIT_BYTES, BEST_NONE, true},
    [ROW_INTERNAL_FRAGMENTATION] = {MODEL "internal_fragmentation", "internal fragmentation", UNIT_SHARE,
				    BEST_NONE, true},
    [ROW_FAULTS_MINOR] = {FAULTS "minor", "minor faults", UNIT_COUNT, BEST_LOWEST, true},
    [ROW_FAULTS_MAJOR] = {FAULTS "major", "major faults", UNIT_COUNT, BEST_LOWEST, true},
    [ROW_FAULTS_COPY] = {FAULTS "cow", "copies on write", UNIT_COUNT, BEST_LOWEST, true},
    [ROW_FAULTS_HUGE] = {FAULTS "thp", "huge pages by faults", UNIT_COUNT, BEST_NONE, true},
    [ROW_PAGE_TABLES] = {"model.page_tables.bytes", "page tables", UNIT_BYTES, BEST_LOWEST, true},
    [ROW_FREE_HUGE] = {OUTCOME "huge_blocks", "2 MiB blocks free at end", UNIT_COUNT, BEST_HIGHEST, true},
    [ROW_FREE_HUGE_SHARE] = {OUTCOME "free_huge_over_optimal", "of the most possible", UNIT_SHARE,
			     BEST_HIGHEST, true},
    [ROW_KERNEL_HUGE] = {OUTCOME "kernel_huge_blocks", "2 MiB with kernel pages", UNIT_COUNT, BEST_LOWEST,
			 true},
    [ROW_REFUSED] = {OUTCOME "refused", "requests refused", UNIT_COUNT, BEST_LOWEST, true},
    [ROW_HUGE_REFUSED] = {OUTCOME "huge_refused_share", "2 MiB requests refused", UNIT_SHARE, BEST_LOWEST,
			  true},
    [ROW_MISSED] = {"model.physical.prediction.error", "changed blocks missed", UNIT_SHARE, BEST_NONE, true},
};

static const struct row mmu_rows[MMU_ROWS] = {
    [MMU_ROW_LEVEL_1] = {NULL, "level 1 misses/1000", UNIT_PER_1000, BEST_LOWEST, true},
    [MMU_ROW_WALKS] = {NULL, "walks/1000", UNIT_PER_1000, BEST_LOWEST, true},
    [MMU_ROW_WALK_REFERENCES] = {NULL, "walk references/1000", UNIT_PER_1000, BEST_LOWEST, true},
    [MMU_ROW_WALK_CYCLES] = {NULL, "walk cycles/1000", UNIT_PER_1000, BEST_LOWEST, true},
};

const struct row *row_at(unsigned index)
{
	return index < ROWS ? &rows[index] : &mmu_rows[(index - ROWS) % MMU_ROWS];
}

static void nanoseconds_text(double value, int decimals, char *text)
{
	static const struct {
		double unit;
		const char *name;
	} scales[] = {{1e9, "s"}, {1e6, "ms"}, {1e3, "µs"}};

	for (size_t i = 0; i < sizeof(scales) / sizeof(scales[0]); i++) {
		if (fabs(value) >= scales[i].unit) {
			(void)snprintf(text, ROW_TEXT_BYTES, "%.*f %s", value >= 100 * scales[i].unit ? 0 : 1,
				       value / scales[i].unit, scales[i].name);
			return;
		}
	}
	(void)snprintf(text, ROW_TEXT_BYTES, "%.*f ns", decimals, value);
}

static void bytes_text(double value, char *text)
{
	static const char *const names[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	size_t name = 0;

	while (fabs(value) >= 1024 && name + 1 < sizeof(names) / sizeof(names[0])) {
		value /= 1024;
		name++;
	}
	(void)snprintf(text, ROW_TEXT_BYTES, "%.*f %s", name ? 1 : 0, value, names[name]);
}

void row_text(const struct row *row, double value, double resolution_ns, char text[ROW_TEXT_BYTES])
{
	if (!isfinite(value)) {
		(void)snprintf(text, ROW_TEXT_BYTES, "–");
		return;
	}
	switch (row->unit) {
	case UNIT_NANOSECONDS:
		nanoseconds_text(value, 1, text);
		break;
	case UNIT_LATENCY:
		if (value < resolution_ns)
			(void)snprintf(text, ROW_TEXT_BYTES, "<%.0f ns", resolution_ns);
		else
			nanoseconds_text(value, 0, text);
		break;
	case UNIT_BYTES:
		bytes_text(value, text);
		break;
	case UNIT_RATIO:
		(void)snprintf(text, ROW_TEXT_BYTES, "%.3f", value);
		break;
	case UNIT_SHARE:
		(void)snprintf(text, ROW_TEXT_BYTES, "%.1f %%", 100 * value);
		break;
	case UNIT_COUNT:
		row_count_text(value, text);
		break;
	case UNIT_PER_1000:
		(void)snprintf(text, ROW_TEXT_BYTES, "%.*f",
			       fabs(value) < 1	  ? 3
			       : fabs(value) < 10 ? 2
						  : 1,
			       value);
		break;
	}
}

void row_count_text(double count, char text[ROW_TEXT_BYTES])
{
	char digits[ROW_TEXT_BYTES];
	size_t out = 0;

	if (!(count >= 0 && count < 1e18)) {
		(void)snprintf(text, ROW_TEXT_BYTES, "–");
		return;
	}
	int length = snprintf(digits, sizeof(digits), "%.0f", count);

	for (int i = 0; i < length; i++) {
		if (i > 0 && (length - i) % 3 == 0)
			text[out++] = ',';
		text[out++] = digits[i];
	}
	text[out] = '\0';
}
