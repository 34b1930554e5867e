#include "config.h"

#include "tests/unit/foreign.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RECORDS 4u

struct instruction {
	uint64_t at;
	uint64_t to[2], from[4];
};

static void store_word(uint8_t *bytes, uint64_t word)
{
	for (unsigned i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(word >> 8 * i);
}

static void store(uint8_t record[64], const struct instruction *instruction)
{
	memset(record, 0, 64);
	store_word(record, instruction->at);
	record[10] = 26; /* a register */
	for (unsigned i = 0; i < 2; i++)
		store_word(record + 16 + (size_t)8 * i, instruction->to[i]);
	for (unsigned i = 0; i < 4; i++)
		store_word(record + 32 + (size_t)8 * i, instruction->from[i]);
}

static void fill(uint8_t bytes[RECORDS * 64])
{
	const struct instruction instructions[RECORDS] = {
	    {.at = 0x400000},
	    {.at = 0x400004, .to = {0x7fff0010}, .from = {0x1000, 0, 0x3000}},
	    {.at = 0x400008, .to = {0x2000, 0x2008}},
	    {.at = 0x40000c, .to = {0x5000}, .from = {0x5000}},
	};

	for (unsigned i = 0; i < RECORDS; i++)
		store(bytes + (size_t)64 * i, &instructions[i]);
}

static const char everything[] = "fetch absolute 0+4194304 1\n"
				 "fetch absolute 0+4194308 1\n"
				 "load absolute 0+4096 1\n"
				 "load absolute 0+12288 1\n"
				 "store absolute 0+2147418128 1\n"
				 "fetch absolute 0+4194312 1\n"
				 "store absolute 0+8192 1\n"
				 "store absolute 0+8200 1\n"
				 "fetch absolute 0+4194316 1\n"
				 "modify absolute 0+20480 1\n";

static void expect(const void *bytes, size_t length, const char *events, const char *warnings)
{
	foreign_expect_bytes("champsim", &(struct foreign_bytes){bytes, length}, events, warnings);
}

static void every_reference(void **state)
{
	uint8_t bytes[RECORDS * 64];

	(void)state;
	fill(bytes);
	expect(bytes, sizeof(bytes), everything, "");
}

static void cut_record(void **state)
{
	uint8_t bytes[RECORDS * 64 + 10] = {0};

	(void)state;
	fill(bytes);
	expect(bytes, sizeof(bytes), everything, "record cut: 1\n");
}

static void damaged_record(void **state)
{
	const struct foreign_options options = {.format = "champsim", .strict = true};
	uint8_t bytes[RECORDS * 64];
	struct foreign foreign;

	(void)state;
	fill(bytes);
	bytes[2 * 64 + 9] = 2;
	foreign_import(&foreign, bytes, sizeof(bytes), &options);
	assert_int_equal(foreign.status, TRACE_BAD_INPUT);
	assert_string_equal(
	    foreign.error.message,
	    "in:3: is no record of an instruction: bytes 8 and 9 are 0 or 1, and addresses have equal "
	    "upper bits; it was skipped");
	foreign_drop(&foreign);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_reference),
	    cmocka_unit_test(cut_record),
	    cmocka_unit_test(damaged_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
