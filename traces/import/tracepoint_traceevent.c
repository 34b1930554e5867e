#include "config.h"

#include "traces/import/tracepoint.h"

#include <event-parse.h>
#include <string.h>

/* A description of a system call with six arguments is 800 bytes long. */
#define TEXT_BYTES_MAX 16384u

bool tracepoints_are_known(void)
{
	return true;
}

static bool take_field(struct tep_event *event, const char *name, struct tracepoint *tracepoint)
{
	const struct tep_format_field *found = tep_find_field(event, name);
	struct tracepoint_field *field = &tracepoint->field[tracepoint->fields];

	if (!found || found->offset < 0 || found->offset > UINT16_MAX ||
	    (found->size != 1 && found->size != 2 && found->size != 4 && found->size != 8))
		return false;
	*field = (struct tracepoint_field){.offset = (uint16_t)found->offset,
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
			    (struct tracepoint_field){.offset = (uint16_t)field->offset, .bytes = 8};
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

static bool describe(struct tep_event *event, const char *system, struct tracepoint *tracepoint)
{
	bool raw = strcmp(system, "raw_syscalls") == 0;

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
	return strcmp(system, "exceptions") == 0 || strcmp(system, "syscalls") == 0 ||
	       strcmp(system, "raw_syscalls") == 0;
}

bool tracepoints_add(struct tracepoints *tracepoints, const char *system, const char *text, size_t length)
{
	struct tep_handle *parser;
	struct tep_event *event;
	struct tracepoint tracepoint = {.id = 0};
	bool done = true;

	if (!is_wanted(system))
		return true;
	if (length > TEXT_BYTES_MAX || !(parser = tep_alloc()))
		return false;
	tep_set_loglevel(TEP_LOG_NONE);
	tep_set_long_size(parser, 8);
	tep_set_file_bigendian(parser, TEP_LITTLE_ENDIAN);
	/* What it cannot do is how the event would be printed, which nobody asks for. */
	(void)tep_parse_event(parser, text, length, system);
	event = tep_get_first_event(parser);
	if (!event) {
		tep_free(parser);
		return false;
	}
	tracepoint.id = (uint64_t)event->id;
	if (event->name && describe(event, system, &tracepoint))
		done = tracepoints_keep(tracepoints, &tracepoint);
	tep_free(parser);
	return done;
}
