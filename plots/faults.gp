# Page faults so far by kind, over the trace, and the page tables that they filled (faults.tsv): one panel per kind that
# occurs, one line per target.
kind = ARG1; output = ARG2; runs = ARG3; columns = ARG4; rows = ARG5; colour_option = ARG6
load 'runs.gp'
array what[7] = ['minor faults', 'major faults', 'copies on write', 'zero pages mapped', 'huge pages mapped', \
	'resident pages', 'page-table pages']
array panel[7]
array most[7]
panels = 0
do for [w = 1:7] {
	most[w] = 0
	do for [i = 1:run_count] {
		stats file(i, 'faults.tsv') using (most[w] = column(2 + w) > most[w] ? column(2 + w) : most[w], 1) nooutput
	}
	if (most[w] > 0) {
		panels = panels + 1
		panel[panels] = w
	}
}
panel_rows = (panels + 1) / 2
figure_width = 660; figure_height = 78 + 190 * panel_rows
load 'style.gp'

stats file(1, 'faults.tsv') using 1 nooutput name 'reference'
unit = event_unit(reference_max)
set xrange [0:*] noextend
set yrange [0:*]
if (!dumb) {
	load 'legend.gp'
	unset key
	set multiplot layout panel_rows, 2 margins 0.085, 0.975, 62.0 / figure_height, 1 - legend_height - 28.0 / figure_height \
		spacing 0.09, 56.0 / figure_height
}
do for [p = 1:(dumb ? 1 : panels)] {
	set xlabel (p > panels - 2 || dumb ? reference_axis(unit) : '')
	scale = event_unit(most[panel[p]])
	set title what[panel[p]] . (scale == 1e6 ? ', millions' : scale == 1e3 ? ', thousands' : '') offset 0, -0.6
	if (most[panel[p]] < 6) {
		set ytics 1
	} else {
		set ytics autofreq
	}
	plot for [i = 1:run_count] file(i, 'faults.tsv') using ($1 / unit):(column(2 + panel[p]) / scale) with lines \
		linecolor rgb colour(i) linewidth thick(i) dashtype dash[i] title label[i]
	do for [i = 1:run_count] {
		unset label 99 + i
	}
}
if (!dumb) {
	unset multiplot
}
