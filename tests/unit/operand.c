#include "config.h"

#include "traces/record/plugin/operand.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct sample {
	const char *bytes; /* hexadecimal */
	enum operand_class class;
};

static const struct sample samples[] = {
    {"488b07", OPERAND_PLAIN},		 /* mov rax, [rdi] */
    {"48890f", OPERAND_PLAIN},		 /* mov [rdi], rcx */
    {"55", OPERAND_PLAIN},		 /* push rbp */
    {"e800000000", OPERAND_PLAIN},	 /* call */
    {"ff17", OPERAND_PLAIN},		 /* call [rdi] */
    {"0fb607", OPERAND_PLAIN},		 /* movzx eax, byte [rdi] */
    {"0fa307", OPERAND_PLAIN},		 /* bt [rdi], eax */
    {"0fba2705", OPERAND_PLAIN},	 /* bt dword [rdi], 5 */
    {"3907", OPERAND_PLAIN},		 /* cmp [rdi], eax */
    {"803f00", OPERAND_PLAIN},		 /* cmp byte [rdi], 0 */
    {"f60701", OPERAND_PLAIN},		 /* test byte [rdi], 1 */
    {"4803 07", OPERAND_PLAIN},		 /* add rax, [rdi] */
    {"a5", OPERAND_PLAIN},		 /* movsd, once */
    {"f0480107", OPERAND_MODIFY},	 /* lock add [rdi], rax */
    {"2907", OPERAND_MODIFY},		 /* sub [rdi], eax */
    {"800701", OPERAND_MODIFY},		 /* add byte [rdi], 1 */
    {"48ff07", OPERAND_MODIFY},		 /* inc qword [rdi] */
    {"f717", OPERAND_MODIFY},		 /* not dword [rdi] */
    {"d127", OPERAND_MODIFY},		 /* shl dword [rdi], 1 */
    {"4887 07", OPERAND_MODIFY},	 /* xchg [rdi], rax */
    {"f00fb117", OPERAND_MODIFY},	 /* lock cmpxchg [rdi], edx */
    {"f0480fc107", OPERAND_MODIFY},	 /* lock xadd [rdi], rax */
    {"0fba2f05", OPERAND_MODIFY},	 /* bts dword [rdi], 5 */
    {"f0480fc70f", OPERAND_WIDE_MODIFY}, /* lock cmpxchg16b [rdi] */
    {"0f1007", OPERAND_WIDE},		 /* movups xmm0, [rdi] */
    {"660f6f07", OPERAND_WIDE},		 /* movdqa xmm0, [rdi] */
    {"f30f7f07", OPERAND_WIDE},		 /* movdqu [rdi], xmm0 */
    {"c5fd6f07", OPERAND_WIDE},		 /* vmovdqa ymm0, [rdi] */
    {"c4e27d1807", OPERAND_WIDE},	 /* vbroadcastss ymm0, [rdi] */
    {"db2f", OPERAND_WIDE},		 /* fld tbyte [rdi] */
    {"0fae07", OPERAND_WIDE},		 /* fxsave [rdi] */
    {"0fc727", OPERAND_WIDE},		 /* xsavec [rdi] */
    {"f3a4", OPERAND_REPEATED},		 /* rep movsb */
    {"f348ab", OPERAND_REPEATED},	 /* rep stosq */
    {"f2ae", OPERAND_REPEATED},		 /* repne scasb */
    {"f3c3", OPERAND_PLAIN},		 /* rep ret */
};

static size_t decode(const char *text, uint8_t *bytes)
{
	size_t length = 0;

	while (*text) {
		char pair[3] = {text[0], text[1], '\0'};
		if (*text == ' ') {
			text++;
			continue;
		}
		bytes[length++] = (uint8_t)strtoul(pair, NULL, 16);
		text += 2;
	}
	return length;
}

static void every_class(void **state)
{
	uint8_t bytes[16];

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		size_t length = decode(samples[i].bytes, bytes);
		if (operand_class_of(bytes, length) != samples[i].class)
			fail_msg("%s is of class %d, not %d", samples[i].bytes, (int)samples[i].class,
				 (int)operand_class_of(bytes, length));
	}
}

/* Of an instruction cut anywhere no byte beyond is read; the blocks have exactly that many. */
static void cut_anywhere(void **state)
{
	uint8_t bytes[16];

	(void)state;
	assert_int_equal(operand_class_of(NULL, 0), OPERAND_PLAIN);
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		size_t length = decode(samples[i].bytes, bytes);
		for (size_t cut = 1; cut < length; cut++) {
			uint8_t *exact = malloc(cut);
			assert_non_null(exact);
			memcpy(exact, bytes, cut);
			assert_in_range(operand_class_of(exact, cut), OPERAND_PLAIN, OPERAND_REPEATED);
			free(exact);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_class),
	    cmocka_unit_test(cut_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
