#include "config.h"

#include "traces/import/warnings.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SENTENCE_BYTES 1024

static struct warning_kind *warnings_kind(struct warnings *warnings, const char *what)
{
	for (size_t index = 0; index < warnings->kinds; index++) {
		if (strcmp(warnings->kind[index].what, what) == 0)
			return &warnings->kind[index];
	}
	if (warnings->kinds == WARNING_KINDS_MAX)
		return &warnings->kind[WARNING_KINDS_MAX - 1];
	warnings->kind[warnings->kinds].what = what;
	return &warnings->kind[warnings->kinds++];
}

static void warnings_sentence(const struct warnings *warnings, char sentence[SENTENCE_BYTES],
			      const char *format, va_list arguments) __attribute__((format(printf, 3, 0)));

static void warnings_sentence(const struct warnings *warnings, char sentence[SENTENCE_BYTES],
			      const char *format, va_list arguments)
{
	int used = snprintf(sentence, SENTENCE_BYTES, "%s:%llu: ", warnings->file,
			    (unsigned long long)warnings->line);

	if (used > 0 && used < SENTENCE_BYTES)
		(void)vsnprintf(sentence + used, SENTENCE_BYTES - (size_t)used, format, arguments);
}

enum trace_status warnings_add(struct warnings *warnings, const char *what, struct trace_error *error,
			       const char *format, ...)
{
	struct warning_kind *kind = warnings_kind(warnings, what);
	bool shown = ++kind->count <= WARNINGS_SHOWN_PER_KIND;
	char sentence[SENTENCE_BYTES];
	va_list arguments;

	if (!warnings->strict && !shown)
		return TRACE_OK;
	va_start(arguments, format);
	warnings_sentence(warnings, sentence, format, arguments);
	va_end(arguments);
	if (warnings->strict)
		return trace_fail(error, TRACE_BAD_INPUT, "%s", sentence);
	if (warnings->listener && warnings->listener->say)
		warnings->listener->say(warnings->listener, sentence);
	return TRACE_OK;
}

enum trace_status warnings_refuse(const struct warnings *warnings, struct trace_error *error,
				  const char *format, ...)
{
	char sentence[SENTENCE_BYTES];
	va_list arguments;

	va_start(arguments, format);
	warnings_sentence(warnings, sentence, format, arguments);
	va_end(arguments);
	return trace_fail(error, TRACE_BAD_INPUT, "%s", sentence);
}

uint64_t warnings_total(const struct warnings *warnings)
{
	uint64_t total = 0;

	for (size_t index = 0; index < warnings->kinds; index++)
		total += warnings->kind[index].count;
	return total;
}

const char *warning_excerpt(char excerpt[WARNING_EXCERPT_BYTES], const char *text, size_t length)
{
	bool whole = length <= WARNING_EXCERPT_BYTES - 6;
	size_t kept = whole ? length : WARNING_EXCERPT_BYTES - 6, at = 0;

	excerpt[at++] = '"';
	for (size_t index = 0; index < kept; index++) {
		char character = text[index];

		excerpt[at++] = (char)(character >= 0x20 && character < 0x7f ? character : '?');
	}
	(void)snprintf(excerpt + at, WARNING_EXCERPT_BYTES - at, "%s", whole ? "\"" : "...\"");
	return excerpt;
}
