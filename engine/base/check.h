/* check.h: the answer to a bug.
 *
 * CHECK(condition, "I3: what must hold") is always compiled in.
 * A failed check names the broken invariant and aborts; it never returns. Conditions have no side effects.
 *
 * x_check() functions of the engine's structures do not abort: they return the text of the first invariant that does not
 * hold, or NULL, so that tests can demand exactly that text.
 */
#ifndef FAULTLINE_ENGINE_BASE_CHECK_H
#define FAULTLINE_ENGINE_BASE_CHECK_H

#define CHECK(condition, invariant)                                                                          \
	do {                                                                                                 \
		if (__builtin_expect(!(condition), 0))                                                       \
			check_failed(__FILE__, __LINE__, #condition, invariant);                             \
	} while (0)

/* Writes one line to standard error with write(2), which is safe inside an allocator, and aborts. */
_Noreturn void check_failed(const char *file, int line, const char *condition, const char *invariant);

#endif
