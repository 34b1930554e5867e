#include "config.h"

#include "bench/physical/vmalloc_pass.h"

#include "traces/flt.h"

#include <inttypes.h>
#include <string.h>

#define ALIGNMENT_ORDER_MAX 30u
/* Of an area's caller in the model: a row of the second text; without it, of the first. Rows count from 1. */
#define OF_AFTER ((uint64_t)1 << 32)
#define NO_ROW UINT64_MAX

/* --- Rows ------------------------------------------------------------------------------------------------------------- */

static const struct vmallocinfo_row *row_of(const struct vmalloc_pass *pass, uint64_t code)
{
	const struct vmallocinfo_text *text = code & OF_AFTER ? &pass->after : &pass->before;
	uint64_t row = code & ~OF_AFTER;

	return row >= 1 && row <= text->rows ? &text->row[row - 1] : NULL;
}

const char *vmalloc_pass_caller(const struct vmalloc_pass *pass, uint64_t caller)
{
	const struct vmallocinfo_row *row = row_of(pass, caller);

	return row ? row->caller : NULL;
}

static bool is_live(const struct vmallocinfo_row *row)
{
	return row->flags != 0;
}

static bool are_alike(const struct vmallocinfo_row *a, const struct vmallocinfo_row *b)
{
	if (a->flags != b->flags || a->pages != b->pages || (a->caller == NULL) != (b->caller == NULL))
		return false;
	return !a->caller || strcmp(a->caller, b->caller) == 0;
}

/* Rows that could tell what an area of these bytes is. */
struct search {
	const struct vmalloc_pass *pass;
	uint64_t bytes;
	bool only_new; /* those that only the second text has */
};

static const struct vmallocinfo_row *row_for(const struct search *search, uint64_t code)
{
	const struct vmallocinfo_row *row = row_of(search->pass, code);

	if (!is_live(row) || row->bytes != search->bytes)
		return NULL;
	if (search->only_new &&
	    (!(code & OF_AFTER) || row->start == 0 || number_map_get(&search->pass->first, row->start) != 0))
		return NULL;
	return row;
}

/* The next row in the order of both texts; NO_ROW past the last. */
static uint64_t next_code(const struct vmalloc_pass *pass, uint64_t code)
{
	if (row_of(pass, code + 1))
		return code + 1;
	return !(code & OF_AFTER) && pass->after.rows > 0 ? OF_AFTER + 1 : NO_ROW;
}

/* The row that nine of ten are like (Boyer and Moore's vote finds what most are like), or NO_ROW. */
static uint64_t majority(const struct search *search)
{
	uint64_t best = NO_ROW, lead = 0, votes = 0, voters = 0;

	for (uint64_t code = next_code(search->pass, 0); code != NO_ROW;
	     code = next_code(search->pass, code)) {
		const struct vmallocinfo_row *row = row_for(search, code);

		if (!row)
			continue;
		if (lead == 0)
			best = code;
		lead += lead == 0 || are_alike(row, row_of(search->pass, best)) ? 1 : UINT64_MAX;
	}
	for (uint64_t code = next_code(search->pass, 0); best != NO_ROW && code != NO_ROW;
	     code = next_code(search->pass, code)) {
		const struct vmallocinfo_row *row = row_for(search, code);

		voters += row != NULL;
		votes += row && are_alike(row, row_of(search->pass, best));
	}
	return best != NO_ROW && votes * 10 >= voters * 9 ? best : NO_ROW;
}

/* What areas of so many bytes are that events make. Found once for each number of bytes. */
static uint64_t code_of_bytes(struct vmalloc_pass *pass, uint64_t bytes)
{
	struct search search = {pass, bytes, true};
	uint64_t code = number_map_get(&pass->kinds, bytes), previous;

	if (code != 0)
		return code;
	code = majority(&search);
	search.only_new = false;
	if (code == NO_ROW)
		code = majority(&search);
	/* Without memory for the answer it is looked for again. */
	(void)number_map_put(&pass->kinds, bytes, code, &previous);
	return code;
}

/* --- Areas ------------------------------------------------------------------------------------------------------------ */

/* An area like the row, in the model: its address, or 0. */
static uintptr_t make_area(struct vmalloc_pass *pass, const struct vmallocinfo_row *row, uint64_t alignment,
			   uint64_t code)
{
	struct vmalloc_request request = {.bytes = row->bytes, .alignment = alignment, .caller = code};
	struct gfp gfp = {.flags = GFP_KERNEL, .cpu = -1};
	uint64_t pages = row->bytes >> PAGE_SHIFT;

	if (row->flags == VM_ALLOC && row->pages > 0 && row->pages + 1 >= pages) {
		request.bytes = row->pages << PAGE_SHIFT;
		request.flags = row->pages == pages ? VM_NO_GUARD : 0;
		return vmalloc_range(pass->space, &gfp, &request);
	}
	request.flags = row->flags | VM_NO_GUARD;
	return get_vm_area(pass->space, &request, row->physical);
}

static void end_area(struct vmalloc_pass *pass, uintptr_t address)
{
	free_vm_area(pass->space, -1, address);
}

/* From now on the recording's address stands for the model's area. */
static enum trace_status bind(struct vmalloc_pass *pass, uint64_t address, uintptr_t area,
			      struct trace_error *error)
{
	uint64_t previous;

	if (area == 0) {
		pass->counts.refused++;
		return TRACE_OK;
	}
	if (!number_map_put(&pass->live, address, area, &previous)) {
		end_area(pass, area);
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for the kernel's areas");
	}
	if (previous != 0) {
		end_area(pass, previous);
		pass->counts.reused++;
	}
	return TRACE_OK;
}

/* What stands for the address of a row: a number below all addresses where the text does not tell it. */
static uint64_t key_of(const struct vmalloc_pass *pass, uint32_t row)
{
	uint64_t start = pass->before.row[row].start;

	return start != 0 ? start : (uint64_t)row + 1;
}

static enum trace_status make_first_areas(struct vmalloc_pass *pass, struct trace_error *error)
{
	enum trace_status status = TRACE_OK;

	for (uint32_t i = 0; i < pass->before.rows && status == TRACE_OK; i++) {
		struct vmallocinfo_row row = pass->before.row[i];
		uint64_t previous;

		if (is_live(&row)) {
			if (!number_map_put(&pass->first, key_of(pass, i), 1, &previous))
				return trace_fail(error, TRACE_NO_MEMORY,
						  "not enough memory for the kernel's areas");
			status =
			    bind(pass, key_of(pass, i), make_area(pass, &row, 0, (uint64_t)i + 1), error);
		} else if (row.is_unpurged) {
			row.flags = VM_MAP;
			uintptr_t area = make_area(pass, &row, 0, 0);

			if (area != 0)
				end_area(pass, area);
			pass->counts.refused += area == 0;
		}
	}
	pass->counts.reused = 0;
	return status;
}

/* --- Making ----------------------------------------------------------------------------------------------------------- */

static enum trace_status read_text(struct vmallocinfo_text *info, struct flt_reader *reader, uint32_t number,
				   struct trace_error *error)
{
	struct event_snapshot snapshot;
	enum trace_status status = flt_reader_snapshot(reader, number, &snapshot, error);

	return status == TRACE_OK ? vmallocinfo_text_parse(info, snapshot.bytes, snapshot.length, error)
				  : status;
}

static enum trace_status note_survivors(struct vmalloc_pass *pass, struct trace_error *error)
{
	uint64_t previous;

	for (uint32_t i = 0; i < pass->after.rows; i++) {
		const struct vmallocinfo_row *row = &pass->after.row[i];

		if (is_live(row) && row->start != 0 &&
		    !number_map_put(&pass->last, row->start, row->bytes, &previous))
			return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for the kernel's areas");
	}
	return TRACE_OK;
}

enum trace_status vmalloc_pass_create(struct vmalloc_pass *pass, struct vmap_space *space,
				      struct flt_reader *reader, const struct text_places *places,
				      struct trace_error *error)
{
	enum trace_status status = TRACE_OK;

	*pass = (struct vmalloc_pass){.begin = places->begin, .end = places->end};
	if (places->before == 0)
		return TRACE_OK;
	pass->space = space;
	status = read_text(&pass->before, reader, places->before, error);
	if (status == TRACE_OK && places->after != 0) {
		status = read_text(&pass->after, reader, places->after, error);
		pass->has_after = status == TRACE_OK;
	}
	if (status == TRACE_OK)
		status = note_survivors(pass, error);
	if (status == TRACE_OK)
		status = make_first_areas(pass, error);
	if (status != TRACE_OK)
		vmalloc_pass_destroy(pass);
	return status;
}

void vmalloc_pass_destroy(struct vmalloc_pass *pass)
{
	vmallocinfo_text_destroy(&pass->before);
	vmallocinfo_text_destroy(&pass->after);
	number_map_clear(&pass->live);
	number_map_clear(&pass->first);
	number_map_clear(&pass->last);
	number_map_clear(&pass->kinds);
	*pass = (struct vmalloc_pass){0};
}

/* --- Events ----------------------------------------------------------------------------------------------------------- */

static enum trace_status drive_alloc(struct vmalloc_pass *pass, const struct event *event,
				     struct trace_error *error)
{
	uint64_t bytes = event->kernel.bytes, order = event->kernel.order;
	uint64_t alignment = order <= ALIGNMENT_ORDER_MAX ? (uint64_t)1 << order : 0;

	if (event->kernel.address == 0 || (event->flags & EVENT_FAILED))
		return TRACE_OK;
	pass->counts.allocs++;
	if (bytes == 0 || bytes % PAGE_BYTES != 0 || bytes > VMALLOCINFO_BYTES_MAX) {
		pass->counts.refused++;
		return TRACE_OK;
	}
	uint64_t code = code_of_bytes(pass, bytes), pages = bytes >> PAGE_SHIFT;
	const struct vmallocinfo_row plain = {
	    .bytes = bytes, .flags = VM_ALLOC, .pages = pages > 1 ? pages - 1 : 1};
	const struct vmallocinfo_row *row = code != NO_ROW ? row_of(pass, code) : &plain;

	return bind(pass, event->kernel.address, make_area(pass, row, alignment, code != NO_ROW ? code : 0),
		    error);
}

/* An area of the first text that lives in the model and is not in the second text. */
static uintptr_t take_gone(struct vmalloc_pass *pass)
{
	for (; pass->has_after && pass->next_gone < pass->before.rows; pass->next_gone++) {
		const struct vmallocinfo_row *row = &pass->before.row[pass->next_gone];

		if (!is_live(row) || row->start == 0 || number_map_get(&pass->last, row->start) == row->bytes)
			continue;
		uintptr_t area = number_map_take(&pass->live, row->start);

		if (area != 0)
			return area;
	}
	return 0;
}

static void drive_free(struct vmalloc_pass *pass, const struct event *event)
{
	uintptr_t area = event->kernel.address != 0 ? number_map_take(&pass->live, event->kernel.address) : 0;

	if (area == 0) {
		area = take_gone(pass);
		pass->counts.guessed += area != 0;
	}
	if (area == 0) {
		pass->counts.unborn++;
		return;
	}
	end_area(pass, area);
	pass->counts.frees++;
}

enum trace_status vmalloc_pass_event(struct vmalloc_pass *pass, const struct event *event, uint64_t position,
				     struct trace_error *error)
{
	if (!pass->space || position < pass->begin || position >= pass->end)
		return TRACE_OK;
	if (event->kind == EVENT_VMALLOC)
		return drive_alloc(pass, event, error);
	if (event->kind == EVENT_VFREE)
		drive_free(pass, event);
	if (event->kind == EVENT_VMAP_PURGE) {
		(void)vmap_space_purge(pass->space);
		pass->counts.purges++;
	}
	return TRACE_OK;
}

/* --- Figures ---------------------------------------------------------------------------------------------------------- */

struct vmalloc_sum vmalloc_pass_sum(const struct vmalloc_pass *pass)
{
	if (!pass->space)
		return (struct vmalloc_sum){0};
	return (struct vmalloc_sum){pass->space->busy.count, pass->space->allocated_pages,
				    pass->space->lazy_pages};
}

struct vmalloc_sum vmallocinfo_text_sum(const struct vmallocinfo_text *info)
{
	struct vmalloc_sum sum = {0};

	for (uint32_t i = 0; i < info->rows; i++) {
		sum.areas += is_live(&info->row[i]);
		sum.pages += info->row[i].pages;
		sum.unpurged_pages += info->row[i].is_unpurged ? info->row[i].bytes >> PAGE_SHIFT : 0;
	}
	return sum;
}

const char *vmalloc_pass_check(const struct vmalloc_pass *pass)
{
	static const char broken[] =
	    "every live area of the recording is one of the model's, and there is no other";

	if (!pass->space)
		return NULL;
	if (number_map_check(&pass->live) || pass->live.entries != pass->space->busy.count)
		return broken;
	for (size_t i = 0; i < pass->live.capacity; i++) {
		const struct number_map_slot *slot = &pass->live.slot[i];
		const struct vmap_area *area =
		    slot->key != 0 ? vmap_tree_find(&pass->space->busy, slot->value) : NULL;

		if (slot->key != 0 && (!area || area->start != slot->value))
			return broken;
	}
	return NULL;
}
