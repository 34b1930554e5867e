#include "config.h"

#include "bench/proc/mapping.h"

#include "bench/spaces/mapped_files.h"

#include <inttypes.h>
#include <string.h>
#include <sys/sysmacros.h>

#define NAME_COLUMN 73		    /* 25 + 6 * sizeof(void *) - 1 columns, and a space */
#define MEMORY_DEVICE makedev(0, 1) /* of the kernel's own tmpfs */

const struct proc_range proc_gate = {0xffffffffff600000, 0xffffffffff601000, "--xp", "[vsyscall]"};

/* What is behind a line, besides its range and rights. */
struct behind {
	uint64_t offset, device, inode;
	const char *name; /* NULL: none */
};

static void print(const struct proc_range *range, const struct behind *behind, FILE *out)
{
	int column = fprintf(out, "%08" PRIx64 "-%08" PRIx64 " %s %08" PRIx64 " %02x:%02x %" PRIu64 " ",
			     range->start, range->end, range->rights, behind->offset, major(behind->device),
			     minor(behind->device), behind->inode);

	if (behind->name) {
		(void)fprintf(out, "%*s", column < NAME_COLUMN ? NAME_COLUMN - column : 1, "");
		for (const char *at = behind->name; *at; at++) {
			unsigned character = (unsigned char)*at;

			(void)fprintf(out, character < 0x20 || character == 0x7f ? "\\%03o" : "%c",
				      character);
		}
	}
	(void)fputc('\n', out);
}

static bool is_heap(const struct mm *mm, const struct vma *vma)
{
	return vma->area.start < mm->brk && vma->area.end > mm->layout.start_brk;
}

static bool is_stack(const struct proc_process *process, const struct vma *vma)
{
	uint64_t top = process->beginning.stack_top;

	return vma->area.start < top && vma->area.end >= top;
}

static struct behind behind(const struct proc_process *process, const struct vma *vma)
{
	const struct mapped_file *file = mapped_file_of(vma->file);
	struct behind behind = {0, 0, 0, NULL};

	if (!vma->file) {
		behind.name = is_heap(process->mm, vma) ? "[heap]"
			      : is_stack(process, vma)	? "[stack]"
							: NULL;
		return behind;
	}
	if (vma->area.flags & VMA_SPECIAL) {
		behind.name = file && file->path ? file->path : "[vdso]";
		return behind;
	}
	behind.offset = vma->area.first_page << PAGE_SHIFT;
	if (file && file->path) {
		behind.device = file->device;
		behind.inode = file->inode;
		behind.name = file->path;
	} else if (vma->file->flags & OPEN_SHARED_MEMORY) {
		behind.device = MEMORY_DEVICE;
		behind.inode = vma->file->number;
		behind.name = "/dev/zero (deleted)";
	}
	return behind;
}

void proc_mapping_line(const struct proc_process *process, const struct vma *vma, FILE *out)
{
	const uint32_t flags = vma->area.flags;
	const char rights[] = {flags & AREA_READ ? 'r' : '-', flags & AREA_WRITE ? 'w' : '-',
			       flags & AREA_EXECUTE ? 'x' : '-', flags & AREA_SHARED ? 's' : 'p', '\0'};
	const struct proc_range range = {vma->area.start, vma->area.end, rights, NULL};
	const struct behind file = behind(process, vma);

	print(&range, &file, out);
}

void proc_range_line(const struct proc_range *range, FILE *out)
{
	const struct behind nothing = {0, 0, 0, range->name};

	print(range, &nothing, out);
}
