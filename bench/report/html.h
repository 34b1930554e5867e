/* html.h: writing text and pictures into an HTML page so that nothing in them is taken for markup.
 */
#ifndef FAULTLINE_BENCH_REPORT_HTML_H
#define FAULTLINE_BENCH_REPORT_HTML_H

#include <stdbool.h>
#include <stdio.h>

/* Writes `text` (UTF-8) with & < > " ' escaped and control characters but newline and tab left out: fit for
 * element content and for an attribute between quotes. */
void html_text(FILE *page, const char *text);

/* Writes a shell word: `text` as it is where it holds only harmless characters, else between single quotes;
 * escaped. */
void html_shell_word(FILE *page, const char *text);

/* Writes a picture of gnuplot's svg terminal as an inline <svg>: without prologue, titles, ids, fixed size
 * and empty groups, with black replaced by the colour of the page's text, named `description` for those who
 * cannot see it. The marks that all of gnuplot's pictures define anew are left out: html_svg_marks() writes
 * them once. False when `svg` is none. */
bool html_svg(FILE *page, const char *svg, const char *description);

/* Writes the definitions of `svg` in a picture of no size. */
void html_svg_marks(FILE *page, const char *svg);

#endif
