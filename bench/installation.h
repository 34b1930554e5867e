/* installation.h: where the things that Faultline starts or preloads lie.
 *
 * The command starts a replaying child (faultline-replay) and preloads libraries (libfaultline-heap.so,
 * libfaultline-record.so). They lie, in this order of search, in
 *   1. the directory that the environment variable FAULTLINE_LIBEXECDIR names (tests set it),
 *   2. `libexec/` beside the running executable (a build tree: bench/faultline and bench/libexec/),
 *   3. `../libexec/faultline/` as seen from there (an installation, wherever it was moved to),
 *   4. pkglibexecdir.
 */
#ifndef FAULTLINE_BENCH_INSTALLATION_H
#define FAULTLINE_BENCH_INSTALLATION_H

#include <stdbool.h>
#include <stddef.h>

/* Writes the absolute path of the readable file `name` into path[0..bytes). False when there is none or the
 * path does not fit; then `path` holds the last place that was tried, for the message. `bytes` is at least 1.
 */
bool installation_find(const char *name, char *path, size_t bytes);

/* The same for the directory of the figure scripts, which is the one that FAULTLINE_PLOTSDIR names,
 * `../plots/` or `../share/faultline/plots/` as seen from the running executable's, or pkgdatadir's `plots/`: the first
 * of them that holds style.gp.
 */
bool installation_find_plots(char *path, size_t bytes);

#endif
