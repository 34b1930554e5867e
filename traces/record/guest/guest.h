/* guest.h: the interposed heap functions' way out of an emulated program, to the emulator's plugin.
 *
 * The same functions as recording.h, which explains them. A wrapper's event is a system call that the plugin sees
 * (guest_call.h), and entry to and exit from the real function are instructions it knows. Nothing is kept here but which
 * thread is inside an allocator. In a program that runs outside the emulator every call goes straight through.
 *
 *   I1  thread.inside is 0, or a stack address of the wrapper whose real function is running (recording.h, I2)
 */
#ifndef FAULTLINE_TRACES_RECORD_GUEST_GUEST_H
#define FAULTLINE_TRACES_RECORD_GUEST_GUEST_H

#include "traces/record/arena.h"
#include "traces/record/guest_call.h"

#include <stdbool.h>
#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))
#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)

struct recording_thread {
	uintptr_t inside; /* I1 */
};

enum guest_state {
	GUEST_UNKNOWN = 0,
	GUEST_STARTING,
	GUEST_RECORDED, /* the plugin has answered */
	GUEST_NATIVE,	/* there is none */
};

extern __thread struct recording_thread recording_thread;
extern _Atomic unsigned guest_state;

/* recording_may for the first and for a nested caller. */
bool recording_may_after_all(struct recording_thread *thread, uintptr_t frame);

static inline void guest_call(enum guest_operation operation, const uint64_t argument[4])
{
	long result = GUEST_CALL_NUMBER;
	register uint64_t fourth __asm__("r10") = argument[2];
	register uint64_t fifth __asm__("r8") = argument[3];

	__asm__ volatile("syscall"
			 : "+a"(result)
			 : "D"((uint64_t)operation), "S"(argument[0]), "d"(argument[1]), "r"(fourth),
			   "r"(fifth)
			 : "rcx", "r11", "memory");
}

static inline __attribute__((always_inline)) bool recording_may(struct recording_thread *thread)
{
	if (UNLIKELY(atomic_load_explicit(&guest_state, memory_order_relaxed) != GUEST_RECORDED ||
		     thread->inside != 0))
		return recording_may_after_all(thread, (uintptr_t)__builtin_frame_address(0));
	return true;
}

static inline __attribute__((always_inline)) void recording_enter(struct recording_thread *thread)
{
	thread->inside = (uintptr_t)__builtin_frame_address(0);
	__asm__ volatile(".byte 0x0f, 0x1f, 0x80; .long %c0" : : "i"(GUEST_SIGN_ENTER) : "memory");
}

static inline __attribute__((always_inline)) void recording_leave(struct recording_thread *thread)
{
	__asm__ volatile(".byte 0x0f, 0x1f, 0x80; .long %c0" : : "i"(GUEST_SIGN_LEAVE) : "memory");
	thread->inside = 0;
}

static inline uint64_t recording_address(const void *address, uint64_t info)
{
	(void)info;
	return (uintptr_t)address;
}

static inline void recording_event_with(struct recording_thread *thread, enum arena_kind kind,
					const void *address, uint64_t size, uint64_t value)
{
	const uint64_t argument[4] = {kind, (uintptr_t)address, size, value};

	(void)thread;
	guest_call(GUEST_HEAP, argument);
}

static inline void recording_write(struct recording_thread *thread, enum arena_kind kind, uint64_t address,
				   uint64_t size)
{
	const uint64_t argument[4] = {kind, address, size, 0};

	(void)thread;
	guest_call(GUEST_HEAP, argument);
}

static inline void recording_event(struct recording_thread *thread, enum arena_kind kind, const void *address,
				   uint64_t size)
{
	recording_event_with(thread, kind, address, size, 0);
}

#endif
