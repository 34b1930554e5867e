/* command_proc.h: the command that shows the machine of a trace as files of /proc. */
#ifndef FAULTLINE_BENCH_COMMAND_PROC_H
#define FAULTLINE_BENCH_COMMAND_PROC_H

int command_proc(int argc, char **argv);

#endif
