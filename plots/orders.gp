# What the free memory at the end is good for, by the order of a request, over all zones (orders.tsv): left, the share of it that lies in
# smaller blocks; right, the kernel's index of external fragmentation, which is defined only where a request would fail.
kind = ARG1; output = ARG2; runs = ARG3; columns = ARG4; rows = ARG5; colour_option = ARG6
figure_width = 660; figure_height = 400
load 'style.gp'

load 'policies.gp'
set xlabel 'order of a request'
set xtics 1
stats file(1, 'orders.tsv') using 2 nooutput name 'order'
set xrange [-0.3:order_max + 0.3]
set yrange [0:1.02]
of_all(zone, value) = strcol(zone) eq 'all' ? value : NaN
if (!dumb) {
	load 'legend.gp'
	unset key
	set tmargin at screen 0.92 - legend_height
}
set multiplot layout 1, 2
set title 'unusable free space index' offset 0, -0.6
plot for [i = 1:run_count] file(i, 'orders.tsv') using (of_all(1, $2)):4 with linespoints linecolor rgb colour(i) \
	linewidth 2 dashtype dash[i] pointtype 7 pointsize 0.5 title label[i]
do for [k = 100:100 + legend_labels] {
	unset label k
}
set title 'external fragmentation index' offset 0, -0.6
known_values = 0
do for [i = 1:run_count] {
	stats file(i, 'orders.tsv') using (valid(5) ? 1 : 0) nooutput
	known_values = known_values + STATS_sum
}
if (known_values == 0) {
	set label 200 'no request would fail' at graph 0.5, 0.5 center
}
plot for [i = 1:run_count] file(i, 'orders.tsv') using (of_all(1, $2)):5 with linespoints linecolor rgb colour(i) \
	linewidth 2 dashtype dash[i] pointtype 7 pointsize 0.5 title label[i]
unset multiplot
