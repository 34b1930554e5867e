# Footprint of every target, and the bytes that the program holds, over the trace (timeline.tsv).
kind = ARG1; output = ARG2; runs = ARG3; columns = ARG4; rows = ARG5; colour_option = ARG6
figure_width = 660; figure_height = 400
load 'style.gp'

stats file(1, 'timeline.tsv') using 1 nooutput name 'event'
unit = event_unit(event_max)
set xlabel event_axis(unit)
set ylabel 'MiB'
set yrange [0:*]
set xrange [0:*] noextend
if (!dumb) {
	load 'legend.gp'
	unset key
	set tmargin at screen 0.98 - legend_height
}
plot file(1, 'timeline.tsv') using ($1 / unit):(mebibytes($3)) with filledcurves y1=0 \
		linecolor rgb live_colour fillstyle solid (dumb ? 0 : 0.35) title 'live', \
	for [i = 1:run_count] file(i, 'timeline.tsv') using ($1 / unit):(mebibytes($6)) with lines \
		linecolor rgb colour(i) linewidth thick(i) dashtype dash[i] title label[i]
