# How long allocations and frees of pages take, by order (page_latency.tsv): for each run the median and the percentiles 99 and 99.9, a clock
# around every call. What lies below the clock's step cannot be told apart and is drawn in the grey band.
kind = ARG1; output = ARG2; runs = ARG3; columns = ARG4; rows = ARG5; colour_option = ARG6
figure_width = 660; figure_height = 420
load 'style.gp'

# Policies of one engine are told apart here, so each run has a colour of its own; dashes tell the percentiles.
load 'policies.gp'
step = known(resolution[1])
step = step == step ? step : 10
array quantile[3] = [0.5, 0.99, 0.999]
array quantile_dash[3] = [1, 2, 3]
nanoseconds(operation, wanted, order, q, latency, below) = \
	strcol(operation) eq wanted && abs(q - quantile[p]) < 1e-9 ? (below > 0 ? step / 2.0 : latency) : NaN
slowest = 100 * step
do for [i = 1:run_count] {
	stats file(i, 'page_latency.tsv') using ($3 < 0.9995 ? $4 : NaN) nooutput name 'shown'
	slowest = shown_max > slowest ? shown_max : slowest
}
set logscale y
set xrange [-0.3:10.3]
set yrange [step / 3.0:1.5 * slowest]
set xtics 1
set xlabel 'order'
set ytics ('1 ns' 1, '10 ns' 10, '100 ns' 100, '1 µs' 1e3, '10 µs' 1e4, '100 µs' 1e5, '1 ms' 1e6, '10 ms' 1e7)
set object 1 rectangle from graph 0, first step / 3.0 to graph 1, first step behind \
	fillcolor rgb grid_colour fillstyle solid 0.3 noborder
if (!dumb) {
	load 'legend.gp'
	unset key
	set multiplot layout 1, 2 margins 0.1, 0.97, 0.13, 0.86 - legend_height spacing 0.12, 0.1
	set label 1 'solid: p50, dashed: p99, dotted: p99.9' at screen 0.5, screen 0.96 - legend_height center
}
array title_of[2] = ['allocation', 'release']
do for [o = 1:(dumb ? 1 : 2)] {
	set title title_of[o] offset 0, -0.6
	plot for [p = 1:3] for [i = 1:run_count] file(i, 'page_latency.tsv') \
		using 2:(nanoseconds(1, title_of[o], $2, $3, $4, $5)) with linespoints linecolor rgb colour(i) linewidth 1.6 \
		dashtype quantile_dash[p] pointtype 7 pointsize 0.35 title (p == 1 ? label[i] : '')
	do for [k = 100:100 + run_count] {
		unset label k
	}
	unset label 1
}
if (!dumb) {
	unset multiplot
}
