/* vcpu.h: the references that one emulated thread has made and not handed over.
 *
 *   chunk   | handed over | words not handed over |  room in this block  |  room in the chunk  |
 *                         ^from                   ^at                    ^end                  ^limit
 *
 * Words (access_word.h) go into a chunk of the arena. Handing over takes an order number and writes one ARENA_ACCESSES;
 * it happens before everything that has a number of its own (heap and system calls), and when a block is full: 256 words
 * where there are several threads, whose accesses can be put in order only so finely, a chunk's worth otherwise.
 *
 * While nothing is recorded (a window's gap, recording paused), `from` to `end` lie in scratch memory that is written again
 * and again, and what goes there is counted.
 *
 *   I1  from <= at <= end, all in one place, or all NULL: then the next word finds no room and gets some
 *   I2  on: at is in the chunk, and end <= limit; off: `next` is where words go on in the chunk
 */
#ifndef FAULTLINE_TRACES_RECORD_PLUGIN_VCPU_H
#define FAULTLINE_TRACES_RECORD_PLUGIN_VCPU_H

#include "traces/record/access_word.h"
#include "traces/record/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The last one stands for all threads beyond: none of them is recorded, their references count as lost events. */
#define VCPUS 4096u

struct vcpu {
	_Alignas(128) uint64_t *at;
	uint64_t *end;
	uint64_t *from;	      /* also: nothing before it may be merged with */
	uint64_t *merge;      /* first word of the wide instruction being executed */
	uint64_t *repeated;   /* behind the last word of a repeated instruction */
	uint64_t repeated_at; /* address of that instruction */
	uint64_t *next;	      /* first unused word of the chunk, but for those from `from` to `at` */
	uint64_t *limit;
	struct arena_chunk *chunk;
	uint64_t left;	      /* references until the window closes or opens */
	uint64_t skipped;     /* not yet said */
	uint64_t stack_top;   /* where the thread's stack began; 0 = not known */
	uint64_t argument[6]; /* of the system call in progress */
	uint64_t sequence;    /* where the thread asked to be told its processor (rseq), 0 = nowhere */
	bool loaded;	      /* an instruction that modifies has loaded and not yet stored */
	bool off;	      /* nothing is recorded now */
	bool bound;	      /* its thread is registered */
	bool refused;	      /* there is no chunk, and will be none */
};

extern struct vcpu vcpus[VCPUS] __attribute__((visibility("hidden")));

/* Makes room for at least one word, handing over what there is. */
void vcpu_make_room(struct vcpu *vcpu);

/* Hands over all words. To be called by the thread itself. */
void vcpu_hand_over(struct vcpu *vcpu);

/* The thread ends, or its process becomes another program: hands over and gives the chunk back. */
void vcpu_finish(struct vcpu *vcpu);

/* In a child just forked: what its parent had is not its own. */
void vcpu_forget_all(void);

/* There are several threads now. */
void vcpu_be_many(void);

static inline struct vcpu *vcpu_of(unsigned index)
{
	return &vcpus[index < VCPUS ? index : VCPUS - 1];
}

/* vcpu_put where there is no room left; apart, so that the usual way needs no stack. */
void vcpu_put_rarely(struct vcpu *vcpu, uint64_t word);

static inline __attribute__((always_inline)) void vcpu_put(struct vcpu *vcpu, uint64_t word)
{
	if (__builtin_expect(vcpu->at == vcpu->end, 0))
		vcpu_put_rarely(vcpu, word);
	else
		*vcpu->at++ = word;
}

/* A reference of the kernel's. What is left out is counted in references, without their signs. */
static inline void vcpu_put_kernel(struct vcpu *vcpu, uint64_t word)
{
	if (vcpu->at == vcpu->end)
		vcpu_make_room(vcpu);
	if (!vcpu->off)
		vcpu_put(vcpu, access_word(ACCESS_WORD_KERNEL, 0, 1));
	vcpu_put(vcpu, word);
}

/* A word that is kept also while references are left out. */
void vcpu_put_sign(struct vcpu *vcpu, uint64_t word);

#endif
