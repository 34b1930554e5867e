#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/spaces_rig.h"

#include <sys/mman.h>

struct event rig_call(uint8_t kind, uint64_t address, uint64_t length, uint64_t result)
{
	return (struct event){.kind = kind, .call = {.address = address, .length = length, .result = result}};
}

struct event rig_memory(uint64_t result, uint64_t length)
{
	struct event event = rig_call(EVENT_MMAP, 0, length, result);

	event.call.protection = PROT_READ | PROT_WRITE;
	event.call.flags = MAP_PRIVATE | MAP_ANONYMOUS;
	return event;
}

void rig_touch(struct written_trace *trace, uint32_t thread, uint64_t address, uint8_t kind)
{
	written_access(trace, thread,
		       (struct access){.offset = address, .size = 8, .kind = kind, .place = ACCESS_ABSOLUTE});
}

struct spaces *rig_run(struct written_trace *trace, struct flt_reader **reader, struct spaces_options options,
		       const struct spaces_watch *watch)
{
	struct trace_error error = {""};
	struct spaces *spaces;

	*reader = written_trace_open(trace);
	options.reader = *reader;
	options.platform.memory_bytes = UINT64_C(256) << 20;
	if (options.process == 0)
		options.process = SPACES_ALL_PROCESSES;
	if (spaces_create(&spaces, &options, &error) != TRACE_OK ||
	    spaces_run(spaces, watch, &error) != TRACE_OK)
		fail_msg("%s", error.message);
	const char *broken = spaces_check(spaces);

	if (broken)
		fail_msg("%s", broken);
	return spaces;
}

void rig_drop(struct spaces *spaces, struct flt_reader *reader)
{
	spaces_destroy(spaces);
	flt_reader_close(reader);
}
