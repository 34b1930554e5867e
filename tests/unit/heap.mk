# Unit tests of this room.
heap_tests = %D%/policy %D%/lock %D%/size_class %D%/metadata %D%/span %D%/direct_source %D%/page_heap %D%/bin %D%/heap \
	%D%/heap_threads %D%/heap_shell
check_PROGRAMS += $(heap_tests)
TESTS += $(heap_tests)
heap_rig = %D%/heap_rig.h %D%/heap_rig.c $(unit_model)
%C%_policy_SOURCES = %D%/policy.c
%C%_policy_LDADD = $(unit_libs)
%C%_lock_SOURCES = %D%/lock.c
%C%_lock_LDADD = $(unit_libs)
%C%_size_class_SOURCES = %D%/size_class.c
%C%_size_class_LDADD = $(unit_libs)
%C%_metadata_SOURCES = %D%/metadata.c
%C%_metadata_LDADD = $(unit_libs)
%C%_span_SOURCES = %D%/span.c $(unit_model)
%C%_span_LDADD = $(unit_libs)
%C%_direct_source_SOURCES = %D%/direct_source.c $(heap_rig)
%C%_direct_source_LDADD = $(unit_libs)
%C%_page_heap_SOURCES = %D%/page_heap.c $(heap_rig)
%C%_page_heap_LDADD = $(unit_libs)
%C%_bin_SOURCES = %D%/bin.c $(heap_rig)
%C%_bin_LDADD = $(unit_libs)
%C%_heap_SOURCES = %D%/heap.c $(heap_rig)
%C%_heap_LDADD = $(unit_libs)
%C%_heap_threads_SOURCES = %D%/heap_threads.c $(heap_rig)
%C%_heap_threads_LDADD = $(unit_libs)
%C%_heap_shell_SOURCES = %D%/heap_shell.c
%C%_heap_shell_LDADD = bench/preload/libheapshell.a $(unit_libs)
