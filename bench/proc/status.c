#include "config.h"

#include "bench/proc/status.h"

#include "bench/proc/code.h"
#include "bench/proc/recorded.h"

#include <inttypes.h>
#include <string.h>

/* The lines of a kernel of which no text was recorded. */
static const char *const lines[] = {"Name",
				    "Umask",
				    "State",
				    "Tgid",
				    "Ngid",
				    "Pid",
				    "PPid",
				    "TracerPid",
				    "Uid",
				    "Gid",
				    "FDSize",
				    "Groups",
				    "NStgid",
				    "NSpid",
				    "NSpgid",
				    "NSsid",
				    "Kthread",
				    "VmPeak",
				    "VmSize",
				    "VmLck",
				    "VmPin",
				    "VmHWM",
				    "VmRSS",
				    "RssAnon",
				    "RssFile",
				    "RssShmem",
				    "VmData",
				    "VmStk",
				    "VmExe",
				    "VmLib",
				    "VmPTE",
				    "VmSwap",
				    "HugetlbPages",
				    "CoreDumping",
				    "THP_enabled",
				    "untag_mask",
				    "Threads",
				    "SigQ",
				    "SigPnd",
				    "ShdPnd",
				    "SigBlk",
				    "SigIgn",
				    "SigCgt",
				    "CapInh",
				    "CapPrm",
				    "CapEff",
				    "CapBnd",
				    "CapAmb",
				    "NoNewPrivs",
				    "Seccomp",
				    "Seccomp_filters",
				    "Speculation_Store_Bypass",
				    "SpeculationIndirectBranch",
				    "Cpus_allowed",
				    "Cpus_allowed_list",
				    "Mems_allowed",
				    "Mems_allowed_list",
				    "voluntary_ctxt_switches",
				    "nonvoluntary_ctxt_switches"};

#define LINES (sizeof(lines) / sizeof(lines[0]))

/* What a program changes all the time: what the recording said of it at exec is not true any more. */
static const char *const fleeting[] = {"State",
				       "TracerPid",
				       "FDSize",
				       "SigQ",
				       "SigPnd",
				       "ShdPnd",
				       "SigBlk",
				       "SigIgn",
				       "SigCgt",
				       "Kthread",
				       "voluntary_ctxt_switches",
				       "nonvoluntary_ctxt_switches"};

#define FLEETING (sizeof(fleeting) / sizeof(fleeting[0]))

/* A line of the model's memory. */
struct memory_line {
	const char *name;
	uint64_t pages;
};

#define MEMORY_LINES 16u

static void list_memory(const struct proc_process *process, struct memory_line list[MEMORY_LINES])
{
	const struct mm *mm = process->mm;
	const struct resident *resident = proc_resident(process);
	const struct proc_code code = proc_code(process);
	const struct memory_line all[MEMORY_LINES] = {
	    {"VmPeak", mm->total_peak_pages},
	    {"VmSize", mm->total_pages},
	    {"VmLck", mm->locked_pages},
	    {"VmPin", 0},
	    {"VmHWM", resident->resident_peak_pages},
	    {"VmRSS", resident_pages(resident)},
	    {"RssAnon", resident->anonymous_pages},
	    {"RssFile", resident->file_pages},
	    {"RssShmem", resident->shared_memory_pages},
	    {"VmData", mm->data_pages},
	    {"VmStk", mm->stack_pages},
	    {"VmExe", code.text_pages},
	    {"VmLib", code.library_pages},
	    {"VmPTE", resident_table_pages(resident)},
	    {"VmSwap", 0},
	    {"HugetlbPages", 0},
	};

	memcpy(list, all, sizeof(all));
}

static bool is(const char *name, size_t length, const char *known)
{
	return strlen(known) == length && memcmp(name, known, length) == 0;
}

static bool print_memory(const struct proc_process *process, const char *name, size_t length, FILE *out)
{
	struct memory_line list[MEMORY_LINES];

	list_memory(process, list);
	for (size_t i = 0; i < MEMORY_LINES; i++) {
		if (!is(name, length, list[i].name))
			continue;
		(void)fprintf(out, "%s:\t%8" PRIu64 " kB\n", list[i].name,
			      list[i].pages << (PAGE_SHIFT - 10));
		return true;
	}
	return false;
}

static bool print_identity(const struct proc_process *process, const char *name, size_t length, FILE *out)
{
	const struct {
		const char *name;
		uint64_t value;
		bool is_known;
	} numbers[] = {
	    {"Tgid", process->pid, process->pid != 0},
	    {"Pid", process->pid, process->pid != 0},
	    {"PPid", process->parent_pid, process->parent_pid != 0},
	    {"Kthread", 0, true},
	    {"CoreDumping", 0, true},
	    {"THP_enabled", !proc_resident(process)->huge_is_disabled, true},
	    {"Threads", process->threads, true},
	};

	if (is(name, length, "Name")) {
		(void)fprintf(out, "Name:\t%s\n", process->name);
		return true;
	}
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (!is(name, length, numbers[i].name) || !numbers[i].is_known)
			continue;
		(void)fprintf(out, "%s:\t%" PRIu64 "\n", numbers[i].name, numbers[i].value);
		return true;
	}
	return false;
}

static bool is_fleeting(const char *name, size_t length)
{
	for (size_t i = 0; i < FLEETING; i++) {
		if (is(name, length, fleeting[i]))
			return true;
	}
	return false;
}

static void print_line(const struct proc_process *process, const struct recorded_line *line, FILE *out)
{
	if (print_memory(process, line->text, line->name_length, out) ||
	    print_identity(process, line->text, line->name_length, out))
		return;
	if (line->length > line->name_length && !is_fleeting(line->text, line->name_length)) {
		recorded_print(line->text, line->length, out);
		(void)fputc('\n', out);
		return;
	}
	recorded_print(line->text, line->name_length, out);
	(void)fprintf(out, ":\t%s\n", process->unknown);
}

void proc_status(const struct proc_process *process, FILE *out)
{
	const char *at = process->status ? process->status : "";
	struct recorded_line line;

	while (recorded_next_line(&at, &line))
		print_line(process, &line, out);
	for (size_t i = 0; !process->status && i < LINES; i++) {
		line = (struct recorded_line){lines[i], strlen(lines[i]), strlen(lines[i])};
		print_line(process, &line, out);
	}
}
