#include "config.h"

#include "engine/phys/kmap.h"

#include "engine/base/check.h"

enum status kmap_create(struct kmap *kmap, pfn_t first, uint64_t frames, unsigned cpus)
{
	*kmap = (struct kmap){.first = first, .cpus = cpus};
	if (cpus > KMAP_CPUS_MAX)
		return STATUS_BAD_ARGUMENT;
	enum status status =
	    reservation_create(&kmap->window_memory, frames * sizeof(*kmap->window), PAGE_BYTES);

	if (status == STATUS_OK)
		status =
		    reservation_create(&kmap->local_memory, (cpus + 1) * sizeof(*kmap->local), PAGE_BYTES);
	if (status != STATUS_OK) {
		kmap_destroy(kmap);
		return status;
	}
	kmap->frames = frames;
	kmap->window = kmap->window_memory.memory;
	kmap->local = kmap->local_memory.memory;
	return STATUS_OK;
}

void kmap_destroy(struct kmap *kmap)
{
	reservation_destroy(&kmap->window_memory);
	reservation_destroy(&kmap->local_memory);
	kmap->frames = 0;
}

/* --- Windows for all ---------------------------------------------------------------------------------------------- */

static uint16_t *window_of(const struct kmap *kmap, pfn_t pfn)
{
	return &kmap->window[pfn - kmap->first];
}

static uintptr_t address_of(unsigned window)
{
	return KMAP_START + (uintptr_t)window * PAGE_BYTES;
}

/* All windows that nobody uses, at the cost of one flush (flush_all_zero_pkmaps). */
static void flush_unused(struct kmap *kmap)
{
	uint64_t before = kmap->flushed;

	for (unsigned window = 0; window < KMAP_WINDOWS; window++) {
		if (kmap->count[window] != 1)
			continue;
		*window_of(kmap, kmap->frame[window]) = 0;
		kmap->count[window] = 0;
		kmap->flushed++;
	}
	kmap->flushes += kmap->flushed > before;
}

/* The next free window (map_new_virtual), or KMAP_WINDOWS. Once the turn begins again, all are looked at once more. */
static unsigned find_free(struct kmap *kmap)
{
	for (unsigned tried = 0; tried < KMAP_WINDOWS; tried++) {
		kmap->last = (kmap->last + 1) % KMAP_WINDOWS;
		if (kmap->last == 0) {
			flush_unused(kmap);
			tried = 0;
		}
		if (kmap->count[kmap->last] == 0)
			return kmap->last;
	}
	return KMAP_WINDOWS;
}

static uintptr_t open_window(struct kmap *kmap, pfn_t pfn)
{
	uint16_t *known = window_of(kmap, pfn);

	if (*known == 0) {
		unsigned window = find_free(kmap);

		if (window == KMAP_WINDOWS) {
			kmap->refusals++;
			return 0;
		}
		*known = (uint16_t)(window + 1);
		if (pfn - kmap->first >= kmap->reached)
			kmap->reached = pfn - kmap->first + 1;
		kmap->frame[window] = pfn;
		kmap->count[window] = 1;
	}
	kmap->count[*known - 1]++;
	kmap->opens++;
	return address_of(*known - 1u);
}

uintptr_t kmap_open(struct kmap *kmap, pfn_t pfn)
{
	CHECK(kmap_holds(kmap, pfn), "a window is opened to a frame without a direct map");
	counted_lock_acquire(&kmap->lock);
	uintptr_t address = open_window(kmap, pfn);

	counted_lock_release(&kmap->lock);
	return address;
}

void kmap_close(struct kmap *kmap, pfn_t pfn)
{
	CHECK(kmap_holds(kmap, pfn), "a window is closed to a frame without a direct map");
	counted_lock_acquire(&kmap->lock);
	unsigned known = *window_of(kmap, pfn);

	CHECK(known != 0 && kmap->count[known - 1] > 1,
	      "a frame's window is closed as often as it was opened");
	kmap->count[known - 1]--;
	kmap->closes++;
	counted_lock_release(&kmap->lock);
}

uintptr_t kmap_address(const struct kmap *kmap, pfn_t pfn)
{
	unsigned known = kmap_holds(kmap, pfn) ? *window_of(kmap, pfn) : 0;

	return known != 0 ? address_of(known - 1) : 0;
}

/* --- Windows of a CPU --------------------------------------------------------------------------------------------- */

static struct kmap_local *local_of(const struct kmap *kmap, int cpu)
{
	return &kmap->local[cpu >= 0 && (unsigned)cpu < kmap->cpus ? cpu + 1 : 0];
}

/* They lie below the windows for all. */
static uintptr_t local_address(const struct kmap *kmap, const struct kmap_local *local, unsigned depth)
{
	uintptr_t number = (uintptr_t)(local - kmap->local) * KMAP_LOCAL_WINDOWS + depth;

	return KMAP_START - (number + 1) * PAGE_BYTES;
}

uintptr_t kmap_local_open(struct kmap *kmap, int cpu, pfn_t pfn)
{
	struct kmap_local *local = local_of(kmap, cpu);

	CHECK(kmap_holds(kmap, pfn), "a window is opened to a frame without a direct map");
	if (local->depth == KMAP_LOCAL_WINDOWS)
		return 0;
	local->frame[local->depth] = pfn;
	local->opens++;
	uintptr_t address = local_address(kmap, local, local->depth++);

	local->deepest = local->depth > local->deepest ? local->depth : local->deepest;
	return address;
}

void kmap_local_close(struct kmap *kmap, int cpu, uintptr_t address)
{
	struct kmap_local *local = local_of(kmap, cpu);

	CHECK(local->depth > 0 &&
		  address / PAGE_BYTES == local_address(kmap, local, local->depth - 1) / PAGE_BYTES,
	      "a CPU closes first the window that it opened last");
	local->depth--;
}

pfn_t kmap_frame(const struct kmap *kmap, uintptr_t address)
{
	uint64_t window = (address - KMAP_START) / PAGE_BYTES;
	uint64_t number = (KMAP_START - 1 - address) / PAGE_BYTES;

	if (kmap->frames == 0)
		return PFN_NONE;
	if (address >= KMAP_START)
		return window < KMAP_WINDOWS && kmap->count[window] > 1 ? kmap->frame[window] : PFN_NONE;
	if (number >= (uint64_t)(kmap->cpus + 1) * KMAP_LOCAL_WINDOWS)
		return PFN_NONE;
	const struct kmap_local *local = &kmap->local[number / KMAP_LOCAL_WINDOWS];

	return number % KMAP_LOCAL_WINDOWS < local->depth ? local->frame[number % KMAP_LOCAL_WINDOWS]
							  : PFN_NONE;
}

uint64_t kmap_local_opens(const struct kmap *kmap)
{
	uint64_t opens = 0;

	for (unsigned i = 0; kmap->frames > 0 && i <= kmap->cpus; i++)
		opens += kmap->local[i].opens;
	return opens;
}

/* --- Proof -------------------------------------------------------------------------------------------------------- */

static const char I1[] =
    "I1: a window with a count has a frame of the range, whose window it is; one without has "
    "none; no other frame has a window";
static const char I2[] = "I2: the sum of all counts above 1, less 1 each, is opens - closes";
static const char I3[] = "I3: a CPU has at most KMAP_LOCAL_WINDOWS open, all of frames of the range";

static bool local_is_sound(const struct kmap *kmap, const struct kmap_local *local)
{
	if (local->depth > KMAP_LOCAL_WINDOWS)
		return false;
	for (unsigned i = 0; i < local->depth; i++) {
		if (!kmap_holds(kmap, local->frame[i]))
			return false;
	}
	return true;
}

const char *kmap_check(const struct kmap *kmap)
{
	uint64_t windows = 0, users = 0, known = 0;

	for (unsigned window = 0; window < KMAP_WINDOWS; window++) {
		if (kmap->count[window] == 0)
			continue;
		if (!kmap_holds(kmap, kmap->frame[window]) ||
		    *window_of(kmap, kmap->frame[window]) != window + 1)
			return I1;
		windows++;
		users += kmap->count[window] - 1;
	}
	for (uint64_t frame = 0; frame < kmap->reached; frame++)
		known += kmap->window[frame] != 0;
	if (known != windows)
		return I1;
	if (users != kmap->opens - kmap->closes)
		return I2;
	for (unsigned i = 0; kmap->frames > 0 && i <= kmap->cpus; i++) {
		if (!local_is_sound(kmap, &kmap->local[i]))
			return I3;
	}
	return NULL;
}
