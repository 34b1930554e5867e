#include "config.h"

#include "bench/report/provenance.h"
#include "bench/report/html.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Whether an earlier run of the range names the same text in that field. */
static bool seen(const struct run_summary *run, size_t first, size_t at,
		 const char *(*field)(const struct run_summary *))
{
	for (size_t i = first; i < at; i++) {
		if (strcmp(field(&run[i]), field(&run[at])) == 0)
			return true;
	}
	return false;
}

static const char *trace_of(const struct run_summary *run)
{
	return run->trace_path;
}

static const char *target_of(const struct run_summary *run)
{
	return run->target;
}

static void option(FILE *page, const char *name, const char *value)
{
	if (!*value)
		return;
	(void)fprintf(page, " %s ", name);
	html_shell_word(page, value);
}

/* The options of the run's own command, after the trace and the target; NULL when they are not known. */
static const char *options_of(const struct run_summary *run)
{
	char *beginning = NULL;

	if (asprintf(&beginning, "faultline replay %s --on %s", run->trace_path, run->target) < 0)
		return NULL;
	size_t length = strlen(beginning);
	bool begins = strncmp(run->command, beginning, length) == 0;

	free(beginning);
	return begins && strchr(" ", run->command[length]) ? run->command + length : NULL;
}

static void write_options(FILE *page, const struct run_summary *run)
{
	const char *options = options_of(run);

	if (options) {
		html_text(page, options);
		return;
	}
	option(page, "--mode", run->mode);
	option(page, "--pace", run->pace);
	option(page, "--touch", run->touch);
	if (isfinite(run->rounds))
		(void)fprintf(page, " --rounds %.0f", run->rounds);
	if (isfinite(run->seed))
		(void)fprintf(page, " --seed %.0f", run->seed);
}

void provenance_command(FILE *page, const struct comparison *comparison, const struct run_group *group)
{
	const struct run_summary *run = comparison->run;
	size_t first = group ? group->first : 0, end = group ? group->first + group->runs : comparison->runs;

	if (end - first == 1 && run[first].is_online) {
		html_text(page, run[first].command);
		(void)fputs(" &amp;&amp; faultline report DIR", page);
		return;
	}
	(void)fputs(end - first == 1 ? "faultline replay" : "faultline compare", page);
	for (size_t i = first; i < end; i++) {
		if (!seen(run, first, i, trace_of)) {
			(void)fputc(' ', page);
			html_shell_word(page, run[i].trace_path);
		}
	}
	for (size_t i = first; i < end; i++) {
		if (!seen(run, first, i, target_of))
			option(page, "--on", run[i].target);
	}
	write_options(page, &run[first]);
	(void)fputs(" -o DIR &amp;&amp; faultline report DIR", page);
}

static void pair(FILE *page, const char *name, const char *value)
{
	(void)fputs("<dt>", page);
	html_text(page, name);
	(void)fputs("</dt><dd>", page);
	html_text(page, *value ? value : "unknown");
	(void)fputs("</dd>\n", page);
}

static void machine(FILE *page, json_t *description)
{
	const char *key;
	json_t *value;

	(void)fputs("<h3>Machine</h3>\n<dl>\n", page);
	json_object_foreach(description, key, value)
	{
		char number[ROW_TEXT_BYTES];

		if (json_is_string(value))
			pair(page, key, json_string_value(value));
		else if (json_is_integer(value)) {
			(void)snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(value));
			if (strstr(key, "_bytes"))
				row_text(row_at(ROW_FOOTPRINT_PEAK), json_number_value(value), NAN, number);
			pair(page, key, number);
		} else if (json_is_real(value)) {
			(void)snprintf(number, sizeof(number), "%g", json_real_value(value));
			pair(page, key, number);
		} else if (json_is_boolean(value)) {
			pair(page, key, json_is_true(value) ? "yes" : "no");
		}
	}
	(void)fputs("</dl>\n", page);
}

void provenance_section(FILE *page, const struct comparison *comparison)
{
	const json_t *host = json_object_get(comparison->run[0].document, "host");
	json_t *description = json_object_get(host, "machine");

	(void)fputs("<section id=\"machine\">\n<h2>Machine and versions</h2>\n", page);
	if (json_object_size(description) > 0)
		machine(page, description);
	else
		(void)fputs("<p>The runs do not say on which machine they were measured.</p>\n", page);
	(void)fputs("<h3>Targets</h3>\n<dl>\n", page);
	for (size_t i = 0; i < comparison->runs; i++) {
		const struct run_summary *run = &comparison->run[i];

		if (seen(comparison->run, 0, i, target_of))
			continue;
		(void)fputs("<dt>", page);
		html_text(page, run->target);
		(void)fputs("</dt><dd>", page);
		html_text(page, run->allocator_name);
		if (!strstr(run->allocator_name, run->allocator_version)) {
			(void)fputc(' ', page);
			html_text(page, run->allocator_version);
		}
		html_text(page, *run->allocator_library ? ", " : "");
		html_text(page, run->allocator_library);
		(void)fputs("</dd>\n", page);
	}
	(void)fputs("</dl>\n<p>The whole report again:</p>\n<pre><code>", page);
	provenance_command(page, comparison, NULL);
	(void)fputs("</code></pre>\n</section>\n", page);
}
