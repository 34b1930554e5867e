/* command_record.h: the commands that make recordings and say which can be made here. */
#ifndef FAULTLINE_BENCH_COMMAND_RECORD_H
#define FAULTLINE_BENCH_COMMAND_RECORD_H

int command_record(int argc, char **argv);
int command_doctor(int argc, char **argv);

#endif
