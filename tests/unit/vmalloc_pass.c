#include "config.h"

#include "bench/physical/vmalloc_pass.h"

#include "engine/phys/vmallocinfo.h"
#include "tests/unit/written_trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define STACK "20480 kernel_clone+0x94/0x3e0 pages=4 vmalloc N0=4\n"
#define IRQ_STACK "20480 irq_init_percpu_irqstack+0xca/0x100 vmap\n"
#define DEVICE "8192 acpi_os_map_iomem+0x1bc/0x1e0 phys=0x00000000000a0000 ioremap\n"
#define PROGRAM "8192 bpf_prog_alloc+0x39/0x230 pages=1 vmalloc N0=1\n"
#define WAITS "20480 unpurged vm_area\n"
#define REAL UINT64_C(0xffffc90000000000)

struct rig {
	struct written_trace trace;
	struct flt_reader *reader;
	struct memory frames;
	struct vmap_space space;
	struct vmalloc_pass pass;
	struct text_places places;
	uint64_t written;
};

static void start(struct rig *rig)
{
	const struct memory_shape frames = {.size = {.layout = MEMORY_X86_64, .pages = 16384},
					    .backing = ARENA_NONE,
					    .max_order = 10,
					    .cpus = 1};
	const struct vmap_shape shape = {.cpus = 2};
	struct event_sink *sink;

	*rig = (struct rig){.places.end = UINT64_MAX};
	assert_int_equal(memory_create(&rig->frames, &frames), STATUS_OK);
	assert_int_equal(vmap_space_create(&rig->space, &rig->frames, &shape), STATUS_OK);
	written_trace_begin(&rig->trace);
	sink = rig->trace.sink;
	assert_int_equal(sink->process(sink, 0, 0, 1, "p", &rig->trace.error), TRACE_OK);
	assert_int_equal(sink->thread(sink, 0, 0, 1, "t", &rig->trace.error), TRACE_OK);
}

static void put(struct rig *rig, struct event event)
{
	written_event(&rig->trace, event);
	rig->written++;
}

static void text(struct rig *rig, const char *vmallocinfo)
{
	written_snapshot(&rig->trace, "vmallocinfo", vmallocinfo, (struct event){0});
	if (rig->places.before == 0) {
		rig->places.before = 1;
		rig->places.begin = rig->written;
	} else {
		rig->places.after = 2;
		rig->places.end = rig->written;
	}
	rig->written++;
}

static void allocate(struct rig *rig, uint64_t address, uint64_t bytes)
{
	put(rig, (struct event){.kind = EVENT_VMALLOC,
				.kernel = {.address = address, .bytes = bytes, .order = 14}});
}

static void release(struct rig *rig, uint64_t address)
{
	put(rig, (struct event){.kind = EVENT_VFREE, .kernel.address = address});
}

static enum trace_status create(struct rig *rig)
{
	rig->reader = written_trace_open(&rig->trace);
	return vmalloc_pass_create(&rig->pass, &rig->space, rig->reader, &rig->places, &rig->trace.error);
}

static void run(struct rig *rig)
{
	struct event event;

	assert_int_equal(create(rig), TRACE_OK);
	for (uint64_t i = 0; flt_reader_next(rig->reader, &event, &rig->trace.error) == TRACE_OK; i++) {
		assert_int_equal(vmalloc_pass_event(&rig->pass, &event, i, &rig->trace.error), TRACE_OK);
		assert_null(vmalloc_pass_check(&rig->pass));
	}
	assert_null(vmap_space_check(&rig->space));
}

static void stop(struct rig *rig)
{
	vmalloc_pass_destroy(&rig->pass);
	flt_reader_close(rig->reader);
	vmap_space_destroy(&rig->space);
	memory_destroy(&rig->frames);
}

/* The areas by address, then those that wait, as proc prints them, without their addresses. */
static void expect(const struct rig *rig, const char *lines)
{
	struct vmallocinfo info = {0};
	char line[VMALLOCINFO_LINE_BYTES];

	for (uint64_t waiting = 0;;) {
		if (!vmallocinfo_next(&rig->space, info.end, &info) &&
		    !vmallocinfo_unpurged(&rig->space, waiting++, &info))
			break;
		(void)vmallocinfo_line(
		    &info, info.flags ? vmalloc_pass_caller(&rig->pass, info.caller) : NULL, line);
		const char *rest = line + strlen("0x0000000000000000-0x0000000000000000");

		rest += strspn(rest, " ");
		assert_memory_equal(rest, lines, strlen(rest));
		lines += strlen(rest);
		if (info.flags == 0)
			info.end = UINT64_MAX;
	}
	assert_string_equal(lines, "");
}

static void begins_with_the_first_text(void **state)
{
	struct rig rig;

	(void)state;
	start(&rig);
	allocate(&rig, REAL, 20480); /* before the text: it is in there */
	text(&rig, "0x0000000011111111-0x0000000022222222   " STACK
		   "0x0000000022222222-0x0000000033333333    " DEVICE
		   "0x0000000044444444-0x0000000055555555   " IRQ_STACK
		   "0x0000000055555555-0x0000000066666666    4096 vm_map_ram\n"
		   "0x0000000066666666-0x0000000077777777   " WAITS);
	run(&rig);
	expect(&rig, STACK DEVICE IRQ_STACK WAITS);
	assert_int_equal(rig.pass.counts.allocs, 0);
	assert_int_equal(rig.space.allocated_pages, 4);
	struct vmalloc_sum sum = vmalloc_pass_sum(&rig.pass);
	struct vmalloc_sum real = vmallocinfo_text_sum(&rig.pass.before);

	assert_memory_equal(&sum, &real, sizeof(sum));
	assert_int_equal(sum.areas, 3);
	assert_int_equal(sum.pages, 4);
	assert_int_equal(sum.unpurged_pages, 5);
	stop(&rig);
}

/* What events make is like what the second text has of that size; nobody knows what 12288 bytes are. */
static void does_what_events_say(void **state)
{
	struct rig rig;

	(void)state;
	start(&rig);
	text(&rig, "0x0000000011111111-0x0000000022222222   " IRQ_STACK
		   "0x0000000033333333-0x0000000044444444    " DEVICE);
	allocate(&rig, REAL, 20480);
	allocate(&rig, REAL + 0x10000, 20480);
	allocate(&rig, REAL + 0x20000, 12288);
	allocate(&rig, REAL + 0x30000, 8192);
	release(&rig, REAL);
	put(&rig, (struct event){.kind = EVENT_VMALLOC, .flags = EVENT_FAILED, .kernel.bytes = 20480});
	text(&rig, "0x0000000011111111-0x0000000022222222   " IRQ_STACK
		   "0x0000000033333333-0x0000000044444444    " DEVICE
		   "0x0000000055555555-0x0000000066666666   " STACK
		   "0x0000000077777777-0x0000000088888888    " PROGRAM);
	release(&rig, REAL + 0x10000); /* after the text */
	run(&rig);
	assert_int_equal(rig.pass.counts.allocs, 4);
	assert_int_equal(rig.pass.counts.frees, 1);
	assert_int_equal(rig.pass.counts.guessed, 0);
	expect(&rig, IRQ_STACK DEVICE STACK "12288 pages=2 vmalloc N0=2\n" PROGRAM WAITS);
	assert_int_equal(rig.space.allocated_pages, 7);
	stop(&rig);
}

/* A free of an address that no event made ends an area that is gone later; there are no more than that. */
static void finds_what_is_gone(void **state)
{
	struct rig rig;

	(void)state;
	start(&rig);
	text(&rig,
	     "0x0000000011111111-0x0000000022222222   " STACK "0x0000000022222222-0x0000000033333333   " STACK
	     "0x0000000033333333-0x0000000044444444    " DEVICE);
	release(&rig, REAL);
	release(&rig, REAL + 0x10000);
	text(&rig, "0x0000000011111111-0x0000000022222222   " STACK
		   "0x0000000033333333-0x0000000044444444    " DEVICE);
	run(&rig);
	assert_int_equal(rig.pass.counts.frees, 1);
	assert_int_equal(rig.pass.counts.guessed, 1);
	assert_int_equal(rig.pass.counts.unborn, 1);
	expect(&rig, STACK DEVICE WAITS);
	stop(&rig);
}

/* A text with true addresses needs no guess; one that has none at all tells nothing of what is freed. */
static void knows_true_addresses(void **state)
{
	struct rig rig;

	(void)state;
	start(&rig);
	text(&rig, "0xffffc90000000000-0xffffc90000005000   " STACK
		   "0xffffc90000005000-0xffffc90000007000    " DEVICE);
	release(&rig, REAL + 0x5000);
	run(&rig);
	assert_int_equal(rig.pass.counts.frees, 1);
	assert_int_equal(rig.pass.counts.guessed, 0);
	expect(&rig, STACK "8192 unpurged vm_area\n");
	stop(&rig);
	start(&rig);
	text(&rig, "0x0000000000000000-0x0000000000000000   " STACK
		   "0x0000000000000000-0x0000000000000000    " DEVICE);
	release(&rig, REAL);
	text(&rig, "0x0000000000000000-0x0000000000000000    " DEVICE);
	run(&rig);
	assert_int_equal(rig.pass.counts.unborn, 1);
	expect(&rig, STACK DEVICE);
	stop(&rig);
}

static void purges_when_the_kernel_does(void **state)
{
	struct rig rig;

	(void)state;
	start(&rig);
	text(&rig, "0x0000000011111111-0x0000000022222222   " WAITS);
	allocate(&rig, REAL, 20480);
	release(&rig, REAL);
	allocate(&rig, REAL, 20480);
	allocate(&rig, REAL, 20480); /* the free was not seen */
	put(&rig, (struct event){
		      .kind = EVENT_VMAP_PURGE, .count = 2, .kernel = {.address = REAL, .bytes = 0x10000}});
	run(&rig);
	assert_int_equal(rig.pass.counts.purges, 1);
	assert_int_equal(rig.pass.counts.reused, 1);
	assert_int_equal(rig.space.purged_areas, 3);
	expect(&rig, "20480 pages=4 vmalloc N0=4\n");
	stop(&rig);
}

/* Bytes and alignments that no kernel has are refused; so is what the machine has no memory for. */
static void refuses_what_cannot_be(void **state)
{
	struct rig rig;

	(void)state;
	start(&rig);
	text(&rig, "");
	allocate(&rig, REAL, 4097);
	allocate(&rig, REAL, UINT64_MAX - 4095);
	allocate(&rig, REAL, UINT64_C(1) << 46);
	put(&rig,
	    (struct event){.kind = EVENT_VMALLOC, .kernel = {.address = REAL, .bytes = 8192, .order = 63}});
	run(&rig);
	assert_int_equal(rig.pass.counts.refused, 3);
	expect(&rig, "8192 pages=1 vmalloc N0=1\n");
	stop(&rig);
	start(&rig);
	text(&rig, "no such text\n");
	assert_int_equal(create(&rig), TRACE_BAD_INPUT);
	assert_string_equal(rig.trace.error.message, "vmallocinfo, line 1: it is too short for an area");
	stop(&rig);
}

/* Without a text nothing is known, and nothing done. */
static void without_a_text(void **state)
{
	struct rig rig;

	(void)state;
	start(&rig);
	allocate(&rig, REAL, 20480);
	run(&rig);
	assert_null(rig.pass.space);
	assert_int_equal(rig.space.busy.count, 0);
	stop(&rig);
}

static void check_finds_what_is_broken(void **state)
{
	struct rig rig;

	(void)state;
	start(&rig);
	text(&rig, "0x0000000011111111-0x0000000022222222   " STACK);
	run(&rig);
	rig.pass.live.entries++;
	assert_non_null(vmalloc_pass_check(&rig.pass));
	rig.pass.live.entries--;
	for (size_t i = 0; i < rig.pass.live.capacity; i++)
		rig.pass.live.slot[i].value += rig.pass.live.slot[i].key != 0 ? PAGE_BYTES : 0;
	assert_string_equal(vmalloc_pass_check(&rig.pass),
			    "every live area of the recording is one of the model's, and there is no other");
	stop(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(begins_with_the_first_text),
	    cmocka_unit_test(does_what_events_say),
	    cmocka_unit_test(finds_what_is_gone),
	    cmocka_unit_test(knows_true_addresses),
	    cmocka_unit_test(purges_when_the_kernel_does),
	    cmocka_unit_test(refuses_what_cannot_be),
	    cmocka_unit_test(without_a_text),
	    cmocka_unit_test(check_finds_what_is_broken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
