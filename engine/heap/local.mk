engine_libengine_a_SOURCES += %D%/size_class.h %D%/size_class.c %D%/metadata.h %D%/metadata.c \
	%D%/span.h %D%/span.c %D%/span_source.h %D%/direct_source.h %D%/direct_source.c \
	%D%/page_heap.h %D%/page_heap.c %D%/bin.h %D%/bin.c %D%/magazine.h \
	%D%/heap.h %D%/heap.c %D%/heap_books.c
