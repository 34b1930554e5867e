#include "config.h"

#include "engine/phys/vmallocinfo.h"

#include "tests/unit/death.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define START ((uint64_t)0x40000000)
#define BYTES ((uint64_t)64 << 20)

static const struct gfp kernel = {.flags = GFP_KERNEL, .cpu = -1};

struct world {
	struct memory frames;
	struct vmap_space space;
};

static void make(struct world *world)
{
	const struct memory_shape frames = {
	    .size = {.pages = 16384}, .backing = ARENA_NONE, .max_order = 10, .cpus = 1};
	const struct vmap_shape shape = {.start = START, .bytes = BYTES, .cpus = 1};

	assert_int_equal(memory_create(&world->frames, &frames), STATUS_OK);
	assert_int_equal(vmap_space_create(&world->space, &world->frames, &shape), STATUS_OK);
}

static void drop(struct world *world)
{
	assert_null(vmap_space_check(&world->space));
	vmap_space_destroy(&world->space);
	for (unsigned zone = 0; zone < world->frames.zones; zone++)
		assert_int_equal(zone_free_pages(&world->frames.zone[zone]),
				 world->frames.zone[zone].managed_pages);
	memory_destroy(&world->frames);
}

static uintptr_t area(struct world *world, unsigned flags, uint64_t pages, uint64_t physical)
{
	const struct vmalloc_request request = {.bytes = pages * PAGE_BYTES, .flags = flags};

	return get_vm_area(&world->space, &request, physical);
}

/* The line of the area that begins there, behind its addresses. */
static void expect(const struct world *world, uintptr_t address, const char *line)
{
	struct vmallocinfo info;
	char text[VMALLOCINFO_LINE_BYTES];

	assert_true(vmallocinfo_next(&world->space, address, &info));
	assert_int_equal(info.start, address);
	size_t length = vmallocinfo_line(&info, NULL, text);

	assert_int_equal(length, strlen(text));
	assert_string_equal(text + strlen("0x0000000040000000-0x0000000040005000"), line);
}

/* Areas whose mappings are their owners': no frames, and every kind in the kernel's words. */
static void test_kinds_of_areas(void **state)
{
	struct world world;

	(void)state;
	make(&world);
	expect(&world, area(&world, VM_MAP | VM_USERMAP, 4, 0), "   20480 vmap user\n");
	expect(&world, area(&world, VM_MAP | VM_DMA_COHERENT | VM_NO_GUARD, 4, 0),
	       "   16384 vmap dma-coherent\n");
	expect(&world, area(&world, VM_IOREMAP, 1, 0xa0000), "    8192 phys=0x00000000000a0000 ioremap\n");
	expect(&world, area(&world, VM_ALLOC, 512, 0), " 2101248 vmalloc\n");
	expect(&world, area(&world, VM_SPARSE, 1, 0), "    8192 sparse\n");
	assert_int_equal(world.space.allocated_pages, 0);
	assert_int_equal(area(&world, 0, 1, 0), 0);
	assert_int_equal(area(&world, VM_MAP, 0, 0), 0);
	assert_int_equal(area(&world, VM_MAP, (BYTES >> PAGE_SHIFT) + 1, 0), 0);
	assert_int_equal(world.space.refusals, 3);
	drop(&world);
}

/* The array of more than 512 pages does not fit in one. */
static void test_arrays_of_pages(void **state)
{
	struct world world;

	(void)state;
	make(&world);
	expect(&world, vmalloc(&world.space, &kernel, 512 * PAGE_BYTES),
	       " 2101248 pages=512 vmalloc N0=512\n");
	expect(&world, vmalloc(&world.space, &kernel, 513 * PAGE_BYTES),
	       " 2105344 pages=513 vmalloc vpages N0=513\n");
	drop(&world);
}

/* Areas of all kinds end the same way; frames go back, addresses wait. */
static void test_areas_end(void **state)
{
	struct world world;

	(void)state;
	make(&world);
	uintptr_t mapped = area(&world, VM_MAP, 4, 0), own = vmalloc(&world.space, &kernel, 3 * PAGE_BYTES);

	free_vm_area(&world.space, -1, mapped);
	free_vm_area(&world.space, -1, own);
	assert_int_equal(world.space.allocated_pages, 0);
	assert_int_equal(world.space.busy.count, 0);
	assert_int_equal(world.space.lazy_pages, 9);
	assert_int_equal(vmap_space_purge(&world.space), 2);
	drop(&world);
}

static void end_inside(void *context)
{
	struct world *world = context;

	free_vm_area(&world->space, -1, area(world, VM_MAP, 4, 0) + PAGE_BYTES);
}

static void test_mistakes_die(void **state)
{
	struct world world;

	(void)state;
	make(&world);
	assert_dies(end_inside, &world, "a freed address begins an area of vmalloc's");
	drop(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_kinds_of_areas),
	    cmocka_unit_test(test_arrays_of_pages),
	    cmocka_unit_test(test_areas_end),
	    cmocka_unit_test(test_mistakes_die),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
