#include "config.h"

#include "bench/regression.h"

#include <math.h>
#include <string.h>

/* A pivot below this share of its diagonal element means that the kinds always came in the same proportion. */
#define SMALLEST_PIVOT 1e-6

struct system {
	double row[LATENCY_KINDS][LATENCY_KINDS + 1];
	unsigned kind[LATENCY_KINDS]; /* that each unknown stands for */
	unsigned size;
};

static void set_up(struct system *system, const struct session_regression *regression)
{
	system->size = 0;
	for (unsigned i = 0; i < LATENCY_KINDS; i++) {
		if (regression->calls[i] >= REGRESSION_MIN_CALLS)
			system->kind[system->size++] = i;
	}
	for (unsigned i = 0; i < system->size; i++) {
		for (unsigned j = 0; j < system->size; j++)
			system->row[i][j] = regression->products[system->kind[i]][system->kind[j]];
		system->row[i][system->size] = regression->durations[system->kind[i]];
	}
}

/* Symmetric and positive: elimination needs no exchange of rows. False when the system does not determine its unknowns. */
static bool eliminate(struct system *system)
{
	double diagonal[LATENCY_KINDS];

	for (unsigned i = 0; i < system->size; i++)
		diagonal[i] = system->row[i][i];
	for (unsigned i = 0; i < system->size; i++) {
		if (system->row[i][i] <= SMALLEST_PIVOT * diagonal[i])
			return false;
		for (unsigned k = i + 1; k < system->size; k++) {
			double factor = system->row[k][i] / system->row[i][i];

			for (unsigned j = i; j <= system->size; j++)
				system->row[k][j] -= factor * system->row[i][j];
		}
	}
	return true;
}

void regression_solve(const struct session_regression *regression, double means[LATENCY_KINDS])
{
	struct system system;
	double solution[LATENCY_KINDS];

	for (unsigned i = 0; i < LATENCY_KINDS; i++)
		means[i] = NAN;
	set_up(&system, regression);
	if (!eliminate(&system))
		return;
	for (unsigned i = system.size; i > 0; i--) {
		double sum = system.row[i - 1][system.size];

		for (unsigned j = i; j < system.size; j++)
			sum -= system.row[i - 1][j] * solution[j];
		solution[i - 1] = sum / system.row[i - 1][i - 1];
		means[system.kind[i - 1]] = solution[i - 1];
	}
}
