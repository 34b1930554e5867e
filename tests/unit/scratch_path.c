#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/scratch_path.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

char *scratch_path(void)
{
	const char *directory = getenv("TMPDIR");
	char *path = NULL;

	assert_true(asprintf(&path, "%s/faultline-test.XXXXXX", directory ? directory : "/tmp") > 0);
	int descriptor = mkstemp(path);

	assert_true(descriptor >= 0);
	(void)close(descriptor);
	return path;
}
