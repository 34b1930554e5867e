#include "config.h"

#include "bench/fidelity/listing.h"

#include "bench/spaces/maps.h"

#include <inttypes.h>
#include <string.h>

#define PAGE UINT64_C(4096)

static bool is_equal(const struct vma *vma, const struct maps_line *line)
{
	return vma->area.start == line->start && vma->area.end == line->end &&
	       !(vma->area.flags & AREA_READ) == !line->may_read &&
	       !(vma->area.flags & AREA_WRITE) == !line->may_write &&
	       !(vma->area.flags & AREA_EXECUTE) == !line->may_execute &&
	       !(vma->area.flags & AREA_SHARED) == !line->is_shared &&
	       (line->inode == 0 || vma->area.first_page * PAGE == line->offset);
}

static void print_line(FILE *stream, const struct maps_line *line)
{
	if (stream)
		(void)fprintf(stream, "  recorded  %" PRIx64 "-%" PRIx64 " %c%c%c%c %" PRIx64 " %.*s\n",
			      line->start, line->end, line->may_read ? 'r' : '-', line->may_write ? 'w' : '-',
			      line->may_execute ? 'x' : '-', line->is_shared ? 's' : 'p', line->offset,
			      (int)line->name_length, line->name ? line->name : "");
}

static void print_vma(FILE *stream, const struct vma *vma)
{
	uint32_t flags = vma->area.flags;

	if (stream)
		(void)fprintf(stream, "  ours      %" PRIx64 "-%" PRIx64 " %c%c%c%c %" PRIx64 "\n",
			      vma->area.start, vma->area.end, flags & AREA_READ ? 'r' : '-',
			      flags & AREA_WRITE ? 'w' : '-', flags & AREA_EXECUTE ? 'x' : '-',
			      flags & AREA_SHARED ? 's' : 'p', vma->file ? vma->area.first_page * PAGE : 0);
}

struct listing listing_compare(const struct mm *mm, const char *maps, FILE *differences)
{
	struct maps text = maps_of(maps, strlen(maps));
	struct listing listing = {.ours = mm ? mm->tree.count : 0};
	const struct vma *vma = mm ? mm->tree.first : NULL;
	struct maps_line line;

	while (maps_next(&text, &line)) {
		if (line.name && maps_is_named(&line, "[vsyscall]"))
			continue;
		listing.recorded++;
		for (; vma && vma->area.start < line.start; vma = vma->next)
			print_vma(differences, vma);
		if (vma && is_equal(vma, &line)) {
			listing.equal++;
			vma = vma->next;
			continue;
		}
		print_line(differences, &line);
		if (vma && vma->area.start == line.start) {
			print_vma(differences, vma);
			vma = vma->next;
		}
	}
	for (; vma; vma = vma->next)
		print_vma(differences, vma);
	return listing;
}
