/* mm_ideal.h: runs sequences in the model: engine/virt/mm over pages that are kept as naively as can be.
 *
 * A process's pages are a table from page number to one of: its own (written), the zero page, a guard. A file's are
 * one bit each. That is all that mincore and the rules of merging depend on when there are no huge pages and no swap.
 */
#ifndef FAULTLINE_TESTS_MODEL_MM_IDEAL_H
#define FAULTLINE_TESTS_MODEL_MM_IDEAL_H

#include "tests/model/mm_report.h"

/* Runs the sequence in a process with these surroundings; reports as in struct exchange. NULL, or the text of an
 * invariant that did not hold, or other trouble. */
const char *ideal_run(const struct surroundings *around, const struct sequence *sequence,
		      struct report (*reports)[2]);

#endif
