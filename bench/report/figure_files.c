#include "config.h"

#include "bench/report/figure_files.h"
#include "bench/report/figure.h"
#include "bench/report/output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static enum trace_status make_directory(const char *path, struct trace_error *error)
{
	if (mkdir(path, 0777) != 0 && errno != EEXIST)
		return trace_fail(error, TRACE_IO, "cannot make the directory %s: %s", path, strerror(errno));
	return TRACE_OK;
}

static enum trace_status write_picture(const char *directory, const char *name, enum picture_kind kind,
				       const struct figure_picture *picture, struct trace_error *error)
{
	char *path = NULL;
	struct output output;

	if (asprintf(&path, "%s/%s.%s", directory, name, kind == PICTURE_PNG ? "png" : "svg") < 0)
		return trace_fail(error, TRACE_NO_MEMORY, "out of memory");
	enum trace_status status = output_create(&output, path, error);

	free(path);
	if (status != TRACE_OK)
		return status;
	(void)fwrite(picture->content, 1, picture->bytes, output.stream);
	if (ferror(output.stream))
		status =
		    trace_fail(error, TRACE_IO, "cannot write %s/%s: %s", directory, name, strerror(errno));
	return output_finish(&output, status, error);
}

struct place {
	const struct comparison *comparison;
	const struct run_group *group; /* NULL: all traces */
	const char *directory;
	struct gnuplot_job how;
};

static enum trace_status write_figure(const struct place *place, const struct figure *figure,
				      struct trace_error *error)
{
	struct figure_picture picture;
	enum trace_status status =
	    figure_draw(figure, place->comparison, place->group, &place->how, &picture, error);

	if (status == TRACE_OK && picture.content)
		status = write_picture(place->directory, figure->name, place->how.kind, &picture, error);
	figure_picture_destroy(&picture);
	return status;
}

static enum trace_status write_group(struct place *place, const char *figures, struct trace_error *error)
{
	const struct run_summary *first = &place->comparison->run[place->group->first];
	char *name = comparison_directory_name(first->trace_name), *directory = NULL;
	int length = name ? asprintf(&directory, "%s/%s", figures, name) : -1;

	free(name);
	if (length < 0)
		return trace_fail(error, TRACE_NO_MEMORY, "out of memory");
	enum trace_status status = make_directory(directory, error);

	place->directory = directory;
	for (size_t i = 0; status == TRACE_OK && i < figure_count(); i++)
		status = write_figure(place, figure_at(i), error);
	free(directory);
	return status;
}

static enum trace_status write_overviews(struct place *place, struct trace_error *error)
{
	enum trace_status status = TRACE_OK;
	const struct figure *figure;

	for (size_t i = 0; status == TRACE_OK && (figure = figure_overview(i)); i++)
		status = write_figure(place, figure, error);
	return status;
}

enum trace_status figure_files_write(const struct comparison *comparison, const char *plots,
				     enum picture_kind kind, struct trace_error *error)
{
	struct place place = {.comparison = comparison, .how = {.plots = plots, .kind = kind}};
	char *figures = NULL;

	if (asprintf(&figures, "%s/figures", comparison->directory) < 0)
		return trace_fail(error, TRACE_NO_MEMORY, "out of memory");
	enum trace_status status = make_directory(figures, error);

	if (status == TRACE_OK && comparison->groups > 1) {
		place.directory = figures;
		status = write_overviews(&place, error);
	}
	for (size_t g = 0; status == TRACE_OK && g < comparison->groups; g++) {
		place.group = &comparison->group[g];
		status = write_group(&place, figures, error);
	}
	free(figures);
	return status;
}
