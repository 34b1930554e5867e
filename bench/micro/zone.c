#include "config.h"

#include "bench/micro/frames_latency.h"
#include "bench/micro/frames_work.h"
#include "bench/micro/gbench.h"
#include "bench/micro/list_buddy.h"
#include "bench/micro/table.h"
#include "engine/phys/gfp.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define THREADS 2u
#define TERABYTE_PAGES ((uint64_t)1 << 28)
#define BULK 64u

/* --- The machines ------------------------------------------------------------------------------------------------- */

enum machine_kind {
	PLAIN_LIST, /* list_buddy.h behind one lock, with a page set per CPU: the yardstick */
	OF_LISTS,
	OF_BITMAPS,
	OF_TYPED,
	MACHINES,
};

static const char *const machine_names[MACHINES] = {
    [PLAIN_LIST] = "list",
    [OF_LISTS] = "lists of linux",
    [OF_BITMAPS] = "bitmaps",
    [OF_TYPED] = "bitmaps by type",
};

/* Frames that one or two threads take and give back. */
struct machine {
	struct pcp set[THREADS]; /* of the list */
	struct reservation descriptors;
	struct page_array array;
	struct list_buddy list;
	struct zone zone;
	struct memory memory; /* instead of the zone, where pages are wanted */
	struct lock lock;
};

/* What a thread calls the machine by. */
struct seat {
	struct machine *machine;
	int cpu;
	struct zone_request request;
	struct gfp gfp;
};

struct machine_size {
	uint64_t pages;
	unsigned cpus; /* with page sets; 0 = none */
};

static bool make_list(struct machine *machine, const struct machine_size *size)
{
	if (reservation_create(&machine->descriptors, size->pages * sizeof(struct list_page), 64) !=
	    STATUS_OK)
		return false;
	list_buddy_create(&machine->list, machine->descriptors.memory, size->pages);
	for (unsigned cpu = 0; cpu < size->cpus; cpu++) {
		if (pcp_create(&machine->set[cpu], PCP_FIXED, PCP_HIGH) != STATUS_OK)
			return false;
		pcp_set_figures(&machine->set[cpu], &(struct pcp_figures){PCP_BATCH, PCP_HIGH, PCP_HIGH});
	}
	return true;
}

static enum zone_keeper keeper_of(enum machine_kind kind)
{
	return kind == OF_LISTS ? ZONE_LISTS : kind == OF_TYPED ? ZONE_TYPED : ZONE_BITMAPS;
}

static bool make_zone(struct machine *machine, enum machine_kind kind, const struct machine_size *size)
{
	struct zone_shape shape = {
	    .kind = ZONE_NORMAL,
	    .buddy = {.first = 0, .pages = size->pages, .max_order = BUDDY_KERNEL_ORDER},
	    .cpus = size->cpus,
	    .local_cpus = size->cpus,
	    .keeper = keeper_of(kind),
	    .array = &machine->array,
	};

	if (page_array_create(&machine->array, 0, size->pages) != STATUS_OK ||
	    zone_create(&machine->zone, &shape) != STATUS_OK)
		return false;
	machine->zone.present_pages = size->pages;
	zone_add(&machine->zone, 0, size->pages);
	zone_set_watermarks(&machine->zone, 1024, 256);
	return true;
}

static bool make_memory(struct machine *machine, enum machine_kind kind)
{
	struct memory_shape shape = {
	    .size = {.layout = MEMORY_X86_64, .pages = FRAMES_PAGES},
	    .backing = ARENA_NONE,
	    .max_order = BUDDY_KERNEL_ORDER,
	    .cpus = THREADS,
	    .keeper = keeper_of(kind),
	};

	return memory_create(&machine->memory, &shape) == STATUS_OK;
}

static void drop_machine(struct machine *machine)
{
	if (machine->memory.zones > 0)
		memory_destroy(&machine->memory);
	if (machine->zone.name)
		zone_destroy(&machine->zone);
	page_array_destroy(&machine->array);
	for (unsigned cpu = 0; cpu < THREADS; cpu++)
		pcp_destroy(&machine->set[cpu]);
	reservation_destroy(&machine->descriptors);
	free(machine);
}

/* --- Taking and giving back ---------------------------------------------------------------------------------------- */

/* One of the list's own sets, as plain as can be: single frames in batches of 63. */
FRAMES_INLINE pfn_t list_take(void *self, unsigned order)
{
	struct seat *seat = self;
	struct machine *machine = seat->machine;
	struct pcp_list *set = &machine->set[seat->cpu].list[0];

	if (order == 0 && set->blocks > 0)
		return pcp_list_pop(set);
	lock_acquire(&machine->lock);
	pfn_t taken = list_buddy_allocate(&machine->list, order);

	for (unsigned i = 1; order == 0 && i < PCP_BATCH; i++) {
		pfn_t pfn = list_buddy_allocate(&machine->list, 0);

		if (pfn == PFN_NONE)
			break;
		pcp_list_append(set, pfn);
	}
	lock_release(&machine->lock);
	return taken;
}

FRAMES_INLINE void list_give(void *self, pfn_t pfn, unsigned order)
{
	struct seat *seat = self;
	struct machine *machine = seat->machine;
	struct pcp_list *set = &machine->set[seat->cpu].list[0];

	if (order == 0) {
		pcp_list_push(set, pfn);
		if (set->blocks < PCP_HIGH)
			return;
	}
	lock_acquire(&machine->lock);
	if (order > 0)
		list_buddy_free(&machine->list, pfn, order);
	for (unsigned i = 0; order == 0 && i < PCP_BATCH; i++)
		list_buddy_free(&machine->list, pcp_list_remove_last(set), 0);
	lock_release(&machine->lock);
}

/* Without sets. */
FRAMES_INLINE pfn_t bare_take(void *self, unsigned order)
{
	struct machine *machine = ((struct seat *)self)->machine;

	lock_acquire(&machine->lock);
	pfn_t pfn = list_buddy_allocate(&machine->list, order);

	lock_release(&machine->lock);
	return pfn;
}

FRAMES_INLINE void bare_give(void *self, pfn_t pfn, unsigned order)
{
	struct machine *machine = ((struct seat *)self)->machine;

	lock_acquire(&machine->lock);
	list_buddy_free(&machine->list, pfn, order);
	lock_release(&machine->lock);
}

FRAMES_INLINE pfn_t zone_seat_take(void *self, unsigned order)
{
	struct seat *seat = self;

	seat->request.order = order;
	return zone_allocate(&seat->machine->zone, &seat->request);
}

FRAMES_INLINE void zone_seat_give(void *self, pfn_t pfn, unsigned order)
{
	struct seat *seat = self;

	zone_free(&seat->machine->zone, seat->cpu, pfn, order);
}

static pfn_t page_take(void *self, unsigned order)
{
	struct seat *seat = self;
	struct page *page = alloc_pages(&seat->machine->memory, &seat->gfp, order);

	return page ? pfn_of_page(&seat->machine->memory.pages, page) : PFN_NONE;
}

static void page_give(void *self, pfn_t pfn, unsigned order)
{
	struct seat *seat = self;
	struct memory *memory = &seat->machine->memory;

	free_pages_of(memory, seat->cpu, page_of_pfn(&memory->pages, pfn), order);
}

static const struct frames_allocator list_frames = {.allocate = list_take, .free = list_give};
static const struct frames_allocator bare_frames = {.allocate = bare_take, .free = bare_give};
static const struct frames_allocator zone_frames = {.allocate = zone_seat_take, .free = zone_seat_give};
static const struct frames_allocator page_frames = {.allocate = page_take, .free = page_give};

/* --- The cases ---------------------------------------------------------------------------------------------------- */

enum workload {
	PAIR,
	PAIR_PAGE,
	PAIR_BARE,
	TAKE_ALL,
	TAKE_BULK,
	FREE_ALL,
	CHURN_90,
	LATENCY,
	CHURN_TERABYTE,
	PAIR_THREADS,
	CHURN_THREADS,
	WORKLOADS,
};

enum trait {
	OF_PAGES = 1,	  /* through the page allocator, not straight from the zone */
	OF_TERABYTE = 2,  /* in a machine of 1 TiB, whose resident memory is shown */
	WITHOUT_SETS = 4, /* each call under the lock */
};

static const struct {
	const char *name;
	unsigned threads, traits;
} workloads[WORKLOADS] = {
    [PAIR] = {"order-0 pair, page set", 1, 0},
    [PAIR_PAGE] = {"alloc_page + free_page", 1, OF_PAGES},
    [PAIR_BARE] = {"order-0 pair, no set", 1, WITHOUT_SETS},
    [TAKE_ALL] = {"take all frames", 1, 0},
    [TAKE_BULK] = {"alloc_pages_bulk", 1, OF_PAGES},
    [FREE_ALL] = {"free all, random order", 1, 0},
    [CHURN_90] = {"mixed churn, 90 % full", 1, 0},
    [LATENCY] = {"alloc latency, no set", 1, WITHOUT_SETS},
    [CHURN_TERABYTE] = {"the same load in 1 TiB", 1, OF_TERABYTE},
    [PAIR_THREADS] = {"order-0 pair, 2 threads", THREADS, 0},
    [CHURN_THREADS] = {"mixed churn, 2 threads", THREADS, 0},
};

static bool has_trait(enum workload workload, enum trait trait)
{
	return (workloads[workload].traits & trait) != 0;
}

struct contest {
	enum workload workload;
	enum machine_kind kind;
};

/* Takes 64 frames at once, as often as there are some, and gives all back outside the time. */
static void run_bulk(struct gbench_state *state, struct seat *seat)
{
	static struct page *page[FRAMES_PAGES];
	struct memory *memory = &seat->machine->memory;
	size_t wanted = FRAMES_PAGES * 9 / 10 / BULK * BULK;

	while (gbench_keep_running(state, (int64_t)wanted)) {
		for (size_t i = 0; i < wanted; i += BULK) {
			if (alloc_pages_bulk(memory, &seat->gfp, BULK, &page[i]) < BULK)
				gbench_fail(state, "the machine has too few frames");
		}
		gbench_pause(state);
		for (size_t i = 0; i < wanted; i++) {
			if (page[i])
				free_page_of(memory, seat->cpu, page[i]);
			page[i] = NULL;
		}
		gbench_resume(state);
	}
}

FRAMES_INLINE void run_loops(struct gbench_state *state, struct frames *frames,
			     const struct frames_allocator *allocator, enum workload workload)
{
	switch (workload) {
	case TAKE_ALL:
	case FREE_ALL:
		frames_run_bulk(state, frames, allocator, workload == FREE_ALL);
		break;
	case CHURN_90:
	case CHURN_TERABYTE:
	case CHURN_THREADS:
		frames_run_churn(state, frames, allocator, frames->pages * 9 / 10);
		break;
	case LATENCY:
		frames_run_latency(state, frames, allocator);
		break;
	case PAIR:
	case PAIR_PAGE:
	case PAIR_BARE:
	case PAIR_THREADS:
		frames_run_pair(state, frames, allocator, true);
		break;
	case TAKE_BULK:
	case WORKLOADS:
		break;
	}
}

static void run_seat(struct gbench_state *state, struct seat *seat, const struct contest *contest)
{
	unsigned threads = workloads[contest->workload].threads;
	struct frames frames;

	if (!frames_join(&frames, seat, (unsigned)seat->cpu, FRAMES_PAGES / threads)) {
		gbench_fail(state, "the host has no memory");
		return;
	}
	if (has_trait(contest->workload, OF_PAGES)) {
		run_loops(state, &frames, &page_frames, contest->workload);
		frames_leave(&frames, &page_frames);
	} else if (contest->kind == PLAIN_LIST && has_trait(contest->workload, WITHOUT_SETS)) {
		run_loops(state, &frames, &bare_frames, contest->workload);
		frames_leave(&frames, &bare_frames);
	} else if (contest->kind == PLAIN_LIST) {
		run_loops(state, &frames, &list_frames, contest->workload);
		frames_leave(&frames, &list_frames);
	} else {
		run_loops(state, &frames, &zone_frames, contest->workload);
		frames_leave(&frames, &zone_frames);
	}
}

/* Resident memory of this process, in MiB; 0 when the system does not say. */
static double resident_mib(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	char line[128];
	char *end = line;

	if (!file)
		return 0;
	if (fgets(line, sizeof(line), file)) {
		(void)strtoull(line, &end, 10);
		return fclose(file) == 0 ? (double)strtoull(end, NULL, 10) * PAGE_BYTES / (1 << 20) : 0;
	}
	(void)fclose(file);
	return 0;
}

static struct machine *make_machine(const struct contest *contest)
{
	struct machine *machine = aligned_alloc(64, round_up(sizeof(*machine), 64));
	struct machine_size size = {
	    .pages = has_trait(contest->workload, OF_TERABYTE) ? TERABYTE_PAGES : FRAMES_PAGES,
	    .cpus = has_trait(contest->workload, WITHOUT_SETS) ? 0 : THREADS,
	};

	if (!machine)
		return NULL;
	memset(machine, 0, sizeof(*machine));
	bool made = has_trait(contest->workload, OF_PAGES) ? make_memory(machine, contest->kind)
		    : contest->kind == PLAIN_LIST	   ? make_list(machine, &size)
							   : make_zone(machine, contest->kind, &size);

	if (made)
		return machine;
	drop_machine(machine);
	return NULL;
}

/* The machine that the threads of one run share: the first one makes it, the last one drops it. They wait for each other where
 * the time begins and where it ends, so that none leaves before all have come. */
static struct {
	pthread_mutex_t mutex;
	unsigned users;
	struct machine *machine;
} shared = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static struct machine *enter_machine(const struct contest *contest)
{
	(void)pthread_mutex_lock(&shared.mutex);
	if (shared.users == 0)
		shared.machine = make_machine(contest);
	shared.users += shared.machine != NULL;
	struct machine *machine = shared.machine;

	(void)pthread_mutex_unlock(&shared.mutex);
	return machine;
}

static void leave_machine(void)
{
	(void)pthread_mutex_lock(&shared.mutex);
	if (--shared.users == 0)
		drop_machine(shared.machine);
	(void)pthread_mutex_unlock(&shared.mutex);
}

static void run_contest(struct gbench_state *state, void *context)
{
	const struct contest *contest = context;
	struct machine *machine = enter_machine(contest);
	int cpu = gbench_thread(state);
	_Alignas(64) struct seat seat = {
	    .machine = machine,
	    .cpu = cpu,
	    .request = {.type = MIGRATE_MOVABLE,
			.flags = ALLOC_WMARK_LOW,
			.highest = ZONE_NORMAL,
			.cpu = cpu},
	    .gfp = {.flags = GFP_HIGHUSER_MOVABLE, .cpu = cpu},
	};

	if (!machine) {
		gbench_fail(state, "the host has no memory");
		return;
	}
	if (contest->workload == TAKE_BULK)
		run_bulk(state, &seat);
	else
		run_seat(state, &seat, contest);
	if (has_trait(contest->workload, OF_TERABYTE))
		gbench_counter(state, "resident_MiB", resident_mib());
	leave_machine();
}

/* Lists are for one thread at a time, and the plain list has no pages; a list's descriptors of a terabyte are 16 GiB, in use
 * only as far as the load goes. */
static bool competes(enum machine_kind kind, enum workload workload)
{
	if (kind == OF_LISTS)
		return workloads[workload].threads == 1;
	return kind != PLAIN_LIST || !(has_trait(workload, OF_PAGES) || has_trait(workload, OF_TERABYTE));
}

int main(int argc, char **argv)
{
	static struct contest contests[WORKLOADS * MACHINES];
	struct contest *contest = contests;

	for (unsigned workload = 0; workload < WORKLOADS; workload++) {
		for (unsigned kind = 0; kind < MACHINES; kind++) {
			char name[96];

			if (!competes((enum machine_kind)kind, (enum workload)workload))
				continue;
			*contest = (struct contest){(enum workload)workload, (enum machine_kind)kind};
			(void)snprintf(name, sizeof(name), "%s:%s", workloads[workload].name,
				       machine_names[kind]);
			struct gbench *added = gbench_register(name, run_contest, contest++);

			if (workload == LATENCY)
				gbench_set_iterations(added, FRAMES_LATENCIES);
			if (workloads[workload].threads > 1)
				gbench_set_threads(added, (int)workloads[workload].threads);
		}
	}
	return table_main(
	    "Zones: 1 GiB, page sets of two CPUs, against a plain list buddy with sets of its own", argc,
	    argv);
}
