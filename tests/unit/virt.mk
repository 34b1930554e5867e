# Unit tests of this room.
virt_tests = %D%/descriptor %D%/segment %D%/task
check_PROGRAMS += $(virt_tests)
TESTS += $(virt_tests)
%C%_descriptor_SOURCES = %D%/descriptor.c
%C%_descriptor_LDADD = $(unit_libs)
%C%_segment_SOURCES = %D%/segment.c
%C%_segment_LDADD = $(unit_libs)
%C%_task_SOURCES = %D%/task.c $(unit_model)
%C%_task_LDADD = $(unit_libs)
