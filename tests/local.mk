# make check: everything that is quick. make check-long: the long runs.
include tests/unit/local.mk
