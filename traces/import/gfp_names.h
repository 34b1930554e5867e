/* gfp_names.h: the names of allocation flags in a kernel's own words.
 *
 * Which bit is which differs between kernels. A tracepoint's description says how the kernel prints them,
 *   __print_flags(REC->gfp_flags, "|", {( unsigned long)((( gfp_t)(1UL << 10)) | ...), "GFP_KERNEL"}, ... )
 * a list of masks and names, sets before single bits: the first mask that is wholly in the flags is printed and taken out, and so on; what
 * is left over is printed in hexadecimal; no flags are "none".
 */
#ifndef FAULTLINE_TRACES_IMPORT_GFP_NAMES_H
#define FAULTLINE_TRACES_IMPORT_GFP_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GFP_NAMES_MAX 64u
#define GFP_NAME_BYTES 40u
#define GFP_TEXT_BYTES 512u

struct gfp_names {
	struct {
		uint64_t mask;
		char name[GFP_NAME_BYTES];
	} entry[GFP_NAMES_MAX];
	unsigned entries;
};

/* Takes the list out of a description of `length` bytes. False: there is none that can be read. */
bool gfp_names_parse(struct gfp_names *names, const char *text, size_t length);

/* The flags as the kernel prints them; without a list, in hexadecimal. */
void gfp_names_text(const struct gfp_names *names, uint64_t flags, char text[GFP_TEXT_BYTES]);

#endif
