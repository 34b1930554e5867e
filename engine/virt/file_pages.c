#include "config.h"

#include "engine/virt/file_pages.h"

#include "engine/base/check.h"

#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(chunk) ((chunk)->is_refused = true)
#include <uthash.h>

/* The most pages of one call that says what is in memory: 64 GiB. */
#define RESIDENCY_PAGES_MAX ((uint64_t)1 << 24)

struct file_chunk {
	uint64_t number; /* page >> FILE_CHUNK_SHIFT */
	uint64_t resident[FILE_CHUNK_WORDS];
	uint64_t dirty[FILE_CHUNK_WORDS];
	pfn_t *frame; /* of each page, PFN_NONE when it has none; NULL: none has one */
	bool is_refused;
	UT_hash_handle hh;
};

static bool bit_is_set(const uint64_t *words, uint64_t bit)
{
	return words[bit / 64] >> (bit % 64) & 1;
}

static void bit_put(uint64_t *words, uint64_t bit, bool is_set)
{
	uint64_t mask = (uint64_t)1 << (bit % 64);

	words[bit / 64] = is_set ? words[bit / 64] | mask : words[bit / 64] & ~mask;
}

static uint64_t place_of(uint64_t page)
{
	return page & (FILE_CHUNK_PAGES - 1);
}

static struct file_chunk *find_chunk(const struct file_pages *file, uint64_t page)
{
	uint64_t number = page >> FILE_CHUNK_SHIFT;
	struct file_chunk *chunk = file->last;

	if (chunk && chunk->number == number)
		return chunk;
	HASH_FIND(hh, file->chunks, &number, sizeof(number), chunk);
	return chunk;
}

static struct file_chunk *make_chunk(struct file_pages *file, uint64_t page)
{
	struct file_chunk *chunk = find_chunk(file, page);

	if (!chunk) {
		chunk = calloc(1, sizeof(*chunk));
		if (!chunk)
			return NULL;
		chunk->number = page >> FILE_CHUNK_SHIFT;
		memset(chunk->resident, file->starts_resident ? 0xff : 0, sizeof(chunk->resident));
		HASH_ADD(hh, file->chunks, number, sizeof(chunk->number), chunk);
		if (chunk->is_refused) {
			free(chunk);
			return NULL;
		}
	}
	file->last = chunk;
	return chunk;
}

struct file_pages *file_pages_create(struct frames *frames, enum file_kind kind, uint64_t size_pages,
				     bool starts_resident)
{
	struct file_pages *file = calloc(1, sizeof(*file));

	if (!file)
		return NULL;
	file->kind = kind;
	file->starts_resident = starts_resident;
	file->size_pages = size_pages;
	file->references = 1;
	file->frames = frames;
	file->marker = FILE_NO_PAGE;
	return file;
}

void file_pages_hold(struct file_pages *file)
{
	file->references++;
}

static void drop_frame(struct file_pages *file, struct file_chunk *chunk, uint64_t place)
{
	if (!chunk->frame || chunk->frame[place] == PFN_NONE)
		return;
	file->framed_pages--;
	file->dirty_pages -= bit_is_set(chunk->dirty, place);
	bit_put(chunk->dirty, place, false);
	frames_drop_cached(file->frames, chunk->frame[place]);
	chunk->frame[place] = PFN_NONE;
}

static void drop_chunk(struct file_pages *file, struct file_chunk *chunk)
{
	for (uint64_t i = 0; i < FILE_CHUNK_PAGES; i++)
		drop_frame(file, chunk, i);
	HASH_DEL(file->chunks, chunk);
	if (file->last == chunk)
		file->last = NULL;
	free(chunk->frame);
	free(chunk);
}

void file_pages_drop(struct file_pages *file)
{
	struct file_chunk *chunk, *next;

	CHECK(file->references > 0, "a file that is let go of was held");
	if (--file->references > 0)
		return;
	HASH_ITER(hh, file->chunks, chunk, next)
	drop_chunk(file, chunk);
	free(file);
}

void file_pages_resize(struct file_pages *file, uint64_t size_pages)
{
	struct file_chunk *chunk, *next;

	file->size_pages = size_pages;
	HASH_ITER(hh, file->chunks, chunk, next)
	{
		uint64_t first = chunk->number << FILE_CHUNK_SHIFT;

		for (uint64_t i = 0; i < FILE_CHUNK_PAGES; i++) {
			if (first + i >= size_pages) {
				drop_frame(file, chunk, i);
				bit_put(chunk->resident, i, file->starts_resident);
			}
		}
	}
}

bool file_pages_is_resident(const struct file_pages *file, uint64_t page)
{
	const struct file_chunk *chunk = find_chunk(file, page);

	if (page >= file->size_pages)
		return false;
	return chunk ? bit_is_set(chunk->resident, place_of(page)) : file->starts_resident;
}

/* Nobody maps the page: its frame can go. */
static bool can_leave(const struct file_pages *file, const struct file_chunk *chunk, uint64_t place)
{
	return !chunk->frame || chunk->frame[place] == PFN_NONE ||
	       frames_page(file->frames, chunk->frame[place])->count == 1;
}

enum status file_pages_set_resident(struct file_pages *file, uint64_t first, uint64_t pages, bool is_resident)
{
	uint64_t end = pages > UINT64_MAX - first ? UINT64_MAX : first + pages;

	if (end > file->size_pages)
		end = file->size_pages;
	if (first >= end)
		return STATUS_OK;
	if (end - first > RESIDENCY_PAGES_MAX)
		return STATUS_LIMIT;
	for (uint64_t page = first; page < end; page++) {
		uint64_t place = place_of(page);

		if (is_resident == file->starts_resident && !find_chunk(file, page)) {
			page |= FILE_CHUNK_PAGES - 1;
			continue;
		}
		struct file_chunk *chunk = make_chunk(file, page);

		if (!chunk)
			return STATUS_NO_MEMORY;
		if (!is_resident && !can_leave(file, chunk, place))
			continue;
		if (!is_resident)
			drop_frame(file, chunk, place);
		bit_put(chunk->resident, place, is_resident);
	}
	return STATUS_OK;
}

static enum status read_window(struct file_pages *file, uint64_t first, uint64_t pages, uint64_t marker)
{
	file->window_first = first;
	file->window_pages = pages;
	file->marker = marker < file->size_pages ? marker : FILE_NO_PAGE;
	return file_pages_set_resident(file, first, pages, true);
}

enum status file_pages_read(struct file_pages *file, uint64_t page, uint64_t around_pages)
{
	uint64_t first = page > around_pages / 2 ? page - around_pages / 2 : 0;

	if (file->kind == FILE_SHARED_MEMORY || around_pages < 4)
		return file_pages_set_resident(file, page, 1, true);
	return read_window(file, first, around_pages, first + around_pages - around_pages / 4);
}

enum status file_pages_read_ahead(struct file_pages *file, uint64_t around_pages)
{
	uint64_t first = file->window_first + file->window_pages;

	return read_window(file, first, around_pages, first);
}

static bool make_frames(struct file_chunk *chunk)
{
	if (chunk->frame)
		return true;
	chunk->frame = malloc(FILE_CHUNK_PAGES * sizeof(*chunk->frame));
	for (uint64_t i = 0; chunk->frame && i < FILE_CHUNK_PAGES; i++)
		chunk->frame[i] = PFN_NONE;
	return chunk->frame;
}

pfn_t file_pages_frame(struct file_pages *file, uint64_t page)
{
	struct file_chunk *chunk = make_chunk(file, page);
	uint64_t place = place_of(page);

	if (!chunk || !make_frames(chunk))
		return PFN_NONE;
	CHECK(bit_is_set(chunk->resident, place), "a page that gets a frame is resident");
	if (chunk->frame[place] == PFN_NONE) {
		pfn_t frame = frames_take_cached(file->frames);

		if (frame == PFN_NONE)
			return PFN_NONE;
		chunk->frame[place] = frame;
		frames_page(file->frames, frame)->mapping = file;
		frames_page(file->frames, frame)->index = page;
		file->framed_pages++;
	}
	return chunk->frame[place];
}

void file_pages_move(struct file_pages *file, uint64_t page, pfn_t to)
{
	struct file_chunk *chunk = find_chunk(file, page);

	CHECK(chunk && chunk->frame && chunk->frame[place_of(page)] != PFN_NONE,
	      "a page that moves has a frame");
	pfn_t from = chunk->frame[place_of(page)];

	chunk->frame[place_of(page)] = to;
	frames_drop_cached(file->frames, from);
}

pfn_t file_pages_find(const struct file_pages *file, uint64_t page)
{
	const struct file_chunk *chunk = find_chunk(file, page);

	return chunk && chunk->frame ? chunk->frame[place_of(page)] : PFN_NONE;
}

void file_pages_set_dirty(struct file_pages *file, uint64_t page, bool is_dirty)
{
	struct file_chunk *chunk = find_chunk(file, page);

	CHECK(chunk && chunk->frame && chunk->frame[place_of(page)] != PFN_NONE,
	      "a page that is dirty has a frame");
	file->dirty_pages += is_dirty;
	file->dirty_pages -= bit_is_set(chunk->dirty, place_of(page));
	bit_put(chunk->dirty, place_of(page), is_dirty);
}

bool file_pages_is_dirty(const struct file_pages *file, uint64_t page)
{
	const struct file_chunk *chunk = find_chunk(file, page);

	return chunk && bit_is_set(chunk->dirty, place_of(page));
}

const char *file_pages_check(const struct file_pages *file)
{
	const struct file_chunk *chunk, *next;
	uint64_t framed = 0, dirty = 0;

	HASH_ITER(hh, file->chunks, chunk, next)
	for (uint64_t i = 0; i < FILE_CHUNK_PAGES; i++) {
		pfn_t frame = chunk->frame ? chunk->frame[i] : PFN_NONE;
		const struct page *page = frame == PFN_NONE ? NULL : frames_page(file->frames, frame);

		dirty += bit_is_set(chunk->dirty, i);
		if (!page && bit_is_set(chunk->dirty, i))
			return "I2: a dirty page has a frame";
		if (!page)
			continue;
		framed++;
		if (!bit_is_set(chunk->resident, i) || !(page->flags & PAGE_CACHED) ||
		    page->mapping != file || page->index != (chunk->number << FILE_CHUNK_SHIFT) + i)
			return "I2: a page's frame is cached by its file at its place";
	}
	if (framed != file->framed_pages || dirty != file->dirty_pages)
		return "I1: the pages with a frame, and the dirty ones, are those counted";
	return NULL;
}
