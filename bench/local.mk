# The faultline command. What it starts (the replaying child, the preloaded libraries) lies in bench/libexec of a
# build tree and in pkglibexecdir of an installation; bench/installation.h finds it.
bench_cppflags = $(AM_CPPFLAGS) -DPKGLIBEXECDIR='"$(pkglibexecdir)"' -DPKGDATADIR='"$(pkgdatadir)"'

# libbench.a: everything of bench/ that a unit test may want to link; the commands themselves stay outside.
noinst_LIBRARIES += bench/libbench.a
bench_libbench_a_CPPFLAGS = $(bench_cppflags)
bench_libbench_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(ZSTD_CFLAGS)
bench_libbench_a_SOURCES = %D%/installation.h %D%/installation.c %D%/trace_summary.h %D%/trace_summary.c %D%/kernel_summary.h %D%/kernel_summary.c %D%/kernel_text.h %D%/kernel_text.c
bench_libbench_a_SOURCES += %D%/page_fragmenter.h %D%/page_fragmenter.c
include bench/placement/local.mk
include bench/report/local.mk
include bench/preload/local.mk
include bench/micro/micro.mk
include bench/micro/decode.mk
include bench/micro/frontier.mk
include bench/micro/record.mk

bin_PROGRAMS += bench/faultline
bench_faultline_CPPFLAGS = $(bench_cppflags)
bench_faultline_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
bench_faultline_LDADD = bench/libbench.a $(traces_libs) engine/libengine.a $(JANSSON_LIBS) $(PTHREAD_LIBS) -lm
bench_faultline_SOURCES = %D%/faultline.c %D%/command.h
bench_faultline_SOURCES += %D%/command_report.c %D%/command_policies.c
bench_faultline_SOURCES += %D%/command_trace.h %D%/command_trace.c %D%/command_info.c %D%/command_cat.c \
	%D%/reference_text.h %D%/reference_text.c
bench_faultline_SOURCES += %D%/command_slice.c %D%/command_export.c
bench_faultline_SOURCES += %D%/command_import.h %D%/command_import.c %D%/command_generate.c
include bench/replay/local.mk
include bench/spaces/local.mk
include bench/physical/local.mk
include bench/proc/local.mk
include bench/fidelity/local.mk
bench_faultline_SOURCES += %D%/command_record.h %D%/command_record.c %D%/record_online.h %D%/record_online.c
bench_faultline_SOURCES += %D%/quantity.h %D%/quantity.c %D%/record_options.h %D%/record_options.c %D%/record_summary.c
bench_faultline_SOURCES += %D%/mmu_option.h %D%/mmu_option.c
bench_faultline_SOURCES += %D%/command_translate.h %D%/command_translate.c
bench_faultline_SOURCES += %D%/story.h %D%/story.c %D%/translation.h %D%/translation.c %D%/translation_text.c
bench_faultline_SOURCES += %D%/doctor.h %D%/doctor.c %D%/doctor_recorders.c %D%/doctor_accesses.c %D%/command_doctor.c
