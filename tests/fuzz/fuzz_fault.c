#include "config.h"

#include "tests/fuzz/fuzz.h"
#include "tests/unit/fault_rig.h"

#include <stdlib.h>
#include <string.h>

/* Calls and accesses with any numbers on a machine with little memory: one or two address spaces, a file, a processor. Nothing
 * may crash, the books hold, and at the end every frame comes back. */

#define FRAMES 1024u
#define SEEDS 3u
#define SEED_CALLS 32u
#define AREA_PAGES 1600u

struct fuzz_call {
	uint8_t kind;	 /* of what is done */
	uint8_t process; /* bit 0; bits 1 and 2: address and length are taken as they are */
	uint16_t small;	 /* rights, flags, advice */
	uint32_t pages;
	uint64_t address;
};

static uint64_t address_of(const struct fuzz_call *call)
{
	if (call->process & 2)
		return call->address;
	return KERNEL_CHILD_BASE + (call->address % AREA_PAGES << PAGE_SHIFT);
}

static uint64_t length_of(const struct fuzz_call *call)
{
	if (call->process & 4)
		return (uint64_t)call->pages << (call->small % 33);
	return (uint64_t)(1 + call->pages % 700) << PAGE_SHIFT;
}

static void map(struct fault_rig *rig, struct mm *mm, const struct fuzz_call *call)
{
	uint32_t flags = (uint32_t)call->small << 4;
	struct mm_mapping mapping = {.address = address_of(call),
				     .length = length_of(call),
				     .protection = call->small & 7,
				     .flags = (flags & ~(uint32_t)MM_MAP_TYPE) | (call->small & 8 ? 1 : 2)};

	if (call->process & 8)
		mapping.flags |= MM_MAP_FIXED;
	if (!(mapping.flags & MM_MAP_ANONYMOUS)) {
		mapping.file = &rig->file;
		mapping.offset = (uint64_t)(call->pages >> 16) << PAGE_SHIFT;
	}
	(void)fault_map(mm, &mapping);
}

static void remap(struct mm *mm, const struct fuzz_call *call)
{
	struct mm_remapping remapping = {
	    .address = address_of(call),
	    .old_length = length_of(call),
	    .new_length = call->process & 8 ? length_of(call) : (uint64_t)call->small << PAGE_SHIFT,
	    .flags = call->small & 7,
	    .new_address = KERNEL_CHILD_BASE + ((uint64_t)call->pages << PAGE_SHIFT)};

	(void)mm_remap(mm, &remapping);
}

static void touch(struct mm *mm, const struct fuzz_call *call)
{
	static const unsigned accesses[] = {WALK_READ, WALK_WRITE, WALK_EXECUTE};
	uint64_t pages = 1 + call->pages % 64;

	for (uint64_t i = 0; i < pages; i++)
		(void)fault_access(mm, address_of(call) + (i << PAGE_SHIFT),
				   accesses[call->small % 3] | WALK_USER);
}

static void ask(struct mm *mm, const struct fuzz_call *call)
{
	uint64_t pages = 1 + call->pages % 700, cursor = call->address;
	uint8_t *resident = malloc(pages);

	(void)mm_sync(mm, address_of(call), length_of(call), call->small & 7);
	(void)fault_khugepaged(mm, &cursor);
	if (resident)
		(void)mm_residency(mm, address_of(call), pages << PAGE_SHIFT, resident);
	free(resident);
}

static void fork_or_exit(struct fault_rig *rig)
{
	if (rig->process[1].exists)
		rig_exit(rig, 1);
	else
		(void)rig_fork(rig);
}

static void do_call(struct fault_rig *rig, const struct fuzz_call *call)
{
	struct rig_process *process = &rig->process[call->process & 1 && rig->process[1].exists];
	struct mm *mm = &process->mm;

	cpu_switch(&rig->processors, 0, &process->space.cpu_space);
	switch (call->kind % 16) {
	case 0:
	case 1:
	case 2:
		map(rig, mm, call);
		break;
	case 3:
		(void)mm_unmap(mm, address_of(call), length_of(call));
		break;
	case 4:
		(void)mm_protect(mm, address_of(call), length_of(call), call->small & 7);
		break;
	case 5:
	case 6:
		(void)mm_advise(mm, address_of(call), length_of(call), call->small % 110);
		break;
	case 7:
		remap(mm, call);
		break;
	case 8:
		(void)mm_lock(mm, address_of(call), length_of(call), call->small & 1);
		break;
	case 9:
		(void)fault_set_brk(mm, mm->layout.start_brk + (call->address & 0xffffff));
		break;
	case 10:
		fork_or_exit(rig);
		break;
	case 11:
		ask(mm, call);
		break;
	case 12:
		(void)!file_pages_set_resident(rig->file.pages, call->address % 400, call->pages % 400,
					       call->small & 1);
		break;
	default:
		touch(mm, call);
		break;
	}
}

static void choose_policy(struct fault_rig *rig, uint8_t byte)
{
	rig->policy.thp = byte % 3;
	rig->policy.thp_placement = byte >> 2 & 1;
	rig->policy.paging = byte >> 3 & 1;
	rig->policy.thp_promotion_pages = byte >> 4 & 1 ? 50 : 0;
	rig->policy.fault_around_bytes = byte >> 5 & 1 ? 4096 : 65536;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fault_rig *rig = malloc(sizeof(*rig));
	struct rig_options options = {.frames = FRAMES, .file_pages = 300, .has_processors = true};
	struct fuzz_call call;

	if (!rig || size == 0 || !rig_make(rig, &options)) {
		free(rig);
		return 0;
	}
	choose_policy(rig, data[0]);
	for (size_t at = 1, i = 0; at + sizeof(call) <= size && i < 256; at += sizeof(call), i++) {
		memcpy(&call, data + at, sizeof(call));
		do_call(rig, &call);
		if (i % 8 == 7 && rig_check(rig))
			abort();
	}
	if (rig_check(rig))
		abort();
	rig_drop(rig);
	free(rig);
	return 0;
}

/* Random calls that mostly hit the same few mappings. */
size_t fuzz_seed(unsigned index, uint8_t *bytes)
{
	static const uint8_t policies[SEEDS] = {0x01, 0x02, 0x16};
	uint64_t random = index + 1;
	size_t size = 1;

	if (index >= SEEDS)
		return 0;
	bytes[0] = policies[index];
	for (unsigned i = 0; i < SEED_CALLS; i++, size += sizeof(struct fuzz_call)) {
		struct fuzz_call call;

		random = random * 6364136223846793005u + 1442695040888963407u;
		call.kind = (uint8_t)(random >> 33);
		call.process = (uint8_t)((random >> 41 & 9) | (i % 3 == 0 ? 8 : 0));
		call.small = (uint16_t)((random >> 45 & 0xfff8) | 3);
		call.pages = (uint32_t)(random >> 20);
		call.address = random >> 7;
		if (i % 4 == 0) {
			call.kind = 0;
			call.small |= (uint16_t)(MM_MAP_ANONYMOUS >> 4);
		}
		memcpy(bytes + size, &call, sizeof(call));
	}
	return size;
}
