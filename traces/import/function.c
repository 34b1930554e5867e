#include "config.h"

#include "traces/import/function.h"

#include <string.h>

struct function_name {
	const char *name;
	enum function_kind kind;
	unsigned arguments;
};

static const struct function_name names[] = {
    {"malloc", FUNCTION_MALLOC, 1},
    {"free", FUNCTION_FREE, 1},
    {"calloc", FUNCTION_CALLOC, 2},
    {"realloc", FUNCTION_REALLOC, 2},
    {"memalign", FUNCTION_MEMALIGN, 2},
    {"posix_memalign", FUNCTION_MEMALIGN, 2},
    {"aligned_alloc", FUNCTION_MEMALIGN, 2},
    {"valloc", FUNCTION_PAGE_ALIGNED, 1},
    {"pvalloc", FUNCTION_PAGE_ALIGNED, 1},
    {"cfree", FUNCTION_FREE, 1},
    {"free_sized", FUNCTION_FREE, 2},
    {"free_aligned_sized", FUNCTION_FREE, 3},
    {"malloc_usable_size", FUNCTION_IGNORED, 1},
    {"malloc_trim", FUNCTION_IGNORED, 1},
    {"malloc_stats", FUNCTION_IGNORED, 0},
    {"mallinfo", FUNCTION_IGNORED, 0},
    {"mallinfo2", FUNCTION_IGNORED, 0},
    {"mallopt", FUNCTION_IGNORED, 2},
    {"jemalloc_stats", FUNCTION_IGNORED, 0},
};

/* operator new and new[] are _Znw, _Zna and a letter for size_t; with an alignment they hold "align_val_t".
 * delete and delete[] are _ZdlPv, _ZdaPv and whatever else the caller passes (Itanium C++ ABI, section
 * 5.1.5). */
static enum function_kind operator_kind(const char *name, size_t length)
{
	static const char align[] = "align_val_t";

	if (length < 5 || memcmp(name, "_Z", 2) != 0)
		return FUNCTION_UNKNOWN;
	if (memcmp(name + 2, "dlP", 3) == 0 || memcmp(name + 2, "daP", 3) == 0)
		return FUNCTION_FREE;
	if (memcmp(name + 2, "nw", 2) != 0 && memcmp(name + 2, "na", 2) != 0)
		return FUNCTION_UNKNOWN;
	for (size_t at = 5; at + sizeof(align) - 1 <= length; at++) {
		if (memcmp(name + at, align, sizeof(align) - 1) == 0)
			return FUNCTION_MEMALIGN;
	}
	return FUNCTION_MALLOC;
}

static enum function_kind name_kind(const char *name, size_t length, unsigned arguments)
{
	enum function_kind kind;

	for (size_t index = 0; index < sizeof(names) / sizeof(names[0]); index++) {
		if (scan_equal(name, length, names[index].name))
			return arguments == names[index].arguments ? names[index].kind : FUNCTION_UNKNOWN;
	}
	kind = operator_kind(name, length);
	if ((kind == FUNCTION_MEMALIGN && arguments != 2) || (kind != FUNCTION_UNKNOWN && arguments == 0))
		return FUNCTION_UNKNOWN;
	return kind;
}

bool function_parse_value(struct scan *scan, struct function_argument *value)
{
	struct scan prefix = *scan;

	value->is_id = scan_character(scan, '#');
	if (value->is_id)
		return scan_decimal(scan, &value->value);
	value->is_pointer = scan_literal(&prefix, "0x") || scan_literal(&prefix, "(nil)");
	if (value->is_pointer)
		return scan_pointer(scan, &value->value);
	return scan_decimal(scan, &value->value);
}

static bool parse_argument(struct scan *scan, struct function_argument *argument)
{
	const char *word;
	size_t length;

	*argument = (struct function_argument){0};
	scan_blanks(scan);
	if (scan_name(scan, &word, &length)) {
		argument->is_size = scan_equal(word, length, "size");
		scan_blanks(scan);
	}
	return function_parse_value(scan, argument);
}

/* One argument or more, and the closing parenthesis. */
static bool parse_arguments(struct scan *scan, struct function_call *call)
{
	do {
		if (call->arguments == FUNCTION_ARGUMENTS_MAX ||
		    !parse_argument(scan, &call->argument[call->arguments]))
			return false;
		call->arguments++;
		scan_blanks(scan);
	} while (scan_character(scan, ','));
	return scan_character(scan, ')');
}

bool function_parse(struct scan *scan, struct function_call *call)
{
	struct scan at = *scan;
	const char *name;
	size_t length;

	*call = (struct function_call){0};
	if (!scan_name(&at, &name, &length) || !scan_character(&at, '('))
		return false;
	scan_blanks(&at);
	if (!scan_character(&at, ')') && !parse_arguments(&at, call))
		return false;
	call->kind = name_kind(name, length, call->arguments);
	*scan = at;
	return true;
}

static void fill_memalign(const struct function_call *call, struct heap_call *heap_call)
{
	/* The arguments come in either order where they are named. */
	bool size_first = call->argument[0].is_size;

	heap_call->kind = EVENT_MEMALIGN;
	heap_call->size = call->argument[size_first ? 0 : 1].value;
	heap_call->alignment = call->argument[size_first ? 1 : 0].value;
}

void function_fill(const struct function_call *call, struct heap_call *heap_call)
{
	switch (call->kind) {
	case FUNCTION_CALLOC:
		heap_call->kind = EVENT_CALLOC;
		heap_call->count = call->argument[0].value;
		heap_call->size = call->argument[1].value;
		break;
	case FUNCTION_REALLOC:
		heap_call->kind = EVENT_REALLOC;
		heap_call->size = call->argument[1].value;
		break;
	case FUNCTION_MEMALIGN:
		fill_memalign(call, heap_call);
		break;
	case FUNCTION_PAGE_ALIGNED:
		heap_call->kind = EVENT_MEMALIGN;
		heap_call->size = call->argument[0].value;
		heap_call->alignment = FUNCTION_PAGE_BYTES;
		break;
	case FUNCTION_FREE:
		heap_call->kind = EVENT_FREE;
		break;
	default:
		heap_call->kind = EVENT_MALLOC;
		heap_call->size = call->argument[0].value;
		break;
	}
}
