#include "config.h"

#include "tests/unit/foreign.h"
#include "tests/unit/trace_dat_bytes.h"
#include "traces/import/tracepoint.h"

#include <stdarg.h>
#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

static const char everything[] = "switch 0\npage_free frame=0x10 order=0x2\n"
				 "switch 1 at 10\npage_free frame=0x20 order=0x2 at 10\n"
				 "[0.1] switch 0 at 30\n[0.1] page_free frame=0x11 order=0x2 at 30\n"
				 "switch 0 at 35\npage_free frame=0x12 order=0x2 at 35\n"
				 "switch 1 at 134217738\npage_free frame=0x21 order=0x2 at 134217738\n";

/* By time over the processors, whatever the version. */
static void all_versions(void **state)
{
	uint8_t bytes[TRACE_DAT_BYTES_MAX];

	(void)state;
	if (!tracepoints_are_known())
		skip();
	for (unsigned variant = 0; variant < TRACE_DAT_7_AGAIN; variant++) {
		const size_t length = trace_dat_bytes(bytes, (enum trace_dat_variant)variant);

		foreign_expect_bytes("trace-dat", &(struct foreign_bytes){bytes, length}, everything,
				     EVENT_LOST_WARNING ": 1\n");
	}
}

static void cut_anywhere(void **state)
{
	uint8_t bytes[TRACE_DAT_BYTES_MAX];

	(void)state;
	for (unsigned variant = 0; variant < TRACE_DAT_VARIANTS; variant++) {
		const size_t whole = trace_dat_bytes(bytes, (enum trace_dat_variant)variant);

		for (size_t length = 1; length < whole; length += 3) {
			struct foreign foreign;

			foreign_import(&foreign, bytes, length,
				       &(struct foreign_options){.format = "trace-dat"});
			assert_true(foreign.status == TRACE_OK || foreign.status == TRACE_BAD_INPUT);
			foreign_drop(&foreign);
		}
	}
}

static void refusal(uint8_t *bytes, size_t length, const char *message)
{
	struct foreign foreign;

	foreign_import(&foreign, bytes, length, &(struct foreign_options){.format = "trace-dat"});
	assert_true(foreign.status != TRACE_OK);
	assert_string_equal(foreign.error.message, message);
	foreign_drop(&foreign);
}

static void what_it_refuses(void **state)
{
	uint8_t bytes[TRACE_DAT_BYTES_MAX];
	size_t length = trace_dat_bytes(bytes, TRACE_DAT_6);

	(void)state;
	bytes[10] = '5';
	refusal(bytes, length,
		"in: it is of another version than 6 or 7; `trace-cmd convert --file-version 7` makes one");
	length = trace_dat_bytes(bytes, TRACE_DAT_6);
	bytes[12] = 1;
	refusal(bytes, length, "in: it is of a big-endian machine, or one of 32 bits");
	length = trace_dat_bytes(bytes, TRACE_DAT_6);
	memset(bytes + 14, 0xff, 4);
	refusal(bytes, length, "in:0: has pages of an impossible size");
	length = trace_dat_bytes(bytes, TRACE_DAT_7);
	memcpy(bytes + 18, "zlib", sizeof("zlib"));
	refusal(bytes, length,
		"in: it is compressed by another means than zstd; `trace-cmd convert --compression none` "
		"undoes it");
	refusal(bytes, 12, "in:0: is no trace.dat file: it ends within its head");
	if (tracepoints_are_known())
		refusal(bytes, trace_dat_bytes(bytes, TRACE_DAT_7_AGAIN),
			"in:0: names its pages more than once");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(all_versions), cmocka_unit_test(cut_anywhere),
					   cmocka_unit_test(what_it_refuses)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
