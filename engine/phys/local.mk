engine_libengine_a_SOURCES += %D%/pair_code.h %D%/fill_queue.h %D%/fill_queue.c \
	%D%/buddy.h %D%/buddy_map.h %D%/buddy.c %D%/buddy_range.c %D%/buddy_check.c %D%/buddy_fill.c \
	%D%/arena.h %D%/arena.c engine/machine.h
