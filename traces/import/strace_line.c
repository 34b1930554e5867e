#include "config.h"

#include "traces/import/strace_line.h"

#include <signal.h>
#include <string.h>

#define HIGHEST_ID (UINT64_C(1) << 22) /* Linux gives no higher thread ids */
#define LATEST_SECONDS (UINT64_C(1) << 33)

static const char unfinished[] = "<unfinished ...>";

/* Digits after a point, as nanoseconds; none is right too. */
static bool parse_fraction(struct scan *scan, uint64_t *ns)
{
	uint64_t unit = 100000000;

	*ns = 0;
	if (!scan_character(scan, '.'))
		return true;
	if (scan->at == scan->end || *scan->at < '0' || *scan->at > '9')
		return false;
	for (; scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9'; scan->at++, unit /= 10)
		*ns += (uint64_t)(*scan->at - '0') * unit;
	return true;
}

/* 12:31:07[.500000]; 1795325308[.896560] where that cannot be a thread id; or 0.000277, the time since the line before. */
static bool parse_time(struct scan *scan, struct strace_line *line)
{
	struct scan at = *scan;
	uint64_t hours, minutes, seconds, fraction;

	if (!scan_decimal(&at, &hours))
		return false;
	line->of_day = at.at < at.end && *at.at == ':';
	if (line->of_day) {
		if (!scan_character(&at, ':') || !scan_decimal(&at, &minutes) || !scan_character(&at, ':') ||
		    !scan_decimal(&at, &seconds) || hours > 24 || minutes > 59 || seconds > 60)
			return false;
		seconds += hours * 3600 + minutes * 60;
	} else {
		seconds = hours;
		if ((at.at == at.end || *at.at != '.') && seconds <= HIGHEST_ID)
			return false;
	}
	if (seconds > LATEST_SECONDS || !parse_fraction(&at, &fraction) || at.at == at.end || *at.at != ' ')
		return false;
	line->has_time = true;
	line->is_relative = !line->of_day && seconds <= HIGHEST_ID;
	line->time_ns = seconds * 1000000000u + fraction;
	*scan = at;
	scan_blanks(scan);
	return true;
}

/* "[pid 123] " or "123 ". */
static void parse_id(struct scan *scan, struct strace_line *line)
{
	struct scan at = *scan;
	uint64_t id;

	if (scan_literal(&at, "[pid")) {
		scan_blanks(&at);
		if (!scan_decimal(&at, &id) || !scan_character(&at, ']'))
			return;
	} else if (!scan_decimal(&at, &id) || at.at == at.end || *at.at != ' ') {
		return;
	}
	if (id == 0 || id > HIGHEST_ID)
		return;
	line->id = id;
	scan_blanks(&at);
	*scan = at;
}

static uint64_t signal_number(const char *name, size_t length)
{
	for (int number = 1; number < NSIG; number++) {
		const char *known = sigabbrev_np(number);
		if (known && scan_equal(name, length, known))
			return (uint64_t)number;
	}
	return 0;
}

static bool parse_end(struct scan scan, struct strace_line *line)
{
	const char *name;
	size_t length;

	if (scan_literal(&scan, "exited with ")) {
		line->kind = STRACE_EXITED;
		return scan_decimal(&scan, &line->value);
	}
	if (scan_literal(&scan, "superseded by execve in pid ")) {
		line->kind = STRACE_SUPERSEDED;
		return scan_decimal(&scan, &line->value);
	}
	line->kind = STRACE_KILLED;
	if (!scan_literal(&scan, "killed by "))
		return false;
	if (scan_literal(&scan, "SIG") && scan_name(&scan, &name, &length))
		line->value = signal_number(name, length);
	return true;
}

static bool parse_resumed(struct scan scan, struct strace_line *line)
{
	const char *name;
	size_t length;

	scan_blanks(&scan);
	if (!scan_name(&scan, &name, &length) || !scan_literal(&scan, " resumed>"))
		return false;
	line->kind = STRACE_RESUMED;
	line->name = scan_text(name, length);
	line->rest = scan;
	return true;
}

/* On a terminal strace writes its own words into the line of the call that made a process. */
static bool cut_attached(struct scan *scan)
{
	const char *words = memmem(scan->at, (size_t)(scan->end - scan->at), "strace: Process ", 16);

	if (!words || scan->end - words < 9 || memcmp(scan->end - 9, " attached", 9) != 0)
		return false;
	scan->end = words;
	return true;
}

static bool parse_call(struct scan scan, struct strace_line *line)
{
	const size_t tail = sizeof(unfinished) - 1;
	struct scan at = scan;
	const char *name;
	size_t length;

	if (!scan_name(&at, &name, &length) || !scan_character(&at, '('))
		return false;
	line->kind = STRACE_CALL;
	line->name = scan_text(name, length);
	while (scan.end > scan.at && scan.end[-1] == ' ')
		scan.end--;
	if ((size_t)(scan.end - scan.at) > tail && memcmp(scan.end - tail, unfinished, tail) == 0) {
		line->kind = STRACE_UNFINISHED;
		scan.end -= tail;
	} else if (cut_attached(&scan)) {
		line->kind = STRACE_TORN;
	}
	line->rest = scan;
	return true;
}

bool strace_line_parse(struct scan text, struct strace_line *line)
{
	*line = (struct strace_line){.kind = STRACE_OTHER};
	if (scan_literal(&text, "strace: "))
		return true;
	if (!parse_time(&text, line)) {
		parse_id(&text, line);
		(void)parse_time(&text, line);
	}
	if (scan_literal(&text, "--- "))
		return true;
	if (scan_literal(&text, "+++ "))
		return parse_end(text, line);
	if (scan_literal(&text, "<... "))
		return parse_resumed(text, line);
	return parse_call(text, line);
}
