#include "config.h"

#include "bench/report/html.h"

#include <string.h>

void html_text(FILE *page, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			(void)fputs("&amp;", page);
			break;
		case '<':
			(void)fputs("&lt;", page);
			break;
		case '>':
			(void)fputs("&gt;", page);
			break;
		case '"':
			(void)fputs("&quot;", page);
			break;
		case '\'':
			(void)fputs("&#39;", page);
			break;
		default:
			if ((unsigned char)*text >= ' ' || *text == '\n' || *text == '\t')
				(void)fputc(*text, page);
		}
	}
}

void html_shell_word(FILE *page, const char *text)
{
	static const char plain[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-/:=,+%@";

	if (*text && text[strspn(text, plain)] == '\0') {
		html_text(page, text);
		return;
	}
	(void)fputs("&#39;", page);
	for (; *text; text++) {
		const char letter[] = {*text, '\0'};

		if (*text == '\'')
			html_text(page, "'\\''");
		else
			html_text(page, letter);
	}
	(void)fputs("&#39;", page);
}

/* What replaces a beginning of the picture's text, and how far the replaced text goes. */
struct replacement {
	const char *begins;
	const char *ends; /* the replaced text goes on to the end of this; NULL: it is `begins` alone */
	const char *becomes;
};

static const struct replacement replacements[] = {
    {"<title>", "</title>", ""},
    {"<desc>", "</desc>", ""},
    {"<defs>", "</defs>", ""},
    {" id=\"gnuplot_", "\"", ""},
    {" fill=\"none\" color=\"black\" stroke=\"currentColor\" stroke-width=\"1.00\" stroke-linecap=\"butt\" "
     "stroke-linejoin=\"miter\"",
     NULL, " class=\"l\""},
    {" color=\"black\"", NULL, ""},
    {" color=\"white\"", NULL, ""},
    {" color='black'", NULL, ""},
    {"fill=\"black\"", NULL, "fill=\"currentColor\""},
    {"stroke='black'", NULL, "stroke='currentColor'"},
    {" stroke-linecap=\"butt\" stroke-linejoin=\"miter\"", NULL, ""},
    {" font-family=\"Helvetica\"", NULL, ""},
    {"xlink:href", NULL, "href"},
};

/* The end of an empty group that begins at `at`, or NULL. */
static const char *empty_group_end(const char *at)
{
	static const char closing[] = "</g>";

	if (strncmp(at, "<g ", 3) != 0)
		return NULL;
	const char *end = strchr(at, '>');

	if (!end)
		return NULL;
	end += 1 + strspn(end + 1, " \t\n");
	return strncmp(end, closing, sizeof(closing) - 1) == 0 ? end + sizeof(closing) - 1 : NULL;
}

/* Past the text that is replaced at `at`, whose replacement is written; `at` itself when nothing is. */
static const char *replace(FILE *page, const char *at)
{
	const char *end = empty_group_end(at);

	if (end)
		return end;
	for (size_t i = 0; i < sizeof(replacements) / sizeof(replacements[0]); i++) {
		const struct replacement *this = &replacements[i];
		size_t length = strlen(this->begins);

		if (strncmp(at, this->begins, length) != 0)
			continue;
		end = at + length;
		if (this->ends) {
			end = strstr(end, this->ends);
			if (!end)
				return at;
			end += strlen(this->ends);
		}
		(void)fputs(this->becomes, page);
		return end;
	}
	return at;
}

bool html_svg(FILE *page, const char *svg, const char *description)
{
	const char *open = strstr(svg, "<svg");
	const char *view = open ? strstr(open, "viewBox=\"") : NULL;
	const char *body = view ? strchr(view, '>') : NULL;

	if (!body)
		return false;
	(void)fprintf(page, "<svg role=\"img\" %.*s\" aria-label=\"", (int)(9 + strcspn(view + 9, "\"<>")),
		      view);
	html_text(page, description);
	(void)fputs("\">", page);
	for (const char *at = body + 1; *at;) {
		const char *past = replace(page, at);

		if (past != at) {
			at = past;
		} else if (strchr("\n\t", *at)) {
			size_t blank = strspn(at, " \n\t");

			if (at[blank] != '<' && at[blank] != '\0')
				(void)fputc(' ', page);
			at += blank;
		} else {
			(void)fputc(*at++, page);
		}
	}
	(void)fputc('\n', page);
	return true;
}

void html_svg_marks(FILE *page, const char *svg)
{
	const char *open = strstr(svg, "<defs>");
	const char *close = open ? strstr(open, "</defs>") : NULL;

	if (!close)
		return;
	(void)fputs("<svg class=\"marks\" width=\"0\" height=\"0\" aria-hidden=\"true\">", page);
	(void)fwrite(open, 1, (size_t)(close - open), page);
	(void)fputs("</defs></svg>\n", page);
}
