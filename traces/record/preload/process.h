/* process.h: what a recorded process does with processes: fork, exec, spawn, exit.
 *
 * A fork takes an order number before it happens (pthread_atfork, so that forks inside the C library count too), and the
 * child registers before it runs any of the program's code. The exec and spawn functions, system and popen put the
 * recorder back into the new program's environment where the program has taken it out. How the process ends is noted in
 * its slot: by exit (an on_exit function, the last to run), _exit, _Exit and quick_exit.
 */
#ifndef FAULTLINE_TRACES_RECORD_PRELOAD_PROCESS_H
#define FAULTLINE_TRACES_RECORD_PRELOAD_PROCESS_H

/* Registers the fork and exit handlers of a process that has just been attached. Once per process image. */
void process_watch(void);

#endif
