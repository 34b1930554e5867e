#include "config.h"

#include "traces/generate/page_load.h"

#include "traces/frame_kinds.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EVENT_NS 100u
#define MOVABLE 1u /* of the recorded kernel's migrate types */
#define PAGE_KIB 4u

static const char zoneinfo[] = "Node 0, zone   Normal\n"
			       "  pages free     %" PRIu64 "\n"
			       "        boost    0\n"
			       "        min      0\n"
			       "        low      0\n"
			       "        high     0\n"
			       "        promo    0\n"
			       "        spanned  %" PRIu64 "\n"
			       "        present  %" PRIu64 "\n"
			       "        managed  %" PRIu64 "\n"
			       "        cma      0\n"
			       "        protection: (0, 0, 0, 0, 0)\n"
			       "  pagesets\n"
			       "    cpu: 0\n"
			       "              count:    0\n"
			       "              high:     0\n"
			       "              batch:    1\n"
			       "              high_min: 0\n"
			       "              high_max: 0\n"
			       "  node_unreclaimable:  0\n"
			       "  start_pfn:           0\n";

/* --- The machine -------------------------------------------------------------------------------------------------------- */

static void write_frames(struct page_load *load)
{
	const uint64_t times[2] = {0, 0};
	struct frame_writer writer;
	uint8_t bytes[256];

	frame_writer_start(&writer, bytes, sizeof(bytes));
	frame_writer_header(&writer, 0, load->capacity, times);
	for (uint64_t frame = 0; frame < load->capacity; frame++)
		frame_writer_add(&writer, FRAME_FREE);
	frame_writer_finish(&writer);
	emitter_snapshot(&load->generation->emitter, load->thread, FRAME_KINDS_SNAPSHOT, bytes, writer.used);
}

static void write_texts(struct page_load *load)
{
	struct emitter *emitter = &load->generation->emitter;
	const uint64_t pages = load->capacity;
	char text[1024];
	int length = snprintf(text, sizeof(text), "00000000-%08" PRIx64 " : System RAM\n",
			      pages * PAGE_KIB * 1024 - 1);

	emitter_snapshot(emitter, load->thread, "iomem", text, (size_t)length);
	length = snprintf(text, sizeof(text), zoneinfo, pages, pages, pages, pages);
	emitter_snapshot(emitter, load->thread, "zoneinfo", text, (size_t)length);
	length =
	    snprintf(text, sizeof(text),
		     "Node 0, zone   Normal      0      0      0      0      0      0      0      0      0"
		     "      0 %6" PRIu64 " \n",
		     pages >> 10);
	emitter_snapshot(emitter, load->thread, "buddyinfo", text, (size_t)length);
}

bool page_load_begin(struct page_load *load, struct generation *generation, uint64_t mib)
{
	const uint64_t pages = mib * (1024 / PAGE_KIB);

	*load = (struct page_load){.generation = generation, .capacity = pages};
	load->block = generation_array(generation, pages, sizeof(*load->block));
	if (!load->block)
		return false;
	if (!frame_pool_create(&load->pool, (uint32_t)(pages / FRAME_POOL_BLOCK))) {
		emitter_fail(&generation->emitter, TRACE_NO_MEMORY,
			     "not enough memory for %" PRIu64 " frames", pages);
		free(load->block);
		return false;
	}
	load->thread = emitter_thread(&generation->emitter, "load");
	emitter_switch(&generation->emitter, load->thread, 0);
	write_frames(load);
	write_texts(load);
	return true;
}

void page_load_end(struct page_load *load)
{
	emitter_thread_exit(&load->generation->emitter, load->thread);
	frame_pool_destroy(&load->pool);
	free(load->block);
}

/* --- The load ----------------------------------------------------------------------------------------------------------- */

bool page_load_take(struct page_load *load, unsigned order)
{
	const uint64_t frame = frame_pool_take(&load->pool, order);
	const bool is_taken = frame != FRAME_POOL_NONE;
	const struct event_kernel kernel = {
	    .frame = is_taken ? frame : 0, .order = (uint8_t)order, .migrate_type = MOVABLE};

	load->generation->emitter.time_ns += EVENT_NS;
	emitter_page_alloc(&load->generation->emitter, load->thread, &kernel, !is_taken);
	if (!is_taken)
		return false;
	load->block[load->blocks++] = (struct page_load_block){(uint32_t)frame, (uint8_t)order};
	load->pages += UINT64_C(1) << order;
	return true;
}

void page_load_give_any(struct page_load *load)
{
	struct page_load_block *block = &load->block[xoshiro_below(&load->generation->random, load->blocks)];
	const struct event_kernel kernel = {.frame = block->frame, .order = block->order};

	load->generation->emitter.time_ns += EVENT_NS;
	emitter_page_free(&load->generation->emitter, load->thread, &kernel);
	frame_pool_give(&load->pool, block->frame, block->order);
	load->pages -= UINT64_C(1) << block->order;
	*block = load->block[--load->blocks];
}
