/* pairing.h: two recordings of one command, side by side: the native one, which says what the kernel did, and one under the
 * emulator, which says what was referred to.
 *
 *   native       exec   mmap A   brk    mmap B   fork ──▶ child          addresses of the kernel
 *                         │       │       │        │        │
 *   emulated            mmap a   brk    mmap b   fork ──▶ child          addresses of the emulator
 *                     references ...  references ...
 *
 * The program makes the same calls in both, at other addresses. Calls of a process are paired in their order, if they are the
 * same kind of call with the same lengths, rights and flags (brk: the same size of the heap); where one side has a call that the other has not, the next that
 * agree go on. A region of the emulated recording then lies at what its call returned natively; what was there before the
 * first call, at the same place of the same file in the maps that the kernel showed after exec.
 */
#ifndef FAULTLINE_BENCH_FIDELITY_PAIRING_H
#define FAULTLINE_BENCH_FIDELITY_PAIRING_H

#include "bench/fidelity/recording.h"

#include <stdbool.h>

#define PAIRING_NONE UINT64_MAX

struct pairing {
	const struct recording *native, *emulated;
	uint32_t processes; /* of the emulated recording */
	uint64_t *process;  /* of an emulated process: the native one, or PAIRING_NONE */
	uint64_t *event;    /* of an emulated event: the position of the native one, or PAIRING_NONE */
	uint32_t *region;   /* of an emulated event: the number of the region that it made, 0 = none */
	bool *is_placed;    /* of a region (by number - 1): it is known where it lies natively */
	uint64_t *shift;    /* of a placed one: native address - emulated address, modulo 2^64 */
	uint64_t *length; /* of a placed one: bytes that were asked for natively if fewer, else UINT64_MAX */
	uint64_t paired;  /* events */
	uint64_t native_alone, emulated_alone; /* calls without a partner */
	uint64_t stack_end; /* native address of the first byte behind the stack, 0 = not known */
	uint64_t break_start, emulated_break_start; /* on both sides, 0 = not known */
	uint64_t *break_bytes;			    /* by emulated process: size of the native heap of brk */
	uint32_t break_region;			    /* the heap of brk, 0 = not known yet */
};

/* Both recordings must stay. Pairs the processes and calls, and places the regions that begin with a program.
 * TRACE_NO_MEMORY; TRACE_BAD_INPUT when the native one has no maps from its exec. */
enum trace_status pairing_create(struct pairing *pairing, const struct recording *native,
				 const struct recording *emulated, struct trace_error *error) TRACE_MUST_USE;
void pairing_destroy(struct pairing *pairing);

/* The emulated event at `position` is done: the regions that it made or moved are placed from now on. */
void pairing_apply(struct pairing *pairing, uint64_t position);

/* Where a context of the emulated recording (access.h) lies natively, and how many bytes of it: the rest was not asked for
 * there. False: it is not known. */
struct pairing_place {
	uint64_t address;
	uint32_t bytes;
};
bool pairing_address(const struct pairing *pairing, const struct access_context *context,
		     struct pairing_place *place);

#endif
