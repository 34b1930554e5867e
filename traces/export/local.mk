traces_libtraces_a_SOURCES += %D%/aosp.h %D%/aosp.c %D%/thread_ids.h %D%/thread_ids.c
