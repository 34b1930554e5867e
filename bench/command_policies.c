#include "config.h"

#include "bench/command.h"

#include "engine/policy.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

static const char help[] =
    "Usage: faultline policies [NAME]\n"
    "Lists the shipped policies of the engine and the keys that make one, with their defaults and allowed "
    "values;\n"
    "with NAME, the value of every key in that policy, those that differ from the default marked with `*`.\n"
    "A key is changed with --set KEY=VALUE (replay, compare) or FAULTLINE_HEAP=POLICY,KEY=VALUE,... (the "
    "preloaded "
    "heap).\n"
    "\n"
    "  -h, --help  this text\n";

static void print_allowed(const struct policy_key *key)
{
	if (!key->words) {
		(void)printf("%" PRIu32 " .. %" PRIu32, key->minimum, key->maximum);
		return;
	}
	for (size_t i = 0; key->words[i]; i++)
		(void)printf("%s%s", i == 0 ? "" : " | ", key->words[i]);
}

static void print_all(void)
{
	const struct policy *initial = policy_find("default");
	const struct policy_named *named;
	const struct policy_key *key;
	char buffer[POLICY_VALUE_BYTES];

	(void)puts("Policies:");
	for (size_t i = 0; (named = policy_at(i)); i++)
		(void)printf("  %-16s %s\n", named->name, named->help);
	(void)puts("\nKeys:");
	for (size_t i = 0; (key = policy_key_at(i)); i++) {
		(void)printf("  %s: %s\n    default %s, allowed ", key->name, key->help,
			     policy_value_text(initial, key, buffer));
		print_allowed(key);
		(void)putchar('\n');
	}
}

static int print_one(const char *name)
{
	const struct policy *initial = policy_find("default");
	const struct policy *policy = policy_find(name);
	const struct policy_key *key;
	char buffer[POLICY_VALUE_BYTES];

	if (!policy) {
		complain("policies", "there is no policy '%s'; `faultline policies` lists them", name);
		return EXIT_FAILED;
	}
	for (size_t i = 0; (key = policy_key_at(i)); i++) {
		bool differs = policy_value(policy, key) != policy_value(initial, key);

		(void)printf("%s %s=%s\n", differs ? "*" : " ", key->name,
			     policy_value_text(policy, key, buffer));
	}
	return EXIT_DONE;
}

int command_policies(int argc, char **argv)
{
	static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
	int option;
	int status = EXIT_DONE;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (option != 'h')
			return EXIT_USAGE;
		(void)fputs(help, stdout);
		return EXIT_DONE;
	}
	if (argc - optind > 1) {
		complain("policies", "takes one policy name, not %d; try --help", argc - optind);
		return EXIT_USAGE;
	}
	if (optind < argc)
		status = print_one(argv[optind]);
	else
		print_all();
	if (fflush(stdout) != 0 || ferror(stdout)) {
		complain("policies", "standard output cannot be written");
		return EXIT_FAILED;
	}
	return status;
}
