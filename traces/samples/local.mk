# The shipped recordings, installed so that they can be replayed where there is no source tree.
samplesdir = $(pkgdatadir)/samples
dist_samples_DATA = %D%/README.md %D%/SHA256SUMS \
	%D%/gcc-compile.flt %D%/git-repack.flt %D%/gnuplot-surface.flt %D%/jq-json.flt %D%/perl-json.flt \
	%D%/python-ast.flt %D%/python-http-threads.flt %D%/redis-benchmark.flt %D%/sqlite-insert.flt
kernelsamplesdir = $(samplesdir)/kernel
dist_kernelsamples_DATA = %D%/kernel/README.md %D%/kernel/SHA256SUMS %D%/kernel/gcc-compile.flt %D%/kernel/copy-tree.flt
EXTRA_DIST += %D%/record-samples %D%/kernel/record-kernel %D%/kernel/fill-memory
i386samplesdir = $(samplesdir)/i386
dist_i386samples_DATA = %D%/i386/README.md %D%/i386/SHA256SUMS %D%/i386/words.flt
EXTRA_DIST += %D%/i386/record-i386
