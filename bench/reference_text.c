#include "config.h"

#include "bench/reference_text.h"

#include <inttypes.h>
#include <stdio.h>

static void print_place(const struct access *access)
{
	const int64_t offset = (int64_t)access->offset;

	switch (access->place) {
	case ACCESS_OBJECT:
		(void)printf("#%" PRIu64 "%+" PRId64, access->base, offset);
		break;
	case ACCESS_STACK:
	case ACCESS_REGION:
		(void)printf("%s %" PRIu64 "%+" PRId64, access_place_name(access->place), access->base,
			     offset);
		break;
	default:
		(void)printf("%s 0x%" PRIx64, access_place_name(access->place), access->offset);
		break;
	}
}

/* The lines of a run; returns how many. */
static uint64_t print_run(const struct access_batch *batch, const struct access_run *run, uint64_t limit)
{
	const uint32_t process = batch->contexts_table[batch->context[run->first]].process;
	uint64_t lines = 0;
	struct access access;

	if (run->skipped > 0 && lines < limit) {
		(void)printf("- %" PRIu64 " %" PRIu32 "/%" PRIu32 " skipped(%" PRIu64 ")\n", run->position,
			     process, run->thread, run->skipped);
		lines++;
	}
	for (uint32_t i = run->first; i < run->first + run->count && lines < limit; i++, lines++) {
		access_of_batch(batch, i, &access);
		(void)printf("%" PRIu64 " %" PRIu64 " %" PRIu32 "/%" PRIu32 " %s(", batch->first + i,
			     run->position, process, run->thread, access_kind_name(access.kind));
		print_place(&access);
		(void)printf(", %" PRIu16 ")%s\n", access.size, access.kind & ACCESS_KERNEL ? " kernel" : "");
	}
	return lines;
}

static bool is_chosen(const struct access_batch *batch, const struct access_run *run,
		      const struct reference_choice *choice)
{
	return run->position >= choice->first && run->position < choice->end &&
	       (choice->thread == UINT64_MAX || run->thread == choice->thread) &&
	       (choice->process == UINT64_MAX ||
		batch->contexts_table[batch->context[run->first]].process == choice->process);
}

enum trace_status reference_text_print(struct flt_reader *reader, const struct reference_choice *choice,
				       struct trace_error *error)
{
	uint64_t left = choice->limit;
	bool has_more = true;
	struct access_batch batch;
	enum trace_status status = flt_reader_seek_accesses(reader, choice->first, error);

	while (status == TRACE_OK && has_more && left > 0 && !ferror(stdout)) {
		status = flt_reader_accesses(reader, &batch, error);
		for (size_t r = 0; r < batch.runs && status == TRACE_OK; r++) {
			has_more = batch.run[r].position < choice->end;
			if (is_chosen(&batch, &batch.run[r], choice))
				left -= print_run(&batch, &batch.run[r], left);
		}
	}
	return status == TRACE_END ? TRACE_OK : status;
}
