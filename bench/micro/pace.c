#include "config.h"

#include "bench/micro/pace.h"

#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#define SAMPLES 15
#define ROUNDS 200000u
#define STEPS 12
/* An addition that the compiler can neither leave out nor join with the next. */
#define STEP(sum)                                                                                            \
	(sum)++;                                                                                             \
	__asm__ volatile("" : "+r"(sum))

static double seconds(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static double sample_dependent(void)
{
	uint64_t a = 0;
	double begin = seconds();

	for (uint32_t i = 0; i < ROUNDS; i++) {
		STEP(a);
		STEP(a);
		STEP(a);
		STEP(a);
		STEP(a);
		STEP(a);
		STEP(a);
		STEP(a);
		STEP(a);
		STEP(a);
		STEP(a);
		STEP(a);
	}
	return (seconds() - begin) * 1e9 / ((double)STEPS * ROUNDS);
}

static double sample_independent(void)
{
	uint64_t a = 0, b = 0, c = 0, d = 0, e = 0, f = 0;
	double begin = seconds();

	for (uint32_t i = 0; i < ROUNDS; i++) {
		STEP(a);
		STEP(b);
		STEP(c);
		STEP(d);
		STEP(e);
		STEP(f);
		STEP(a);
		STEP(b);
		STEP(c);
		STEP(d);
		STEP(e);
		STEP(f);
	}
	return (seconds() - begin) * 1e9 / ((double)STEPS * ROUNDS);
}

static int compare(const void *a, const void *b)
{
	double first = *(const double *)a, second = *(const double *)b;

	return (first > second) - (first < second);
}

static double median_of(double (*sample)(void))
{
	double ns[SAMPLES];

	for (int i = 0; i < SAMPLES; i++)
		ns[i] = sample();
	qsort(ns, SAMPLES, sizeof(ns[0]), compare);
	return ns[SAMPLES / 2];
}

struct pace pace_measure(void)
{
	return (struct pace){median_of(sample_dependent), median_of(sample_independent)};
}
