#include "config.h"

#include "bench/report/gnuplot.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOT_FOUND 127
#define LARGEST_PICTURE_BYTES ((off_t)64 << 20)

/* What gnuplot says about data that is fine: a flat line, or a target without calls of one kind. */
static const char *const harmless[] = {
    "Warning: empty x range",
    "Warning: empty y range",
    "Warning: empty cb range",
    "warning: Skipping data file with no valid points",
};

struct files {
	int list;
	int picture;
	int messages;
};

static void files_close(const struct files *files)
{
	const int all[] = {files->list, files->picture, files->messages};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (all[i] >= 0)
			(void)close(all[i]);
	}
}

static bool write_all(int file, const char *bytes, size_t count)
{
	while (count > 0) {
		ssize_t written = write(file, bytes, count);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return false;
		bytes += written;
		count -= (size_t)written;
	}
	return true;
}

static char *read_all(int file, size_t *bytes)
{
	struct stat status;

	if (fstat(file, &status) != 0 || status.st_size > LARGEST_PICTURE_BYTES)
		return NULL;
	size_t size = (size_t)status.st_size, done = 0;
	char *content = malloc(size + 1);

	while (content && done < size) {
		ssize_t got = pread(file, content + done, size - done, (off_t)done);

		if (got <= 0)
			break;
		done += (size_t)got;
	}
	if (content)
		content[done] = '\0';
	*bytes = done;
	return content;
}

static _Noreturn void become_gnuplot(const struct gnuplot_job *job, const struct files *files)
{
	static const char *const kinds[] = {[PICTURE_SVG] = "svg",
					    [PICTURE_PNG] = "png",
					    [PICTURE_TERMINAL] = "dumb",
					    [PICTURE_COLOUR_TERMINAL] = "dumb"};
	char script[PATH_MAX], list[32], picture[32], columns[16], rows[16], kind[8], colours[8];
	int input = open("/dev/null", O_RDONLY);

	(void)snprintf(script, sizeof(script), "%s/%s.gp", job->plots, job->script);
	(void)snprintf(list, sizeof(list), "/proc/self/fd/%d", files->list);
	(void)snprintf(picture, sizeof(picture), "/proc/self/fd/%d", files->picture);
	(void)snprintf(columns, sizeof(columns), "%u", job->columns);
	(void)snprintf(rows, sizeof(rows), "%u", job->rows);
	(void)snprintf(kind, sizeof(kind), "%s", kinds[job->kind]);
	(void)snprintf(colours, sizeof(colours), "%s",
		       job->kind == PICTURE_COLOUR_TERMINAL ? "ansi" : "mono");
	char program[] = "gnuplot", defaults[] = "-d", call[] = "-c";
	char *const arguments[] = {program, defaults, call, script,  kind, picture,
				   list,    columns,  rows, colours, NULL};

	if (input < 0 || dup2(input, STDIN_FILENO) < 0 || dup2(files->messages, STDERR_FILENO) < 0 ||
	    dup2(files->messages, STDOUT_FILENO) < 0 || chdir(job->directory) != 0 ||
	    setenv("GNUPLOT_LIB", job->plots, 1) != 0 || setenv("LC_ALL", "C.UTF-8", 1) != 0)
		_exit(NOT_FOUND - 1);
	(void)execvp("gnuplot", arguments);
	_exit(NOT_FOUND);
}

/* The first message that is not harmless, cut to one line; NULL when there is none. `messages` is changed. */
static const char *complaint_in(char *messages)
{
	for (char *line = messages, *next; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		while (*line == ' ' || *line == '\t')
			line++;
		bool accepted = *line == '\0';

		for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++)
			accepted = accepted || strstr(line, harmless[i]);
		if (!accepted)
			return line;
	}
	return NULL;
}

static enum trace_status judge(const struct gnuplot_job *job, const struct files *files, int result,
			       struct trace_error *error)
{
	if (WIFEXITED(result) && WEXITSTATUS(result) == NOT_FOUND)
		return trace_fail(error, TRACE_UNSUPPORTED,
				  "gnuplot, which draws the charts, is not installed (Debian: gnuplot-nox)");
	size_t bytes = 0;
	char *messages = read_all(files->messages, &bytes);
	const char *complaint = messages ? complaint_in(messages) : NULL;
	enum trace_status status = TRACE_OK;

	if (complaint || !WIFEXITED(result) || WEXITSTATUS(result) != 0)
		status = trace_fail(error, TRACE_BAD_INPUT, "gnuplot could not draw %s/%s.gp: %.400s",
				    job->plots, job->script, complaint ? complaint : "it gave no reason");
	free(messages);
	return status;
}

static enum trace_status run(const struct gnuplot_job *job, const struct files *files,
			     struct trace_error *error)
{
	int result;

	if (!write_all(files->list, job->list, strlen(job->list)))
		return trace_fail(error, TRACE_IO, "cannot hand the list of runs to gnuplot: %s",
				  strerror(errno));
	pid_t child = fork();

	if (child < 0)
		return trace_fail(error, TRACE_IO, "cannot start gnuplot: %s", strerror(errno));
	if (child == 0)
		become_gnuplot(job, files);
	while (waitpid(child, &result, 0) < 0) {
		if (errno != EINTR)
			return trace_fail(error, TRACE_IO, "lost sight of gnuplot: %s", strerror(errno));
	}
	return judge(job, files, result, error);
}

enum trace_status gnuplot_draw(const struct gnuplot_job *job, char **picture, size_t *bytes,
			       struct trace_error *error)
{
	struct files files = {memfd_create("runs", 0), memfd_create("picture", 0),
			      memfd_create("messages", 0)};
	enum trace_status status;

	if (files.list < 0 || files.picture < 0 || files.messages < 0) {
		status = trace_fail(error, TRACE_IO, "cannot make files in memory: %s", strerror(errno));
	} else {
		status = run(job, &files, error);
		if (status == TRACE_OK) {
			*picture = read_all(files.picture, bytes);
			if (!*picture)
				status = trace_fail(error, TRACE_NO_MEMORY, "the picture %s is too big",
						    job->script);
			else if (*bytes == 0) {
				free(*picture);
				status =
				    trace_fail(error, TRACE_BAD_INPUT, "gnuplot drew nothing for %s/%s.gp",
					       job->plots, job->script);
			}
		}
	}
	files_close(&files);
	return status;
}
