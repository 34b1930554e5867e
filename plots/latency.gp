# Latency percentiles per operation and target (latency.tsv). The horizontal axis stretches towards the slowest calls.
# What lies below the clock's step cannot be told apart and is drawn in the grey band.
kind = ARG1; output = ARG2; runs = ARG3; columns = ARG4; rows = ARG5; colour_option = ARG6
figure_width = 660; figure_height = 540
load 'style.gp'

array operation[5] = ['malloc', 'free', 'realloc', 'calloc', 'memalign']
array measured[5]
do for [o = 1:5] {
	measured[o] = 0
	do for [i = 1:run_count] {
		stats file(i, 'latency.tsv') using (measured[o] = measured[o] + (strcol(1) eq operation[o]), 1) nooutput
	}
}
panels = 0
array panel[4]
do for [o = 1:(dumb ? 1 : 5)] {
	if (measured[o] > 0 && panels < 4) {
		panels = panels + 1
		panel[panels] = operation[o]
	}
}
step = known(resolution[1])
step = step == step ? step : 10
band = step / 2.0
tail(quantile) = -log10(1 - quantile)
nanoseconds(name, latency, below) = strcol(1) eq name ? (below > 0 ? band : latency) : NaN

set logscale y
set xrange [tail(0.5):4]
set yrange [step / 3.0:*]
set xtics ('p50' tail(0.5), 'p90' 1, 'p99' 2, 'p99.9' 3, 'p99.99' 4)
set ytics ('1 ns' 1, '10 ns' 10, '100 ns' 100, '1 µs' 1e3, '10 µs' 1e4, '100 µs' 1e5, '1 ms' 1e6, '10 ms' 1e7)
set object 1 rectangle from graph 0, first step / 3.0 to graph 1, first step behind \
	fillcolor rgb grid_colour fillstyle solid 0.3 noborder
if (!dumb) {
	load 'legend.gp'
	unset key
	set multiplot layout (panels + 1) / 2, 2 margins 0.105, 0.955, 0.08, 0.94 - legend_height spacing 0.145, 0.13
}
do for [p = 1:panels] {
	set title panel[p] offset 0, -0.6
	plot for [i = 1:run_count] file(i, 'latency.tsv') using (tail($2)):(nanoseconds(panel[p], $3, $4)) with lines \
		linecolor rgb colour(i) linewidth thick(i) dashtype dash[i] title label[i]
	do for [i = 1:run_count] {
		unset label 99 + i
	}
}
if (!dumb) {
	unset multiplot
}
