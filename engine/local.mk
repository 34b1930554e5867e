# libengine.a: the simulated machine and allocator core.
noinst_LIBRARIES += engine/libengine.a
engine_libengine_a_SOURCES = %D%/policy.h %D%/policy.c %D%/policy_memory.h %D%/policy_memory.c %D%/machine.h %D%/machine.c %D%/zone_source.h %D%/zone_source.c \
	%D%/live_table.h %D%/live_table.c %D%/kernel_memory.h %D%/kernel_memory.c
include engine/base/local.mk
include engine/phys/local.mk
include engine/heap/local.mk
include engine/virt/local.mk
include engine/pressure/local.mk
