#include "config.h"

#include "engine/phys/slab.h"

#include "engine/base/check.h"

#include <string.h>

enum status slab_maps_create(struct slab_maps *maps, struct memory *memory)
{
	*maps = (struct slab_maps){
	    .memory = memory,
	    .base = memory->arena.base,
	    .bytes = memory->arena.pages << PAGE_SHIFT,
	    .page = page_of_pfn(&memory->pages, memory->arena.first),
	    .frames = memory->arena.pages,
	    .is_real = memory->arena.backing == ARENA_REAL,
	};
	if (maps->bytes >= (uint64_t)1 << (SLAB_DISTANCE_BITS - 1))
		return STATUS_LIMIT;
	enum status status = reservation_create(&maps->words_memory,
						maps->frames * SLAB_MAP_WORDS * sizeof(uint64_t), PAGE_BYTES);

	if (status == STATUS_OK)
		status = reservation_create(&maps->entry_memory, maps->frames * sizeof(uint64_t), PAGE_BYTES);
	if (status != STATUS_OK) {
		slab_maps_destroy(maps);
		return status;
	}
	maps->words = maps->words_memory.memory;
	maps->entry = maps->entry_memory.memory;
	return STATUS_OK;
}

void slab_maps_destroy(struct slab_maps *maps)
{
	reservation_destroy(&maps->words_memory);
	reservation_destroy(&maps->entry_memory);
}

struct slab_cut slab_cut_of(const struct slab_geometry *geometry, uint16_t number)
{
	return (struct slab_cut){.inverse = UINT64_MAX / geometry->slot_bytes + 1,
				 .slot_bytes = geometry->slot_bytes,
				 .left_bytes = geometry->left_bytes,
				 .number = number};
}

static uint64_t word_of_slots(uint32_t slots, uint32_t word)
{
	uint32_t left = slots - word * 64;

	return left >= 64 ? UINT64_MAX : ((uint64_t)1 << left) - 1;
}

/* Every frame of the slab gets this entry. */
static void set_entries(struct slab_maps *maps, const struct page *slab, uint64_t entry)
{
	uint64_t first = slab_frame(maps, slab);

	for (uint64_t frame = first; frame < first + ((uint64_t)1 << slab->private); frame++)
		maps->entry[frame] = entry;
}

void slab_begin(struct slab_maps *maps, struct page *slab, const struct slab_cut *cut, uint32_t colour)
{
	unsigned order = (unsigned)slab->private;
	uint64_t *map = slab_map(maps, slab);

	slab->flags |= PAGE_SLAB;
	slab->index = 0;
	slab->slab.offset = colour + cut->left_bytes;
	slab->slab.slots = (uint16_t)(((PAGE_BYTES << order) - colour) / cut->slot_bytes);
	slab->slab.state = SLAB_FULL;
	for (uint32_t word = 0; word < slab_map_words(slab); word++)
		map[word] = word_of_slots(slab->slab.slots, word);
	set_entries(maps, slab, slab_tag(cut->number, order) | (slab_first_object(maps, slab) - maps->base));
}

void slab_end(struct slab_maps *maps, struct page *slab)
{
	memset(slab_map(maps, slab), 0, slab_map_words(slab) * sizeof(uint64_t));
	set_entries(maps, slab, 0);
	slab->flags &= ~(uint32_t)PAGE_SLAB;
	slab->mapping = NULL;
}

static uint32_t first_free(const uint64_t *map, uint32_t words, uint32_t start)
{
	uint64_t first = map[start / 64] >> (start % 64);

	if (first != 0)
		return start + (uint32_t)__builtin_ctzll(first);
	for (uint32_t i = 1; i <= words; i++) {
		uint32_t word = (start / 64 + i) % words;

		if (map[word] != 0)
			return word * 64 + (uint32_t)__builtin_ctzll(map[word]);
	}
	CHECK(false, "I2: a slab with slots not in use has a bit set");
}

uint32_t slab_take(struct slab_maps *maps, struct page *slab, struct random *random)
{
	uint64_t *map = slab_map(maps, slab);
	uint32_t start = random ? (uint32_t)random_below(random, slab->slab.slots) : 0;
	uint32_t slot = first_free(map, slab_map_words(slab), start);

	map[slot / 64] &= ~((uint64_t)1 << (slot % 64));
	slab->index++;
	return slot;
}

static void shuffle(struct random *random, uint16_t *slots, uint32_t count)
{
	for (uint32_t left = count; left > 1; left--) {
		uint32_t other = (uint32_t)random_below(random, left);
		uint16_t slot = slots[other];

		slots[other] = slots[left - 1];
		slots[left - 1] = slot;
	}
}

uint32_t slab_take_all(struct slab_maps *maps, struct page *slab, struct random *random, uint16_t *slots)
{
	uint64_t *map = slab_map(maps, slab);
	uint32_t count = 0;

	for (uint32_t word = slab_map_words(slab); word-- > 0;) {
		for (uint64_t bits = map[word]; bits != 0;) {
			uint32_t bit = 63 - (uint32_t)__builtin_clzll(bits);

			slots[count++] = (uint16_t)(word * 64 + bit);
			bits &= ~((uint64_t)1 << bit);
		}
		map[word] = 0;
	}
	slab->index = slab->slab.slots;
	if (random)
		shuffle(random, slots, count);
	return count;
}

void slab_give(struct slab_maps *maps, struct page *slab, uint32_t slot)
{
	slab_map(maps, slab)[slot / 64] |= (uint64_t)1 << (slot % 64);
	slab->index--;
}

/* --- Proof -------------------------------------------------------------------------------------------------------- */

static const char I1[] =
    "I1: the slab's frames carry its entry; its page has an owner, and room for its slots";
static const char I2[] = "I2: slots in use + bits set = slots, and no bit beyond";

static bool has_its_frames(const struct slab_maps *maps, const struct page *slab)
{
	uint64_t first = slab_frame(maps, slab), entry = maps->entry[first];

	if (!(slab->flags & PAGE_SLAB) || !(slab->flags & PAGE_HEAD) || !slab->mapping ||
	    slab->private > SLAB_ORDER_MAX || slab->slab.slots == 0 || slab->slab.slots > SLAB_OBJECTS_MAX ||
	    slab_entry_number(entry) == 0 ||
	    entry != (slab_tag(slab_entry_number(entry), (unsigned)slab->private) |
		      (slab_first_object(maps, slab) - maps->base)))
		return false;
	for (uint64_t frame = first; frame < first + ((uint64_t)1 << slab->private); frame++) {
		if (maps->entry[frame] != entry)
			return false;
	}
	return true;
}

const char *slab_check(const struct slab_maps *maps, const struct page *slab)
{
	const uint64_t *map = slab_map(maps, slab);
	uint64_t free = 0;

	if (!has_its_frames(maps, slab))
		return I1;
	for (uint32_t word = 0; word < slab_map_words(slab); word++) {
		if (map[word] & ~word_of_slots(slab->slab.slots, word))
			return I2;
		free += (unsigned)__builtin_popcountll(map[word]);
	}
	return slab->index + free == slab->slab.slots ? NULL : I2;
}
