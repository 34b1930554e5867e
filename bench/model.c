#include "config.h"

#include "bench/model.h"

#include "bench/run.h"
#include "engine/machine.h"
#include "engine/policy.h"
#include "engine/virt/page_size.h"
#include "traces/grown_array.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct model_sample {
	uint64_t event;
	struct machine_sample machine;
};

struct model {
	struct policy policy;
	char policy_text[1024];
	uint64_t memory_bytes;
	struct machine *machine; /* while it runs */
	uintptr_t *address;	 /* per slot, while it runs */
	uint64_t *bytes;	 /* asked for, of the slot's live block; 0: it has none */
	bool has_page_sizes;	 /* the peak of live bytes was reached */
	struct page_size_cost page_size[PAGE_SIZES];
	struct machine_report report;
	struct model_sample *sample;
	size_t samples, capacity;
	uint64_t applied; /* operations, if they are counted for checks */
};

static bool refuse(struct trace_error *error, const char *what, const char *why)
{
	(void)trace_fail(error, TRACE_UNSUPPORTED, "%s: %s", what, why);
	return false;
}

static bool prove(const struct model *model, uint64_t event, struct trace_error *error)
{
	const char *broken = machine_check(model->machine);

	if (broken)
		(void)trace_fail(error, TRACE_UNSUPPORTED,
				 "event %" PRIu64 ": the engine broke an invariant: %s", event, broken);
	return !broken;
}

static bool take_sample(struct model *model, const struct model_options *options, uint64_t event,
			struct trace_error *error)
{
	struct model_sample *larger =
	    grown_array(model->sample, model->samples, &model->capacity, sizeof(*larger));

	if (!larger)
		return refuse(error, "the engine's model", "not enough memory");
	model->sample = larger;
	model->sample[model->samples].event = event;
	machine_sample(model->machine, &model->sample[model->samples++].machine);
	return options->check == 0 || prove(model, event, error);
}

/* malloc's promise is the machine's default. */
static size_t asked_alignment(const struct operation *operation)
{
	return operation_kind(operation) == OPERATION_MEMALIGN ? operation_alignment(operation) : 0;
}

static bool is_free(const struct operation *operation)
{
	enum operation_kind kind = operation_kind(operation);

	return kind == OPERATION_REALLOC_FREE || kind == OPERATION_FREE || kind == OPERATION_FREE_SIZED;
}

static void apply(struct model *model, const struct planned *planned)
{
	const struct operation *operation = &planned->operation;
	uintptr_t *address = &model->address[operation->slot];
	size_t bytes = operation_bytes(operation);

	switch (operation_kind(operation)) {
	case OPERATION_MALLOC:
	case OPERATION_CALLOC:
	case OPERATION_MEMALIGN:
	case OPERATION_REALLOC_NULL:
		*address = machine_malloc(model->machine, planned->lane, bytes, asked_alignment(operation));
		break;
	case OPERATION_REALLOC: {
		uintptr_t moved = machine_realloc(model->machine, planned->lane, *address, bytes);

		if (moved ==
		    0) { /* the simulated program gives up the old block, so that it is not freed twice */
			machine_free(model->machine, planned->lane, *address);
		}
		*address = moved;
		break;
	}
	case OPERATION_REALLOC_FREE:
	case OPERATION_FREE:
	case OPERATION_FREE_SIZED:
		machine_free(model->machine, planned->lane, *address);
		break;
	case OPERATION_EXIT:
		machine_thread_exit(model->machine, planned->lane);
		break;
	default:
		return;
	}
	if (operation_kind(operation) != OPERATION_EXIT)
		model->bytes[operation->slot] = is_free(operation) || *address == 0 ? 0 : bytes;
}

/* What the blocks that are live now cost under each page size. */
static bool measure_page_sizes(struct model *model, uint64_t slots, struct trace_error *error)
{
	struct page_size_range *ranges = calloc(slots + 1, sizeof(ranges[0]));
	size_t count = 0;

	if (!ranges)
		return refuse(error, "the engine's model", "not enough memory");
	for (uint64_t slot = 0; slot < slots; slot++) {
		if (model->bytes[slot] > 0)
			ranges[count++] = (struct page_size_range){
			    model->address[slot] - machine_base(model->machine), model->bytes[slot]};
	}
	page_size_costs(ranges, count, model->page_size);
	model->has_page_sizes = true;
	free(ranges);
	return true;
}

static bool apply_all(struct model *model, const struct model_options *options,
		      const struct planned *operations, uint64_t count, struct trace_error *error)
{
	const struct plan_totals *totals = plan_totals(options->plan);

	for (uint64_t i = 0; i < count; i++) {
		apply(model, &operations[i]);
		if (options->check > 0 && ++model->applied % options->check == 0 &&
		    !prove(model, operations[i].event, error))
			return false;
		if (!model->has_page_sizes && operations[i].live_bytes == totals->live_peak_bytes &&
		    !measure_page_sizes(model, totals->slots, error))
			return false;
	}
	return true;
}

static bool replay(struct model *model, const struct model_options *options, struct trace_error *error)
{
	const struct plan_totals *totals = plan_totals(options->plan);
	uint64_t every = options->samples ? totals->operations / options->samples + 1 : UINT64_MAX,
		 position = 0, count;
	const struct planned *operations;
	enum trace_status status = plan_rewind(options->plan, error);

	while (status == TRACE_OK && (status = plan_next(options->plan, every - position % every, &operations,
							 &count, error)) == TRACE_OK) {
		if (!apply_all(model, options, operations, count, error))
			return false;
		position += count;
		if ((position % every == 0 || position == totals->operations) &&
		    !take_sample(model, options, operations[count - 1].event, error))
			return false;
	}
	return status == TRACE_END;
}

static bool build(struct model *model, const struct model_options *options, struct trace_error *error)
{
	struct machine_options machine = {
	    .policy = &model->policy,
	    .backing = options->backing_real ? MACHINE_BACKING_REAL : MACHINE_BACKING_NONE,
	    .memory_bytes = options->memory_bytes,
	    .seed = options->seed,
	};

	model->memory_bytes = options->memory_bytes ? options->memory_bytes : MACHINE_MEMORY_BYTES;
	(void)snprintf(model->policy_text, sizeof(model->policy_text), "%s", options->policy);
	if (policy_parse(&model->policy, options->policy) != STATUS_OK)
		return refuse(error, options->policy,
			      "no such policy, key or value; `faultline policies` lists them");
	model->address = calloc(plan_totals(options->plan)->slots + 1, sizeof(model->address[0]));
	model->bytes = calloc(plan_totals(options->plan)->slots + 1, sizeof(model->bytes[0]));
	enum status status =
	    model->address && model->bytes ? machine_create(&model->machine, &machine) : STATUS_NO_MEMORY;

	return status == STATUS_OK || refuse(error, "the engine's machine", status_name(status));
}

bool model_run(struct model **model, const struct model_options *options, struct trace_error *error)
{
	struct model *made = calloc(1, sizeof(*made));

	*model = NULL;
	if (!made)
		return refuse(error, "the engine's model", "not enough memory");
	bool ok = build(made, options, error) && replay(made, options, error);

	if (ok)
		machine_report(made->machine, &made->report);
	if (made->machine)
		machine_destroy(made->machine);
	made->machine = NULL;
	free(made->address);
	free(made->bytes);
	made->address = NULL;
	made->bytes = NULL;
	if (ok)
		*model = made;
	else
		model_destroy(made);
	return ok;
}

void model_destroy(struct model *model)
{
	if (!model)
		return;
	free(model->sample);
	free(model);
}

/* --- What it says ------------------------------------------------------------------------------------------------------- */

static json_t *ratio_json(struct ratio ratio)
{
	return ratio_exists(ratio) ? json_real(ratio_value(ratio)) : json_null();
}

static json_t *ratios_json(const struct ratio ratios[MACHINE_ORDERS])
{
	json_t *array = json_array();

	for (unsigned order = 0; order < MACHINE_ORDERS; order++)
		(void)json_array_append_new(array, ratio_json(ratios[order]));
	return array;
}

static json_t *zones_json(const struct machine_report *report)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < report->zones; i++) {
		const struct machine_zone_report *zone = &report->zone[i];

		(void)json_array_append_new(
		    array, json_pack("{s:i, s:s, s:I, s:I, s:o, s:o, s:o, s:I, s:I}", "node", (int)zone->node,
				     "name", zone->name, "managed_pages", (json_int_t)zone->managed_pages,
				     "free_pages", (json_int_t)zone->free_pages, "unusable_free_index",
				     ratios_json(zone->unusable_free_index), "extfrag_index",
				     ratios_json(zone->extfrag_index), "free_huge_over_optimal",
				     ratio_json(zone->free_huge_over_optimal), "lock_taken",
				     (json_int_t)zone->lock_taken, "lock_contended",
				     (json_int_t)zone->lock_contended));
	}
	return array;
}

json_t *model_json(const struct model *model)
{
	const struct machine_report *report = &model->report;
	json_t *memory = json_pack(
	    "{s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:I, s:I, s:I, s:I, s:I, s:o}", "live_peak_bytes",
	    (json_int_t)report->live_peak_bytes, "live_peak_objects", (json_int_t)report->live_peak_objects,
	    "frames_peak_bytes", (json_int_t)report->frames_peak_bytes, "metadata_bytes",
	    (json_int_t)report->metadata_bytes, "page_array_bytes", (json_int_t)report->page_array_bytes,
	    "buddy_map_bytes", (json_int_t)report->buddy_map_bytes, "internal_fragmentation",
	    ratio_json(report->internal_fragmentation), "allocations", (json_int_t)report->allocations,
	    "frees", (json_int_t)report->frees, "resizes", (json_int_t)report->resizes, "resizes_in_place",
	    (json_int_t)report->resizes_in_place, "out_of_memory", (json_int_t)report->out_of_memory, "zones",
	    zones_json(report));

	return json_pack("{s:o, s:n, s:n, s:n}", "memory", memory, "faults", "page_tables", "tlb");
}

json_t *model_policy_json(const struct model *model)
{
	size_t length = strcspn(model->policy_text, ",=");
	bool named = model->policy_text[length] != '=';
	json_t *policy = json_object();
	const struct policy_key *key;
	char buffer[POLICY_VALUE_BYTES];

	(void)json_object_set_new(policy, "name",
				  named ? json_stringn(model->policy_text, length) : json_string("default"));
	for (size_t i = 0; (key = policy_key_at(i)); i++) {
		json_t *value = key->words ? json_string(policy_value_text(&model->policy, key, buffer))
					   : json_integer(policy_value(&model->policy, key));

		(void)json_object_set_new(policy, key->name, value);
	}
	return policy;
}

uint64_t model_frames_peak_bytes(const struct model *model)
{
	return model->report.frames_peak_bytes;
}

static void write_ratio(FILE *file, struct ratio ratio, char after)
{
	if (ratio_exists(ratio))
		(void)fprintf(file, "%.6g%c", ratio_value(ratio), after);
	else
		(void)fprintf(file, "?%c", after);
}

void model_write_samples(const struct model *model, FILE *file)
{
	(void)fputs(
	    "# event\tlive_bytes\tgranted_bytes\tframes_bytes\tmetadata_bytes\tinternal_fragmentation\t"
	    "unusable_free_index_order9\textfrag_index_order9\tfree_huge_over_optimal\n",
	    file);
	for (size_t i = 0; i < model->samples; i++) {
		const struct machine_sample *sample = &model->sample[i].machine;

		(void)fprintf(file, "%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t",
			      model->sample[i].event, sample->live_bytes, sample->granted_bytes,
			      sample->frames_bytes, sample->metadata_bytes);
		write_ratio(file, sample->internal_fragmentation, '\t');
		write_ratio(file, sample->unusable_free_index, '\t');
		write_ratio(file, sample->extfrag_index, '\t');
		write_ratio(file, sample->free_huge_over_optimal, '\n');
	}
}

void model_write_buddy(const struct model *model, FILE *file)
{
	(void)fputs("# event", file);
	for (unsigned order = 0; order < MACHINE_ORDERS; order++)
		(void)fprintf(file, "\torder%u", order);
	(void)fputc('\n', file);
	for (size_t i = 0; i < model->samples; i++) {
		(void)fprintf(file, "%" PRIu64, model->sample[i].event);
		for (unsigned order = 0; order < MACHINE_ORDERS; order++)
			(void)fprintf(file, "\t%" PRIu64, model->sample[i].machine.free_blocks[order]);
		(void)fputc('\n', file);
	}
}

void model_write_page_sizes(const struct model *model, FILE *file)
{
	(void)fputs("# page_bytes\tpages\twaste_bytes\tdescriptor_bytes\ttable_bytes\n", file);
	for (unsigned i = 0; i < PAGE_SIZES && model->has_page_sizes; i++) {
		const struct page_size_cost *cost = &model->page_size[i];

		(void)fprintf(file, "%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\n",
			      cost->page_bytes, cost->pages, cost->waste_bytes, cost->descriptor_bytes,
			      cost->table_bytes);
	}
}
