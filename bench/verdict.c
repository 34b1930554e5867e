#include "config.h"

#include "bench/verdict.h"

#include <math.h>
#include <stdio.h>

static size_t lowest_median(const struct contender *contenders, size_t count, unsigned rounds, size_t except)
{
	size_t best = count;
	double lowest = INFINITY;

	for (size_t i = 0; i < count; i++) {
		struct interval interval = interval_of(contenders[i].rounds, rounds);

		/* A contender that has no value in most rounds is not in the race. */
		if (i != except && interval.samples * 2 > rounds && interval.median < lowest) {
			lowest = interval.median;
			best = i;
		}
	}
	return best;
}

/* The contender that `best` is least surely better than. */
static size_t closest(const struct contender *contenders, size_t count, unsigned rounds, size_t best)
{
	size_t found = count;
	double highest = -INFINITY;

	for (size_t i = 0; i < count; i++) {
		struct interval ratio =
		    interval_of_ratios(contenders[best].rounds, contenders[i].rounds, rounds);

		if (i == best || ratio.samples * 2 <= rounds)
			continue;
		double bound = ratio.exists ? ratio.high : ratio.median;

		if (bound > highest) {
			highest = bound;
			found = i;
		}
	}
	return found;
}

static void say(struct verdict *verdict)
{
	const struct interval *ratio = &verdict->ratio;

	if (!ratio->exists)
		(void)snprintf(verdict->sentence, sizeof(verdict->sentence),
			       "too few rounds to judge %s (at least 6): %s is at %.3f of %s",
			       verdict->measure, verdict->best, ratio->median, verdict->other);
	else if (verdict->wins)
		(void)snprintf(verdict->sentence, sizeof(verdict->sentence),
			       "%s wins on %s: %.3f of %s (95 %% interval %.3f to %.3f)", verdict->best,
			       verdict->measure, ratio->median, verdict->other, ratio->low, ratio->high);
	else
		(void)snprintf(
		    verdict->sentence, sizeof(verdict->sentence),
		    "no difference on %s between %s and %s: ratio %.3f (95 %% interval %.3f to %.3f)",
		    verdict->measure, verdict->best, verdict->other, ratio->median, ratio->low, ratio->high);
}

struct verdict verdict_of(const char *measure, const struct contender *contenders, size_t count,
			  unsigned rounds)
{
	struct verdict verdict = {.measure = measure};
	size_t best = lowest_median(contenders, count, rounds, count);
	size_t other = best < count ? closest(contenders, count, rounds, best) : count;

	if (other == count) {
		(void)snprintf(verdict.sentence, sizeof(verdict.sentence), "nothing to compare on %s",
			       measure);
		return verdict;
	}
	verdict.best = contenders[best].name;
	verdict.other = contenders[other].name;
	verdict.ratio = interval_of_ratios(contenders[best].rounds, contenders[other].rounds, rounds);
	verdict.wins = verdict.ratio.exists && verdict.ratio.high < 1;
	say(&verdict);
	return verdict;
}

struct verdict verdict_against(const char *measure, const struct contender *contender,
			       const struct contender *baseline, unsigned rounds)
{
	struct verdict verdict = {
	    .measure = measure,
	    .best = contender->name,
	    .other = baseline->name,
	    .ratio = interval_of_ratios(contender->rounds, baseline->rounds, rounds),
	};
	const struct interval *ratio = &verdict.ratio;

	verdict.wins = ratio->exists && ratio->high < 1;
	if (ratio->exists)
		(void)snprintf(verdict.sentence, sizeof(verdict.sentence),
			       "%s is at %.3f of %s on %s (95 %% interval %.3f to %.3f)", verdict.best,
			       ratio->median, verdict.other, measure, ratio->low, ratio->high);
	else
		(void)snprintf(verdict.sentence, sizeof(verdict.sentence),
			       "%s cannot be held against %s on %s: fewer than 6 rounds have both",
			       verdict.best, verdict.other, measure);
	return verdict;
}

/* Whose interval lies on its side of 1 as a whole, or NULL. */
static const char *winner_of(const struct verdict *verdict)
{
	if (verdict->wins)
		return verdict->best;
	return verdict->best && verdict->ratio.exists && verdict->ratio.low > 1 ? verdict->other : NULL;
}

static json_t *text_or_null(const char *text)
{
	return text ? json_string(text) : json_null();
}

static json_t *ratio_or_null(double ratio)
{
	return isfinite(ratio) ? json_real(ratio) : json_null();
}

json_t *verdict_json(const struct verdict *verdict, const char *trace)
{
	const struct interval *ratio = &verdict->ratio;
	json_t *bounds =
	    verdict->best && ratio->exists ? json_pack("[f,f]", ratio->low, ratio->high) : json_null();

	return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:s}", "trace", trace, "measure",
			 verdict->measure, "winner", text_or_null(winner_of(verdict)), "best",
			 text_or_null(verdict->best), "other", text_or_null(verdict->other), "ratio",
			 verdict->best ? ratio_or_null(ratio->median) : json_null(), "ci95", bounds,
			 "sentence", verdict->sentence);
}
