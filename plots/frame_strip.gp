# The frames of the machine at some moments of the trace, a row of small maps per run (frame_strip.tsv): the same curve and colours as in
# the map at the end.
kind = ARG1; output = ARG2; runs = ARG3; columns = ARG4; rows = ARG5; colour_option = ARG6
load 'runs.gp'
panels = run_count > 6 ? 6 : run_count
moments = 1
do for [i = 1:panels] {
	stats file(i, 'frame_strip.tsv') using 1 nooutput name 'moment'
	moments = moment_max + 1 > moments ? int(moment_max) + 1 : moments
}
longest = 0
do for [i = 1:panels] {
	longest = strlen(label[i]) > longest ? strlen(label[i]) : longest
}
figure_width = 1080
left = 24 + 8.2 * longest
panel = (figure_width - left - 6.0) / (moments < 4 ? 4 : moments)
figure_height = 34 + (panel + 8) * panels + 18
load 'style.gp'
load 'frame_uses.gp'

unset key
unset grid
unset border
unset xtics
unset ytics
set size ratio -1
stats file(1, 'frame_strip.tsv') using 2 nooutput name 'event'
unit = event_unit(event_max)
set multiplot
do for [i = 1:panels] {
	series = file(i, 'frame_strip.tsv')
	set autoscale xy
	stats series using 3 nooutput name 'row'
	stats series using 1 nooutput name 'moment'
	cells = (row_max + 1) ** 2
	top = 34.0 + (i - 1) * (panel + 8)
	# A run with fewer moments has its last one in the last column, too.
	do for [m = 0:int(moment_max)] {
		place = moment_max > 0 ? int(0.5 + m * (moments - 1.0) / moment_max) : 0
		stats series every ::(m * cells)::((m + 1) * cells - 1) using 2 nooutput name 'event'
		set xrange [-0.5:row_max + 0.5]
		set yrange [row_max + 0.5:-0.5]
		set lmargin at screen (left + place * panel) / figure_width
		set rmargin at screen (left + (place + 1) * panel - 6) / figure_width
		set tmargin at screen 1 - top / figure_height
		set bmargin at screen 1 - (top + panel - 6) / figure_height
		if (m == 0) {
			set label 1 label[i] at screen (left - 8) / figure_width, 1 - (top + panel / 2) / figure_height right
		}
		if (i == panels) {
			set label 2 sprintf('%.4g', event_min / unit) at screen (left + place * panel + panel / 2) / figure_width, \
				10.0 / figure_height center font ',11'
			if (m == 0) {
				set label 3 'event' . (unit == 1e6 ? ', millions' : unit == 1e3 ? ', thousands' : '') \
					at screen (left - 8) / figure_width, 10.0 / figure_height right font ',11'
			}
		}
		plot series every ::(m * cells)::((m + 1) * cells - 1) using 4:3:(use_byte(0, $5)):(use_byte(1, $5)):(use_byte(2, $5)) with rgbimage
		unset label 1
		unset label 2
		unset label 3
		do for [use = 1:most_uses] {
			unset label 200 + use
		}
		set autoscale xy
	}
}
unset multiplot
