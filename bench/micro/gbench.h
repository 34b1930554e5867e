/* gbench.h: Google Benchmark for C.
 *
 * Google Benchmark is a C++ library; gbench_shim.cc, the only C++ of the tree, is a thin layer under these functions.
 * A benchmark is a function that asks for work in batches, so that the cost of asking (about 1 ns) is shared:
 *
 *     static void bench_pair(struct gbench_state *state, void *context)
 *     {
 *             set up;
 *             while (gbench_keep_running(state, 1000))
 *                     for (int i = 0; i < 1000; i++)
 *                             one operation;
 *             tear down;
 *     }
 *
 * Names are "CASE:CONTENDER". Contenders of one case run in the same process and, over the repetitions, in random order
 * (--benchmark_enable_random_interleaving), so that what disturbs one disturbs all. gbench_run() prints one table in
 * which each contender is compared with the first of its case by the ratios of equal repetitions. All options of Google
 * Benchmark work: --benchmark_filter, --benchmark_repetitions, --benchmark_out=FILE with --benchmark_out_format=json ...
 */
#ifndef FAULTLINE_BENCH_MICRO_GBENCH_H
#define FAULTLINE_BENCH_MICRO_GBENCH_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct gbench_state; /* one run of one benchmark on one thread */
struct gbench;	     /* a registered benchmark */

typedef void gbench_function(struct gbench_state *state, void *context);

/* Registers a benchmark. `context` must live until gbench_run() returns. */
struct gbench *gbench_register(const char *name, gbench_function *function, void *context);

/* Adds a run with this argument, which gbench_argument() hands to the function. */
void gbench_add_argument(struct gbench *benchmark, int64_t argument);

/* Runs the function on this many threads at once; time is then real time, per operation of one thread. */
void gbench_set_threads(struct gbench *benchmark, int threads);

/* Fixes the number of operations instead of letting the library find one: for deterministic work. */
void gbench_set_iterations(struct gbench *benchmark, int64_t operations);

/* --- Inside a benchmark --- */

/* True while another batch of `operations` is wanted. */
bool gbench_keep_running(struct gbench_state *state, int64_t operations);

int64_t gbench_argument(const struct gbench_state *state);
int gbench_thread(const struct gbench_state *state);
int gbench_thread_count(const struct gbench_state *state);

/* Leaves what lies between them out of the time. Each call costs some 100 ns: only around long set-ups. */
void gbench_pause(struct gbench_state *state);
void gbench_resume(struct gbench_state *state);

/* A figure of its own that the table shows. With several threads the sum. */
void gbench_counter(struct gbench_state *state, const char *name, double value);

/* Ends the run as failed; the text appears in the table and gbench_run() answers 1. */
void gbench_fail(struct gbench_state *state, const char *why);

/* Keeps the compiler from leaving out what computed the value. */
static inline void gbench_keep(uint64_t value)
{
	__asm__ volatile("" : : "r"(value) : "memory");
}

/* --- The program --- */

/* What one repetition of one benchmark measured. */
struct gbench_run {
	const char *name;    /* "CASE:CONTENDER", with /ARGUMENT where there is one */
	int64_t order;	     /* as registered */
	int64_t repetition;  /* from 0 */
	double ns;	     /* per operation: CPU time, or real time with several threads */
	const char *failure; /* NULL, or why it failed */
	unsigned counters;
	const char *const *counter_name;
	const double *counter_value;
};

typedef void gbench_report(const struct gbench_run *run, void *context);

/* Parses the options in argv, runs what was registered, and calls `report` for every repetition. 0 when every run
 * succeeded, 1 when one failed, 2 for an option that does not exist. */
int gbench_run_all(int *argc, char **argv, gbench_report *report, void *context);

#ifdef __cplusplus
}
#endif

#endif
