/* emulation.h: the command line that runs a program in the emulator, with our plugin in it and nothing of ours in the program.
 *
 *     PROGRAM ARGUMENT...   ──▶   qemu-x86_64 -cpu max -plugin PLUGIN -U FAULTLINE_RECORD -0 PROGRAM PATH ARGUMENT...
 *
 * The program finds the environment that it would find without us. (Programs that a preloaded library brings into the
 * emulator get there by guest/restart.h.)
 */
#ifndef FAULTLINE_TRACES_RECORD_EMULATION_H
#define FAULTLINE_TRACES_RECORD_EMULATION_H

#include <stdbool.h>

/* Both are absolute paths. */
struct emulation {
	const char *emulator;
	const char *plugin;
};

/* Becomes the emulator, which runs the command. Returns only when it cannot: an errno. */
int emulation_execute(const struct emulation *emulation, char **command);

/* May the emulator run it? False also for a file that is no program of this machine but, say, a script. */
bool emulation_may_run(const char *path);

#endif
