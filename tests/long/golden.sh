#!/bin/sh
# The counts of every recording, the large ones too.
GOLDEN_EVENTS_MAX=1000000000
. "${top_srcdir:?}/tests/cli/golden.sh"
