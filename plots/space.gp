# The address space of the largest process when it was last looked at (space_image.tsv, space_rows.tsv): rows of cells by
# address, cut wherever nothing begins, ends or is resident. The colour says what is mapped, its strength how much of it is
# resident. One panel per target.
kind = ARG1; output = ARG2; runs = ARG3; columns = ARG4; rows = ARG5; colour_option = ARG6
load 'runs.gp'
panels = run_count > 6 ? 6 : run_count
panel_rows = (panels + 1) / 2
figure_width = 1100; figure_height = 50 + 330 * panel_rows
load 'style.gp'

array kind_name[7] = ['program text', 'file', 'heap (brk)', 'anonymous', 'stack', 'shared memory', 'kernel']
array kind_colour[7] = [0x009E73, 0x56B4E9, 0xD55E00, 0x0072B2, 0xCC79A7, 0xE69F00, 0x808080]
unmapped = 0xE8EBEE
byte(rgb, number) = (rgb >> (8 * (2 - number))) & 255
# From a quarter of the colour on white, untouched, to all of it, resident.
blend(byte, share) = 255 - (255 - byte) * (0.25 + 0.75 * share)
part(number, kind, share) = kind == 0 ? byte(unmapped, number) : \
	blend(byte(kind_colour[kind], number), share)
do for [k = 1:7] {
	set label 200 + k kind_name[k] at screen 0.09 + 0.125 * (k - 1), screen 1 - 14.0 / figure_height \
		point pointtype 5 pointsize 1 linecolor rgb kind_colour[k] offset character 0.6, 0
}
unset key
unset grid
unset border
unset xtics
unset ytics
set multiplot layout panel_rows, (panels > 1 ? 2 : 1) margins 0.13, 0.985, 12.0 / figure_height, 1 - 56.0 / figure_height \
	spacing 0.145, 42.0 / figure_height
# A row of the image that was left out stands for the rows that were cut; it stays empty.
most_rows = 200
array is_drawn[most_rows]
row_note(row) = (is_drawn[row + 1] = 1, 1)
do for [i = 1:panels] {
	series = file(i, 'space_image.tsv')
	set xrange [*:*]
	set yrange [*:*]
	stats series using 1 nooutput name 'row'
	do for [r = 1:most_rows] {
		is_drawn[r] = 0
	}
	cell_bytes = 0
	stats file(i, 'space_rows.tsv') using (cell_bytes = $4, row_note($1)) nooutput
	# An address stands beside the first row after a cut, where there is room for it.
	room = row_max / 14.0
	next_address = 0
	address(row, start) = row >= next_address && (row == 0 || is_drawn[row] == 0) ? (next_address = row + room, start) : ''
	set xrange [-0.5:127.5]
	set yrange [row_max + 0.5:-0.5]
	set title sprintf('%s: a cell is %g KiB', label[i], cell_bytes / 1024.0) offset 0, -0.6
	plot series using 2:1:(part(0, $3, $4)):(part(1, $3, $4)):(part(2, $3, $4)): \
		(is_drawn[$1 + 1] ? 255 : 0) with rgbalpha, \
		file(i, 'space_rows.tsv') using (-0.5):1:(address($1, strcol(2))) with labels right offset -0.6, 0 font ',11'
	do for [k = 1:7] {
		unset label 200 + k
	}
}
unset multiplot
