engine_libengine_a_SOURCES += %D%/pair_code.h %D%/fill_queue.h %D%/fill_queue.c \
	%D%/buddy.h %D%/buddy_map.h %D%/buddy.c %D%/buddy_range.c %D%/buddy_check.c %D%/buddy_fill.c \
	%D%/arena.h %D%/arena.c %D%/memblock.h %D%/memblock.c %D%/fragmentation.h %D%/fragmentation.c \
	%D%/page.h %D%/pcp.h %D%/pcp.c %D%/zone.h %D%/zone.c %D%/node.h %D%/node.c %D%/gfp.h %D%/gfp.c \
	%D%/slab.h %D%/slab.c %D%/kmalloc.h %D%/kmalloc.c \
	%D%/migrate.h %D%/pageblock.h %D%/pageblock.c %D%/extfrag.h %D%/zone_request.h %D%/free_lists.h %D%/free_lists_step.h \
	%D%/free_lists.c %D%/free_lists_fallback.c %D%/free_lists_block.c %D%/free_lists_check.c
