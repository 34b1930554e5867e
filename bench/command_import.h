/* command_import.h: faultline import and faultline generate: traces from foreign files and from models. */
#ifndef FAULTLINE_BENCH_COMMAND_IMPORT_H
#define FAULTLINE_BENCH_COMMAND_IMPORT_H

int command_import(int argc, char **argv);
int command_generate(int argc, char **argv);

#endif
