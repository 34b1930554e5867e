#include "config.h"

#include "engine/pressure/page_migration.h"

#include "engine/base/check.h"
#include "engine/phys/highmem.h"
#include "engine/virt/file_pages.h"

#include <stdlib.h>
#include <string.h>

void page_migration_create(struct page_migration *migration, struct frames *frames, struct rmap *from_rmap)
{
	*migration = (struct page_migration){.frames = frames, .rmap = from_rmap};
}

void page_migration_destroy(struct page_migration *migration)
{
	free(migration->entries);
	migration->entries = NULL;
	migration->room = 0;
}

enum move_end page_migration_can_move(const struct page_migration *migration, pfn_t frame)
{
	const struct page *page = frames_page(migration->frames, frame);

	if (frame == migration->frames->zero || !(page->flags & (PAGE_ANONYMOUS | PAGE_CACHED)))
		return page->flags & PAGE_TAIL ? MOVE_LARGE : MOVE_UNMOVABLE;
	if (page->private > 0)
		return MOVE_LARGE;
	return page->count == page->mapcount + !!(page->flags & PAGE_CACHED) ? MOVE_DONE : MOVE_PINNED;
}

static bool make_room(struct page_migration *migration, size_t entries)
{
	if (entries <= migration->room)
		return true;
	struct rmap_entry *grown = realloc(migration->entries, entries * sizeof(*grown));

	if (!grown)
		return false;
	migration->entries = grown;
	migration->room = entries;
	return true;
}

static void copy(struct page_migration *migration, pfn_t from, pfn_t to)
{
	migration->copied_bytes += PAGE_BYTES;
	if (migration->memory)
		copy_highpage(migration->memory, -1, page_of_pfn(&migration->memory->pages, to),
			      page_of_pfn(&migration->memory->pages, from));
	else if (migration->arena && migration->arena->backing == ARENA_REAL)
		memcpy((void *)arena_address(migration->arena, to),
		       (const void *)arena_address(migration->arena, from), PAGE_BYTES);
}

static void change(struct page_migration *migration, const struct rmap_entry *entry, pfn_t to)
{
	struct resident *resident = entry->resident;
	struct flush *kept = resident->flush;

	resident->flush = NULL;
	resident_migrate(resident, entry->address, to);
	resident->flush = kept;
	migration->changed_entries++;
}

static void tell(const struct page_migration *migration, const struct rmap_entry *entry)
{
	const struct pagetable *table = &entry->resident->table;
	struct flush flush = flush_of_entry(FLUSH_MIGRATE, table, entry->address, 1);

	if (migration->flush)
		migration->flush(migration->flush_context, entry->resident, &flush);
}

enum move_end page_migration_move(struct page_migration *migration, pfn_t from, pfn_t to)
{
	enum move_end end = page_migration_can_move(migration, from);
	const struct page *page = frames_page(migration->frames, from);
	size_t entries = (size_t)page->mapcount;

	if (end != MOVE_DONE)
		return end;
	if (!make_room(migration, entries) ||
	    rmap_find(migration->rmap, from, migration->entries, entries) != entries)
		return MOVE_UNKNOWN_MAP;
	struct file_pages *file = page->flags & PAGE_CACHED ? page->mapping : NULL;
	uint64_t index = page->index;

	frames_succeed(migration->frames, from, to);
	copy(migration, from, to);
	for (size_t i = 0; i < entries; i++)
		change(migration, &migration->entries[i], to);
	if (file)
		file_pages_move(file, index, to);
	for (size_t i = 0; i < entries; i++)
		tell(migration, &migration->entries[i]);
	migration->moved_pages++;
	return MOVE_DONE;
}

static enum move_end can_move(void *owner, pfn_t frame)
{
	return page_migration_can_move(owner, frame);
}

static enum move_end move(void *owner, pfn_t from, pfn_t to)
{
	return page_migration_move(owner, from, to);
}

struct page_mover page_migration_mover(struct page_migration *migration)
{
	return (struct page_mover){migration, can_move, move};
}
