engine_libengine_a_SOURCES += %D%/units.h %D%/status.h %D%/status.c %D%/check.h %D%/check.c \
	%D%/bitmap.h %D%/bitmap.c %D%/random.h %D%/random.c %D%/reservation.h %D%/reservation.c %D%/ratio.h \
	%D%/lock.h %D%/lock.c %D%/counted_lock.h %D%/list.h %D%/avl_tree.h %D%/avl_tree.c
