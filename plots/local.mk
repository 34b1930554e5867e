# The figures, one script each, with their common style, and the style of the report page. configure.ac links them into the
# build tree.
plotsdir = $(pkgdatadir)/plots
dist_plots_DATA = \
	%D%/style.gp \
	%D%/runs.gp \
	%D%/legend.gp \
	%D%/policies.gp \
	%D%/report.css \
	%D%/overview.gp \
	%D%/throughput.gp \
	%D%/footprint.gp \
	%D%/latency.gp \
	%D%/fragmentation.gp \
	%D%/frontier.gp \
	%D%/external.gp \
	%D%/buddy.gp \
	%D%/orders.gp \
	%D%/outcomes.gp \
	%D%/page_latency.gp \
	%D%/slabs.gp \
	%D%/frame_uses.gp \
	%D%/frame_map.gp \
	%D%/frame_strip.gp \
	%D%/page_size.gp \
	%D%/tlb.gp \
	%D%/tlb_sizes.gp \
	%D%/walks.gp \
	%D%/faults.gp \
	%D%/pages.gp \
	%D%/space.gp \
	%D%/trace.gp

# make report: the shipped recordings on every allocator that is found, as a page in report/ of the build tree.
EXTRA_DIST += bench/demo
report: all
	$(SHELL) $(srcdir)/bench/demo bench/faultline $(srcdir)/traces/samples report
.PHONY: report
