# Unit tests of this room.
phys_tests = %D%/buddy %D%/node %D%/slab %D%/memblock %D%/fragmentation %D%/fill_queue %D%/arena
check_PROGRAMS += $(phys_tests)
TESTS += $(phys_tests)
%C%_buddy_SOURCES = %D%/buddy.c $(unit_model)
%C%_buddy_LDADD = $(unit_libs)
%C%_node_SOURCES = %D%/node.c $(unit_model)
%C%_node_LDADD = $(unit_libs)
%C%_slab_SOURCES = %D%/slab.c $(unit_model)
%C%_slab_LDADD = $(unit_libs)
%C%_memblock_SOURCES = %D%/memblock.c $(unit_model)
%C%_memblock_LDADD = $(unit_libs)
%C%_fragmentation_SOURCES = %D%/fragmentation.c
%C%_fragmentation_LDADD = $(unit_libs)
%C%_fill_queue_SOURCES = %D%/fill_queue.c $(unit_model)
%C%_fill_queue_LDADD = $(unit_libs)
%C%_arena_SOURCES = %D%/arena.c $(unit_model)
%C%_arena_LDADD = $(unit_libs)

machine_tests = %D%/machine %D%/live_table %D%/zone_source
check_PROGRAMS += $(machine_tests)
TESTS += $(machine_tests)
%C%_machine_SOURCES = %D%/machine.c $(unit_model)
%C%_machine_LDADD = $(unit_libs)
%C%_live_table_SOURCES = %D%/live_table.c $(unit_model)
%C%_live_table_LDADD = $(unit_libs)
%C%_zone_source_SOURCES = %D%/zone_source.c
%C%_zone_source_LDADD = $(unit_libs)
