/* command_translate.h: the command that shows an address on its way to physical memory. */
#ifndef FAULTLINE_BENCH_COMMAND_TRANSLATE_H
#define FAULTLINE_BENCH_COMMAND_TRANSLATE_H

int command_translate(int argc, char **argv);

#endif
