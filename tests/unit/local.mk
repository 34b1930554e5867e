# One test program per noun; tests/unit/NAME.c tests the file pair of that name.
unit_libs = $(traces_libs) engine/libengine.a $(CMOCKA_LIBS) $(JANSSON_LIBS) $(PTHREAD_LIBS) -lm
include tests/unit/base.mk
include tests/unit/phys.mk
include tests/unit/heap.mk
include tests/unit/virt.mk
include tests/unit/pressure.mk
include tests/unit/traces.mk
include tests/unit/import.mk
include tests/unit/generate.mk
include tests/unit/record.mk
include tests/unit/bench.mk
include tests/unit/proc.mk
include tests/unit/plots.mk
