#include "config.h"

#include "bench/doctor.h"

#include "traces/record/machine_rings.h"
#include "traces/record/sampler.h"
#include "traces/record/tracer.h"

#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char group[] = "recorders";

static const _Atomic uint32_t never;

/* Opens the events on this process and closes them again. */
static struct sampler *try_sampler(bool calls, struct trace_error *error)
{
	const struct sampler_options options = {.calls = calls, .faults = !calls, .active = &never};
	struct sampler *sampler = NULL;

	return sampler_create(&sampler, &options, error) == TRACE_OK ? sampler : NULL;
}

/* In a child: waits to be traced, then installs the filter. Its exit status says whether it could. */
static _Noreturn void run_traced_child(const struct tracer *tracer, int go)
{
	char ready;

	_exit(read(go, &ready, 1) == 1 && tracer_prepare(tracer) == 0 ? 0 : 1);
}

static int wait_status(const struct tracer *tracer, int tries)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	int status = -1;

	for (; tries > 0 && !tracer_command_ended(tracer, &status); tries--)
		(void)nanosleep(&pause, NULL);
	return tries > 0 ? status : -1;
}

/* Traces a child of its own to its end, with the filter. */
static bool try_tracer(struct trace_error *error)
{
	const struct tracer_options options = {.calls = true, .active = &never};
	struct tracer *tracer = NULL;
	bool permitted = false;
	int go[2];
	pid_t child;

	if (tracer_create(&tracer, &options, error) != TRACE_OK)
		return false;
	if (pipe(go) != 0) {
		tracer_destroy(tracer);
		return false;
	}
	child = fork();
	if (child == 0)
		run_traced_child(tracer, go[0]);
	if (child > 0 && tracer_attach(tracer, child, error) == TRACE_OK) {
		(void)!write(go[1], "", 1);
		permitted = wait_status(tracer, 2000) == 0;
		if (!permitted)
			(void)trace_fail(error, TRACE_UNSUPPORTED, "a seccomp filter cannot be installed");
	}
	(void)close(go[0]);
	(void)close(go[1]);
	tracer_destroy(tracer);
	if (child > 0)
		(void)waitpid(child, NULL, 0);
	return permitted;
}

static void examine_calls(struct doctor *doctor)
{
	struct trace_error error = {""};
	struct sampler *sampler = try_sampler(true, &error);

	doctor_find(doctor, group, "mm, by perf", sampler ? DOCTOR_GOOD : DOCTOR_MISSING, "%.400s",
		    sampler ? "system calls by kernel tracepoints, without stopping the program"
			    : error.message);
	sampler_destroy(sampler);
	if (try_tracer(&error))
		doctor_find(doctor, group, "mm, by ptrace", DOCTOR_GOOD,
			    "a stop at each memory call and no other, no privileges needed");
	else
		doctor_find(doctor, group, "mm, by ptrace", DOCTOR_MISSING, "%.400s", error.message);
}

static void examine_faults(struct doctor *doctor)
{
	struct trace_error error = {""};
	struct sampler *sampler = try_sampler(false, &error);

	if (!sampler)
		doctor_find(doctor, group, "faults", DOCTOR_MISSING, "%.400s", error.message);
	else if (!sampler_sees_kernel(sampler))
		doctor_find(
		    doctor, group, "faults", DOCTOR_LIMITED,
		    "the program's own only, and not whether read, write or fetch: it takes CAP_PERFMON "
		    "and tracefs");
	else if (!sampler_sees_causes(sampler))
		doctor_find(doctor, group, "faults", DOCTOR_LIMITED,
			    "not whether read, write or fetch: it takes CAP_PERFMON and tracefs");
	else
		doctor_find(doctor, group, "faults", DOCTOR_GOOD,
			    "the program's and the kernel's, with read, write or fetch");
	sampler_destroy(sampler);
}

/* Opens all of them on every processor, with small rings, and closes them again. */
static void examine_machine(struct doctor *doctor)
{
	const struct machine_rings_options options = {
	    .pages = true, .slab = true, .vmalloc = true, .switches = true, .bytes = UINT64_C(1) << 16};
	struct machine_rings *rings = NULL;
	struct trace_error error = {""};

	if (machine_rings_create(&rings, &options, &error) != TRACE_OK)
		doctor_find(doctor, group, "kernel", DOCTOR_MISSING, "%.400s", error.message);
	else if (machine_rings_missing(rings)[0])
		doctor_find(doctor, group, "kernel", DOCTOR_LIMITED, "this kernel has no %.400s",
			    machine_rings_missing(rings));
	else if (access("/proc/kpageflags", R_OK) != 0)
		doctor_find(
		    doctor, group, "kernel", DOCTOR_LIMITED,
		    "without what each page frame is: /proc/kpageflags cannot be read, which takes root");
	else
		doctor_find(doctor, group, "kernel", DOCTOR_GOOD,
			    "the whole machine's page allocator, slab caches and vmalloc, and what each page "
			    "frame is");
	machine_rings_destroy(rings);
}

void doctor_examine_kernel_recorders(struct doctor *doctor)
{
	examine_calls(doctor);
	examine_faults(doctor);
	examine_machine(doctor);
}
