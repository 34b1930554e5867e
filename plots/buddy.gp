# The engine's free memory over the trace as a heat map: one row per order of block, the colour says how many blocks of
# that order are free (buddy.tsv). Events run from left to right, one column per sample.
kind = ARG1; output = ARG2; runs = ARG3; columns = ARG4; rows = ARG5; colour_option = ARG6
figure_width = 660; figure_height = 380
load 'style.gp'

engine = 1
do for [i = run_count:1:-1] {
	if (family(label[i]) eq 'engine') {
		engine = i
	}
}
series = file(engine, 'buddy.tsv')
stats series using 1 nooutput name 'event'
orders = event_columns - 1
unit = event_unit(event_max)
span = event_max - event_min
column_event = event_records > 1 ? span / (event_records - 1.0) : 1.0
set xlabel event_axis(unit)
set xrange [(event_min - column_event / 2) / unit:(event_max + column_event / 2) / unit]
set yrange [-0.5:orders - 0.5]
set ylabel 'size of a free block'
array size_name[3] = ['KiB', 'MiB', 'GiB']
do for [order = 0:orders - 1] {
	kibibytes = 4 * 2 ** order
	scale = kibibytes >= 1048576 ? 3 : kibibytes >= 1024 ? 2 : 1
	if (order % 2 == 0) {
		set ytics add (sprintf('%d %s', kibibytes / 1024 ** (scale - 1), size_name[scale]) order)
	}
}
unset grid
unset key
set colorbox user origin 0.865, 0.2 size 0.02, 0.6 noborder
set rmargin 17
set lmargin 12
set label 1 'free blocks' at screen 0.91, 0.86 center
set logscale cb
set cbrange [0.7:*]
# Zero blocks have the lowest colour: grey.
set palette maxcolors 64 defined (0 '#e8ebee', 0.04 '#e8ebee', 0.05 '#fde725', 0.3 '#5ec962', 0.55 '#21918c', \
	0.8 '#3b528b', 1 '#440154')
plot series matrix using ((event_min + $2 * column_event) / unit):($1 - 1):($1 < 1 ? NaN : $3 < 0.7 ? 0.7 : $3) with image
