/* space_map.h: address spaces as they are at one moment: their mappings, which pages are resident, and both as an image.
 *
 *   space.tsv          process start end kind rights resident_pages huge_pages      a row per mapping
 *   residency.tsv      process start end huge                                       a row per run of resident pages
 *   space_image.tsv    row column kind resident_share                               the image, cell by cell
 *   space_rows.tsv     row start skipped_bytes cell_bytes                           where its rows begin
 *
 * Addresses are hexadecimal, `end` is the first one behind. A kind is one of enum space_kind, in space.tsv by name; rights
 * are as in /proc/PID/maps; pages have 4 KiB, those of huge pages too.
 *
 * The image shows the process with the most resident pages. It is the address space cut into rows of SPACE_MAP_COLUMNS
 * cells; a row in which nothing begins, ends or is resident is left out, whether it lies in a gap or in the untouched
 * inside of a mapping:
 *
 *   0x555555554000  ttttddddhhhhhhhhhhhhhhhhh......      a cell: the kind that has the most bytes of it, and the share of
 *                                                        the cell that is resident
 *                   (rows left out: one empty row)
 *   0x7ffff7c00000  ....ffttttttfff....aaaa....
 *
 * A cell is the smallest power of two of pages with which there are at most SPACE_MAP_ROWS rows.
 */
#ifndef FAULTLINE_BENCH_SPACE_MAP_H
#define FAULTLINE_BENCH_SPACE_MAP_H

#include "engine/virt/mm.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define SPACE_MAP_COLUMNS 128u
#define SPACE_MAP_ROWS 72u

enum space_kind {
	SPACE_NOTHING,
	SPACE_TEXT, /* of a file, executable */
	SPACE_FILE,
	SPACE_HEAP, /* brk */
	SPACE_ANONYMOUS,
	SPACE_STACK,
	SPACE_SHARED, /* shared memory */
	SPACE_KERNEL, /* vvar, vdso */
	SPACE_KINDS
};

struct space_map;

/* NULL without memory. */
struct space_map *space_map_create(void);
void space_map_destroy(struct space_map *map);

/* The addresses behind the stacks of a process's threads. A mapping of anonymous memory that ends there, or goes on behind it, is a
 * stack, whoever made it. */
struct space_stacks {
	const uint64_t *top;
	size_t count;
};

/* Takes in what the process's address space is now, in place of what was taken in for it before. `pages_owner` is a struct
 * fault_space. False without memory, and nothing changed. */
bool space_map_add(struct space_map *map, uint32_t process, const struct mm *mm, struct space_stacks stacks);

/* Writes a series: the line of column names, then the rows. Processes come in the order of their first space_map_add. */
void space_map_write_mappings(const struct space_map *map, FILE *file);
void space_map_write_residency(const struct space_map *map, FILE *file);
void space_map_write_image(const struct space_map *map, FILE *file);
void space_map_write_rows(const struct space_map *map, FILE *file);

/* "heap" ... */
const char *space_kind_name(enum space_kind kind);

#endif
