engine_libengine_a_SOURCES += %D%/pair_code.h %D%/fill_queue.h %D%/fill_queue.c \
	%D%/buddy.h %D%/buddy_map.h %D%/buddy.c %D%/buddy_frames.c %D%/buddy_range.c %D%/buddy_check.c %D%/buddy_fill.c \
	%D%/typed_buddy.h %D%/typed_buddy_step.h %D%/typed_buddy.c %D%/typed_buddy_frames.c %D%/typed_buddy_check.c \
	%D%/arena.h %D%/arena.c %D%/memblock.h %D%/memblock.c %D%/fragmentation.h %D%/fragmentation.c \
	%D%/page.h %D%/page_owner.h %D%/page_owner.c %D%/pcp.h %D%/pcp.c \
	%D%/zone.h %D%/zone.c %D%/zone_check.c %D%/watermark.h %D%/watermark.c %D%/memory_description.h %D%/memory_description.c \
	%D%/node.h %D%/node.c %D%/memory.h %D%/memory.c %D%/reclaim_hook.h %D%/mempolicy.h %D%/mempolicy.c \
	%D%/kmap.h %D%/kmap.c %D%/highmem.h %D%/highmem.c \
	%D%/gfp_flags.h %D%/gfp_flags.c %D%/gfp.h %D%/gfp_step.h %D%/gfp.c %D%/gfp_slow.c %D%/gfp_free.c \
	%D%/migrate.h %D%/pageblock.h %D%/pageblock.c %D%/extfrag.h %D%/zone_request.h %D%/free_lists.h %D%/free_lists_step.h \
	%D%/free_lists.c %D%/free_lists_fallback.c %D%/free_lists_block.c %D%/free_lists_range.c %D%/free_lists_check.c \
	%D%/page_runs.h %D%/page_runs.c %D%/zone_lists.h %D%/zone_lists.c %D%/zone_watermarks.h %D%/zone_watermarks.c \
	%D%/zone_parts.h %D%/zone_parts.c %D%/zone_parts_runs.c
engine_libengine_a_SOURCES += %D%/slab_geometry.h %D%/slab_geometry.c %D%/slab_policy.h %D%/slab.h %D%/slab.c \
	%D%/slab_misuse.h %D%/slab_misuse.c %D%/kmem_cache.h %D%/kmem_cache_layers.h %D%/kmem_cache_quick.h %D%/kmem_cache.c %D%/kmem_cache_node.c \
	%D%/kmem_cache_cpu.c %D%/kmem_cache_sheaf.c %D%/kmem_cache_debug.c %D%/kmem_cache_check.c %D%/slab_allocator.c \
	%D%/slabinfo.h %D%/slabinfo.c %D%/kmalloc.h %D%/kmalloc.c \
	%D%/vmap_area.h %D%/vmap_area.c %D%/vmalloc.h %D%/vmalloc.c %D%/vmallocinfo.h %D%/vmallocinfo.c \
	%D%/kvmalloc.h %D%/kvmalloc.c
