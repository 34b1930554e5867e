# The figures, one script each, with their common style, and the style of the report page. configure.ac links them into the
# build tree.
plotsdir = $(pkgdatadir)/plots
dist_plots_DATA = \
	%D%/style.gp \
	%D%/legend.gp \
	%D%/report.css \
	%D%/overview.gp \
	%D%/throughput.gp \
	%D%/footprint.gp \
	%D%/latency.gp \
	%D%/fragmentation.gp \
	%D%/buddy.gp \
	%D%/trace.gp
