#include "config.h"

#include "bench/spaces/relocation.h"

#include <stdlib.h>
#include <string.h>

/* The first piece that ends behind `address`. */
static size_t piece_after(const struct relocation *relocation, uint64_t address)
{
	size_t low = 0, high = relocation->pieces;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (relocation->piece[middle].end > address)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

struct relocation_found relocation_find(const struct relocation *relocation, uint64_t address)
{
	size_t index = piece_after(relocation, address);

	if (index == relocation->pieces)
		return (struct relocation_found){address, UINT64_MAX, false};
	const struct relocated *piece = &relocation->piece[index];

	if (piece->start > address)
		return (struct relocation_found){address, piece->start, false};
	return (struct relocation_found){piece->ours + (address - piece->start), piece->end, true};
}

/* Room for two pieces more: an insertion may divide one. */
static bool make_room(struct relocation *relocation)
{
	size_t capacity = relocation->capacity ? 2 * relocation->capacity : 32;

	if (relocation->pieces + 2 <= relocation->capacity)
		return true;
	struct relocated *piece = realloc(relocation->piece, capacity * sizeof(*piece));

	if (!piece)
		return false;
	relocation->piece = piece;
	relocation->capacity = capacity;
	return true;
}

static void insert(struct relocation *relocation, size_t index, struct relocated piece)
{
	memmove(&relocation->piece[index + 1], &relocation->piece[index],
		(relocation->pieces - index) * sizeof(piece));
	relocation->piece[index] = piece;
	relocation->pieces++;
}

/* Takes [start, end) out; the index where a piece at `start` belongs. There is room for two. */
static size_t cut(struct relocation *relocation, uint64_t start, uint64_t end)
{
	size_t first = piece_after(relocation, start), last;

	if (first < relocation->pieces && relocation->piece[first].start < start) {
		struct relocated rest = relocation->piece[first];

		relocation->piece[first++].end = start;
		if (rest.end > end) {
			rest.ours += end - rest.start;
			rest.start = end;
			insert(relocation, first, rest);
			return first;
		}
	}
	last = first;
	while (last < relocation->pieces && relocation->piece[last].end <= end)
		last++;
	if (last < relocation->pieces && relocation->piece[last].start < end) {
		struct relocated *rest = &relocation->piece[last];

		rest->ours += end - rest->start;
		rest->start = end;
	}
	if (last > first) {
		memmove(&relocation->piece[first], &relocation->piece[last],
			(relocation->pieces - last) * sizeof(relocation->piece[0]));
		relocation->pieces -= last - first;
	}
	return first;
}

static bool is_joined(const struct relocated *low, const struct relocated *high)
{
	return low->end == high->start && high->ours - low->ours == high->start - low->start;
}

static void join(struct relocation *relocation, size_t index)
{
	struct relocated *piece = relocation->piece;

	if (index + 1 >= relocation->pieces || !is_joined(&piece[index], &piece[index + 1]))
		return;
	piece[index].end = piece[index + 1].end;
	memmove(&piece[index + 1], &piece[index + 2], (relocation->pieces - index - 2) * sizeof(piece[0]));
	relocation->pieces--;
}

bool relocation_set(struct relocation *relocation, uint64_t start, uint64_t bytes, uint64_t ours)
{
	uint64_t end = start + bytes;

	if (bytes == 0 || end < start)
		return true;
	if (!make_room(relocation))
		return false;
	size_t index = cut(relocation, start, end);

	insert(relocation, index, (struct relocated){start, end, ours});
	join(relocation, index);
	if (index > 0)
		join(relocation, index - 1);
	relocation->changes++;
	return true;
}

bool relocation_remove(struct relocation *relocation, uint64_t start, uint64_t bytes)
{
	uint64_t end = start + bytes;

	if (bytes == 0 || end < start || relocation->pieces == 0)
		return true;
	if (!make_room(relocation))
		return false;
	(void)cut(relocation, start, end);
	relocation->changes++;
	return true;
}

bool relocation_copy(struct relocation *copy, const struct relocation *relocation)
{
	*copy = (struct relocation){.changes = relocation->changes};
	if (relocation->pieces == 0)
		return true;
	copy->piece = malloc(relocation->pieces * sizeof(copy->piece[0]));
	if (!copy->piece)
		return false;
	memcpy(copy->piece, relocation->piece, relocation->pieces * sizeof(copy->piece[0]));
	copy->pieces = copy->capacity = relocation->pieces;
	return true;
}

void relocation_clear(struct relocation *relocation)
{
	free(relocation->piece);
	*relocation = (struct relocation){.changes = relocation->changes + 1};
}

const char *relocation_check(const struct relocation *relocation)
{
	for (size_t i = 0; i < relocation->pieces; i++) {
		const struct relocated *piece = &relocation->piece[i];

		if (piece->start >= piece->end || (i > 0 && piece[-1].end > piece->start))
			return "I1: pieces are in order of start, none is empty, no two overlap";
	}
	return NULL;
}
