#include "config.h"

#include "bench/spaces/mapped_files.h"

#include "engine/base/units.h"

#include <stdlib.h>
#include <string.h>

void mapped_files_start(struct mapped_files *files, const struct flt_summary *trace, struct frames *frames)
{
	*files = (struct mapped_files){.trace = trace, .frames = frames};
}

bool mapped_files_grow(struct mapped_files *files, uint32_t count)
{
	uint32_t room = 2 * files->room > count ? 2 * files->room : count + 1;
	struct open_file **grown;

	if (count >= files->room) {
		grown = realloc(files->file, room * sizeof(struct open_file *));
		if (!grown)
			return false;
		memset(grown + files->room, 0, (room - files->room) * sizeof(struct open_file *));
		files->file = grown;
		files->room = room;
	}
	files->files = count;
	return true;
}

void mapped_files_destroy(struct mapped_files *files)
{
	for (uint32_t i = 0; i < files->files; i++)
		open_file_drop(files->file[i]);
	free(files->file);
	*files = (struct mapped_files){0};
}

static void close_file(struct open_file *file, void *owner)
{
	struct mapped_file *mapped = (struct mapped_file *)file;

	(void)owner;
	file_pages_drop(file->pages);
	free(mapped->path);
	free(mapped);
}

const struct mapped_file *mapped_file_of(const struct open_file *file)
{
	return file && file->close == close_file ? (const struct mapped_file *)file : NULL;
}

static struct open_file *make(struct mapped_files *files, enum file_kind kind, uint64_t pages)
{
	bool is_memory = kind == FILE_SHARED_MEMORY;
	struct mapped_file *file = calloc(1, sizeof(*file));

	if (!file)
		return NULL;
	file->open =
	    (struct open_file){.number = ++files->opened,
			       .flags = OPEN_READ | OPEN_WRITE | (is_memory ? OPEN_SHARED_MEMORY : 0),
			       .references = 1,
			       .close = close_file};
	if (!is_memory && files->are_aligned)
		file->open.flags |= OPEN_HUGE_ALIGNED;
	file->open.pages = file_pages_create(files->frames, kind, pages, !is_memory && !files->are_absent);
	if (!file->open.pages) {
		free(file);
		return NULL;
	}
	return &file->open;
}

/* Gives a new file its name; without memory there is no file. */
static struct open_file *name(struct open_file *file, const struct mapped_file_name *known)
{
	struct mapped_file *mapped = (struct mapped_file *)file;

	if (!file || !known->path)
		return file;
	mapped->device = known->device;
	mapped->inode = known->inode;
	mapped->path = strndup(known->path, known->path_length);
	if (mapped->path)
		return file;
	open_file_drop(file);
	return NULL;
}

static bool begins_with(const char *path, const char *beginning)
{
	return strncmp(path, beginning, strlen(beginning)) == 0;
}

static bool is_memory(const char *path)
{
	return begins_with(path, "/memfd:") || begins_with(path, "/SYSV") || begins_with(path, "/dev/shm/") ||
	       begins_with(path, "/dev/zero");
}

struct open_file *mapped_files_open(struct mapped_files *files, uint32_t number)
{
	if (number == 0 || number > files->files)
		return make(files, FILE_REGULAR, MAPPED_FILE_UNKNOWN_PAGES);
	struct open_file **file = &files->file[number - 1];
	const struct event_file *known = &files->trace->file[number - 1];
	enum file_kind kind = is_memory(known->path) ? FILE_SHARED_MEMORY : FILE_REGULAR;
	uint64_t pages = known->bytes / PAGE_BYTES + (known->bytes % PAGE_BYTES != 0);

	const struct mapped_file_name named = {known->device, known->inode, known->path, strlen(known->path)};

	if (!*file)
		*file = name(make(files, kind, known->bytes ? pages : MAPPED_FILE_UNKNOWN_PAGES), &named);
	open_file_hold(*file);
	return *file;
}

struct open_file *mapped_files_open_unlisted(struct mapped_files *files, const struct mapped_file_name *known)
{
	return name(make(files, FILE_REGULAR, MAPPED_FILE_UNKNOWN_PAGES), known);
}

uint32_t mapped_files_find(const struct mapped_files *files, uint64_t device, uint64_t inode)
{
	for (uint32_t i = 0; inode != 0 && i < files->files; i++) {
		if (files->trace->file[i].device == device && files->trace->file[i].inode == inode)
			return i + 1;
	}
	return 0;
}

struct open_file *mapped_files_memory(struct mapped_files *files, uint64_t pages)
{
	return make(files, FILE_SHARED_MEMORY, pages);
}
