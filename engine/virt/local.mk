engine_libengine_a_SOURCES += %D%/descriptor.h %D%/descriptor.c %D%/segment.h %D%/segment.c %D%/task.h %D%/task.c
