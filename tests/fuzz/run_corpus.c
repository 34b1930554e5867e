#include "config.h"

#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How many variants of one seed are tried: cuts at as many places, and as many with one bit flipped. */
#define VARIANTS 400u

static unsigned cases;

static void report(const char *name)
{
	(void)printf("ok %u - %s\n", ++cases, name);
	(void)fflush(stdout);
}

/* Gives the target exactly `size` bytes of a block of that size, so that a sanitizer sees one byte too far. */
static void try_exactly(const uint8_t *bytes, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		abort();
	memcpy(copy, bytes, size);
	(void)LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

static void try_variants(uint8_t *bytes, size_t size)
{
	size_t step = size / VARIANTS + 1;
	uint64_t random = 0x9e3779b97f4a7c15u;

	try_exactly(bytes, size);
	for (size_t cut = 0; cut < size; cut += step)
		try_exactly(bytes, cut);
	for (unsigned i = 0; i < VARIANTS && size > 0; i++) {
		random = random * 6364136223846793005u + 1442695040888963407u;
		size_t at = (size_t)(random >> 33) % size;
		uint8_t bit = (uint8_t)(1u << (random >> 29 & 7u));

		bytes[at] ^= bit;
		try_exactly(bytes, size);
		bytes[at] ^= bit;
	}
}

static bool try_file(const char *directory, const char *name, uint8_t *bytes)
{
	char *path = NULL;

	if (asprintf(&path, "%s/%s", directory, name) < 0)
		abort();
	FILE *file = fopen(path, "re");

	free(path);
	if (!file)
		return false;
	size_t size = fread(bytes, 1, FUZZ_SEED_BYTES, file);
	bool read = !ferror(file);

	(void)fclose(file);
	if (read) {
		try_variants(bytes, size);
		report(name);
	}
	return read;
}

static bool try_corpus(const char *directory, uint8_t *bytes)
{
	struct dirent **entry;
	int entries = scandir(directory, &entry, NULL, alphasort);
	bool all = true;

	for (int i = 0; i < entries; i++) {
		if (entry[i]->d_name[0] != '.')
			all = try_file(directory, entry[i]->d_name, bytes) && all;
		free(entry[i]);
	}
	if (entries >= 0)
		free(entry);
	return all;
}

static void try_seeds(uint8_t *bytes)
{
	size_t size;

	for (unsigned index = 0; fuzz_seed && (size = fuzz_seed(index, bytes)) > 0; index++) {
		char name[32];

		try_variants(bytes, size);
		(void)snprintf(name, sizeof(name), "seed %u", index);
		report(name);
	}
}

/* Writes the seeds that the target makes as files, for libFuzzer to begin with. */
static int write_seeds(const char *directory, uint8_t *bytes)
{
	size_t size;

	for (unsigned index = 0; fuzz_seed && (size = fuzz_seed(index, bytes)) > 0; index++) {
		char *path = NULL;

		if (asprintf(&path, "%s/seed-%u", directory, index) < 0)
			return EXIT_FAILURE;
		FILE *file = fopen(path, "we");
		bool written = file && fwrite(bytes, 1, size, file) == size;

		free(path);
		if (!file || fclose(file) != 0 || !written)
			return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}

static int run_corpus(const char *program, uint8_t *bytes)
{
	const char *source = getenv("top_srcdir");
	const char *slash = strrchr(program, '/');
	char *directory = NULL;

	if (asprintf(&directory, "%s/tests/fuzz/corpus/%s", source ? source : ".",
		     slash ? slash + 1 : program) < 0)
		return EXIT_FAILURE;
	bool all = try_corpus(directory, bytes);

	try_seeds(bytes);
	try_exactly(bytes, 0);
	report("no bytes");
	if (!all || cases < 2)
		(void)printf("not ok %u - seeds are there and can be read (%s)\n", ++cases, directory);
	(void)printf("1..%u\n", cases);
	free(directory);
	return all && cases >= 2 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	uint8_t *bytes = malloc(FUZZ_SEED_BYTES);
	int result = EXIT_FAILURE;

	if (bytes && argc == 3 && strcmp(argv[1], "--seeds") == 0)
		result = write_seeds(argv[2], bytes);
	else if (bytes)
		result = run_corpus(argv[0], bytes);
	free(bytes);
	return result;
}
