/* fault_scripts.h: the rules of page faults, each as steps that are done by a real child and by the model: docs/fidelity.md
 * says what each shows. */
#ifndef FAULTLINE_TESTS_UNIT_FAULT_SCRIPTS_H
#define FAULTLINE_TESTS_UNIT_FAULT_SCRIPTS_H

#include "tests/unit/kernel_child.h"

#define SCRIPT_STEPS_MAX 40u
#define SCRIPT_FILE_PAGES 4096u

struct fault_script {
	const char *name;
	bool needs_huge; /* transparent huge pages are at least on request */
	bool
	    reads_disk; /* how far the disk has come decides: major faults count, and what is mapped at the end */
	struct step steps[SCRIPT_STEPS_MAX]; /* up to STEP_END */
};

/* NULL past the last. */
const struct fault_script *fault_script_at(unsigned number);

#endif
