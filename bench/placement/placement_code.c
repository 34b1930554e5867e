#include "config.h"

#include "bench/placement/placement_code.h"

#include "traces/flt_varint.h"

/* The fields of a call that may be in a placement, in the order of the file; NULL where the kind does not carry one. */
struct fields {
	uint64_t *wide[6];
	uint32_t *narrow[2];
};

static struct fields fields_of(struct event_call *call, unsigned kind)
{
	const unsigned carries = event_kind_carries(kind);

	return (struct fields){
	    .wide =
		{
		    carries & EVENT_HAS_ADDRESS ? &call->address : NULL,
		    carries & EVENT_HAS_LENGTH ? &call->length : NULL,
		    carries & EVENT_HAS_NEW_LENGTH ? &call->new_length : NULL,
		    carries & EVENT_HAS_NEW_ADDRESS ? &call->new_address : NULL,
		    carries & EVENT_HAS_OFFSET ? &call->offset : NULL,
		    carries & EVENT_HAS_RESULT ? &call->result : NULL,
		},
	    .narrow =
		{
		    carries & EVENT_HAS_PROTECTION ? &call->protection : NULL,
		    carries & EVENT_HAS_FLAGS ? &call->flags : NULL,
		},
	};
}

static uint8_t *put_call(uint8_t *out, const struct placement_record *record)
{
	struct event_call call = record->call;
	struct fields fields = fields_of(&call, record->call_kind);

	out = flt_varint_put(out, record->call_kind);
	for (unsigned i = 0; i < 6; i++) {
		if (fields.wide[i])
			out = flt_varint_put(out, *fields.wide[i]);
	}
	for (unsigned i = 0; i < 2; i++) {
		if (fields.narrow[i])
			out = flt_varint_put(out, *fields.narrow[i]);
	}
	return out;
}

uint8_t *placement_code_put(struct placement_code *code, uint8_t *out, const struct placement_record *record)
{
	uint64_t since = record->event - code->event;

	code->event = record->event;
	out = flt_varint_put(out, since << 1 | (record->kind == PLACEMENT_CALL));
	if (record->kind == PLACEMENT_CALL)
		return put_call(out, record);
	out = flt_varint_put(out, flt_zigzag(record->object - code->object - 1));
	out = flt_varint_put(out, flt_zigzag(record->address - code->address));
	code->object = record->object;
	code->address = record->address;
	return flt_varint_put(out, record->bytes);
}

static bool may_be_placed(uint64_t kind)
{
	return kind == EVENT_MMAP || kind == EVENT_MUNMAP || kind == EVENT_MREMAP || kind == EVENT_BRK ||
	       kind == EVENT_MPROTECT || kind == EVENT_MADVISE;
}

static const char *get_call(const uint8_t **in, const uint8_t *end, struct placement_record *record)
{
	uint64_t kind, value;

	if (!flt_varint_get(in, end, &kind) || !may_be_placed(kind))
		return "a call that no placement has";
	record->call_kind = (uint8_t)kind;
	struct fields fields = fields_of(&record->call, record->call_kind);

	for (unsigned i = 0; i < 6; i++) {
		if (fields.wide[i] && !flt_varint_get(in, end, fields.wide[i]))
			return "a call that is cut off";
	}
	for (unsigned i = 0; i < 2; i++) {
		if (!fields.narrow[i])
			continue;
		if (!flt_varint_get(in, end, &value) || value > UINT32_MAX)
			return "a call that is cut off";
		*fields.narrow[i] = (uint32_t)value;
	}
	return NULL;
}

const char *placement_code_get(struct placement_code *code, const uint8_t **in, const uint8_t *end,
			       struct placement_record *record)
{
	uint64_t word, object, address;

	*record = (struct placement_record){.kind = PLACEMENT_BLOCK};
	if (!flt_varint_get(in, end, &word) || word >> 1 > UINT64_MAX - code->event)
		return "a record that is cut off";
	code->event += word >> 1;
	record->event = code->event;
	if (word & 1) {
		record->kind = PLACEMENT_CALL;
		return get_call(in, end, record);
	}
	if (!flt_varint_get(in, end, &object) || !flt_varint_get(in, end, &address) ||
	    !flt_varint_get(in, end, &record->bytes))
		return "a block that is cut off";
	code->object += flt_unzigzag(object) + 1;
	code->address += flt_unzigzag(address);
	record->object = code->object;
	record->address = code->address;
	return NULL;
}

const char *placement_state_apply(struct placement_state *state, const struct placement_record *record,
				  uint64_t events, bool *no_memory)
{
	*no_memory = false;
	if (record->event < state->event || record->event >= events)
		return "I4: events never fall, and are below the trace's";
	if (record->kind == PLACEMENT_CALL) {
		const char *wrong = mapped_apply(&state->mapped, record->call_kind, &record->call, no_memory);

		if (wrong)
			return wrong;
		state->calls++;
	} else {
		if (record->object == 0 || record->object > EVENT_MAX_OBJECTS)
			return "I5: objects are 1 ... EVENT_MAX_OBJECTS";
		if (!mapped_holds_block(&state->mapped, record->address, record->bytes))
			return "I7: each block lies in a mapping with all its bytes";
		state->blocks++;
	}
	state->event = record->event;
	return NULL;
}
