#include "config.h"

#include "traces/generate/profile.h"

#include "traces/generate/fixed.h"
#include "traces/import/scan.h"
#include "traces/grown_array.h"

#include <stdlib.h>

#define PROFILE_MAX_SIZE (UINT64_C(1) << 40)
#define NS_RATE_PER_LIVE UINT64_C(10000000000) /* ns x rate unit / live unit */

static bool scan_comma(struct scan *scan)
{
	scan_blanks(scan);
	if (!scan_character(scan, ','))
		return false;
	scan_blanks(scan);
	return true;
}

static bool parse_row(struct scan scan, struct profile_row *row)
{
	scan_blanks(&scan);
	return scan_decimal(&scan, &row->size_bytes) && scan_comma(&scan) &&
	       fixed_parse(&scan, 9, &row->rate) && scan_comma(&scan) && fixed_parse(&scan, 8, &row->live) &&
	       scan_ended(&scan);
}

static const char *row_fault(const struct profile_row *row)
{
	if (row->size_bytes == 0 || row->size_bytes > PROFILE_MAX_SIZE)
		return "the size must be 1 to 2^40 bytes";
	if (row->rate == 0 || row->live == 0)
		return "the rate must be at least 10^-9 per second and the live count at least 10^-8";
	return NULL;
}

static enum trace_status profile_add(struct profile *profile, const struct profile_row *row,
				     struct trace_error *error)
{
	if (profile->rows == PROFILE_ROWS_MAX)
		return trace_fail(error, TRACE_BAD_INPUT, "a profile may have at most %zu rows",
				  PROFILE_ROWS_MAX);
	struct profile_row *larger =
	    grown_array(profile->row, profile->rows, &profile->capacity, sizeof(*larger));

	if (!larger)
		return trace_fail(error, TRACE_NO_MEMORY, "no memory for a profile of more than %zu rows",
				  profile->rows);
	profile->row = larger;
	profile->row[profile->rows++] = *row;
	return TRACE_OK;
}

static bool is_skipped(const struct input_line *line)
{
	struct scan scan = scan_text(line->text, line->length);

	return scan_ended(&scan) || *scan.at == '#' || (line->number == 1 && scan_literal(&scan, "size"));
}

static enum trace_status profile_line(struct profile *profile, const char *name,
				      const struct input_line *line, struct trace_error *error)
{
	struct profile_row row = {0};
	const char *fault = NULL;

	if (is_skipped(line))
		return TRACE_OK;
	if (!parse_row(scan_text(line->text, line->length), &row))
		fault = "a row must look like \"8, 958.84, 9.77\": size in bytes, allocations per second, "
			"live blocks";
	else
		fault = row_fault(&row);
	if (fault)
		return trace_fail(error, TRACE_BAD_INPUT, "%s:%llu: %s", name,
				  (unsigned long long)line->number, fault);
	row.mean_life_ns = fixed_multiply_divide(row.live, NS_RATE_PER_LIVE, row.rate);
	return profile_add(profile, &row, error);
}

enum trace_status profile_read(struct profile *profile, struct input *input, struct trace_error *error)
{
	struct input_line line;
	enum trace_status status;

	*profile = (struct profile){0};
	while ((status = input_next(input, &line, error)) == TRACE_OK) {
		status = profile_line(profile, input_name(input), &line, error);
		if (status != TRACE_OK)
			break;
	}
	if (status == TRACE_END)
		status = profile->rows ? TRACE_OK
				       : trace_fail(error, TRACE_BAD_INPUT,
						    "%s: has no rows; they look like \"8, 958.84, 9.77\"",
						    input_name(input));
	if (status != TRACE_OK)
		profile_destroy(profile);
	return status;
}

void profile_destroy(struct profile *profile)
{
	free(profile->row);
	*profile = (struct profile){0};
}
