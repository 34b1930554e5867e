/* operators.h: C++'s replaceable operators new and delete, by their names in the object files.
 *
 * The C++ library's own call malloc and free and are recorded there; interposing them adds only the sizes that sized
 * delete knows. An allocator that brings its own (tcmalloc, jemalloc) serves them without malloc, so that they must be
 * caught here. Mangled names are those of the Itanium C++ ABI with size_t = unsigned long: w/l are the single forms, a
 * the array forms, m is the size, St11align_val_t the alignment, RKSt9nothrow_t the tag of the forms that return NULL.
 */
#ifndef FAULTLINE_TRACES_RECORD_PRELOAD_OPERATORS_H
#define FAULTLINE_TRACES_RECORD_PRELOAD_OPERATORS_H

#include <stddef.h>

void *_Znwm(size_t bytes);
void *_Znam(size_t bytes);
void *_ZnwmRKSt9nothrow_t(size_t bytes, const void *tag);
void *_ZnamRKSt9nothrow_t(size_t bytes, const void *tag);
void *_ZnwmSt11align_val_t(size_t bytes, size_t alignment);
void *_ZnamSt11align_val_t(size_t bytes, size_t alignment);
void *_ZnwmSt11align_val_tRKSt9nothrow_t(size_t bytes, size_t alignment, const void *tag);
void *_ZnamSt11align_val_tRKSt9nothrow_t(size_t bytes, size_t alignment, const void *tag);

void _ZdlPv(void *address);
void _ZdaPv(void *address);
void _ZdlPvRKSt9nothrow_t(void *address, const void *tag);
void _ZdaPvRKSt9nothrow_t(void *address, const void *tag);
void _ZdlPvm(void *address, size_t bytes);
void _ZdaPvm(void *address, size_t bytes);
void _ZdlPvSt11align_val_t(void *address, size_t alignment);
void _ZdaPvSt11align_val_t(void *address, size_t alignment);
void _ZdlPvSt11align_val_tRKSt9nothrow_t(void *address, size_t alignment, const void *tag);
void _ZdaPvSt11align_val_tRKSt9nothrow_t(void *address, size_t alignment, const void *tag);
void _ZdlPvmSt11align_val_t(void *address, size_t bytes, size_t alignment);
void _ZdaPvmSt11align_val_t(void *address, size_t bytes, size_t alignment);

#endif
