#include "config.h"

#include "bench/whole_directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool refuse(struct trace_error *error, const char *what, const char *path)
{
	(void)trace_fail(error, TRACE_IO, "cannot %s %s: %s", what, path, strerror(errno));
	return false;
}

/* --- An older one ----------------------------------------------------------------------------------------------------- */

static bool ends_with(const char *name, const char *ending)
{
	const size_t length = strlen(name), tail = strlen(ending);

	return length > tail && strcmp(name + length - tail, ending) == 0;
}

static bool is_of_a_run(const char *name)
{
	return strcmp(name, "run.json") == 0 || ends_with(name, ".tsv") || ends_with(name, ".bin");
}

static bool is_itself(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* What the directory holds; its entries are closed. */
struct content {
	unsigned files, others; /* of a run, and not */
	bool has_run;
};

static struct content look(DIR *entries)
{
	struct content content = {0};
	const struct dirent *entry;

	while ((entry = readdir(entries))) {
		if (is_itself(entry->d_name))
			continue;
		content.has_run |= strcmp(entry->d_name, "run.json") == 0;
		content.files += is_of_a_run(entry->d_name);
		content.others += !is_of_a_run(entry->d_name);
	}
	(void)closedir(entries);
	return content;
}

/* Nothing is there, or what a run may replace. */
static bool is_replaceable(const char *path, struct trace_error *error)
{
	DIR *entries = opendir(path);

	if (!entries)
		return errno == ENOENT || refuse(error, "write to", path);
	const struct content content = look(entries);

	if (content.others == 0 && (content.files == 0 || content.has_run))
		return true;
	(void)trace_fail(error, TRACE_IO, "cannot replace %s: it is not the directory of a run alone", path);
	return false;
}

/* Removes the files of a run, and the directory when nothing else is in it. */
static void remove_run(const char *path)
{
	DIR *entries = opendir(path);
	const struct dirent *entry;

	while (entries && (entry = readdir(entries))) {
		if (is_of_a_run(entry->d_name))
			(void)unlinkat(dirfd(entries), entry->d_name, 0);
	}
	if (entries)
		(void)closedir(entries);
	(void)rmdir(path);
}

/* --- The new one ------------------------------------------------------------------------------------------------------ */

/* With the permissions that mkdir(2) would have given. */
static bool make_beside(struct whole_directory *whole)
{
	const mode_t mask = umask(0);

	(void)umask(mask);
	whole->descriptor = -1;
	if (!mkdtemp(whole->beside))
		return false;
	whole->descriptor = open(whole->beside, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (whole->descriptor >= 0 && fchmod(whole->descriptor, 0777 & ~mask) == 0)
		return true;
	const int reason = errno;

	whole_directory_abandon(whole);
	errno = reason;
	return false;
}

/* The name without slashes at its end, and a link's goal instead of the link; false, with errno, when it can be no new directory's. */
static bool take_path(struct whole_directory *whole, const char *path)
{
	struct stat status;
	size_t length = strlen(path);

	while (length > 1 && path[length - 1] == '/')
		length--;
	errno = length == 0 ? ENOENT : ENAMETOOLONG;
	if (length == 0 || length >= PATH_MAX)
		return false;
	memcpy(whole->path, path, length);
	whole->path[length] = '\0';
	if (lstat(whole->path, &status) == 0 && S_ISLNK(status.st_mode) && !realpath(path, whole->path))
		return false;
	const char *slash = strrchr(whole->path, '/');

	errno = EBUSY;
	if (is_itself(slash ? slash + 1 : whole->path))
		return false;
	errno = ENAMETOOLONG;
	return snprintf(whole->beside, PATH_MAX, "%s.XXXXXX", whole->path) < PATH_MAX;
}

bool whole_directory_begin(struct whole_directory *whole, const char *path, struct trace_error *error)
{
	if (!take_path(whole, path))
		return refuse(error, "create", path);
	return is_replaceable(whole->path, error) && (make_beside(whole) || refuse(error, "create", path));
}

bool whole_directory_is_possible(const char *path, struct trace_error *error)
{
	struct whole_directory whole;

	if (!whole_directory_begin(&whole, path, error))
		return false;
	whole_directory_abandon(&whole);
	return true;
}

FILE *whole_directory_file(const struct whole_directory *whole, const char *name, struct trace_error *error)
{
	const int descriptor = openat(whole->descriptor, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	FILE *file = descriptor < 0 ? NULL : fdopen(descriptor, "w");

	if (!file && descriptor >= 0)
		(void)close(descriptor);
	if (!file)
		(void)refuse(error, "create", name);
	return file;
}

bool whole_directory_close(FILE *file, const char *name, struct trace_error *error)
{
	const bool is_written = fflush(file) == 0 && ferror(file) == 0;

	return (fclose(file) == 0 && is_written) || refuse(error, "write", name);
}

/* An older run makes room. */
static bool put_in_place(const struct whole_directory *whole, struct trace_error *error)
{
	if (rename(whole->beside, whole->path) == 0)
		return true;
	if (errno != ENOTEMPTY && errno != EEXIST)
		return refuse(error, "create", whole->path);
	if (!is_replaceable(whole->path, error))
		return false;
	remove_run(whole->path);
	return rename(whole->beside, whole->path) == 0 || refuse(error, "replace", whole->path);
}

bool whole_directory_end(struct whole_directory *whole, struct trace_error *error)
{
	const bool is_in_place = put_in_place(whole, error);

	if (!is_in_place)
		remove_run(whole->beside);
	(void)close(whole->descriptor);
	whole->descriptor = -1;
	return is_in_place;
}

void whole_directory_abandon(struct whole_directory *whole)
{
	if (whole->descriptor >= 0)
		(void)close(whole->descriptor);
	whole->descriptor = -1;
	remove_run(whole->beside);
}
