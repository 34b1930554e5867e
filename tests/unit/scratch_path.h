/* scratch_path.h: files that tests write and drop. */
#ifndef FAULTLINE_TESTS_UNIT_SCRATCH_PATH_H
#define FAULTLINE_TESTS_UNIT_SCRATCH_PATH_H

/* Makes a new, empty file in $TMPDIR, or /tmp, and returns its path, to be freed after unlink(); fails the test otherwise. */
char *scratch_path(void);

#endif
