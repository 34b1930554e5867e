# Unit tests of this room.
unit_model = tests/unit/model.h tests/unit/model.c tests/unit/death.h tests/unit/death.c

base_tests = %D%/bitmap %D%/random %D%/reservation %D%/avl_tree
check_PROGRAMS += $(base_tests)
TESTS += $(base_tests)
%C%_bitmap_SOURCES = %D%/bitmap.c $(unit_model)
%C%_bitmap_LDADD = $(unit_libs)
%C%_random_SOURCES = %D%/random.c
%C%_random_LDADD = $(unit_libs)
%C%_reservation_SOURCES = %D%/reservation.c $(unit_model)
%C%_reservation_LDADD = $(unit_libs)
%C%_avl_tree_SOURCES = %D%/avl_tree.c $(unit_model)
%C%_avl_tree_LDADD = $(unit_libs)
