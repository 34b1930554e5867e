/* command_replay.h: faultline replay, compare and diff. */
#ifndef FAULTLINE_BENCH_COMMAND_REPLAY_H
#define FAULTLINE_BENCH_COMMAND_REPLAY_H

int command_replay(int argc, char **argv);
int command_place(int argc, char **argv);
int command_compare(int argc, char **argv);
int command_diff(int argc, char **argv);

#endif
