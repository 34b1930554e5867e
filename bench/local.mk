# The faultline command. What it starts (the replaying child, the preloaded libraries) lies in bench/libexec of a
# build tree and in pkglibexecdir of an installation; bench/installation.h finds it.
bin_PROGRAMS += bench/faultline
bench_faultline_CPPFLAGS = $(AM_CPPFLAGS) -DPKGLIBEXECDIR='"$(pkglibexecdir)"' -DPKGDATADIR='"$(pkgdatadir)"'
bench_faultline_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
bench_faultline_LDADD = $(traces_libs) engine/libengine.a $(JANSSON_LIBS) $(PTHREAD_LIBS) -lm
bench_faultline_SOURCES = %D%/faultline.c %D%/command.h
