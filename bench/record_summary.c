#include "config.h"

#include "bench/record_options.h"

#include "traces/access.h"

#include <inttypes.h>
#include <stdio.h>

static void print_cost(const struct session_result *result)
{
	double rest = result->cpu_s - result->recording_s;

	if (result->event_ns <= 0 || rest <= 0) {
		(void)fputs("  slowdown    too few events to measure it\n", stderr);
		return;
	}
	(void)fprintf(stderr,
		      "  slowdown    about %.1f %% of processor time: %.0f ns per event (timed in the "
		      "program, 1 event in "
		      "1,021)\n"
		      "              x %" PRIu64 " events = %.3f s, of %.3f s in all",
		      100 * result->recording_s / rest, result->event_ns, result->heap_events,
		      result->recording_s, result->cpu_s);
	if (result->waiting_s >= 0.0005)
		(void)fprintf(stderr, "; and %.3f s of waiting for the recorder", result->waiting_s);
	(void)fputc('\n', stderr);
}

static void print_faults(const struct session_result *result)
{
	if (result->foreign)
		(void)fprintf(stderr,
			      "  warning     %" PRIu64 " frees of blocks whose allocation was not recorded\n",
			      result->foreign);
	if (result->reissued)
		(void)fprintf(stderr,
			      "  warning     %" PRIu64
			      " blocks were handed out at an address that was not free\n",
			      result->reissued);
	if (result->damaged)
		(void)fprintf(stderr, "  warning     %" PRIu64 " records made no sense\n", result->damaged);
	if (result->lost)
		(void)fprintf(stderr, "  warning     %" PRIu64 " events were lost\n", result->lost);
	for (unsigned i = 0; i < result->notes; i++)
		(void)fprintf(stderr, "  note        %s\n", result->note[i]);
}

static void print_events(const struct record_options *options, const struct session_result *result)
{
	const struct follower_counts *kernel = &result->kernel;
	const char *before = "(";

	(void)fprintf(stderr, "  events      %" PRIu64 " ", result->events);
	if (options->session.heap) {
		(void)fprintf(stderr, "(%" PRIu64 " heap calls", result->heap_events);
		before = ", ";
	}
	if (options->session.calls) {
		(void)fprintf(stderr, "%s%" PRIu64 " memory calls by %s", before,
			      options->session.accesses ? result->accesses.calls : kernel->calls,
			      options->session.accesses ? "the emulator"
			      : kernel->by_perf		? "perf events"
							: "ptrace");
		before = ", ";
	}
	if (options->session.faults)
		(void)fprintf(stderr, "%s%" PRIu64 " page faults", before, kernel->faults);
	(void)fputs(")\n", stderr);
}

static void print_kernel_faults(const struct follower_counts *kernel, bool faults)
{
	if (kernel->lost)
		(void)fprintf(stderr, "  warning     %" PRIu64 " system calls and faults were lost\n",
			      kernel->lost);
	if (kernel->unpaired)
		(void)fprintf(stderr, "  warning     of %" PRIu64 " system calls only one half was seen\n",
			      kernel->unpaired);
	if (kernel->foreign_programs)
		(void)fprintf(stderr,
			      "  warning     %" PRIu32
			      " programs of another kind of machine code: their system "
			      "calls were not recorded\n",
			      kernel->foreign_programs);
	if (faults && !kernel->sees_kernel_faults)
		(void)fputs(
		    "  note        faults that the kernel itself met are missing: it takes CAP_PERFMON or "
		    "perf_event_paranoid at 1\n",
		    stderr);
	if (faults && !kernel->sees_causes)
		(void)fputs(
		    "  note        whether faults were reads, writes or fetches is not known: it takes "
		    "CAP_PERFMON and tracefs\n",
		    stderr);
}

static void print_accesses(const struct access_counts *counts)
{
	(void)fprintf(stderr,
		      "  accesses    %" PRIu64 " (%" PRIu64 " loads, %" PRIu64 " stores, %" PRIu64
		      " modifies, %" PRIu64 " fetches)",
		      counts->references, counts->kinds[ACCESS_LOAD], counts->kinds[ACCESS_STORE],
		      counts->kinds[ACCESS_MODIFY], counts->kinds[ACCESS_FETCH]);
	if (counts->skipped)
		(void)fprintf(stderr, ", %" PRIu64 " left out", counts->skipped);
	(void)fprintf(stderr,
		      "\n              %" PRIu64 " by the kernel, %" PRIu64 " to freed blocks, %" PRIu64
		      " past the bytes asked for, %" PRIu64 " to nothing known\n",
		      counts->kernel, counts->freed, counts->beyond, counts->wild);
}

static void print_size(const struct record_options *options, const struct session_result *result)
{
	(void)fprintf(stderr, "  size        %" PRIu64 " bytes", result->file_bytes);
	if (options->session.accesses && result->accesses.references)
		(void)fprintf(stderr, ", %.2f per access",
			      (double)result->file_bytes / (double)result->accesses.references);
	else if (result->events)
		(void)fprintf(stderr, ", %.2f per event",
			      (double)result->file_bytes / (double)result->events);
	(void)fputc('\n', stderr);
}

void record_summary_print(void *context, const struct session_result *result)
{
	static const char *const ends[] = {
	    [SESSION_ALL_ENDED] = "",
	    [SESSION_TIME] = "; ended by --for",
	    [SESSION_SIZE] = "; ended by --max-size",
	    [SESSION_ASKED] = "; ended by a signal while programs it started still ran",
	};
	const struct record_options *options = context;

	if (options->quiet)
		return;
	(void)fprintf(stderr, "faultline record: %s%s\n",
		      options->session.output ? options->session.output : "online", ends[result->end]);
	print_events(options, result);
	(void)fprintf(stderr, "  processes   %" PRIu64 ", threads %" PRIu64 "\n", result->processes,
		      result->threads);
	if (options->session.output)
		print_size(options, result);
	if (options->session.accesses)
		print_accesses(&result->accesses);
	else if (options->session.heap)
		print_cost(result);
	print_faults(result);
	print_kernel_faults(&result->kernel, options->session.faults);
}

static void print_machine_losses(const struct machine_result *result)
{
	if (result->lost)
		(void)fprintf(stderr,
			      "  warning     %" PRIu64 " events were lost: the processors' rings were full\n",
			      result->lost);
	if (result->damaged)
		(void)fprintf(stderr, "  warning     %" PRIu64 " records made no sense\n", result->damaged);
	if (result->dropped)
		(void)fprintf(stderr,
			      "  warning     %" PRIu64
			      " events came after the memory for them was used up; --buffer makes it more\n",
			      result->dropped);
	if (result->frames_incomplete)
		(void)fputs("  warning     what the page frames are could not be read: it takes root and "
			    "/proc/kpageflags\n",
			    stderr);
	if (result->missing[0])
		(void)fprintf(stderr, "  note        this kernel has no %s\n", result->missing);
}

void record_summary_machine(const struct record_options *options, const struct machine_result *result)
{
	static const char *const ends[] = {
	    [MACHINE_COMMAND_ENDED] = "",
	    [MACHINE_TIME] = "; ended by --for",
	    [MACHINE_FULL] = "; ended because the memory for its events was used up (--buffer makes it more)",
	    [MACHINE_ASKED] = "; ended by a signal",
	};
	const double seconds = (double)result->duration_ns / 1e9;

	if (options->quiet)
		return;
	(void)fprintf(stderr, "faultline: recorded the machine in %s%s\n", options->machine.output,
		      ends[result->end]);
	(void)fprintf(stderr, "  events      %" PRIu64 " in %.3f s, %.0f per second\n", result->events,
		      seconds, seconds > 0 ? (double)result->events / seconds : 0);
	(void)fprintf(stderr, "  cost        %.3f s of processor time for reading them, %.1f MB of memory\n",
		      result->cpu_s, (double)result->log_bytes / 1e6);
	(void)fprintf(stderr, "  snapshots   before and after, with %" PRIu64 " page frames\n",
		      result->frames);
	(void)fprintf(stderr, "  file        %" PRIu64 " bytes, %.2f per event\n", result->file_bytes,
		      result->events ? (double)result->file_bytes / (double)result->events : 0);
	print_machine_losses(result);
}
