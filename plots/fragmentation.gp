# Internal fragmentation over the trace: the share of the granted bytes that nobody asked for (timeline.tsv).
kind = ARG1; output = ARG2; runs = ARG3; columns = ARG4; rows = ARG5; colour_option = ARG6
figure_width = 660; figure_height = 400
load 'style.gp'
stats file(1, 'timeline.tsv') using 1 nooutput name 'event'
unit = event_unit(event_max)

set xlabel event_axis(unit)
set ylabel 'per cent of granted bytes'
set xrange [0:*] noextend
set yrange [0:*]
if (!dumb) {
	load 'legend.gp'
	unset key
	set tmargin at screen 0.98 - legend_height
}
plot for [i = 1:run_count] file(i, 'timeline.tsv') using ($1 / unit):(percent($9)) with lines \
	linecolor rgb colour(i) linewidth thick(i) dashtype dash[i] title label[i]
