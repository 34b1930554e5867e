#include "config.h"

#include "bench/doctor.h"

#include "bench/installation.h"
#include "traces/record/program.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/wait.h>
#include <unistd.h>

static const char group[] = "recorders";

/* Runs a small program under the emulator with the plugin, which finds no recording and keeps still. */
static bool plugin_loads(char *emulator, char *plugin)
{
	static char processor[] = "-cpu", model[] = "max", option[] = "-plugin", program[] = "/bin/true";
	char *const arguments[] = {emulator, processor, model, option, plugin, program, NULL};
	int status = -1;
	pid_t child = fork();

	if (child == 0) {
		int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
		(void)dup2(nothing, STDOUT_FILENO);
		(void)dup2(nothing, STDERR_FILENO);
		(void)execv(emulator, arguments);
		_exit(127);
	}
	return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
	       WEXITSTATUS(status) == 0;
}

void doctor_examine_access_recorder(struct doctor *doctor)
{
	char emulator[PATH_MAX], plugin[PATH_MAX];

	if (!installation_find("libfaultline-access.so", plugin, sizeof(plugin)))
		doctor_find(doctor, group, "accesses", DOCTOR_MISSING,
			    "the emulator's plugin is built for x86-64 on Linux only: no %s", plugin);
	else if (!program_find("qemu-x86_64", emulator, sizeof(emulator)))
		doctor_find(doctor, group, "accesses", DOCTOR_MISSING,
			    "needs qemu-x86_64, QEMU's user-mode emulator (Debian: qemu-user)");
	else if (!plugin_loads(emulator, plugin))
		doctor_find(doctor, group, "accesses", DOCTOR_MISSING,
			    "%.200s does not run with our plugin: it needs QEMU 4.2 to 8.2 with plugins",
			    emulator);
	else
		doctor_find(doctor, group, "accesses", DOCTOR_GOOD,
			    "dynamically linked programs of x86-64, by %.200s and our plugin", emulator);
}
