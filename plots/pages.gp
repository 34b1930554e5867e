# The mix of page sizes over the trace (pages.tsv): the share of resident memory that lies in huge pages, and the share of the
# references that go to them.
kind = ARG1; output = ARG2; runs = ARG3; columns = ARG4; rows = ARG5; colour_option = ARG6
figure_width = 660; figure_height = 310
load 'style.gp'

stats file(1, 'pages.tsv') using 1 nooutput name 'reference'
unit = event_unit(reference_max)
set xrange [0:*] noextend
set yrange [-2:102]
set xlabel reference_axis(unit)
array what[2] = ['resident memory in huge pages, per cent', 'references to huge pages, per cent']
if (!dumb) {
	load 'legend.gp'
	unset key
	set multiplot layout 1, 2 margins 0.085, 0.975, 0.2, 0.89 - legend_height spacing 0.09, 0.1
}
do for [w = 1:(dumb ? 1 : 2)] {
	set title what[w] offset 0, -0.6
	plot for [i = 1:run_count] file(i, 'pages.tsv') using ($1 / unit):(percent(column(6 + w))) with lines \
		linecolor rgb colour(i) linewidth thick(i) dashtype dash[i] title label[i]
	do for [i = 1:run_count] {
		unset label 99 + i
	}
}
if (!dumb) {
	unset multiplot
}
