# Free memory over the trace as heat maps, a panel for each run: one row per order of block, the colour says how many blocks of
# that order are free (buddy.tsv). Events run from left to right, one column per sample; a recorded machine is known at its beginning and at
# its end, a half of the panel each.
kind = ARG1; output = ARG2; runs = ARG3; columns = ARG4; rows = ARG5; colour_option = ARG6
load 'runs.gp'
panels = run_count > 9 ? 9 : run_count
panel_columns = kind ne 'dumb' && panels > 1 ? 2 : 1
panel_rows = (panels + panel_columns - 1) / panel_columns
if (kind eq 'dumb') {
	panels = 1
	panel_rows = 1
}
row_height = 190.0
figure_width = 660; figure_height = panels > 1 ? 60 + row_height * panel_rows : 380
load 'style.gp'

most_orders = 0
most_event = 0
do for [i = 1:panels] {
	stats file(i, 'buddy.tsv') using 1 nooutput name 'event'
	most_orders = event_columns - 1 > most_orders ? event_columns - 1 : most_orders
	most_event = event_max > most_event ? event_max : most_event
}
most_blocks = 1.0
do for [i = 1:panels] {
	stats file(i, 'buddy.tsv') matrix using ($1 < 1 ? NaN : $3) nooutput name 'blocks'
	most_blocks = blocks_max > most_blocks ? blocks_max : most_blocks
}
unit = event_unit(most_event)
array size_name[3] = ['KiB', 'MiB', 'GiB']
scale_of(order) = order >= 18 ? 3 : order >= 8 ? 2 : 1
size_of(order) = sprintf('%d %s', 4 * 2 ** order / 1024 ** (scale_of(order) - 1), size_name[scale_of(order)])
unset grid
unset key
set logscale cb
# One scale for all panels. Zero blocks have the lowest colour: grey.
set cbrange [0.7:most_blocks]
set palette maxcolors 64 defined (0 '#e8ebee', 0.04 '#e8ebee', 0.05 '#fde725', 0.3 '#5ec962', 0.55 '#21918c', \
	0.8 '#3b528b', 1 '#440154')
set label 1 'free blocks' at screen 1 - 63.0 / figure_width, 1 - 26.0 / figure_height center
set colorbox user origin 1 - 94.0 / figure_width, 0.2 size 14.0 / figure_width, 0.6 noborder
left = dumb ? 0.1 : 74.0 / figure_width
panel = (dumb ? 0.88 : 1 - 190.0 / figure_width) / panel_columns
set multiplot
do for [i = 1:panels] {
	series = file(i, 'buddy.tsv')
	set autoscale xy
	stats series using 1 nooutput name 'event'
	set yrange [-0.5:most_orders - 0.5]
	span = event_max > event_min ? event_max - event_min : 1.0
	column_event = span / event_records
	set xrange [event_min / unit:(event_min + span) / unit]
	row = (i - 1) / panel_columns
	set lmargin at screen left + ((i - 1) % panel_columns) * panel
	set rmargin at screen left + ((i - 1) % panel_columns + 1) * panel - (panel_columns > 1 ? 22.0 / figure_width : 0)
	if (!dumb) {
		set tmargin at screen 1 - (26.0 + row * row_height) / figure_height
		set bmargin at screen panels > 1 ? 1 - (26.0 + (row + 1) * row_height - 30) / figure_height : 0.17
	}
	if (panels > 1) {
		set title label[i] offset 0, -0.7
	}
	unset ytics
	do for [order = 0:most_orders - 1:2] {
		set ytics add ((i - 1) % panel_columns == 0 ? size_of(order) : '' order)
	}
	range_units = span / unit
	magnitude = 10 ** floor(log10(range_units))
	leading = range_units / magnitude
	set xtics magnitude * (panels == 1 ? (leading > 5 ? 1 : leading > 2 ? 0.5 : 0.2) : leading > 5 ? 2 : leading > 2 ? 1 : 0.5)
	is_lowest = i + panel_columns > panels
	set xlabel (is_lowest ? event_axis(unit) : '')
	set format x (is_lowest ? '%g' : '')
	plot series matrix using ((event_min + ($2 + 0.5) * column_event) / unit):($1 - 1):($1 < 1 ? NaN : $3 < 0.7 ? 0.7 : $3) \
		with image
	unset label 1
	unset colorbox
}
unset multiplot
