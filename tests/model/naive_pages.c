#include "config.h"

#include "tests/model/naive_pages.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

enum page_state {
	PAGE_ZERO,  /* maps the page of zeros */
	PAGE_OWN,   /* written */
	PAGE_GUARD, /* MADV_GUARD_INSTALL */
};

struct naive_page {
	uint64_t address;
	enum page_state state;
	UT_hash_handle hh;
};

static struct naive_pages *pages_of(struct mm *mm)
{
	return mm->pages_owner;
}

static struct naive_file *file_of(const struct vma *vma)
{
	return vma->file ? (struct naive_file *)(void *)vma->file->pages : NULL;
}

static struct naive_page *page_at(struct mm *mm, uint64_t address)
{
	struct naive_page *page = NULL;

	HASH_FIND(hh, pages_of(mm)->pages, &address, sizeof(address), page);
	return page;
}

static void page_set(struct mm *mm, uint64_t address, enum page_state state)
{
	struct naive_page *page = page_at(mm, address);

	if (!page) {
		page = calloc(1, sizeof(*page));
		if (!page)
			abort();
		page->address = address;
		HASH_ADD(hh, pages_of(mm)->pages, address, sizeof(page->address), page);
	}
	page->state = state;
}

static void page_forget(struct naive_pages *pages, struct naive_page *page)
{
	HASH_DEL(pages->pages,
		 page); /* NOLINT(clang-analyzer-unix.Malloc): it takes the table's chain for freed */
	free(page);
}

static void forget_range(struct mm *mm, uint64_t start, uint64_t end, bool keep_guards)
{
	struct naive_page *page, *next;

	HASH_ITER(hh, pages_of(mm)->pages, page, next)
	{
		if (page->address >= start && page->address < end &&
		    !(keep_guards && page->state == PAGE_GUARD))
			page_forget(pages_of(mm), page);
	}
}

/* --- Files -------------------------------------------------------------------------------------------------------- */

struct naive_file *naive_file_create(uint64_t size_pages, bool is_resident)
{
	struct naive_file *file = size_pages <= NAIVE_PAGES_MAX ? calloc(1, sizeof(*file)) : NULL;

	if (!file)
		return NULL;
	file->size_pages = size_pages;
	file->resident = calloc(size_pages ? size_pages : 1, 1);
	if (!file->resident)
		abort();
	memset(file->resident, is_resident, size_pages);
	return file;
}

void naive_file_destroy(struct naive_file *file)
{
	free(file->resident);
	free(file);
}

struct open_file naive_open(struct naive_file *file, uint64_t number, uint32_t flags)
{
	return (struct open_file){
	    .number = number, .flags = flags, .references = 1, .pages = (struct file_pages *)(void *)file};
}

static void close_nameless(struct open_file *file, void *owner)
{
	(void)owner;
	naive_file_destroy((struct naive_file *)(void *)file->pages);
	free(file);
}

static struct open_file *make_shared_memory(struct mm *mm, uint64_t bytes)
{
	struct naive_file *pages = naive_file_create(bytes >> PAGE_SHIFT, false);
	struct open_file *file = calloc(1, sizeof(*file));

	(void)mm;
	if (!file)
		abort();
	if (!pages) {
		free(file);
		return NULL;
	}
	*file = naive_open(pages, 0, OPEN_READ | OPEN_WRITE | OPEN_SHARED_MEMORY);
	file->close = close_nameless;
	return file;
}

/* --- Touches ------------------------------------------------------------------------------------------------------ */

/* 0, SIGBUS behind the end of a file, SIGSEGV in a guard. */
static int touch_page(struct mm *mm, struct vma *vma, uint64_t address, bool is_write)
{
	struct naive_file *file = file_of(vma);
	struct naive_page *page = page_at(mm, address);
	uint64_t index = vma_page_at(vma, address);

	if (page && page->state == PAGE_GUARD)
		return SIGSEGV;
	if (page && (page->state == PAGE_OWN || !is_write))
		return 0;
	if (is_write && !(vma->area.flags & AREA_SHARED))
		mm_settle_anonymous(mm, vma);
	if (file && index >= file->size_pages)
		return SIGBUS;
	if (file)
		file->resident[index] = 1;
	if (vma->area.flags & AREA_SHARED || (file && !is_write))
		return 0;
	page_set(mm, address, is_write ? PAGE_OWN : PAGE_ZERO);
	return 0;
}

static struct vma *vma_to_touch(struct mm *mm, uint64_t address)
{
	struct vma *vma = mm_find(mm, address);

	if (!vma || vma->area.start <= address)
		return vma;
	if (!(vma->area.flags & AREA_GROWS_DOWN) || mm_grow_stack(mm, vma, address).error)
		return NULL;
	return vma;
}

struct naive_touch naive_touch(struct mm *mm, uint64_t address, bool is_write)
{
	struct vma *vma = vma_to_touch(mm, address);

	bool is_canonical = address + ((uint64_t)1 << 47) < (uint64_t)1 << 48;

	if (!vma)
		return (struct naive_touch){SIGSEGV, is_canonical ? SEGV_MAPERR : SI_KERNEL};
	if (!(vma->area.flags & (is_write ? AREA_WRITE : AREA_RIGHTS)))
		return (struct naive_touch){SIGSEGV, SEGV_ACCERR};
	int signal = touch_page(mm, vma, address & ~(PAGE_BYTES - 1), is_write);

	return (struct naive_touch){signal, signal == SIGBUS ? BUS_ADRERR : signal ? SEGV_MAPERR : 0};
}

/* --- What an address space asks ----------------------------------------------------------------------------------- */

static void zap(struct mm *mm, struct vma *vma, uint64_t start, uint64_t end, enum mm_zap_cause cause)
{
	(void)vma;
	forget_range(mm, start, end, cause == MM_ZAP_ADVICE);
}

static void release_tables(struct mm *mm, uint64_t start, uint64_t end, uint64_t floor, uint64_t ceiling)
{
	(void)mm, (void)start, (void)end, (void)floor, (void)ceiling;
}

static bool divide(struct mm *mm, uint64_t address)
{
	(void)mm, (void)address;
	return true;
}

static void protect(struct mm *mm, struct vma *vma, uint64_t start, uint64_t end)
{
	(void)mm, (void)vma, (void)start, (void)end;
}

static bool move(struct mm *mm, uint64_t from, uint64_t to, uint64_t bytes)
{
	struct naive_page *page, *next;

	HASH_ITER(hh, pages_of(mm)->pages, page, next)
	{
		if (page->address < from || page->address >= from + bytes)
			continue;
		page_set(mm, page->address - from + to, page->state);
		page_forget(pages_of(mm), page);
	}
	return true;
}

/* Pages of a mapping without an identity are not copied: they are found again. */
static bool copy(struct mm *child, struct mm *parent, struct vma *vma)
{
	struct naive_page *page, *next;

	HASH_ITER(hh, pages_of(parent)->pages, page, next)
	{
		if (vma->anonymous && page->address >= vma->area.start && page->address < vma->area.end)
			page_set(child, page->address, page->state);
	}
	return true;
}

static int populate(struct mm *mm, struct vma *vma, uint64_t start, uint64_t end,
		    enum mm_populate_for purpose)
{
	bool is_write =
	    purpose == MM_POPULATE_WRITE ||
	    (purpose == MM_POPULATE_AS_AREA && (vma->area.flags & (AREA_WRITE | AREA_SHARED)) == AREA_WRITE);

	for (uint64_t address = start; address < end; address += PAGE_BYTES) {
		if (address - start >= NAIVE_PAGES_MAX << PAGE_SHIFT)
			return -ENOMEM;
		if (touch_page(mm, vma, address, is_write) != 0)
			return -EFAULT;
	}
	return 0;
}

static int remove_pages(struct vma *vma, uint64_t start, uint64_t end)
{
	struct naive_file *file = file_of(vma);

	uint64_t first = vma_page_at(vma, start), pages = (end - start) >> PAGE_SHIFT;

	for (uint64_t i = first; i < file->size_pages && i - first < pages; i++)
		file->resident[i] = 0;
	return 0;
}

static void remove_guards(struct mm *mm, uint64_t start, uint64_t end)
{
	struct naive_page *page, *next;

	HASH_ITER(hh, pages_of(mm)->pages, page, next)
	{
		if (page->state == PAGE_GUARD && page->address >= start && page->address < end)
			page_forget(pages_of(mm), page);
	}
}

static int advise(struct mm *mm, struct vma *vma, uint64_t start, uint64_t end, int advice)
{
	switch (advice) {
	case MM_ADVICE_DONT_NEED:
	case MM_ADVICE_DONT_NEED_LOCKED:
		zap(mm, vma, start, end, MM_ZAP_ADVICE);
		return 0;
	case MM_ADVICE_PAGE_OUT: /* without swap only what may be dropped goes */
		if (vma->area.flags & VMA_DROPPABLE)
			forget_range(mm, start, end, true);
		return 0;
	case MM_ADVICE_REMOVE:
		return remove_pages(vma, start, end);
	case MM_ADVICE_COLLAPSE:
		return -EINVAL;
	case MM_ADVICE_GUARD_INSTALL:
		if ((end - start) >> PAGE_SHIFT > NAIVE_PAGES_MAX)
			return -ENOMEM;
		for (uint64_t address = start; address < end; address += PAGE_BYTES)
			page_set(mm, address, PAGE_GUARD);
		return 0;
	case MM_ADVICE_GUARD_REMOVE:
		remove_guards(mm, start, end);
		return 0;
	default:
		return 0;
	}
}

static void residency(struct mm *mm, struct vma *vma, uint64_t start, uint64_t end, uint8_t *resident)
{
	const struct naive_file *file = file_of(vma);

	for (uint64_t address = start; address < end; address += PAGE_BYTES) {
		const struct naive_page *page = page_at(mm, address);
		uint64_t index = vma_page_at(vma, address);

		if (page && page->state != PAGE_GUARD)
			*resident++ = 1;
		else
			*resident++ = file && index < file->size_pages && file->resident[index];
	}
}

static int sync_pages(struct mm *mm, struct vma *vma, uint64_t start, uint64_t end)
{
	(void)mm, (void)vma, (void)start, (void)end;
	return 0;
}

const struct mm_pages_class naive_pages_class = {
    .zap = zap,
    .release_tables = release_tables,
    .divide = divide,
    .protect = protect,
    .move = move,
    .copy = copy,
    .populate = populate,
    .advise = advise,
    .residency = residency,
    .sync = sync_pages,
    .shared_memory = make_shared_memory,
};

void naive_pages_create(struct naive_pages *pages)
{
	pages->pages = NULL;
}

void naive_pages_destroy(struct naive_pages *pages)
{
	struct naive_page *page = pages->pages;

	HASH_CLEAR(hh, pages->pages);
	while (page) {
		struct naive_page *next = page->hh.next;

		free(page);
		page = next;
	}
}
