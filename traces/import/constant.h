/* constant.h: the names that tools print for the arguments of memory system calls, with their values on x86-64 Linux. */
#ifndef FAULTLINE_TRACES_IMPORT_CONSTANT_H
#define FAULTLINE_TRACES_IMPORT_CONSTANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The value of a name such as "PROT_READ"; false: it is not known. */
bool constant_find(const char *name, size_t length, uint64_t *value);

/* The number of an errno's name such as "ENOMEM", 0 if it is not known. */
uint32_t constant_errno(const char *name, size_t length);

#endif
