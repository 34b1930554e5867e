engine_libengine_a_SOURCES += %D%/open_file.h %D%/vma.h %D%/vma.c %D%/vma_merge.h %D%/vma_merge.c \
	%D%/mm_abi.h %D%/mm_pages.h %D%/mm.h %D%/mm.c %D%/mm_edit.h %D%/mm_edit.c %D%/mm_room.c %D%/mm_map.c \
	%D%/mm_remap.c %D%/mm_protect.c %D%/mm_lock.c %D%/mm_advise.c %D%/mm_query.c %D%/mm_check.c
engine_libengine_a_SOURCES += %D%/descriptor.h %D%/descriptor.c %D%/segment.h %D%/segment.c %D%/task.h %D%/task.c \
	%D%/pte.h %D%/pte.c %D%/paging.h %D%/paging.c %D%/page_source.h %D%/page_source.c \
	%D%/table_store.h %D%/table_store.c %D%/pagetable.h %D%/pagetable.c %D%/pagetable_check.c %D%/pagetable_visit.c \
	%D%/area.h %D%/frames.h %D%/frames.c %D%/file_pages.h %D%/file_pages.c %D%/resident.h %D%/resident.c \
	%D%/fault.h %D%/fault.c %D%/fault_pages.c %D%/fault_check.c %D%/resident_entry.h %D%/resident_huge.c %D%/resident_range.c %D%/resident_fork.c %D%/resident_check.c %D%/rmap.h %D%/rmap.c \
	%D%/tag_window.h %D%/tag_window.c %D%/key_recipe.h %D%/key_recipe.c %D%/associative.h %D%/associative.c %D%/associative_wide.h %D%/walk.h %D%/walk.c \
	%D%/tlb_geometry.h %D%/tlb_geometry.c %D%/tlb_presets.c %D%/tlb.h %D%/tlb.c %D%/mmu.h %D%/mmu.c %D%/mmu_stream.c %D%/mmu_block.h %D%/mmu_block.c %D%/mmu_leaves.h %D%/mmu_leaves.c \
	%D%/mmu_recent.h %D%/mmu_recent.c %D%/mmu_sieve.h %D%/mmu_sieve.c %D%/mmu_models.h %D%/mmu_models.c %D%/mmu_state.h %D%/mmu_state.c %D%/mmu_loop.h %D%/mmu_loop.c %D%/mmu_regions.h %D%/mmu_regions.c \
	%D%/nested.h %D%/nested.c %D%/flush.h %D%/flush.c %D%/cpu.h %D%/cpu.c \
	%D%/page_size.h %D%/page_size.c
if AVX2
engine_libengine_a_SOURCES += %D%/associative_avx2.c %D%/key_recipe_avx2.c %D%/mmu_block_avx2.c
else
engine_libengine_a_SOURCES += %D%/associative_narrow.c %D%/key_recipe_narrow.c %D%/mmu_block_narrow.c
endif
EXTRA_DIST += docs/glossary.md
engine_libengine_a_SOURCES += %D%/vmap_table.h %D%/vmap_table.c
