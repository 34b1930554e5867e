# Unit tests of this room.
virt_tests = %D%/descriptor %D%/segment %D%/task %D%/pte %D%/paging %D%/pagetable \
	%D%/associative %D%/walk %D%/tlb_geometry %D%/tlb %D%/mmu %D%/mmu_block \
	%D%/nested %D%/flush %D%/cpu
check_PROGRAMS += $(virt_tests)
TESTS += $(virt_tests)
%C%_descriptor_SOURCES = %D%/descriptor.c
%C%_descriptor_LDADD = $(unit_libs)
%C%_segment_SOURCES = %D%/segment.c
%C%_segment_LDADD = $(unit_libs)
%C%_task_SOURCES = %D%/task.c $(unit_model)
%C%_task_LDADD = $(unit_libs)
%C%_pte_SOURCES = %D%/pte.c
%C%_pte_LDADD = $(unit_libs)
%C%_paging_SOURCES = %D%/paging.c
%C%_paging_LDADD = $(unit_libs)
%C%_pagetable_SOURCES = %D%/pagetable.c $(unit_model)
%C%_pagetable_LDADD = $(unit_libs)
%C%_associative_SOURCES = %D%/associative.c $(unit_model)
%C%_associative_LDADD = $(unit_libs)
%C%_walk_SOURCES = %D%/walk.c
%C%_walk_LDADD = $(unit_libs)
%C%_tlb_geometry_SOURCES = %D%/tlb_geometry.c
%C%_tlb_geometry_LDADD = $(unit_libs)
%C%_tlb_SOURCES = %D%/tlb.c %D%/naive_tlb.h %D%/naive_tlb.c %D%/page_stream.h %D%/page_stream.c
%C%_tlb_LDADD = $(unit_libs)
%C%_mmu_SOURCES = %D%/mmu.c %D%/page_stream.h %D%/page_stream.c
%C%_mmu_LDADD = $(unit_libs)
%C%_mmu_block_SOURCES = %D%/mmu_block.c
%C%_mmu_block_LDADD = $(unit_libs)
%C%_nested_SOURCES = %D%/nested.c
%C%_nested_LDADD = $(unit_libs)
%C%_flush_SOURCES = %D%/flush.c
%C%_flush_LDADD = $(unit_libs)
%C%_cpu_SOURCES = %D%/cpu.c
%C%_cpu_LDADD = $(unit_libs)
