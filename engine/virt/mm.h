/* mm.h: the address space of a process, and the system calls that change it, as Linux 6.18 on x86-64 answers them.
 *
 *   0      start_brk    brk                                          mmap_base        stack             task_bytes
 *   | text | data | heap --> |        ...  gaps  ...   <-- mappings |  guard gap  <-- | arguments |      |
 *                                                 [ vma ][ vma ]
 *
 * A call returns what the program would see: a value, or an errno; an errno is a result, not a failure of ours.
 * Mappings are split and merged exactly as the kernel does it (vma_merge.h), because where the next mapping lands
 * and whether a later call fails depends on it. What happens to pages is said to a class of functions (mm_pages.h).
 *
 * Calls take any numbers: overlapping, wrapping, unaligned, of 2^64 bytes.
 *
 * Sources: mmap(2), munmap(2), mremap(2), brk(2), mprotect(2), madvise(2), mlock(2), mincore(2), msync(2), fork(2);
 * Documentation/mm/{overcommit-accounting,transhuge,process_addrs}.rst; and experiment: tests/model/mm_calls runs
 * random sequences in a real process and here.
 *
 * Invariants, proved by mm_check():
 *   I1: vma_tree_check() holds
 *   I2: every VMA lies below task_bytes
 *   I3: total_pages = sum of the VMAs' pages, at most total_peak_pages
 *   I4: data_pages, stack_pages, executable_pages = those of private writable, growing, executable unwritable VMAs
 *   I5: accounted_pages = pages of VMAs that are VMA_ACCOUNTED, charged to `promise`
 *   I6: start_brk <= brk
 *   I7: a VMA's rights are rights that it may have
 */
#ifndef FAULTLINE_ENGINE_VIRT_MM_H
#define FAULTLINE_ENGINE_VIRT_MM_H

#include "engine/virt/mm_abi.h"
#include "engine/virt/mm_pages.h"
#include "engine/virt/vma.h"

#define MM_UNLIMITED UINT64_MAX

/* vm.max_map_count's default, and the default gap below a stack. */
#define MM_MAPS_MAX_LINUX 65530u
#define MM_STACK_GUARD_PAGES 256u

enum mm_overcommit {
	MM_OVERCOMMIT_GUESS = 0, /* refuse what can never be had: more than all memory at once */
	MM_OVERCOMMIT_ALWAYS = 1,
	MM_OVERCOMMIT_NEVER = 2, /* refuse what is beyond the limit in sum */
};

/* What the system has promised to all its processes. */
struct mm_promise {
	enum mm_overcommit mode;
	uint64_t memory_pages;	 /* memory and swap together */
	uint64_t limit_pages;	 /* with MM_OVERCOMMIT_NEVER */
	uint64_t promised_pages; /* to all address spaces */
};

/* setrlimit and privileges. Bytes; MM_UNLIMITED. */
struct mm_limits {
	uint64_t address_space_bytes; /* RLIMIT_AS */
	uint64_t data_bytes;	      /* RLIMIT_DATA */
	uint64_t stack_bytes;	      /* RLIMIT_STACK */
	uint64_t locked_bytes;	      /* RLIMIT_MEMLOCK */
	uint64_t maps;		      /* vm.max_map_count */
	uint64_t lowest_address;      /* vm.mmap_min_addr: hints below are raised to it */
	bool may_lock;		      /* CAP_IPC_LOCK: locked_bytes does not count */
	bool may_map_low;	      /* CAP_SYS_RAWIO: below lowest_address, when it is told to */
};

/* Where exec puts what the program does not say. */
struct mm_layout {
	uint64_t task_bytes;	   /* no mapping reaches beyond: 2^47 - 4096; 3 GiB on i386 */
	uint64_t mmap_base;	   /* mappings grow down from here */
	uint64_t mmap_legacy_base; /* and up from here when there is no room below */
	uint64_t start_brk;
	uint64_t data_bytes; /* initialised data, which RLIMIT_DATA counts with the heap */
	uint64_t low_base;   /* where MAP_32BIT begins to look: 0x40000000, random by up to 32 MiB */
};

struct mm_options {
	struct vma_store *store;
	struct mm_promise *promise;
	const struct mm_pages_class *pages;
	void *pages_owner;
	struct mm_limits limits;
	struct mm_layout layout;
	uint64_t
	    huge_bytes; /* of a transparent huge page, 2 MiB; 0: the machine has none, and places nothing on it */
	bool has_ksm;
	bool is_32_bit; /* of a 32-bit kernel: large mappings are placed on no huge page's size */
};

struct mm {
	struct vma_store *store;
	struct mm_promise *promise;
	const struct mm_pages_class *pages;
	void *pages_owner;
	struct mm_limits limits;
	struct mm_layout layout;
	uint64_t huge_bytes;
	bool has_ksm;
	bool is_32_bit;

	struct vma_tree tree;
	uint64_t brk;
	uint32_t default_flags; /* mlockall(MCL_FUTURE): VMA_LOCKED_FLAGS of new mappings */
	uint64_t users;		/* processes that share it: vfork, clone(CLONE_VM) */

	uint64_t total_pages; /* of all mappings (RLIMIT_AS) */
	uint64_t
	    total_peak_pages; /* the most that total_pages ever was (VmPeak); a move counts its pages once */
	uint64_t data_pages;  /* private and writable (RLIMIT_DATA) */
	uint64_t stack_pages;
	uint64_t executable_pages;
	uint64_t locked_pages; /* what RLIMIT_MEMLOCK counts */
	uint64_t accounted_pages;
};

/* What a call returns: a value, or an errno (then the value is 0). */
struct mm_result {
	uint64_t value;
	int error;
};

/* --- Life --------------------------------------------------------------------------------------------------------- */

/* An empty address space with one user. STATUS_BAD_ARGUMENT for a layout that is none. Costs nothing but `*mm`. */
MUST_USE enum status mm_create(struct mm *mm, const struct mm_options *options);

/* vfork, clone(CLONE_VM): one user more. */
void mm_share(struct mm *mm);

/* exit, exec: one user less; true when it was the last one, and every mapping is gone. */
bool mm_leave(struct mm *mm);

/* fork: `child` (not created; its pages_owner is `owner`) becomes a copy with one user. ENOMEM leaves nothing
 * behind. */
struct mm_result mm_fork(struct mm *child, struct mm *parent, void *owner);

/* exec: a last user's address space becomes an empty one with another layout. */
void mm_exec(struct mm *mm, const struct mm_layout *layout);

/* Puts a mapping in that no call of the program made (exec's segments, the stack, what was there before a
 * recording): flags are those of enum area_flag and vma_flag. ENOMEM, EEXIST when something is there, EINVAL when it
 * is no range. */
struct mm_placement {
	uint64_t start, end;
	uint32_t flags;
	struct open_file *file; /* NULL: anonymous */
	uint64_t first_page;	/* of the file */
	bool has_anonymous;	/* some of its pages are private already */
};
struct mm_result mm_place(struct mm *mm, const struct mm_placement *placement);

/* --- What a page fault asks --------------------------------------------------------------------------------------- */

/* The VMA that holds the address, or the next one above it, or NULL. */
struct vma *mm_find(const struct mm *mm, uint64_t address);

/* The address lies below a VMA that grows down (mm_find says so): it grows to it. ENOMEM, EPERM, EFAULT: SIGSEGV. */
struct mm_result mm_grow_stack(struct mm *mm, struct vma *vma, uint64_t address);

/* The VMA has its first anonymous page, or is about to: gives it its identity, that of a neighbour if they may merge
 * one day. To be called when area.has_anonymous was set by anyone else; harmless otherwise. */
void mm_settle_anonymous(struct mm *mm, struct vma *vma);

/* --- Calls of programs -------------------------------------------------------------------------------------------- */

struct mm_mapping {
	uint64_t address, length;
	uint64_t protection, flags; /* mm_abi.h */
	struct open_file *file;	    /* NULL with MM_MAP_ANONYMOUS; NULL without it: a bad descriptor */
	uint64_t offset;	    /* bytes */
};
struct mm_result mm_map(struct mm *mm, const struct mm_mapping *mapping);
struct mm_result mm_unmap(struct mm *mm, uint64_t address, uint64_t length);

struct mm_remapping {
	uint64_t address, old_length, new_length;
	uint64_t flags;
	uint64_t new_address;
};
struct mm_result mm_remap(struct mm *mm, const struct mm_remapping *remapping);

/* The value is the break afterwards: the old one when it could not be moved. Never an errno. */
struct mm_result mm_set_brk(struct mm *mm, uint64_t brk);

struct mm_result mm_protect(struct mm *mm, uint64_t address, uint64_t length, uint64_t protection);
struct mm_result mm_advise(struct mm *mm, uint64_t address, uint64_t length, int advice);

/* mlock is mlock2 without flags. */
struct mm_result mm_lock(struct mm *mm, uint64_t address, uint64_t length, int flags);
struct mm_result mm_unlock(struct mm *mm, uint64_t address, uint64_t length);
struct mm_result mm_lock_all(struct mm *mm, int flags);
struct mm_result mm_unlock_all(struct mm *mm);

/* `resident` has room for one byte per page of the range, and is filled up to the first hole; NULL: nobody wants to
 * know. */
struct mm_result mm_residency(struct mm *mm, uint64_t address, uint64_t length, uint8_t *resident);
struct mm_result mm_sync(struct mm *mm, uint64_t address, uint64_t length, int flags);

/* NULL, or the text of the first invariant that does not hold. */
const char *mm_check(const struct mm *mm);

#endif
