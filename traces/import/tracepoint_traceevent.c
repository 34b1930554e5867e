#include "config.h"

#include "traces/import/tracepoint.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <traceevent/event-parse.h>

/* A description of a system call with six arguments is 800 bytes long. */
#define TEXT_BYTES_MAX 16384u

bool tracepoints_are_known(void)
{
	return true;
}

/* --- The text ------------------------------------------------------------------------------------------------------------- */

/* libtraceevent is for the kernel's own words: of anything else it loses memory. So a file's text is read line by line first, and
 * only what is of the kernel's form goes on. How an event would be printed is left out: nobody asks for it.
 *
 *   name: sys_enter_mmap / ID: 78 / format: / <tab>field:unsigned long addr;<tab>offset:16;<tab>size:8;<tab>signed:0; */
struct line {
	const char *at, *end;
};

static bool skip_literal(struct line *line, const char *literal)
{
	size_t length = strlen(literal);

	if ((size_t)(line->end - line->at) < length || memcmp(line->at, literal, length) != 0)
		return false;
	line->at += length;
	return true;
}

static bool skip_word(struct line *line)
{
	const char *start = line->at;

	while (line->at < line->end && (isalnum((unsigned char)*line->at) || *line->at == '_'))
		line->at++;
	return line->at > start && !isdigit((unsigned char)*start);
}

static bool skip_number(struct line *line)
{
	const char *start = line->at;

	while (line->at < line->end && isdigit((unsigned char)*line->at))
		line->at++;
	return line->at > start && line->at - start < 9;
}

/* "unsigned long addr", "const char * name", "unsigned long args[6]", "__data_loc char[] name" */
static bool skip_declaration(struct line *line)
{
	unsigned words = 0;

	for (;;) {
		if (!skip_word(line))
			return false;
		words++;
		while (skip_literal(line, " ") || skip_literal(line, "*") || skip_literal(line, "[] "))
			continue;
		if (line->at < line->end && (*line->at == ';' || *line->at == '['))
			break;
	}
	if (line->at[-1] == ' ' || line->at[-1] == '*')
		return false;
	return words > 1 && (!skip_literal(line, "[") || (skip_number(line) && skip_literal(line, "]")));
}

static bool is_field(struct line line)
{
	return skip_literal(&line, "\tfield:") && skip_declaration(&line) &&
	       skip_literal(&line, ";\toffset:") && skip_number(&line) && skip_literal(&line, ";\tsize:") &&
	       skip_number(&line) && skip_literal(&line, ";\tsigned:") && skip_number(&line) &&
	       skip_literal(&line, ";") && line.at == line.end;
}

static bool is_heading(struct line line, unsigned number)
{
	if (number == 0)
		return skip_literal(&line, "name: ") && skip_word(&line) && line.at == line.end;
	if (number == 1)
		return skip_literal(&line, "ID: ") && skip_number(&line) && line.at == line.end;
	return skip_literal(&line, "format:") && line.at == line.end;
}

/* The length of the headings and fields; 0: the text is not of the kernel's form. */
static size_t checked_length(const char *text, size_t length)
{
	const char *at = text, *end = text + length;

	for (unsigned number = 0; at < end; number++) {
		const char *line_end = memchr(at, '\n', (size_t)(end - at));
		struct line line = {at, line_end};
		if (!line_end)
			return 0;
		if (number > 2 && skip_literal(&line, "print fmt:"))
			return (size_t)(at - text);
		line.at = at;
		if (number <= 2 ? !is_heading(line, number) : at != line_end && !is_field(line))
			return 0;
		at = line_end + 1;
	}
	return 0;
}

/* A copy up to the fields, with a print format that prints nothing; NULL: no memory, or another form. */
static char *checked_copy(const char *text, size_t length, size_t *copied)
{
	static const char rest[] = "print fmt: \"nothing\"\n";
	size_t kept = checked_length(text, length);
	char *copy = kept ? malloc(kept + sizeof(rest)) : NULL;

	if (!copy)
		return NULL;
	memcpy(copy, text, kept);
	memcpy(copy + kept, rest, sizeof(rest));
	*copied = kept + sizeof(rest) - 1;
	return copy;
}

/* --- Fields ----------------------------------------------------------------------------------------------------------------- */

static bool take_field(struct tep_event *event, const char *name, struct tracepoint *tracepoint)
{
	const struct tep_format_field *found = tep_find_field(event, name);
	struct tracepoint_place *field = &tracepoint->field[tracepoint->fields];

	if (!found || found->offset < 0 || found->offset > UINT16_MAX ||
	    (found->size != 1 && found->size != 2 && found->size != 4 && found->size != 8))
		return false;
	*field = (struct tracepoint_place){.offset = (uint16_t)found->offset,
					   .bytes = (uint8_t)found->size,
					   .is_signed = (found->flags & TEP_FIELD_IS_SIGNED) != 0};
	tracepoint->fields++;
	return true;
}

/* The arguments are the fields behind the number, whatever their names. */
static void take_arguments(struct tep_event *event, struct tracepoint *tracepoint)
{
	const uint16_t number = tracepoint->field[0].offset;

	for (const struct tep_format_field *field = event->format.fields;
	     field && tracepoint->fields < TRACEPOINT_VALUES; field = field->next) {
		if (field->size == 8 && field->offset > number && field->offset < UINT16_MAX)
			tracepoint->field[tracepoint->fields++] =
			    (struct tracepoint_place){.offset = (uint16_t)field->offset, .bytes = 8};
	}
}

static bool take_raw_arguments(struct tep_event *event, struct tracepoint *tracepoint)
{
	const struct tep_format_field *arguments = tep_find_field(event, "args");

	if (!arguments || arguments->size != 48 || arguments->offset <= 0 || arguments->offset > 4096)
		return false;
	tracepoint->array = (uint16_t)arguments->offset;
	return true;
}

/* Fields that may be missing keep their place. */
static bool describe_kernel(struct tep_event *event, const struct kernel_tracepoint *kernel,
			    struct tracepoint *tracepoint)
{
	tracepoint->kind = TRACEPOINT_KERNEL;
	tracepoint->kernel = kernel;
	for (unsigned i = 0; i < KERNEL_FIELDS_MAX && kernel->field[i].field; i++) {
		const unsigned before = tracepoint->fields;

		if (!take_field(event, kernel->field[i].field, tracepoint) && kernel->field[i].needed)
			return false;
		tracepoint->fields = before + 1;
	}
	return true;
}

/* It stands before all other fields of every event. */
static void describe_thread(struct tep_event *event, struct tracepoint *tracepoint)
{
	const struct tep_format_field *field = tep_find_common_field(event, "common_pid");

	if (field && field->size == 4 && field->offset >= 0 && field->offset < UINT16_MAX)
		tracepoint->thread = (struct tracepoint_place){.offset = (uint16_t)field->offset, .bytes = 4};
}

static bool describe(struct tep_event *event, const char *system, struct tracepoint *tracepoint)
{
	const struct kernel_tracepoint *kernel =
	    kernel_tracepoint_find(system, strlen(system), event->name, strlen(event->name));
	bool raw = strcmp(system, "raw_syscalls") == 0;

	describe_thread(event, tracepoint);
	if (kernel)
		return describe_kernel(event, kernel, tracepoint);

	if (strcmp(system, "exceptions") == 0) {
		tracepoint->kind = TRACEPOINT_FAULT;
		return strncmp(event->name, "page_fault_", strlen("page_fault_")) == 0 &&
		       take_field(event, "address", tracepoint) && take_field(event, "ip", tracepoint) &&
		       take_field(event, "error_code", tracepoint);
	}
	if (!take_field(event, raw ? "id" : "__syscall_nr", tracepoint) &&
	    !take_field(event, "nr", tracepoint))
		return false;
	if (strncmp(event->name, "sys_exit", strlen("sys_exit")) == 0) {
		tracepoint->kind = TRACEPOINT_EXIT;
		return take_field(event, "ret", tracepoint);
	}
	tracepoint->kind = TRACEPOINT_ENTER;
	if (raw)
		return take_raw_arguments(event, tracepoint);
	take_arguments(event, tracepoint);
	return strncmp(event->name, "sys_enter", strlen("sys_enter")) == 0;
}

static bool is_wanted(const char *system)
{
	for (size_t i = 0; kernel_tracepoint_at(i); i++) {
		if (strcmp(system, kernel_tracepoint_at(i)->system) == 0)
			return true;
	}
	return strcmp(system, "exceptions") == 0 || strcmp(system, "syscalls") == 0 ||
	       strcmp(system, "raw_syscalls") == 0;
}

/* The text is of the kernel's form. */
static bool parse(struct tracepoints *tracepoints, const char *system, const char *text, size_t length)
{
	struct tracepoint tracepoint = {.id = 0};
	struct tep_handle *parser = tep_alloc();
	struct tep_event *event;
	bool done;

	if (!parser)
		return false;
	tep_set_loglevel(TEP_LOG_NONE);
	tep_set_long_size(parser, 8);
	tep_set_file_bigendian(parser, TEP_LITTLE_ENDIAN);
	done = tep_parse_event(parser, text, length, system) == 0;
	event = done ? tep_get_first_event(parser) : NULL;
	if (event && event->name) {
		tracepoint.id = (uint64_t)event->id;
		if (describe(event, system, &tracepoint))
			done = tracepoints_keep(tracepoints, &tracepoint);
	}
	tep_free(parser);
	return done;
}

bool tracepoints_add(struct tracepoints *tracepoints, const char *system, const char *text, size_t length)
{
	size_t copied = 0;
	char *copy;
	bool done;

	if (!is_wanted(system))
		return true;
	copy = length <= TEXT_BYTES_MAX ? checked_copy(text, length, &copied) : NULL;
	if (!copy)
		return false;
	if (tracepoints->gfp.entries == 0)
		(void)gfp_names_parse(&tracepoints->gfp, text, length);
	done = parse(tracepoints, system, copy, copied);
	free(copy);
	return done;
}
