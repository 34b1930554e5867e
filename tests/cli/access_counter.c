/* access_counter MODE TIMES: makes so many references of one kind, by instructions that are written out here, and then
 * ends. What a recording of TIMES = 1000 has more than one of 0000 is therefore known exactly. */
#include "config.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static _Alignas(64) uint8_t from[4096], to[4096];

static void load(uint64_t times)
{
	__asm__ volatile("1: mov (%1), %%rax; dec %0; jnz 1b"
			 : "+r"(times)
			 : "r"(from)
			 : "rax", "memory", "cc");
}

static void store(uint64_t times)
{
	__asm__ volatile("1: mov %%rax, (%1); dec %0; jnz 1b" : "+r"(times) : "r"(to) : "memory", "cc");
}

/* One reference each: they read and write one place. */
static void modify(uint64_t times)
{
	__asm__ volatile("1: lock addq $1, (%1); dec %0; jnz 1b" : "+r"(times) : "r"(to) : "memory", "cc");
}

/* Neighbouring loads of 16 bytes, each in pieces for the emulator. */
static void wide(uint64_t times)
{
	uint64_t half = times / 2;

	__asm__ volatile("1: movaps (%1), %%xmm0; movaps 16(%1), %%xmm1; dec %0; jnz 1b"
			 : "+r"(half)
			 : "r"(from)
			 : "xmm0", "xmm1", "memory", "cc");
}

/* One reference each: a load of 512 bytes and a store of 512 bytes. */
static void repeated(uint64_t times)
{
	uint64_t half = times / 2;

	__asm__ volatile("1: mov %1, %%rsi; mov %2, %%rdi; mov $64, %%ecx; rep movsq; dec %0; jnz 1b"
			 : "+r"(half)
			 : "r"(from), "r"(to)
			 : "rsi", "rdi", "rcx", "memory", "cc");
}

/* 1 call, 1 push, 1 pop, 1 return: a store and a load each. */
static void calls(uint64_t times)
{
	uint64_t quarter = times / 4;

	__asm__ volatile("jmp 2f; 3: push %%rax; pop %%rax; ret; 2: 1: call 3b; dec %0; jnz 1b"
			 : "+r"(quarter)
			 :
			 : "rax", "memory", "cc");
}

static void *run_in_thread(void *argument)
{
	load(*(const uint64_t *)argument);
	return NULL;
}

static void threads(uint64_t times)
{
	pthread_t thread[4];

	for (unsigned i = 0; i < 4; i++) {
		if (pthread_create(&thread[i], NULL, run_in_thread, &times) != 0)
			abort();
	}
	for (unsigned i = 0; i < 4; i++)
		(void)pthread_join(thread[i], NULL);
}

static const struct {
	const char *name;
	void (*run)(uint64_t times);
} modes[] = {
    {"load", load},    {"store", store}, {"modify", modify},   {"wide", wide},
    {"rep", repeated}, {"calls", calls}, {"threads", threads},
};

int main(int argc, char **argv)
{
	uint64_t times = argc == 3 ? strtoull(argv[2], NULL, 10) : 0;

	if (times == 0)
		return 2;
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (strcmp(argv[1], modes[i].name) == 0) {
			modes[i].run(times);
			_exit(5);
		}
	}
	return 2;
}
