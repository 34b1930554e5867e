#include "config.h"

#include "traces/flt_checkpoint.h"

#include "traces/flt_footer.h"
#include "traces/flt_varint.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS 4

bool flt_checkpoint_due(const struct census *census, uint64_t events)
{
	return events >= FLT_CHECKPOINT_EVENTS &&
	       events / FLT_CHECKPOINT_EVENTS_PER_OBJECT >= census->live_objects;
}

static enum trace_status no_memory(struct trace_error *error)
{
	return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for a checkpoint of the live set");
}

/* The columns while they are made; each has room for all its values. */
struct columns {
	uint8_t *start[COLUMNS], *end[COLUMNS];
	size_t values[COLUMNS];
	uint64_t previous_id;
};

static void put(struct columns *columns, enum flt_checkpoint_column column, uint64_t value)
{
	columns->end[column - 1] = flt_varint_put(columns->end[column - 1], value);
	columns->values[column - 1]++;
}

static bool put_object(void *context, uint64_t id, const struct live_object *object)
{
	struct columns *columns = context;

	put(columns, FLT_CHECKPOINT_IDS, id - columns->previous_id);
	put(columns, FLT_CHECKPOINT_SIZES, object->size_bytes);
	put(columns, FLT_CHECKPOINT_THREADS, object->thread);
	columns->previous_id = id;
	return true;
}

static bool reserve(struct columns *columns, const struct census *census)
{
	for (unsigned i = 0; i < COLUMNS; i++) {
		const uint64_t values = i ? census->live_objects : 2 * (uint64_t)census->processes;

		columns->start[i] = columns->end[i] = malloc(values * FLT_VARINT_BYTES + 1);
		if (!columns->start[i])
			return false;
	}
	return true;
}

static void put_all(struct columns *columns, const struct census *census)
{
	for (uint32_t i = 0; i < census->processes; i++) {
		const struct live_set *live = &census->process[i].live;

		if (!live->objects)
			continue;
		put(columns, FLT_CHECKPOINT_PROCESSES, i);
		put(columns, FLT_CHECKPOINT_PROCESSES, live->objects);
		columns->previous_id = 0;
		(void)live_set_each(live, put_object, columns);
	}
}

enum trace_status flt_checkpoint_write(const struct census *census, struct flt_section_writer *writer,
				       struct trace_error *error)
{
	struct columns columns = {{0}, {0}, {0}, 0};
	enum trace_status status = TRACE_OK;

	flt_section_begin(writer, FLT_TAG_LIVE);
	flt_section_field(writer, census->events);
	flt_section_field(writer, census->objects);
	if (reserve(&columns, census))
		put_all(&columns, census);
	else
		status = no_memory(error);
	for (unsigned i = 0; i < COLUMNS; i++) {
		const struct flt_column_bytes bytes = {
		    columns.start[i], (size_t)(columns.end[i] - columns.start[i]), columns.values[i]};

		if (status == TRACE_OK)
			status = flt_section_column(writer, (uint16_t)(i + 1), &bytes, error);
		free(columns.start[i]);
	}
	return status;
}

/* The columns while they are read: copies, because the column reader holds one at a time. */
struct parse {
	uint64_t objects; /* the highest id there may be */
	const uint8_t *in[COLUMNS], *end[COLUMNS];
};

static bool get(struct parse *parse, enum flt_checkpoint_column column, uint64_t *value)
{
	return flt_varint_get(&parse->in[column - 1], parse->end[column - 1], value);
}

static enum trace_status malformed(struct trace_error *error)
{
	return trace_fail(error, TRACE_BAD_INPUT, "a checkpoint of the trace's live set is malformed");
}

static uint8_t *copy(const struct flt_column_bytes *bytes)
{
	uint8_t *made = malloc(bytes->raw_bytes + 1);

	if (made && bytes->raw_bytes)
		memcpy(made, bytes->raw, bytes->raw_bytes);
	return made;
}

static enum trace_status read_process(struct parse *parse, struct live_set *set, uint64_t objects,
				      struct trace_error *error)
{
	uint64_t id = 0;

	for (uint64_t i = 0; i < objects; i++) {
		struct live_object object = {0};
		uint64_t step, thread;

		if (!get(parse, FLT_CHECKPOINT_IDS, &step) ||
		    !get(parse, FLT_CHECKPOINT_SIZES, &object.size_bytes) ||
		    !get(parse, FLT_CHECKPOINT_THREADS, &thread))
			return malformed(error);
		if (!step || step > parse->objects - id || thread >= EVENT_MAX_THREADS)
			return malformed(error);
		id += step;
		object.thread = (uint32_t)thread;
		if (!live_set_insert(set, id, &object))
			return no_memory(error);
	}
	return TRACE_OK;
}

static enum trace_status read_all(struct parse *parse, struct live_sets *sets, struct trace_error *error)
{
	uint64_t next = 0;

	while (parse->in[0] < parse->end[0]) {
		uint64_t process, objects;

		if (!get(parse, FLT_CHECKPOINT_PROCESSES, &process) ||
		    !get(parse, FLT_CHECKPOINT_PROCESSES, &objects) || process < next ||
		    process >= EVENT_MAX_PROCESSES)
			return malformed(error);
		struct live_set *set = live_sets_of(sets, (uint32_t)process);
		enum trace_status status = set ? read_process(parse, set, objects, error) : no_memory(error);

		if (status != TRACE_OK)
			return status;
		next = process + 1;
	}
	return TRACE_OK;
}

enum trace_status flt_checkpoint_read(struct live_sets *sets, struct flt_column_reader *reader,
				      const struct flt_section *section, struct trace_error *error)
{
	struct parse parse = {.objects = section->field[FLT_CHECKPOINT_OBJECTS]};
	uint8_t *copies[COLUMNS] = {NULL};
	enum trace_status status = TRACE_OK;

	/* No event makes more than two ids. */
	if (parse.objects > EVENT_MAX_OBJECTS || parse.objects / 2 > section->field[FLT_CHECKPOINT_POSITION])
		return malformed(error);
	for (unsigned i = 0; i < COLUMNS && status == TRACE_OK; i++) {
		struct flt_column_bytes bytes;

		status = flt_column_read(reader, section, (uint16_t)(i + 1), &bytes, error);
		if (status != TRACE_OK)
			break;
		parse.in[i] = copies[i] = copy(&bytes);
		if (!copies[i])
			status = no_memory(error);
		else
			parse.end[i] = copies[i] + bytes.raw_bytes;
	}
	if (status == TRACE_OK)
		status = read_all(&parse, sets, error);
	for (unsigned i = 0; i < COLUMNS; i++)
		free(copies[i]);
	return status;
}
