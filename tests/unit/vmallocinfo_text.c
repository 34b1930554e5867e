#include "config.h"

#include "bench/physical/vmallocinfo_text.h"

#include "engine/phys/vmalloc.h"
#include "engine/phys/vmallocinfo.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RANGE "0x00000000caa89906-0x00000000a265029f"

static enum trace_status parse(struct vmallocinfo_text *info, const char *text, struct trace_error *error)
{
	return vmallocinfo_text_parse(info, text, strlen(text), error);
}

static void reads_rows(void **state)
{
	struct vmallocinfo_text info;
	struct trace_error error;

	(void)state;
	assert_int_equal(
	    parse(&info,
		  RANGE "   20480 kernel_clone+0x94/0x3e0 pages=4 vmalloc N0=3 N1=1\n" RANGE
			"    8192 acpi_os_map_iomem+0x1bc/0x1e0 phys=0x00000000000a0000 ioremap\n" RANGE
			" 2105344 load_module+0x1/0x2 [kvm] pages=513 vmalloc user vpages N0=513\n" RANGE
			"   20480 unpurged vm_area\n" RANGE "    4096 vm_map_ram\n" RANGE "    8192\n" RANGE
			"    8192 vmap dma-coherent\n" RANGE "    cut off in the mid",
		  &error),
	    TRACE_OK);
	assert_int_equal(info.rows, 7);
	assert_int_equal(info.row[0].start, 0xcaa89906);
	assert_int_equal(info.row[0].end, 0xa265029f);
	assert_int_equal(info.row[0].bytes, 20480);
	assert_string_equal(info.row[0].caller, "kernel_clone+0x94/0x3e0");
	assert_int_equal(info.row[0].pages, 4);
	assert_int_equal(info.row[0].flags, VM_ALLOC);
	assert_int_equal(info.row[1].physical, 0xa0000);
	assert_int_equal(info.row[1].flags, VM_IOREMAP);
	assert_string_equal(info.row[2].caller, "load_module+0x1/0x2 [kvm]");
	assert_int_equal(info.row[2].flags, VM_ALLOC | VM_USERMAP);
	assert_true(info.row[3].is_unpurged);
	assert_int_equal(info.row[3].flags, 0);
	assert_int_equal(info.row[4].flags, 0);
	assert_false(info.row[4].is_unpurged);
	assert_null(info.row[5].caller);
	assert_null(info.row[6].caller);
	assert_int_equal(info.row[6].flags, VM_MAP | VM_DMA_COHERENT);
	vmallocinfo_text_destroy(&info);
	assert_int_equal(parse(&info, "", &error), TRACE_OK);
	assert_int_equal(info.rows, 0);
	vmallocinfo_text_destroy(&info);
}

static void refuses(const char *line, const char *message)
{
	struct vmallocinfo_text info;
	struct trace_error error;
	char text[512];

	(void)snprintf(text, sizeof(text), RANGE "   20480 f+0x1/0x2 pages=4 vmalloc N0=4\n%s\n", line);
	assert_int_equal(parse(&info, text, &error), TRACE_BAD_INPUT);
	assert_string_equal(error.message, message);
	assert_null(info.row);
	assert_null(info.callers);
}

static void names_what_is_wrong(void **state)
{
	(void)state;
	refuses("", "vmallocinfo, line 2: it is too short for an area");
	refuses("VmallocTotal:   34359738367 kB",
		"vmallocinfo, line 2: it does not begin with two addresses, `0x...-0x...`");
	refuses("0xfffffffffffffffff-0x1 4096 vmap",
		"vmallocinfo, line 2: it does not begin with two addresses, `0x...-0x...`");
	refuses(RANGE " 4095 vmap", "vmallocinfo, line 2: after the addresses come the bytes of the area, "
				    "whole pages of 4096");
	refuses(RANGE " 0 vmap", "vmallocinfo, line 2: after the addresses come the bytes of the area, whole "
				 "pages of 4096");
	refuses(RANGE " 562949953421312 vmap", "vmallocinfo, line 2: after the addresses come the bytes of "
					       "the area, whole pages of 4096");
	refuses(RANGE " 4096 unpurged vm_area twice",
		"vmallocinfo, line 2: nothing comes after what the area is");
	refuses(RANGE " 4096 f+0x1/0x2 pages=2 vmalloc",
		"vmallocinfo, line 2: it has more pages than its bytes hold");
	refuses(RANGE " 8192 f+0x1/0x2 pages=x vmalloc",
		"vmallocinfo, line 2: it has a word that is none of pages=, phys=, ioremap, sparse, vmalloc, "
		"vmap, user, dma-coherent, vpages, N0=");
}

/* The row as the engine's own view prints an area: what the kernel's file has comes out again. */
static void print_row(const struct vmallocinfo_row *row, char *line)
{
	const struct vmallocinfo info = {.start = row->start,
					 .end = row->end,
					 .pages = row->pages,
					 .physical = row->physical,
					 .flags = row->flags};

	(void)vmallocinfo_line(&info, row->caller, line);
}

/* Every line of this kernel's file is read, and printed again to the byte, but for the addresses' distance (they are hashed, and so
 * the bytes are not it) and the nodes' counts of a machine with several. */
static void reads_this_kernel(void **state)
{
	FILE *file = fopen("/proc/vmallocinfo", "re");
	char *text = calloc(1, 8 << 20), line[VMALLOCINFO_LINE_BYTES], size[24];
	size_t length = file && text ? fread(text, 1, (8 << 20) - 1, file) : 0;
	struct vmallocinfo_text info;
	struct trace_error error;
	const char *real = text;

	(void)state;
	if (file)
		(void)fclose(file);
	if (length == 0) {
		print_message("# skip: /proc/vmallocinfo cannot be read here\n");
		free(text);
		skip();
	}
	assert_int_equal(vmallocinfo_text_parse(&info, text, length, &error), TRACE_OK);
	for (uint32_t i = 0; i < info.rows; i++, real = strchr(real, '\n') + 1) {
		if ((info.row[i].flags == 0 && !info.row[i].is_unpurged) || strstr(real, " N1="))
			continue;
		print_row(&info.row[i], line);
		const char *ours = strchr(line, ' '), *theirs = strchr(real, ' ');

		(void)snprintf(size, sizeof(size), " %7" PRIu64, info.row[i].bytes);
		assert_memory_equal(line, real, (size_t)(theirs - real));
		assert_memory_equal(theirs, size, strlen(size));
		ours += strspn(ours, " ");
		ours = strchr(ours, ' ');
		theirs += strlen(size);
		if (ours)
			assert_memory_equal(theirs, ours, strlen(ours));
		else
			assert_int_equal(*theirs, '\n');
	}
	vmallocinfo_text_destroy(&info);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_rows),
	    cmocka_unit_test(names_what_is_wrong),
	    cmocka_unit_test(reads_this_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
