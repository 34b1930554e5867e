#include "config.h"

#include "bench/command.h"
#include "bench/command_record.h"
#include "bench/doctor.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

static const char help[] = "Usage: faultline doctor [OPTION]\n"
			   "Says what of Faultline works on this machine: recorders, allocators, gnuplot, "
			   "clocks, and the settings of the\n"
			   "kernel that matter. Changes nothing.\n"
			   "\n"
			   "  -h, --help     this text\n"
			   "\n"
			   "good     works\n"
			   "limited  works, with something less or something to know\n"
			   "missing  an optional part that is not there\n"
			   "bad      something is missing that Faultline cannot do without\n"
			   "\n"
			   "Exit status: 0 when nothing is bad, 1 when something is.\n";

static void print(const struct doctor *doctor)
{
	const char *group = "";

	for (size_t i = 0; i < doctor->findings; i++) {
		const struct doctor_finding *finding = &doctor->finding[i];
		bool is_new = strcmp(group, finding->group) != 0;
		group = finding->group;
		(void)printf("%-12s %-16s %-8s %s\n", is_new ? group : "", finding->what,
			     doctor_mark_name(finding->mark), finding->text);
	}
}

int command_doctor(int argc, char **argv)
{
	static const struct option longs[] = {{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
	static struct doctor doctor;
	int option;

	while ((option = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		if (option != 'h') {
			(void)fputs("Try `faultline doctor --help`.\n", stderr);
			return EXIT_USAGE;
		}
		(void)fputs(help, stdout);
		return EXIT_DONE;
	}
	if (optind != argc) {
		complain("doctor", "takes no arguments, not '%s'", argv[optind]);
		return EXIT_USAGE;
	}
	doctor_examine(&doctor);
	print(&doctor);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		complain("doctor", "cannot write to standard output");
		return EXIT_FAILED;
	}
	return doctor_is_bad(&doctor) ? EXIT_FAILED : EXIT_DONE;
}
