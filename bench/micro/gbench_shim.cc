#include "config.h"

#include "bench/micro/gbench.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <string>
#include <vector>

static benchmark::State *state_of(gbench_state *state)
{
	return reinterpret_cast<benchmark::State *>(state);
}

static const benchmark::State *state_of(const gbench_state *state)
{
	return reinterpret_cast<const benchmark::State *>(state);
}

static benchmark::internal::Benchmark *benchmark_of(gbench *registered)
{
	return reinterpret_cast<benchmark::internal::Benchmark *>(registered);
}

/* Hands every repetition to the C function, and leaves the printing to it. */
class Reporter : public benchmark::BenchmarkReporter
{
      public:
	Reporter(gbench_report *report, void *context) : report_(report), context_(context)
	{
	}

	bool ReportContext(const Context &) override
	{
		return true;
	}

	void ReportRuns(const std::vector<Run> &runs) override
	{
		for (const Run &run : runs) {
			if (run.run_type == Run::RT_Iteration)
				hand_over(run);
		}
	}

	bool failed() const
	{
		return failed_;
	}

      private:
	void hand_over(const Run &run)
	{
		std::string name = run.run_name.function_name;
		std::vector<const char *> names;
		std::vector<double> values;

		if (!run.run_name.args.empty())
			name += "/" + run.run_name.args;
		for (const auto &counter : run.counters) {
			names.push_back(counter.first.c_str());
			values.push_back(counter.second.value);
		}
		failed_ |= run.error_occurred;
		double ns = run.threads > 1 ? run.GetAdjustedRealTime() * static_cast<double>(run.threads)
					    : run.GetAdjustedCPUTime();
		int64_t order = run.family_index << 16 | run.per_family_instance_index;
		gbench_run handed = {name.c_str(),
				     order,
				     std::max<int64_t>(run.repetition_index, 0),
				     ns,
				     run.error_occurred ? run.error_message.c_str() : nullptr,
				     static_cast<unsigned>(names.size()),
				     names.data(),
				     values.data()};
		report_(&handed, context_);
	}

	gbench_report *report_;
	void *context_;
	bool failed_ = false;
};

gbench *gbench_register(const char *name, gbench_function *function, void *context)
{
	auto call = [function, context](benchmark::State &state) {
		function(reinterpret_cast<gbench_state *>(&state), context);
	};

	return reinterpret_cast<gbench *>(benchmark::RegisterBenchmark(name, call));
}

void gbench_add_argument(gbench *registered, int64_t argument)
{
	benchmark_of(registered)->Arg(argument);
}

void gbench_set_threads(gbench *registered, int threads)
{
	benchmark_of(registered)->Threads(threads)->UseRealTime();
}

void gbench_set_iterations(gbench *registered, int64_t operations)
{
	benchmark_of(registered)->Iterations(operations);
}

bool gbench_keep_running(gbench_state *state, int64_t operations)
{
	return state_of(state)->KeepRunningBatch(operations);
}

int64_t gbench_argument(const gbench_state *state)
{
	return state_of(state)->range(0);
}

int gbench_thread(const gbench_state *state)
{
	return state_of(state)->thread_index();
}

int gbench_thread_count(const gbench_state *state)
{
	return state_of(state)->threads();
}

void gbench_pause(gbench_state *state)
{
	state_of(state)->PauseTiming();
}

void gbench_resume(gbench_state *state)
{
	state_of(state)->ResumeTiming();
}

void gbench_counter(gbench_state *state, const char *name, double value)
{
	state_of(state)->counters[name] = benchmark::Counter(value);
}

void gbench_fail(gbench_state *state, const char *why)
{
	state_of(state)->SkipWithError(why);
}

int gbench_run_all(int *argc, char **argv, gbench_report *report, void *context)
{
	benchmark::Initialize(argc, argv);
	if (benchmark::ReportUnrecognizedArguments(*argc, argv))
		return 2;
	Reporter reporter(report, context);

	benchmark::RunSpecifiedBenchmarks(&reporter);
	benchmark::Shutdown();
	return reporter.failed() ? 1 : 0;
}
