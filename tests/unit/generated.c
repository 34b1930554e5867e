#include "config.h"

#include "tests/unit/generated.h"

#include "traces/generate/workloads.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 29;
}

static enum trace_status put(struct event_sink *sink, const struct event *event, struct trace_error *error)
{
	struct generated *generated = (struct generated *)sink;
	const uint64_t field[] = {event->time_ns, event->object, event->old_object, event->size,
				  event->count,	  event->thread, event->alignment,  event->process,
				  event->kind,	  event->flags};

	for (size_t index = 0; index < sizeof(field) / sizeof(field[0]); index++)
		generated->hash = mix(generated->hash, field[index]);
	if (event->kind >= EVENT_PAGE_ALLOC)
		generated->hash = mix(mix(generated->hash, event->kernel.frame), event->kernel.order);
	if (generated->each)
		generated->each(generated->context, event);
	return census_add(&generated->census, event, error);
}

void generated_play(struct generated *generated, const char *workload, const char *const *sets, uint64_t seed)
{
	struct trace_error error = {""};
	struct settings settings;

	generated->sink = (struct event_sink){.put = put};
	generated->hash = 0;
	census_start(&generated->census);
	settings_create(&settings, workload_find(workload));
	settings.seed = seed;
	for (; *sets; sets++)
		assert_int_equal(settings_set(&settings, *sets, &error), TRACE_OK);
	if (settings_play(&settings, &generated->sink, &error, generated->note) != TRACE_OK)
		fail_msg("%s: %s", workload, error.message);
	assert_null(census_check(&generated->census));
}

void generated_drop(struct generated *generated)
{
	census_end(&generated->census);
}
