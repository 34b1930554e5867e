# Policies on two loads that break memory up: to the right, order-9 requests that fail at 90 % in use (fragmenter B); up, huge
# pages that half-free memory gives back (fragmenter A). The good corner is the upper left one. `make bench-fragmentation` calls
#
#   gnuplot -c frontier.gp svg|png|dumb OUTPUT TABLE
kind = ARG1; output = ARG2; table = ARG3
figure_width = 660; figure_height = 400
run_count = 1
array label[1] = ['engine']
columns = 100; rows = 30; colour_option = ''
load 'style.gp'

set datafile separator "\t"
set xlabel 'order-9 requests that fail in B, %'
set title 'huge pages under two loads, by policy' offset 0, -0.4
set ylabel 'huge pages back in A, %'
set xrange [-4:*]
set yrange [-8:112]
set rmargin (dumb ? 4 : 16)
unset key
array point_colour[8] = [0x0072B2, 0xD55E00, 0xE69F00, 0xCC79A7, 0x009E73, 0x56B4E9, 0x7A5195, 0x6B7580]
# What is to be reached: at least 250 of 256 and at most 1 %.
if (!dumb) {
	set object 1 rectangle from -4, 250 / 2.56 to 1, 112 fillstyle solid 0.15 noborder fillcolor rgb 0x009E73 behind
}
# Policies at one place share a label.
stats table using (100.0 * $2 / $3) nooutput
count = STATS_records
array at_x[count]
array at_y[count]
array name[count]
stats table using (at_x[$0 + 1] = $4, at_y[$0 + 1] = 100.0 * $2 / $3, name[$0 + 1] = strcol(1), 0) nooutput
near(i, j) = abs(at_x[i] - at_x[j]) < 2 && abs(at_y[i] - at_y[j]) < 4
do for [i = 1:count] {
	above = 0
	do for [j = 1:i - 1] {
		above = above + near(i, j)
	}
	set label i name[i] at at_x[i], at_y[i] offset character 1.2, (at_y[i] < 50 ? 1.0 : -1.0) * above \
		textcolor rgb (dumb ? 0 : point_colour[(i - 1) % 8 + 1])
}
plot for [i = 1:count] [0:0] '+' using (at_x[i]):(at_y[i]) with points pointtype 7 pointsize 1.1 \
	linecolor rgb point_colour[(i - 1) % 8 + 1]
