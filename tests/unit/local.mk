# One test program per noun; tests/unit/NAME.c tests the file pair of that name.
unit_libs = $(traces_libs) engine/libengine.a $(CMOCKA_LIBS) $(JANSSON_LIBS) $(PTHREAD_LIBS) -lm
