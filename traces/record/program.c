#include "config.h"

#include "traces/record/program.h"

#include <elf.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* A script's interpreter may be a script: this many times. */
#define SCRIPT_DEPTH 4

struct image {
	const unsigned char *bytes;
	size_t size;
};

static bool runs(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

bool program_find(const char *name, char *path, size_t capacity)
{
	const char *search = getenv("PATH");

	if (strchr(name, '/'))
		return (size_t)snprintf(path, capacity, "%s", name) < capacity && runs(path);
	if (!search)
		search = "/bin:/usr/bin";
	while (*search != '\0') {
		size_t length = strcspn(search, ":");
		int written =
		    snprintf(path, capacity, "%.*s%s%s", (int)length, search, length ? "/" : "./", name);
		if (written > 0 && (size_t)written < capacity && runs(path))
			return true;
		search += length + (search[length] == ':');
	}
	return false;
}

static bool lies_within(const struct image *image, uint64_t offset, uint64_t bytes)
{
	return offset <= image->size && bytes <= image->size - offset;
}

/* Copies a header out of the file, wherever it lies. */
static bool read_at(const struct image *image, uint64_t offset, void *to, size_t bytes)
{
	if (!lies_within(image, offset, bytes))
		return false;
	memcpy(to, image->bytes + offset, bytes);
	return true;
}

/* The dynamic loader that the file asks for; "" when it asks for none, which makes it static. */
static void interpreter_of(const struct image *image, const Elf64_Ehdr *header, char *name, size_t capacity)
{
	name[0] = '\0';
	for (unsigned i = 0; i < header->e_phnum; i++) {
		Elf64_Phdr segment;
		if (!read_at(image, header->e_phoff + (uint64_t)i * sizeof(segment), &segment,
			     sizeof(segment)))
			return;
		if (segment.p_type != PT_INTERP || !lies_within(image, segment.p_offset, segment.p_filesz))
			continue;
		(void)snprintf(name, capacity, "%.*s",
			       (int)(segment.p_filesz < 4096 ? segment.p_filesz : 4096),
			       (const char *)image->bytes + segment.p_offset);
		return;
	}
}

static bool symbol_is_own_malloc(const struct image *image, const Elf64_Shdr *strings,
				 const Elf64_Sym *symbol)
{
	static const char name[] = "malloc";
	uint64_t offset = strings->sh_offset + symbol->st_name;

	return ELF64_ST_TYPE(symbol->st_info) == STT_FUNC && symbol->st_shndx != SHN_UNDEF &&
	       symbol->st_name != 0 && symbol->st_name < strings->sh_size &&
	       lies_within(image, offset, sizeof(name)) &&
	       memcmp(image->bytes + offset, name, sizeof(name)) == 0;
}

static bool table_defines_malloc(const struct image *image, const Elf64_Ehdr *header, const Elf64_Shdr *table)
{
	Elf64_Shdr strings;
	Elf64_Sym symbol;

	if (!read_at(image, header->e_shoff + (uint64_t)table->sh_link * sizeof(strings), &strings,
		     sizeof(strings)) ||
	    !lies_within(image, table->sh_offset, table->sh_size))
		return false;
	for (uint64_t at = 0; at + sizeof(symbol) <= table->sh_size; at += sizeof(symbol)) {
		if (read_at(image, table->sh_offset + at, &symbol, sizeof(symbol)) &&
		    symbol_is_own_malloc(image, &strings, &symbol))
			return true;
	}
	return false;
}

static bool defines_malloc(const struct image *image, const Elf64_Ehdr *header)
{
	for (unsigned i = 0; i < header->e_shnum; i++) {
		Elf64_Shdr section;
		if (!read_at(image, header->e_shoff + (uint64_t)i * sizeof(section), &section,
			     sizeof(section)))
			return false;
		if ((section.sh_type == SHT_DYNSYM || section.sh_type == SHT_SYMTAB) &&
		    table_defines_malloc(image, header, &section))
			return true;
	}
	return false;
}

static bool elf_obstacle(const struct image *image, const char *path, char *reason, size_t capacity)
{
	Elf64_Ehdr header;
	char loader[256];

	if (!read_at(image, 0, &header, sizeof(header)) || header.e_ident[EI_CLASS] != ELFCLASS64) {
		(void)snprintf(reason, capacity, "%s is not a 64-bit program, and this recorder is 64-bit",
			       path);
		return true;
	}
	interpreter_of(image, &header, loader, sizeof(loader));
	if (loader[0] == '\0') {
		(void)snprintf(reason, capacity,
			       "%s is statically linked, so that nothing can be preloaded into it", path);
		return true;
	}
	if (strstr(loader, "musl")) {
		(void)snprintf(reason, capacity, "%s uses another C library (%s) than this recorder", path,
			       loader);
		return true;
	}
	if (defines_malloc(image, &header)) {
		(void)snprintf(reason, capacity, "%s defines its own malloc", path);
		return true;
	}
	return false;
}

/* The first word behind "#!". */
static bool script_interpreter(const struct image *image, char *path, size_t capacity)
{
	size_t at = 2, length = 0;

	if (image->size < 3 || image->bytes[0] != '#' || image->bytes[1] != '!')
		return false;
	while (at < image->size && (image->bytes[at] == ' ' || image->bytes[at] == '\t'))
		at++;
	while (at < image->size && length + 1 < capacity && image->bytes[at] > ' ')
		path[length++] = (char)image->bytes[at++];
	path[length] = '\0';
	return length > 0;
}

static bool open_image(const char *path, struct image *image, struct stat *status)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	void *bytes = MAP_FAILED;

	if (fd < 0)
		return false;
	if (fstat(fd, status) == 0 && S_ISREG(status->st_mode) && status->st_size > 0)
		bytes = mmap(NULL, (size_t)status->st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	(void)close(fd);
	if (bytes == MAP_FAILED)
		return false;
	*image = (struct image){bytes, (size_t)status->st_size};
	return true;
}

static bool privileged(const struct stat *status)
{
	return ((status->st_mode & S_ISUID) && status->st_uid != geteuid()) ||
	       ((status->st_mode & S_ISGID) && status->st_gid != getegid());
}

bool program_obstacle(const char *path, char *reason, size_t capacity)
{
	char current[4096], next[4096];
	bool found = false, is_script = true;

	if ((size_t)snprintf(current, sizeof(current), "%s", path) >= sizeof(current))
		return false;
	for (int depth = 0; is_script && depth < SCRIPT_DEPTH; depth++) {
		struct image image;
		struct stat status;
		if (!open_image(current, &image, &status))
			return false;
		is_script = script_interpreter(&image, next, sizeof(next));
		if (!is_script && privileged(&status)) {
			(void)snprintf(
			    reason, capacity,
			    "%s is set-uid or set-gid, and the loader preloads nothing into such programs",
			    current);
			found = true;
		} else if (!is_script && image.size >= SELFMAG && memcmp(image.bytes, ELFMAG, SELFMAG) == 0) {
			found = elf_obstacle(&image, current, reason, capacity);
		}
		(void)munmap((void *)(uintptr_t)image.bytes, image.size);
		if (is_script)
			memcpy(current, next, sizeof(current));
	}
	return found;
}
