#include "config.h"

#include "bench/model.h"

struct model {
	int unused;
};

bool model_run(struct model **model, const struct model_options *options, struct trace_error *error)
{
	(void)options;
	*model = NULL;
	(void)trace_fail(error, TRACE_UNSUPPORTED, "the engine's model is not part of this build");
	return false;
}

json_t *model_json(const struct model *model)
{
	(void)model;
	return json_null();
}

json_t *model_policy_json(const struct model *model)
{
	(void)model;
	return json_null();
}

void model_write_samples(const struct model *model, FILE *file)
{
	(void)model;
	(void)file;
}

void model_write_buddy(const struct model *model, FILE *file)
{
	(void)model;
	(void)file;
}

void model_destroy(struct model *model)
{
	(void)model;
}
