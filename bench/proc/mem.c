#include "config.h"

#include "bench/proc/mem.h"

#include "bench/spaces/mapped_files.h"

#include <inttypes.h>
#include <string.h>

#define LINE_BYTES 16u

/* --- One page --------------------------------------------------------------------------------------------------------- */

static bool is_device(const struct vma *vma)
{
	return vma->area.flags & VMA_SPECIAL && !(vma->area.flags & AREA_EXECUTE);
}

/* What is there where the process has no page of its own. */
static struct mem_page behind(const struct vma *vma, uint64_t address)
{
	struct mem_page page = {.kind = MEM_ZERO};
	uint64_t number = vma_page_at(vma, address);

	if (!vma->file)
		return page;
	if (vma->file->pages && number >= vma->file->pages->size_pages)
		page.kind = MEM_UNMAPPED; /* behind the file's end */
	else if (vma->file->pages && file_pages_is_dirty(vma->file->pages, number))
		page.kind = MEM_WRITTEN;
	else if (!(vma->file->flags & OPEN_SHARED_MEMORY))
		page = (struct mem_page){MEM_FILE, vma->file, number << PAGE_SHIFT};
	return page;
}

struct mem_page mem_page(const struct proc_process *process, uint64_t address)
{
	const struct frames *frames = process->frames;
	const struct vma *vma = mm_find(process->mm, address);
	unsigned level;

	if (!vma || vma->area.start > address || is_device(vma))
		return (struct mem_page){.kind = MEM_UNMAPPED};
	const pte_t *entry = pagetable_find(&proc_resident(process)->table, address, &level);

	if (!entry || !pte_is_present(*entry))
		return behind(vma, address);
	if (frames_is_zero(frames, pte_frame(*entry)))
		return (struct mem_page){.kind = MEM_ZERO};
	const struct page *head =
	    frames_page(frames, level > 1 ? pte_frame(*entry) : frames_head(frames, pte_frame(*entry)));

	if (head->flags & PAGE_ANONYMOUS || pte_has(*entry, PTE_DIRTY))
		return (struct mem_page){.kind = MEM_WRITTEN};
	return behind(vma, address);
}

/* --- Bytes ------------------------------------------------------------------------------------------------------------ */

/* Bytes of one page: those from `at` on, at most `bytes`, which do not leave it. Those not known are false in `known`. */
struct piece {
	uint8_t byte[PAGE_BYTES];
	bool is_known; /* all of them, or none */
	const char *what;
};

static bool read_file(const struct mem_request *request, const struct mem_page *page, uint64_t within,
		      size_t bytes, struct piece *piece)
{
	size_t got = 0;

	memset(piece->byte, 0, bytes); /* behind the end of a file its last page is zeros */
	if (!request->files.read)
		return false;
	got = request->files.read(request->files.context, page->file, page->offset + within, piece->byte,
				  bytes);
	return got > 0;
}

static void fill(const struct mem_request *request, const struct mem_page *page, uint64_t within,
		 size_t bytes, struct piece *piece)
{
	const struct mapped_file *file;

	switch (page->kind) {
	case MEM_ZERO:
		memset(piece->byte, 0, bytes);
		piece->is_known = true;
		piece->what = "never written";
		break;
	case MEM_FILE:
		file = mapped_file_of(page->file);
		piece->is_known = read_file(request, page, within, bytes, piece);
		piece->what = file && file->path ? file->path : "file";
		break;
	default:
		piece->is_known = false;
		piece->what = "written";
		break;
	}
}

static void print_line(const struct piece *piece, size_t first, size_t bytes, uint64_t address, FILE *out)
{
	(void)fprintf(out, "%012" PRIx64 ":", address);
	for (size_t i = 0; i < LINE_BYTES; i++) {
		(void)fputs(i == LINE_BYTES / 2 ? "  " : " ", out);
		if (i >= bytes)
			(void)fputs("  ", out);
		else if (piece->is_known)
			(void)fprintf(out, "%02x", piece->byte[first + i]);
		else
			(void)fputs("??", out);
	}
	(void)fputs("  ", out);
	for (const char *at = piece->what; *at; at++)
		(void)fputc((unsigned char)*at < 0x20 || *at == 0x7f ? '?' : *at, out);
	(void)fputc('\n', out);
}

static void print_piece(const struct piece *piece, size_t bytes, uint64_t address, FILE *out)
{
	for (size_t done = 0; done < bytes; done += LINE_BYTES)
		print_line(piece, done, bytes - done < LINE_BYTES ? bytes - done : LINE_BYTES, address + done,
			   out);
}

enum mem_end proc_mem(const struct proc_process *process, const struct mem_request *request, FILE *out,
		      uint64_t *stopped)
{
	uint64_t at = request->address, end = at + request->bytes;
	struct piece piece;

	if (end < at)
		end = UINT64_MAX;
	while (at < end && !ferror(out)) {
		const struct mem_page page = mem_page(process, at);
		uint64_t within = at & (PAGE_BYTES - 1);
		size_t bytes = PAGE_BYTES - within < end - at ? PAGE_BYTES - within : end - at;

		*stopped = at;
		if (page.kind == MEM_UNMAPPED)
			return at > request->address ? MEM_DONE : MEM_EIO;
		fill(request, &page, within, bytes, &piece);
		if (request->is_raw && !piece.is_known)
			return MEM_UNKNOWN;
		if (request->is_raw)
			(void)fwrite(piece.byte, 1, bytes, out);
		else
			print_piece(&piece, bytes, at, out);
		at += bytes;
	}
	return MEM_DONE;
}
