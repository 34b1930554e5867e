engine_libengine_a_SOURCES += %D%/units.h %D%/status.h %D%/status.c %D%/check.h %D%/check.c
