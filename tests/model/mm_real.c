#include "config.h"

#include "tests/model/mm_real.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/wait.h>
#include <unistd.h>

/* The server's descriptors. */
enum { EXCHANGE_FD = 100, REQUEST_FD = 101, ANSWER_FD = 102 };

static _Noreturn void become_server(int exchange, int request, int answer)
{
	char name[] = "mm_calls", serve[] = "--serve";
	char *argv[] = {name, serve, NULL}, *environment[] = {NULL};

	if (dup2(exchange, EXCHANGE_FD) < 0 || dup2(request, REQUEST_FD) < 0 || dup2(answer, ANSWER_FD) < 0 ||
	    personality(ADDR_NO_RANDOMIZE) < 0)
		_exit(2);
	(void)execve("/proc/self/exe", argv, environment);
	_exit(3);
}

static const char *start_process(struct real *real, int exchange)
{
	int request[2], answer[2];
	char byte = 0;

	if (pipe2(request, O_CLOEXEC) || pipe2(answer, O_CLOEXEC))
		return "no pipes";
	real->server = fork();
	if (real->server < 0)
		return "fork is refused";
	if (real->server == 0)
		become_server(exchange, request[0], answer[1]);
	(void)close(request[0]);
	(void)close(answer[1]);
	real->to_server = request[1];
	real->from_server = answer[0];
	if (read(real->from_server, &byte, 1) != 1)
		return "personality(ADDR_NO_RANDOMIZE), or running /proc/self/exe, is refused";
	return real->exchange->trouble[0] ? real->exchange->trouble : NULL;
}

const char *real_start(struct real *real)
{
	int exchange = memfd_create("mm_calls", MFD_CLOEXEC);
	void *memory = MAP_FAILED;

	*real = (struct real){.server = -1, .to_server = -1, .from_server = -1};
	if (exchange >= 0 && ftruncate(exchange, sizeof(struct exchange)) == 0)
		memory = mmap(NULL, sizeof(struct exchange), PROT_READ | PROT_WRITE, MAP_SHARED, exchange, 0);
	if (memory == MAP_FAILED)
		return "no shared memory";
	real->exchange = memory;
	const char *why = start_process(real, exchange);

	(void)close(exchange);
	return why;
}

void real_stop(struct real *real)
{
	if (real->to_server >= 0)
		(void)close(real->to_server);
	if (real->from_server >= 0)
		(void)close(real->from_server);
	if (real->server > 0)
		(void)waitpid(real->server, NULL, 0);
	if (real->exchange)
		(void)munmap(real->exchange, sizeof(struct exchange));
	*real = (struct real){.server = -1, .to_server = -1, .from_server = -1};
}

const char *real_run(struct real *real, const struct sequence *sequence)
{
	char byte = 1;

	real->exchange->sequence = *sequence;
	for (size_t i = 0; i < sequence->count; i++)
		for (unsigned process = 0; process < 2; process++)
			real->exchange->reports[i][process].was_done = false;
	if (write(real->to_server, &byte, 1) != 1 || read(real->from_server, &byte, 1) != 1)
		return "the server is gone";
	return byte == 1 ? NULL : "the process that ran the sequence did not come to its end";
}
