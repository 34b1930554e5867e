# libfaultline-heap.so: the engine's heap as a process's malloc, for LD_PRELOAD; and the same shell as a
# library for programs whose sanitizer owns malloc. The shared library is compiled from the engine's sources
# again, as position-independent code with only the shell's functions visible; --defsym gives these their
# public names without a jump in between.
noinst_LIBRARIES += bench/preload/libheapshell.a
heap_shell_sources = %D%/heap_shell.h %D%/heap_shell.c %D%/shell_heap.h %D%/shell_heap.c %D%/heap_information.c %D%/statistics.h
heap_shell_cflags = -fno-builtin
%C%_libheapshell_a_CFLAGS = $(AM_CFLAGS) $(heap_shell_cflags)
%C%_libheapshell_a_SOURCES = $(heap_shell_sources)

if !SANITIZED
pkglibexec_PROGRAMS += bench/libexec/libfaultline-heap.so
endif
EXTRA_PROGRAMS += bench/libexec/libfaultline-heap.so
bench_libexec_libfaultline_heap_so_SOURCES = $(heap_shell_sources) $(engine_libengine_a_SOURCES)
bench_libexec_libfaultline_heap_so_CFLAGS = $(AM_CFLAGS) $(heap_shell_cflags) -fPIC -fvisibility=hidden \
	-ffunction-sections -fdata-sections
bench_libexec_libfaultline_heap_so_LDFLAGS = $(AM_LDFLAGS) -shared -Wl,-Bsymbolic,-z,defs,-z,now,--gc-sections \
	-Wl,--defsym,malloc=faultline_heap_malloc -Wl,--defsym,calloc=faultline_heap_calloc \
	-Wl,--defsym,realloc=faultline_heap_realloc -Wl,--defsym,reallocarray=faultline_heap_reallocarray \
	-Wl,--defsym,free=faultline_heap_free -Wl,--defsym,free_sized=faultline_heap_free \
	-Wl,--defsym,free_aligned_sized=faultline_heap_free \
	-Wl,--defsym,posix_memalign=faultline_heap_posix_memalign \
	-Wl,--defsym,aligned_alloc=faultline_heap_aligned_alloc -Wl,--defsym,memalign=faultline_heap_memalign \
	-Wl,--defsym,valloc=faultline_heap_valloc -Wl,--defsym,pvalloc=faultline_heap_pvalloc \
	-Wl,--defsym,malloc_usable_size=faultline_heap_malloc_usable_size \
	-Wl,--defsym,mallinfo2=faultline_heap_mallinfo2 -Wl,--defsym,mallinfo=faultline_heap_mallinfo \
	-Wl,--defsym,malloc_info=faultline_heap_malloc_info -Wl,--defsym,malloc_stats=faultline_heap_malloc_stats \
	-Wl,--defsym,malloc_trim=faultline_heap_malloc_trim -Wl,--defsym,mlockall=faultline_heap_mlockall
bench_libexec_libfaultline_heap_so_LDADD = $(PTHREAD_LIBS)
