/* restart.h: a program that finds itself outside the emulator starts again inside it.
 *
 * The emulator hands exec to the kernel, so every program that a recorded one executes, by whatever function, starts
 * natively. It still loads this library, whose constructor runs before any code of the program and exchanges the process's
 * image once more:
 *
 *     PROGRAM ARGUMENT...   ──▶   qemu-x86_64 -cpu max -plugin PLUGIN -E LD_PRELOAD=... -0 NAME PROGRAM ARGUMENT...
 *
 * Process number, files, directory, signals and environment stay. LD_PRELOAD goes to the program and not to the emulator.
 * Static and set-uid programs do not load the library and run unrecorded.
 */
#ifndef FAULTLINE_TRACES_RECORD_GUEST_RESTART_H
#define FAULTLINE_TRACES_RECORD_GUEST_RESTART_H

/* Where the emulator is; set by the recorder. Without it nothing is restarted. */
#define RESTART_EMULATOR "FAULTLINE_EMULATOR"
/* The plugin lies beside this library. */
#define RESTART_PLUGIN "libfaultline-access.so"

/* Returns only when it cannot be done; the program then runs unrecorded. */
void restart_in_emulator(char **arguments, char **environment);

#endif
