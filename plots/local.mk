# The room's part of the one Makefile.
