#include "config.h"

#include "tests/unit/death.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static _Noreturn void die_in_child(void (*function)(void *), void *argument, int out)
{
	struct rlimit no_core = {0, 0};

	(void)setrlimit(RLIMIT_CORE, &no_core);
	(void)signal(SIGABRT, SIG_DFL);
	if (dup2(out, STDERR_FILENO) < 0)
		_exit(2);
	function(argument);
	_exit(0);
}

static void read_all(int from, char *text, size_t size)
{
	size_t length = 0;

	for (;;) {
		ssize_t got = read(from, text + length, size - 1 - length);

		if (got <= 0)
			break;
		length += (size_t)got;
	}
	text[length] = '\0';
}

void assert_dies(void (*function)(void *), void *argument, const char *text)
{
	char said[4096];
	int ends[2];
	int status = 0;

	assert_int_equal(pipe(ends), 0);
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0)
		die_in_child(function, argument, ends[1]);
	(void)close(ends[1]);
	read_all(ends[0], said, sizeof(said));
	(void)close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	if (!strstr(said, text))
		fail_msg("the child should have said '%s' but said '%s' (status %#x)", text, said,
			 (unsigned)status);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}
