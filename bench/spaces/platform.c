#include "config.h"

#include "bench/spaces/platform.h"

#include "engine/policy_memory.h"

#define VMAS_MAX ((uint64_t)1 << 22)

#define STACK_BYTES ((uint64_t)8 << 20)
#define LOWEST_ADDRESS 65536u

/* --- Building ------------------------------------------------------------------------------------------------------- */

static enum status choose_layout(struct platform *platform)
{
	platform->layout = address_layout_of(&platform->policy);
	if (!platform->layout)
		return STATUS_BAD_ARGUMENT;
	platform->paging = *paging_find(platform->layout->paging);
	return STATUS_OK;
}

static enum status create_memory(struct platform *platform, const struct platform_options *options)
{
	uint64_t bytes = options->memory_bytes ? options->memory_bytes : platform->layout->memory_bytes;
	struct memory_shape shape = policy_memory_shape(&platform->policy);

	shape.size.pages = bytes >> PAGE_SHIFT;
	shape.cpus = 0; /* page tables and faults name no processor */
	platform->promise =
	    (struct mm_promise){.mode = MM_OVERCOMMIT_ALWAYS, .memory_pages = bytes >> PAGE_SHIFT};
	if (bytes % PAGE_BYTES != 0 || bytes > platform->layout->memory_max_bytes)
		return STATUS_BAD_ARGUMENT;
	return memory_create(&platform->memory, &shape);
}

static enum status create_kernel(struct platform *platform)
{
	struct page_source source = page_source_of_memory(&platform->memory);

	return pagetable_create(&platform->kernel, &platform->store, source) == PAGETABLE_DONE
		   ? STATUS_OK
		   : STATUS_NO_MEMORY;
}

static enum status create_processors(struct platform *platform, const struct platform_options *options)
{
	struct cpu_options processors = {.processors = options->processors ? options->processors : 1,
					 .segments = platform->layout->segments,
					 .kernel = &platform->kernel,
					 .geometries = options->geometries,
					 .models = options->models};

	return cpu_set_create(&platform->processors, &processors);
}

static enum status create_part(struct platform *platform, const struct platform_options *options)
{
	struct page_source source = page_source_of_memory(&platform->memory);

	switch (platform->built) {
	case 0:
		return choose_layout(platform);
	case 1:
		return create_memory(platform, options);
	case 2:
		return table_store_create(&platform->store, &platform->paging);
	case 3:
		return frames_create(&platform->frames, source, &platform->memory.pages,
				     platform->layout->huge_page_order);
	case 4:
		return vma_store_create(&platform->vmas, VMAS_MAX);
	case 5:
		return create_kernel(platform);
	default:
		return create_processors(platform, options);
	}
}

#define PARTS 7u

enum status platform_create(struct platform *platform, const struct platform_options *options)
{
	enum status status = STATUS_OK;

	*platform = (struct platform){.policy = options->policy ? *options->policy : *policy_find("linux")};
	while (platform->built < PARTS && status == STATUS_OK) {
		status = create_part(platform, options);
		platform->built += status == STATUS_OK;
	}
	if (status != STATUS_OK)
		platform_destroy(platform);
	return status;
}

void platform_destroy(struct platform *platform)
{
	if (platform->built > 6)
		cpu_set_destroy(&platform->processors);
	if (platform->built > 5)
		pagetable_destroy(&platform->kernel);
	if (platform->built > 4)
		vma_store_destroy(&platform->vmas);
	if (platform->built > 3)
		frames_destroy(&platform->frames);
	if (platform->built > 2)
		table_store_destroy(&platform->store);
	if (platform->built > 1)
		memory_destroy(&platform->memory);
	platform->built = 0;
}

/* --- Address spaces --------------------------------------------------------------------------------------------------- */

static struct mm_options space_options(struct platform *platform, struct fault_space *space)
{
	const unsigned order = platform->layout->huge_page_order;

	return (struct mm_options){.store = &platform->vmas,
				   .promise = &platform->promise,
				   .pages = &fault_pages,
				   .pages_owner = space,
				   .limits = {.address_space_bytes = MM_UNLIMITED,
					      .data_bytes = MM_UNLIMITED,
					      .stack_bytes = STACK_BYTES,
					      .locked_bytes = MM_UNLIMITED,
					      .maps = MM_MAPS_MAX_LINUX,
					      .lowest_address = LOWEST_ADDRESS,
					      .may_lock = true,
					      .may_map_low = true},
				   .layout = platform->layout->mm,
				   .huge_bytes = order > 0 ? (uint64_t)PAGE_BYTES << order : 0,
				   .is_32_bit = platform->layout->is_32_bit,
				   .has_ksm = true};
}

enum status platform_space_create(struct platform *platform, struct mm *mm, struct fault_space *space)
{
	struct fault_space_options pages = {
	    .resident = {.store = &platform->store, .frames = &platform->frames, .policy = &platform->policy},
	    .processors = &platform->processors};
	struct mm_options options = space_options(platform, space);
	enum status status = fault_space_create(space, &pages);

	if (status != STATUS_OK)
		return status;
	status = mm_create(mm, &options);
	if (status != STATUS_OK)
		fault_space_destroy(space);
	return status;
}

const char *platform_check(const struct platform *platform)
{
	const char *broken = table_store_check(&platform->store);

	return broken ? broken : cpu_set_check(&platform->processors);
}
