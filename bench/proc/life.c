#include "config.h"

#include "bench/proc/life.h"

#define COLUMNS (FLT_KIND | FLT_DETAIL | FLT_THREAD)

static bool is_birth(const struct flt_batch *batch, size_t i, uint32_t process)
{
	const uint8_t kind = batch->kind[i];

	return (kind == EVENT_FORK || kind == EVENT_VFORK || kind == EVENT_CLONE) &&
	       !(batch->flags[i] & EVENT_FAILED) && batch->count[i] == process &&
	       batch->process[i] != process;
}

/* False when the process has ended. */
static bool look_at(const struct flt_batch *batch, size_t i, uint32_t process, struct proc_life *life)
{
	const uint64_t position = batch->first + i;

	if (is_birth(batch, i, process) && !life->exists) {
		life->exists = true;
		life->first = position + 1;
	}
	if (batch->process[i] != process)
		return true;
	if (!life->exists) {
		life->exists = true;
		life->first = position;
	}
	if (batch->kind[i] != EVENT_EXIT)
		return true;
	life->last = position;
	life->ends = true;
	return false;
}

enum trace_status proc_life_find(struct flt_reader *reader, uint32_t process, struct proc_life *life,
				 struct trace_error *error)
{
	struct flt_batch batch;
	enum trace_status status = TRACE_OK;
	const uint64_t events = flt_reader_summary(reader)->events;

	*life = (struct proc_life){.last = events};
	if (events > 0)
		status = flt_reader_seek(reader, 0, error);
	while (status == TRACE_OK && !life->ends) {
		status = flt_reader_batch(reader, COLUMNS, &batch, error);
		for (size_t i = 0; status == TRACE_OK && i < batch.events; i++) {
			if (!look_at(&batch, i, process, life))
				break;
		}
	}
	return status == TRACE_END ? TRACE_OK : status;
}
