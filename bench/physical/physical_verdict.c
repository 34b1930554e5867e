#include "config.h"

#include "bench/physical/physical_verdict.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct measure {
	const char *key;	   /* in the outcome */
	const char *name;	   /* "no difference in NAME" */
	const char *one, *several; /* NAMES does what */
	bool is_higher_better;
};

static const struct measure measures[] = {
    {"huge_blocks", "2 MiB blocks free at the end", "leaves the most 2 MiB blocks free at the end",
     "leave the most 2 MiB blocks free at the end", true},
    {"kernel_huge_blocks", "2 MiB blocks with kernel pages", "keeps kernel pages in the fewest 2 MiB blocks",
     "keep kernel pages in the fewest 2 MiB blocks", false},
    {"refused", "requests refused", "refuses the fewest requests", "refuse the fewest requests", false},
    {"huge_refused", "requests of 2 MiB refused", "refuses the fewest requests of 2 MiB",
     "refuse the fewest requests of 2 MiB", false},
};

#define MEASURES (sizeof(measures) / sizeof(measures[0]))

struct contender {
	const char *name;
	int64_t value;
	size_t place; /* as given */
	bool is_machine;
};

struct ranking {
	const struct measure *measure;
	struct contender *contender; /* the best first */
	size_t count, policies;
	size_t ties; /* policies at the top */
};

/* --- Ranking ------------------------------------------------------------------------------------------------------------ */

static const char *target_of(const json_t *run)
{
	const char *target = json_string_value(json_object_get(run, "target"));

	return target ? target : "?";
}

static const json_t *value_of(const json_t *run, const char *key)
{
	const json_t *physical = json_object_get(json_object_get(run, "model"), "physical");

	return json_object_get(json_object_get(physical, "outcome"), key);
}

/* Nobody asked for 2 MiB: then it says nothing that none was refused. */
static bool is_asked(const struct measure *measure, const json_t *run)
{
	return strcmp(measure->key, "huge_refused") != 0 ||
	       json_integer_value(value_of(run, "huge_requests")) > 0;
}

static int by_value(const void *left, const void *right)
{
	const struct contender *a = left, *b = right;

	if (a->value != b->value)
		return a->value < b->value ? -1 : 1;
	return a->place < b->place ? -1 : a->place > b->place;
}

static void reverse_values(struct ranking *ranking)
{
	for (size_t i = 0; i < ranking->count; i++)
		ranking->contender[i].value = -ranking->contender[i].value;
}

static const struct contender *policy_at(const struct ranking *ranking, size_t index)
{
	const struct contender *at = ranking->contender;

	for (;; at++) {
		if (!at->is_machine && index-- == 0)
			return at;
	}
}

static void rank(struct ranking *ranking, const struct physical_verdicts *how)
{
	ranking->count = ranking->policies = ranking->ties = 0;
	for (size_t i = how->first; i < json_array_size(how->runs); i++) {
		const json_t *run = json_array_get(how->runs, i),
			     *value = value_of(run, ranking->measure->key);

		if (!json_is_integer(value) || !is_asked(ranking->measure, run))
			continue;
		struct contender *one = &ranking->contender[ranking->count++];

		*one = (struct contender){.name = target_of(run),
					  .value = json_integer_value(value),
					  .place = i,
					  .is_machine = strcmp(target_of(run), "recorded") == 0};
		ranking->policies += !one->is_machine;
	}
	if (ranking->measure->is_higher_better)
		reverse_values(ranking);
	qsort(ranking->contender, ranking->count, sizeof(*ranking->contender), by_value);
	if (ranking->measure->is_higher_better)
		reverse_values(ranking);
	while (ranking->ties < ranking->policies &&
	       policy_at(ranking, ranking->ties)->value == policy_at(ranking, 0)->value)
		ranking->ties++;
}

/* --- Words -------------------------------------------------------------------------------------------------------------- */

static void write_same(const struct ranking *ranking, FILE *out)
{
	(void)fprintf(out, "no difference in %s: %" PRId64 " under every policy", ranking->measure->name,
		      policy_at(ranking, 0)->value);
	for (size_t i = 0; i < ranking->count; i++) {
		const struct contender *one = &ranking->contender[i];

		if (one->is_machine)
			(void)fprintf(out, ", %s %" PRId64, one->name, one->value);
	}
}

static void write_winners(const struct ranking *ranking, FILE *out)
{
	for (size_t i = 0; i < ranking->ties; i++)
		(void)fprintf(out, "%s%s",
			      i == 0		       ? ""
			      : i + 1 == ranking->ties ? " and "
						       : ", ",
			      policy_at(ranking, i)->name);
	(void)fprintf(out, " %s: %" PRId64,
		      ranking->ties > 1 ? ranking->measure->several : ranking->measure->one,
		      policy_at(ranking, 0)->value);
}

static void write_others(const struct ranking *ranking, FILE *out)
{
	const char *between = ";";

	for (size_t i = 0; i < ranking->count; i++) {
		const struct contender *one = &ranking->contender[i];

		if (!one->is_machine && one->value == policy_at(ranking, 0)->value)
			continue;
		(void)fprintf(out, "%s %s %" PRId64, between, one->name, one->value);
		between = ",";
	}
}

static void write_sentence(const void *context, FILE *out)
{
	const struct ranking *ranking = context;

	if (ranking->ties == ranking->policies) {
		write_same(ranking, out);
		return;
	}
	write_winners(ranking, out);
	write_others(ranking, out);
}

struct pair {
	const struct measure *measure;
	const struct contender *one, *other;
};

static void write_pair(const void *context, FILE *out)
{
	const struct pair *pair = context;

	(void)fprintf(out, "%s beside %s, %s: %" PRId64 ", %" PRId64 " (%+" PRId64 ")", pair->one->name,
		      pair->other->name, pair->measure->name, pair->one->value, pair->other->value,
		      pair->one->value - pair->other->value);
}

/* --- Verdicts ----------------------------------------------------------------------------------------------------------- */

struct telling {
	const struct physical_verdicts *how;
	json_t *verdicts;
	FILE *out;
};

struct sentence {
	void (*write)(const void *context, FILE *out);
	const void *context;
};

static bool tell(const struct telling *telling, const struct pair *pair, const char *winner,
		 const struct sentence *sentence)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *file = open_memstream(&text, &bytes);

	if (!file)
		return false;
	sentence->write(sentence->context, file);
	if (fclose(file) != 0) {
		free(text);
		return false;
	}
	json_t *verdict = json_pack("{s:s, s:s, s:s?, s:s, s:s, s:o, s:n, s:s}", "trace", telling->how->trace,
				    "measure", pair->measure->name, "winner", winner, "best", pair->one->name,
				    "other", pair->other->name, "ratio",
				    pair->other->value != 0
					? json_real((double)pair->one->value / (double)pair->other->value)
					: json_null(),
				    "ci95", "sentence", text);
	const bool is_told = json_array_append_new(telling->verdicts, verdict) == 0;

	if (is_told && telling->out)
		(void)fprintf(telling->out, "%s: %s.\n", telling->how->trace, text);
	free(text);
	return is_told;
}

static const char *better_of(const struct measure *measure, const struct contender *one,
			     const struct contender *other)
{
	if (one->value == other->value)
		return NULL;
	return (one->value > other->value) == measure->is_higher_better ? one->name : other->name;
}

static const struct contender *find(const struct ranking *ranking, const char *name)
{
	for (size_t i = 0; i < ranking->count; i++) {
		if (strcmp(ranking->contender[i].name, name) == 0)
			return &ranking->contender[i];
	}
	return NULL;
}

static bool tell_against(const struct telling *telling, const struct ranking *ranking)
{
	const struct contender *baseline =
	    telling->how->against ? find(ranking, telling->how->against) : NULL;
	bool ok = true;

	for (size_t i = 0; ok && baseline && i < ranking->count; i++) {
		const struct pair pair = {ranking->measure, &ranking->contender[i], baseline};
		const struct sentence sentence = {write_pair, &pair};

		if (pair.one != baseline && !pair.one->is_machine)
			ok = tell(telling, &pair, better_of(pair.measure, pair.one, baseline), &sentence);
	}
	return ok;
}

static bool tell_ranking(const struct telling *telling, const struct ranking *ranking)
{
	const struct contender *best = policy_at(ranking, 0);
	const struct pair pair = {ranking->measure, best, policy_at(ranking, 1)};
	const struct sentence sentence = {write_sentence, ranking};

	return tell(telling, &pair, better_of(pair.measure, best, pair.other), &sentence);
}

bool physical_verdicts_make(const struct physical_verdicts *how, json_t *verdicts, FILE *out)
{
	const struct telling telling = {how, verdicts, out};
	const size_t runs = json_array_size(how->runs) - how->first;
	struct ranking ranking = {.contender = calloc(runs + 1, sizeof(*ranking.contender))};
	bool ok = ranking.contender != NULL;

	for (size_t i = 0; ok && i < MEASURES; i++) {
		ranking.measure = &measures[i];
		rank(&ranking, how);
		if (ranking.policies > 1)
			ok = tell_against(&telling, &ranking) && tell_ranking(&telling, &ranking);
	}
	free(ranking.contender);
	return ok;
}
