traces_libtraces_a_SOURCES +=
