# All frames of the machine at the end as an image, one panel per run (frame_map.tsv): the line of frame numbers laid along
# Hilbert's curve, so that neighbours in memory are neighbours in the picture; a cell has the colour of what most of its frames are.
kind = ARG1; output = ARG2; runs = ARG3; columns = ARG4; rows = ARG5; colour_option = ARG6
load 'runs.gp'
panels = run_count > 9 ? 9 : run_count
panel_columns = panels > 2 ? 3 : panels
panel_rows = (panels + panel_columns - 1) / panel_columns
figure_width = 1080; figure_height = 34 + (1080.0 / (panels > 2 ? 3 : 2)) * panel_rows
load 'style.gp'
load 'frame_uses.gp'

unset key
unset grid
unset border
unset xtics
unset ytics
panel = figure_width / (panels > 2 ? 3.0 : 2.0)
set size ratio -1
set multiplot
do for [i = 1:panels] {
	series = file(i, 'frame_map.tsv')
	set autoscale xy
	stats series using 1 nooutput name 'row'
	set xrange [-0.5:row_max + 0.5]
	set yrange [row_max + 0.5:-0.5]
	left = ((i - 1) % panel_columns) * panel + (panels == 1 ? panel / 2 : 0)
	top = 34.0 + ((i - 1) / panel_columns) * panel
	set lmargin at screen (left + 8) / figure_width
	set rmargin at screen (left + panel - 8) / figure_width
	set tmargin at screen 1 - (top + 24) / figure_height
	set bmargin at screen 1 - (top + panel - 6) / figure_height
	set title label[i] offset 0, -0.6
	plot series using 2:1:(use_byte(0, $3)):(use_byte(1, $3)):(use_byte(2, $3)) with rgbimage
	do for [use = 1:most_uses] {
		unset label 200 + use
	}
}
unset multiplot
